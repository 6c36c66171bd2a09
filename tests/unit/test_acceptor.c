/* The thread that accepts: what is taken, and that nothing is once it has stopped. */
#include "http/acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "unit/fixture/unit.h"

struct taken {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int count, family;
};

static void take(void *context, int connection, const struct sockaddr *peer, socklen_t length) {
  struct taken *taken = context;
  assert_true(length >= sizeof peer->sa_family);
  close(connection);
  pthread_mutex_lock(&taken->lock);
  taken->count++;
  taken->family = peer->sa_family;
  pthread_cond_signal(&taken->changed);
  pthread_mutex_unlock(&taken->lock);
}

static void await(struct taken *taken, int count) {
  pthread_mutex_lock(&taken->lock);
  while (taken->count < count)
    pthread_cond_wait(&taken->changed, &taken->lock);
  pthread_mutex_unlock(&taken->lock);
}

static int listen_on(struct sockaddr_in *address) {
  socklen_t length = sizeof *address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
  assert_int_equal(listen(fd, 16), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
  return fd;
}

static int connect_to(const struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
  return fd;
}

static void accepts_until_it_is_stopped(void **state) {
  (void)state;
  struct taken taken = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
  struct sockaddr_in addresses[2];
  struct acceptor *acceptor;
  struct fault fault;
  int sockets[2], clients[5];
  assert_true(acceptor_start(take, &taken, &acceptor, &fault));
  for (int i = 0; i < 2; i++) {
    sockets[i] = listen_on(&addresses[i]);
    assert_true(acceptor_add(acceptor, sockets[i], &fault));
  }
  for (int i = 0; i < 4; i++)
    clients[i] = connect_to(&addresses[i % 2]);
  await(&taken, 4);
  assert_int_equal(taken.family, AF_INET);

  acceptor_stop(&acceptor);
  assert_null(acceptor);
  acceptor_stop(&acceptor);               /* nothing to do */
  clients[4] = connect_to(&addresses[0]); /* into the backlog: the socket is open still */
  assert_int_equal(taken.count, 4);
  for (int i = 0; i < 5; i++)
    close(clients[i]);
  for (int i = 0; i < 2; i++)
    close(sockets[i]);
}

static void what_is_no_socket_is_refused(void **state) {
  (void)state;
  struct taken taken = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
  struct acceptor *acceptor;
  struct fault fault = {0};
  assert_true(acceptor_start(take, &taken, &acceptor, &fault));
  assert_false(acceptor_add(acceptor, -1, &fault));
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  acceptor_stop(&acceptor);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_until_it_is_stopped),
      cmocka_unit_test(what_is_no_socket_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
