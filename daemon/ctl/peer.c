#include "ctl/peer.h"

#include "base/num.h"
#include "base/scope.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTENING VIEW("0A") /* TCP_LISTEN, include/net/tcp_states.h */
#define FIELD_LOCAL 1
#define FIELD_STATE 3
#define FIELD_USER 7
#define PLACES 4
#define PLACE_SIZE sizeof "00000000000000000000000000000000:0000"

/* The addresses at which a socket that receives connections to `peer` may listen, as the tables
 * write them: words in the machine's own byte order. */
struct places {
  char list[PLACES][PLACE_SIZE];
  int count;
};

static void add_place(struct places *places, const uint32_t *words, int count, unsigned port) {
  char *place = places->list[places->count++];
  for (int i = 0; i < count; i++)
    place += sprintf(place, "%08X", words[i]);
  sprintf(place, ":%04X", port);
}

/* A socket of IPv6 may receive connections to an address of IPv4, too. */
static void find_places(const struct sockaddr *peer, struct places *places) {
  static const uint32_t any[4] = {0};
  uint32_t words[4] = {0};
  if (peer->sa_family == AF_INET) {
    const struct sockaddr_in *name = (const struct sockaddr_in *)peer;
    unsigned port = ntohs(name->sin_port);
    words[2] = htonl(0xffff);
    words[3] = name->sin_addr.s_addr;
    add_place(places, &words[3], 1, port);
    add_place(places, words, 4, port);
    add_place(places, any, 1, port);
    add_place(places, any, 4, port);
  } else {
    const struct sockaddr_in6 *name = (const struct sockaddr_in6 *)peer;
    memcpy(words, &name->sin6_addr, sizeof words);
    add_place(places, words, 4, ntohs(name->sin6_port));
    add_place(places, any, 4, ntohs(name->sin6_port));
  }
}

static bool is_among(const struct places *places, struct view local) {
  for (int i = 0; i < places->count; i++)
    if (view_is(local, places->list[i]))
      return true;
  return false;
}

/* Reads the user of a line whose socket listens at one of the places; false for any other line. */
static bool read_line(struct view line, const struct places *places, int64_t *user) {
  struct view field;
  int number = 0;
  bool listens = false, is_here = false;
  while (view_split(&line, ' ', &field)) {
    if (field.length == 0)
      continue;
    if (number == FIELD_LOCAL)
      is_here = is_among(places, field);
    else if (number == FIELD_STATE)
      listens = view_equal(field, LISTENING);
    else if (number == FIELD_USER)
      return listens && is_here && num_integer(field, user);
    number++;
  }
  return false;
}

bool peer_find(struct view table, const struct sockaddr *peer, uid_t *user, int *count) {
  struct places places = {.count = 0};
  struct view line;
  int64_t found;
  find_places(peer, &places);
  while (view_split(&table, '\n', &line)) {
    if (!read_line(line, &places, &found))
      continue;
    if (*count > 0 && *user != (uid_t)found)
      return false;
    *user = (uid_t)found;
    ++*count;
  }
  return true;
}

static void read_table(const char *path, struct text *out) {
  char part[4096];
  ssize_t length;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && (length = read(fd, part, sizeof part)) > 0)
    text_add(out, (struct view){part, (size_t)length});
  if (fd >= 0)
    close(fd);
}

static bool find_listener(int fd, uid_t *user, struct fault *fault) {
  static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
  struct sockaddr_storage peer = {0};
  socklen_t length = sizeof peer;
  int count = 0;
  bool ok = getpeername(fd, (struct sockaddr *)&peer, &length) == 0;
  for (size_t i = 0; ok && i < sizeof tables / sizeof *tables; i++) {
    scope_text struct text table = {0};
    read_table(tables[i], &table);
    ok = text_ok(&table) &&
         peer_find(text_view(&table), (const struct sockaddr *)&peer, user, &count);
  }
  return (ok && count > 0) ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "/proc/net/tcp does not tell which user's process listens there");
}

bool peer_user(int fd, uid_t *user, struct fault *fault) {
  struct sockaddr_storage name = {0};
  socklen_t length = sizeof name;
  struct ucred peer = {0};
  if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
    return fault_set(fault, FAULT_UNAVAILABLE, "%s", strerror(errno));
  if (name.ss_family != AF_UNIX)
    return find_listener(fd, user, fault);
  length = sizeof peer;
  *user = 0;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return fault_set(fault, FAULT_UNAVAILABLE, "%s", strerror(errno));
  *user = peer.uid;
  return true;
}
