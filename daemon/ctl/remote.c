#include "ctl/remote.h"

#include "base/json.h"
#include "ctl/answer.h"
#include "ctl/peer.h"
#include "ctl/pin.h"
#include "db/directory.h"
#include "settings/address.h"
#include "settings/secret.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_TIMEOUT 5L
#define TIMEOUT 120L /* seconds: a purge waits for the disk */

struct attempt {
  const struct settings *settings;
  const struct remote_request *request;
  const char *where; /* the address as it is configured */
  CURL *easy;
  struct address address;
  curl_socket_t socket;
  bool refused; /* the peer was refused, with `fault` */
  struct fault fault;
  struct text url;
  struct curl_slist *headers;
  struct text *body;
  struct remote *remote;
};

static bool has_tls(const struct attempt *attempt) {
  return *attempt->settings->admin_tls_certificate != '\0';
}

static bool is_secret(const struct attempt *attempt) {
  return attempt->request->is_secret || *attempt->settings->admin_token_file;
}

/* --- whether a daemon runs, and who listens --- */

/* A lock of this machine tells nothing about a daemon on another; that one has TLS, or its address is
 * invalid. */
static bool may_ask(struct attempt *attempt, struct fault *fault) {
  const char *directory = attempt->settings->state_directory;
  if (!address_is_here(&attempt->address))
    return true;
  enum directory_use use = directory_use_of(directory);
  attempt->remote->absent =
      use == DIRECTORY_FREE || (use == DIRECTORY_UNUSED && is_secret(attempt) && !has_tls(attempt));
  return !attempt->remote->absent ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "rowcached does not run: no process holds '%.200s' (state.directory), so %.100s "
                   "is not asked; start it, or give the -c and -o that it was started with",
                   directory, attempt->where);
}

static bool is_trusted(uid_t user, const char *directory) {
  struct stat status;
  return user == 0 || user == geteuid() ||
         (directory_stat(directory, &status) && status.st_uid == user);
}

static bool check_peer(struct attempt *attempt, struct fault *fault) {
  const char *directory = attempt->settings->state_directory;
  uid_t user;
  struct fault why;
  if (has_tls(attempt) || (attempt->address.kind != ADDRESS_UNIX && !is_secret(attempt)))
    return true;
  if (!peer_user(attempt->socket, &user, &why))
    return fault_set(fault, FAULT_UNAVAILABLE, "%.100s was not asked, to keep the token secret: %s",
                     attempt->where, why.text);
  return is_trusted(user, directory) ||
         fault_set(
             fault, FAULT_UNAVAILABLE,
             "%.100s was not asked: a process of user %u listens there, and that user is neither "
             "root nor the owner of '%.200s' (state.directory)",
             attempt->where, (unsigned)user, directory);
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  struct attempt *attempt = context;
  attempt->socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return attempt->socket;
}

