#include "ctl/link.h"

#include "ctl/peer.h"
#include "ctl/pin.h"
#include "db/directory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_TIMEOUT 5L

static bool has_tls(const struct link *link) {
  return *link->side.certificate != '\0';
}

/* --- whether a daemon runs, and who listens --- */

/* A lock of this machine tells nothing about a daemon on another, which has TLS. */
static bool may_ask(struct link *link, struct fault *fault) {
  const char *directory = link->directory;
  if (!address_is_here(&link->address) && has_tls(link))
    return true;
  enum directory_use use = directory_use_of(directory);
  link->absent =
      use == DIRECTORY_FREE || (use == DIRECTORY_UNUSED && link->side.is_secret && !has_tls(link));
  return !link->absent ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "rowcached does not run: no process holds '%.200s' (state.directory), so %.100s "
                   "is not asked; start it, or give the -c and -o that it was started with",
                   directory, link->where);
}

static bool is_trusted(uid_t user, const char *directory) {
  struct stat status;
  return user == 0 || user == geteuid() ||
         (directory_stat(directory, &status) && status.st_uid == user);
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
  if (a->ss_family != b->ss_family)
    return false;
  if (a->ss_family == AF_INET)
    return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)b)->sin_addr.s_addr;
  return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* A connection to an address of this machine itself comes from the same address. */
static bool ends_here(const struct link *link) {
  struct sockaddr_storage here = {0}, there = {0};
  socklen_t here_length = sizeof here, there_length = sizeof there;
  if (address_is_here(&link->address))
    return true;
  if (getsockname(link->socket, (struct sockaddr *)&here, &here_length) != 0 ||
      getpeername(link->socket, (struct sockaddr *)&there, &there_length) != 0)
    return false;
  return same_host(&here, &there);
}

static bool check_peer(struct link *link, struct fault *fault) {
  const char *directory = link->directory;
  uid_t user;
  struct fault why;
  if (has_tls(link) || (link->address.kind != ADDRESS_UNIX && !link->side.is_secret))
    return true;
  if (!ends_here(link))
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "%.100s was not asked: it is on another machine, and without %s a token would "
                     "cross the network in the clear",
                     link->where, link->side.certificate_key);
  if (!peer_user(link->socket, &user, &why))
    return fault_set(fault, FAULT_UNAVAILABLE, "%.100s was not asked, to keep the token secret: %s",
                     link->where, why.text);
  return is_trusted(user, directory) ||
         fault_set(
             fault, FAULT_UNAVAILABLE,
             "%.100s was not asked: a process of user %u listens there, and that user is neither "
             "root nor the owner of '%.200s' (state.directory)",
             link->where, (unsigned)user, directory);
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  struct link *link = context;
  link->socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return link->socket;
}

