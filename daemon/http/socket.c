#include "http/socket.h"

#include "settings/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 511
#define UNIX_MODE 0660

/* Removes a socket that a dead process left behind; refuses one that a process still serves. */
static bool clear_stale(const struct address *address, struct fault *fault) {
  const struct sockaddr_un *name = (const struct sockaddr_un *)&address->storage;
  struct stat found;
  if (lstat(name->sun_path, &found) != 0)
    return true;
  if (!S_ISSOCK(found.st_mode))
    return fault_set(fault, FAULT_UNAVAILABLE, "'%s' is there, and is no socket", name->sun_path);
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool served = connect(probe, (const struct sockaddr *)&address->storage, address->length) == 0;
  close(probe);
  if (served)
    return fault_set(fault, FAULT_UNAVAILABLE, "another process listens on '%s'", name->sun_path);
  return unlink(name->sun_path) == 0 ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot remove '%s': %s", name->sun_path,
                   strerror(errno));
}

static bool bind_and_listen(int fd, const struct address *address, const char *text,
                            struct fault *fault) {
  int on = 1;
  if (address->kind != ADDRESS_UNIX)
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->kind == ADDRESS_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  mode_t before = umask(0777 & ~UNIX_MODE);
  bool ok = bind(fd, (const struct sockaddr *)&address->storage, address->length) == 0 &&
            listen(fd, BACKLOG) == 0;
  int error = errno;
  umask(before);
  return ok ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot listen on '%s': %s", text, strerror(error));
}

bool socket_open(const char *text, int *out, char **unlink_path, struct fault *fault) {
  struct address address;
  if (!address_parse(text, &address, fault) ||
      (address.kind == ADDRESS_UNIX && !clear_stale(&address, fault)))
    return false;
  int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return fault_set(fault, FAULT_UNAVAILABLE, "cannot make a socket for '%s': %s", text,
                     strerror(errno));
  if (!bind_and_listen(fd, &address, text, fault)) {
    close(fd);
    return false;
  }
  if (address.kind == ADDRESS_UNIX)
    *unlink_path = strdup(((struct sockaddr_un *)&address.storage)->sun_path);
  *out = fd;
  return true;
}

void socket_describe(int fd, char out[SOCKET_NAME_SIZE]) {
  struct sockaddr_storage storage = {0};
  socklen_t length = sizeof storage;
  char host[INET6_ADDRSTRLEN] = "?";
  getsockname(fd, (struct sockaddr *)&storage, &length);
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    snprintf(out, SOCKET_NAME_SIZE, "%s:%u", host, ntohs(v4->sin_port));
  } else if (storage.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    snprintf(out, SOCKET_NAME_SIZE, "[%s]:%u", host, ntohs(v6->sin6_port));
  } else {
    snprintf(out, SOCKET_NAME_SIZE, "unix:%s", ((const struct sockaddr_un *)&storage)->sun_path);
  }
}

bool socket_is_private(int fd) {
  struct address address = {.length = sizeof address.storage};
  bool known = getsockname(fd, (struct sockaddr *)&address.storage, &address.length) == 0;
  int family = address.storage.ss_family;
  address.kind = family == AF_INET6 ? ADDRESS_INET6 : ADDRESS_INET;
  bool is_inet = known && (family == AF_INET || family == AF_INET6);
  return (known && family == AF_UNIX) || (is_inet && address_is_loopback(&address));
}
