#include "settings/address.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#define FORMS "write ADDRESS:PORT, [IPv6]:PORT or unix:PATH"
#define SHOWN 120 /* bytes of a wrong text that a fault repeats */

static bool parse_unix(const char *path, struct address *out, struct fault *fault) {
  struct sockaddr_un *name = (struct sockaddr_un *)&out->storage;
  size_t length = strlen(path);
  if (length == 0)
    return fault_set(fault, FAULT_MALFORMED, "'unix:' names no path; " FORMS);
  if (length >= sizeof name->sun_path)
    return fault_set(fault, FAULT_MALFORMED,
                     "'unix:%.*s' has a path of %zu bytes, and %zu is the most for a socket", SHOWN,
                     path, length, sizeof name->sun_path - 1);
  name->sun_family = AF_UNIX;
  memcpy(name->sun_path, path, length + 1);
  out->kind = ADDRESS_UNIX;
  out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  return true;
}

static bool parse_inet(const char *host, in_port_t port, struct address *out) {
  struct sockaddr_in *name = (struct sockaddr_in *)&out->storage;
  if (strcmp(host, "localhost") == 0)
    host = "127.0.0.1";
  if (inet_pton(AF_INET, host, &name->sin_addr) != 1)
    return false;
  name->sin_family = AF_INET;
  name->sin_port = port;
  out->kind = ADDRESS_INET;
  out->length = sizeof *name;
  return true;
}

static bool parse_inet6(const char *host, in_port_t port, struct address *out) {
  struct sockaddr_in6 *name = (struct sockaddr_in6 *)&out->storage;
  if (inet_pton(AF_INET6, host, &name->sin6_addr) != 1)
    return false;
  name->sin6_family = AF_INET6;
  name->sin6_port = port;
  out->kind = ADDRESS_INET6;
  out->length = sizeof *name;
  return true;
}

/* `host` may stand in brackets. */
static bool parse_host(struct view host, in_port_t port, struct address *out) {
  char text[INET6_ADDRSTRLEN] = "";
  bool bracketed = host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
  if (bracketed)
    host = view_first(view_from(host, 1), host.length - 2);
  if (host.length >= sizeof text)
    return false;
  memcpy(text, host.at, host.length);
  return bracketed ? parse_inet6(text, port, out) : parse_inet(text, port, out);
}

bool address_parse(const char *text, struct address *out, struct fault *fault) {
  *out = (struct address){0};
  struct view whole = view_of(text), path = VIEW("unix:");
  if (view_starts(whole, path))
    return parse_unix(text + path.length, out, fault);
  const char *colon = strrchr(text, ':');
  if (!colon)
    return fault_set(fault, FAULT_MALFORMED, "'%.*s' is no address; " FORMS, SHOWN, text);
  int64_t port;
  if (!num_integer(view_of(colon + 1), &port) || port > 65535)
    return fault_set(fault, FAULT_MALFORMED, "'%.*s' has no port between 0 and 65535; " FORMS,
                     SHOWN, text);
  struct view host = view_first(whole, (size_t)(colon - text));
  if (!parse_host(host, htons((in_port_t)port), out))
    return fault_set(fault, FAULT_MALFORMED,
                     "'%.*s' has no numeric address before its port (IPv6 stands in brackets, and "
                     "localhost is the only name); " FORMS,
                     SHOWN, text);
  return true;
}

bool address_is_loopback(const struct address *address) {
  const struct sockaddr_in *inet = (const struct sockaddr_in *)&address->storage;
  const struct sockaddr_in6 *inet6 = (const struct sockaddr_in6 *)&address->storage;
  if (address->kind == ADDRESS_INET)
    return ntohl(inet->sin_addr.s_addr) >> 24 == 127;
  return address->kind == ADDRESS_INET6 && IN6_IS_ADDR_LOOPBACK(&inet6->sin6_addr);
}

static bool is_any(const struct address *address) {
  const struct sockaddr_in *inet = (const struct sockaddr_in *)&address->storage;
  const struct sockaddr_in6 *inet6 = (const struct sockaddr_in6 *)&address->storage;
  if (address->kind == ADDRESS_INET)
    return inet->sin_addr.s_addr == htonl(INADDR_ANY);
  return address->kind == ADDRESS_INET6 && IN6_IS_ADDR_UNSPECIFIED(&inet6->sin6_addr);
}

bool address_is_here(const struct address *address) {
  return address->kind == ADDRESS_UNIX || address_is_loopback(address) || is_any(address);
}

/* sin_port and sin6_port have the same offset. */
static bool has_port(const struct address *address) {
  return address->kind == ADDRESS_UNIX ||
         ((const struct sockaddr_in *)&address->storage)->sin_port != 0;
}

bool address_same(const struct address *a, const struct address *b) {
  return has_port(a) && a->length == b->length && memcmp(&a->storage, &b->storage, a->length) == 0;
}
