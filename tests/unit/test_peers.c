/* Which connections count as those of one client. */
#include "unit/fixture/unit.h"

#include "http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* "" stands for the client of a UNIX socket. */
static struct sockaddr_storage address_of(const char *text) {
  struct sockaddr_storage storage = {.ss_family = AF_UNIX};
  struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
    storage.ss_family = AF_INET;
  else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
    storage.ss_family = AF_INET6;
  return storage;
}

static bool join(struct peers *peers, const char *text, struct peer **peer) {
  struct sockaddr_storage address = address_of(text);
  return peers_join(peers, (struct sockaddr *)&address, peer);
}

static const struct pair {
  const char *one, *other;
  bool same;
} pairs[] = {
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.1", "::ffff:192.0.2.1", true},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
    {"2001:db8::1", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
    {"2001:db8::1", "2001:db8:0:1::1", false},
    {"", "", false},
};

static void who_is_one_client(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(pairs); i++) {
    struct peers *peers = peers_create(1);
    struct peer *one, *other;
    assert_true(join(peers, pairs[i].one, &one));
    assert_int_equal(join(peers, pairs[i].other, &other), !pairs[i].same);
    peers_leave(peers, &one);
    peers_leave(peers, &other);
    peers_release(&peers);
    assert_null(peers);
  }
}

static void who_leaves_makes_room(void **state) {
  (void)state;
  struct peers *peers = peers_create(2);
  struct peer *held[2], *further;
  for (int round = 0; round < 3; round++) {
    assert_true(join(peers, "192.0.2.1", &held[0]) && join(peers, "192.0.2.1", &held[1]));
    assert_false(join(peers, "192.0.2.1", &further));
    assert_null(further);
    assert_true(join(peers, "192.0.2.2", &further));
    peers_leave(peers, &further);
    peers_leave(peers, &held[0]);
    assert_true(join(peers, "192.0.2.1", &held[0]));
    assert_false(join(peers, "192.0.2.1", &further));
    peers_leave(peers, &held[0]);
    peers_leave(peers, &held[1]);
    peers_leave(peers, &held[1]);
    assert_null(held[1]);
  }
  peers_release(&peers);
  peers_release(&peers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_is_one_client),
      cmocka_unit_test(who_leaves_makes_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