/* The connection exists; nothing but a TLS handshake was sent. */
static int on_connected(void *context, char *remote, char *local, int remote_port, int local_port) {
  (void)remote, (void)local, (void)remote_port, (void)local_port;
  struct link *link = context;
  link->refused = !check_peer(link, &link->fault);
  return link->refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void watch_connecting(struct link *link) {
  curl_easy_setopt(link->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(link->easy, CURLOPT_OPENSOCKETDATA, link);
  curl_easy_setopt(link->easy, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(link->easy, CURLOPT_PREREQDATA, link);
}

/* --- where --- */

/* A daemon that listens on every address is asked on the loopback address. */
static struct in_addr reachable(struct in_addr address) {
  if (address.s_addr == htonl(INADDR_ANY))
    address.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static struct in6_addr reachable6(struct in6_addr address) {
  return IN6_IS_ADDR_UNSPECIFIED(&address) ? in6addr_loopback : address;
}

static in_port_t add_host(const struct address *address, struct text *url) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address->kind == ADDRESS_INET) {
    const struct sockaddr_in *name = (const struct sockaddr_in *)&address->storage;
    struct in_addr to = reachable(name->sin_addr);
    text_add(url, view_of(inet_ntop(AF_INET, &to, host, sizeof host)));
    return ntohs(name->sin_port);
  }
  const struct sockaddr_in6 *name = (const struct sockaddr_in6 *)&address->storage;
  struct in6_addr to = reachable6(name->sin6_addr);
  text_printf(url, "[%s]", inet_ntop(AF_INET6, &to, host, sizeof host));
  return ntohs(name->sin6_port);
}

static bool set_where(struct link *link, struct fault *fault) {
  text_add(&link->url, has_tls(link) ? VIEW("https://") : VIEW("http://"));
  if (link->address.kind == ADDRESS_UNIX) {
    const struct sockaddr_un *name = (const struct sockaddr_un *)&link->address.storage;
    text_add(&link->url, VIEW("localhost"));
    curl_easy_setopt(link->easy, CURLOPT_UNIX_SOCKET_PATH, name->sun_path);
    return true;
  }
  in_port_t port = add_host(&link->address, &link->url);
  text_printf(&link->url, ":%u", (unsigned)port);
  return port ||
         fault_set(
             fault, FAULT_MALFORMED,
             "%s is '%.100s', and port 0 means any port: the daemon's log names it; give it with "
             "-o %s=ADDRESS:PORT",
             link->side.key, link->where, link->side.key);
}

/* --- the proof --- */

/* The certificate may be self-signed and need not name the address. The proof is the key of the
 * certificate that the configuration names. */
static bool pin(struct link *link, struct fault *fault) {
  scope_text struct text pinned = {0};
  if (!has_tls(link))
    return true;
  if (!pin_read(link->side.certificate_key, link->side.certificate, &pinned, fault))
    return false;
  curl_easy_setopt(link->easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(link->easy, CURLOPT_SSL_VERIFYHOST, 0L);
  return curl_easy_setopt(link->easy, CURLOPT_PINNEDPUBLICKEY, text_string(&pinned)) == CURLE_OK ||
         fault_no_memory(fault);
}

/* --- no answer --- */

/* True if no process listens; false if one refuses or does not answer. */
static bool nobody_listens(CURL *easy, CURLcode code) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  return code == CURLE_COULDNT_CONNECT && (error == 0 || error == ECONNREFUSED || error == ENOENT);
}

static bool no_answer(struct link *link, CURLcode code, struct fault *fault) {
  long error = 0;
  curl_easy_getinfo(link->easy, CURLINFO_OS_ERRNO, &error);
  if (link->refused) {
    *fault = link->fault;
    return false;
  }
  bool nobody = nobody_listens(link->easy, code);
  link->absent = nobody && address_is_here(&link->address);
  const char *what =
      code == CURLE_COULDNT_CONNECT && error ? strerror((int)error) : curl_easy_strerror(code);
  if (nobody)
    return fault_set(
        fault, FAULT_UNAVAILABLE,
        "rowcached does not listen at %.200s (%s): %s; start it, or give the -c and -o that it was "
        "started with",
        link->where, link->side.key, what);
  if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "no answer from %.200s (%s): it does not show %s; has the certificate been "
                     "renewed since the daemon was reloaded?",
                     link->where, link->side.key, link->side.certificate_key);
  return fault_set(fault, FAULT_UNAVAILABLE, "no answer from %.200s (%s): %s", link->where,
                   link->side.key, what);
}

/* --- the request --- */

static void set_options(struct link *link) {
  CURL *easy = link->easy;
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy may well name the daemon itself */
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or later */
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "rowcachectl/" ROWCACHE_VERSION);
  watch_connecting(link);
}

bool link_open(struct link *link, const struct settings *settings, const struct link_side *side,
               struct fault *fault) {
  *link = (struct link){
      .side = *side, .directory = settings->state_directory, .socket = CURL_SOCKET_BAD};
  if (side->listen->count == 0) {
    link->absent = true;
    return fault_set(fault, FAULT_UNAVAILABLE, "%s is none, so the daemon cannot be asked",
                     side->key);
  }
  link->where = side->listen->items[0];
  link->easy = curl_easy_init();
  if (!link->easy)
    return fault_no_memory(fault);
  set_options(link);
  return address_parse(link->where, &link->address, fault) && may_ask(link, fault) &&
         set_where(link, fault) && pin(link, fault);
}

bool link_send(struct link *link, struct view path, struct fault *fault) {
  text_add(&link->url, path);
  if (!text_ok(&link->url))
    return fault_no_memory(fault);
  curl_easy_setopt(link->easy, CURLOPT_URL, text_string(&link->url));
  CURLcode code = curl_easy_perform(link->easy);
  return code == CURLE_OK || no_answer(link, code, fault);
}

long link_status(const struct link *link) {
  long status = 0;
  if (link->easy)
    curl_easy_getinfo(link->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void link_close(struct link *link) {
  curl_easy_cleanup(link->easy);
  link->easy = NULL;
  text_free(&link->url);
}
