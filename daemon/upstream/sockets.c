#include "upstream/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void sockets_free(struct sockets *sockets) {
  free(sockets->entries);
  *sockets = (struct sockets){.entries = NULL};
}

static bool make_room(struct sockets *sockets) {
  if (sockets->count < sockets->capacity)
    return true;
  unsigned capacity = sockets->capacity ? sockets->capacity * 2 : 16;
  struct socket_entry *grown = reallocarray(sockets->entries, capacity, sizeof *grown);
  if (!grown)
    return false;
  sockets->entries = grown;
  sockets->capacity = capacity;
  return true;
}

void sockets_remove(struct sockets *sockets, int fd) {
  for (unsigned i = 0; i < sockets->count; i++)
    if (sockets->entries[i].fd == fd) {
      sockets->entries[i] = sockets->entries[--sockets->count];
      return;
    }
}

bool sockets_add(struct sockets *sockets, int fd) {
  sockets_remove(sockets, fd);
  if (!make_room(sockets))
    return false;
  sockets->entries[sockets->count++] = (struct socket_entry){.fd = fd};
  return true;
}

/* --- the socket with given ends --- */

typedef int end_of(int fd, struct sockaddr *address, socklen_t *length);

static bool is_at(int fd, end_of *get, const char *host, int port) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } end = {.v6 = {.sin6_family = AF_UNSPEC}};
  socklen_t length = sizeof end;
  char text[INET6_ADDRSTRLEN];
  if (get(fd, &end.any, &length) != 0)
    return false;
  bool is_v6 = end.any.sa_family == AF_INET6;
  const void *address = is_v6 ? (const void *)&end.v6.sin6_addr : (const void *)&end.v4.sin_addr;
  int number = ntohs(is_v6 ? end.v6.sin6_port : end.v4.sin_port);
  return number == port && inet_ntop(end.any.sa_family, address, text, sizeof text) &&
         strcmp(text, host) == 0;
}

static struct socket_entry *find(struct sockets *sockets, const struct socket_ends *ends) {
  for (unsigned i = 0; i < sockets->count; i++) {
    int fd = sockets->entries[i].fd;
    if (is_at(fd, getsockname, ends->local, ends->local_port) &&
        is_at(fd, getpeername, ends->remote, ends->remote_port))
      return &sockets->entries[i];
  }
  return NULL;
}

/* A new TLS connection may have bytes to read: the server's session tickets. */
bool sockets_use(struct sockets *sockets, const struct socket_ends *ends) {
  struct socket_entry *entry = find(sockets, ends);
  if (!entry)
    return false;
  struct pollfd state = {.fd = entry->fd, .events = POLLRDHUP};
  if (entry->used)
    state.events |= POLLIN;
  entry->used = true;
  return poll(&state, 1, 0) == 0;
}