/* The connection exists; nothing but a TLS handshake was sent. */
static int on_connected(void *context, char *remote, char *local, int remote_port, int local_port) {
  (void)remote, (void)local, (void)remote_port, (void)local_port;
  struct attempt *attempt = context;
  attempt->refused = !check_peer(attempt, &attempt->fault);
  return attempt->refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void watch_connecting(struct attempt *attempt) {
  curl_easy_setopt(attempt->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(attempt->easy, CURLOPT_OPENSOCKETDATA, attempt);
  curl_easy_setopt(attempt->easy, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(attempt->easy, CURLOPT_PREREQDATA, attempt);
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

static bool set_where(struct attempt *attempt, struct fault *fault) {
  text_add(&attempt->url, has_tls(attempt) ? VIEW("https://") : VIEW("http://"));
  if (attempt->address.kind == ADDRESS_UNIX) {
    const struct sockaddr_un *name = (const struct sockaddr_un *)&attempt->address.storage;
    text_add(&attempt->url, VIEW("localhost"));
    curl_easy_setopt(attempt->easy, CURLOPT_UNIX_SOCKET_PATH, name->sun_path);
    return true;
  }
  in_port_t port = add_host(&attempt->address, &attempt->url);
  text_printf(&attempt->url, ":%u", (unsigned)port);
  return port ||
         fault_set(
             fault, FAULT_MALFORMED,
             "admin.listen is '%.100s', and port 0 means any port: the daemon's log names it; give "
             "it with -o admin.listen=ADDRESS:PORT",
             attempt->where);
}

/* --- who --- */

static bool add_token(struct attempt *attempt, struct fault *fault) {
  struct secret *token;
  scope_text struct text header = {0};
  if (!secret_load("admin.token_file", attempt->settings->admin_token_file, 1, &token, fault))
    return false;
  if (!token)
    return true;
  text_printf(&header, "Authorization: Bearer %.*s", VIEW_ARGS(secret_view(token)));
  secret_release(&token);
  struct curl_slist *headers = curl_slist_append(attempt->headers, text_string(&header));
  if (headers)
    attempt->headers = headers;
  return headers ? true : fault_no_memory(fault);
}

/* The certificate may be self-signed and need not name the address. The proof is the key of the
 * certificate that the configuration names. */
static bool pin(CURL *easy, const char *file, struct fault *fault) {
  scope_text struct text pinned = {0};
  if (!*file)
    return true;
  if (!pin_read(file, &pinned, fault))
    return false;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  return curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, text_string(&pinned)) == CURLE_OK ||
         fault_no_memory(fault);
}

/* --- the answer --- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  struct attempt *attempt = context;
  text_add(attempt->body, (struct view){bytes, size * count});
  return text_ok(attempt->body) ? size * count : 0;
}

/* True if no process listens; false if one refuses or does not answer. */
static bool nobody_listens(CURL *easy, CURLcode code) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  return code == CURLE_COULDNT_CONNECT && (error == 0 || error == ECONNREFUSED || error == ENOENT);
}

static bool no_answer(struct attempt *attempt, CURLcode code, struct fault *fault) {
  long error = 0;
  curl_easy_getinfo(attempt->easy, CURLINFO_OS_ERRNO, &error);
  if (!text_ok(attempt->body))
    return fault_set(fault, FAULT_UPSTREAM, "the answer from %.200s is larger than %zu MiB",
                     attempt->where, JSON_LIMIT / (1024 * 1024));
  if (attempt->refused) {
    *fault = attempt->fault;
    return false;
  }
  bool nobody = nobody_listens(attempt->easy, code);
  attempt->remote->absent = nobody && address_is_here(&attempt->address);
  const char *what =
      code == CURLE_COULDNT_CONNECT && error ? strerror((int)error) : curl_easy_strerror(code);
  if (nobody)
    return fault_set(
        fault, FAULT_UNAVAILABLE,
        "rowcached does not listen at %.200s (admin.listen): %s; start it, or give the "
        "-c and -o that it was started with",
        attempt->where, what);
  if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
    what = "it does not show admin.tls_certificate; has the certificate been renewed since the "
           "daemon was reloaded?";
  return fault_set(fault, FAULT_UNAVAILABLE, "no answer from %.200s (admin.listen): %s",
                   attempt->where, what);
}

static bool read_refusal(struct attempt *attempt, long status, yajl_val tree, struct fault *fault) {
  const char *error = YAJL_GET_STRING(answer_get(tree, "error"));
  return fault_set(fault, FAULT_UPSTREAM, "%s (HTTP %ld from %.200s)",
                   error ? error : "something that is not rowcached's admin side answered", status,
                   attempt->where);
}

static bool judge(struct attempt *attempt, struct fault *fault) {
  long status = 0;
  yajl_val tree = NULL;
  curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
  bool ok = answer_parse(text_view(attempt->body), &tree, fault);
  if (!ok || status != 200)
    ok = read_refusal(attempt, status, tree, fault);
  yajl_tree_free(tree);
  return ok;
}

/* --- the request --- */

static bool send_request(struct attempt *attempt, struct fault *fault) {
  const struct remote_request *request = attempt->request;
  CURL *easy = attempt->easy;
  curl_easy_setopt(easy, CURLOPT_URL, text_string(&attempt->url));
  if (request->form) /* not copied; sets the content type of a form */
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->form);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy may well name the daemon's other side */
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or later */
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT,
                   attempt->request->timeout ? (long)attempt->request->timeout : TIMEOUT);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "rowcachectl/" ROWCACHE_VERSION);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
  watch_connecting(attempt);
  CURLcode code = curl_easy_perform(easy);
  return code == CURLE_OK ? judge(attempt, fault) : no_answer(attempt, code, fault);
}

static bool ask_address(struct attempt *attempt, struct fault *fault) {
  if (!address_parse(attempt->where, &attempt->address, fault) || !may_ask(attempt, fault) ||
      !set_where(attempt, fault) || !add_token(attempt, fault) ||
      !pin(attempt->easy, attempt->settings->admin_tls_certificate, fault))
    return false;
  text_add(&attempt->url, view_of(attempt->request->path));
  return text_ok(&attempt->url) ? send_request(attempt, fault) : fault_no_memory(fault);
}

bool remote_ask(const struct settings *settings, const struct remote_request *request,
                struct remote *remote, struct fault *fault) {
  *remote = (struct remote){.body = {.limit = JSON_LIMIT}};
  if (settings->admin_listen.count == 0) {
    remote->absent = true;
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "admin.listen is none, so the daemon cannot be asked");
  }
  struct attempt attempt = {.settings = settings,
                            .request = request,
                            .where = settings->admin_listen.items[0],
                            .easy = curl_easy_init(),
                            .socket = CURL_SOCKET_BAD,
                            .body = &remote->body,
                            .remote = remote};
  bool ok = attempt.easy ? ask_address(&attempt, fault) : fault_no_memory(fault);
  curl_easy_cleanup(attempt.easy);
  curl_slist_free_all(attempt.headers);
  text_free(&attempt.url);
  return ok;
}
