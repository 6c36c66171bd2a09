/* Which connection is closed to make room. */
#include "unit/fixture/unit.h"

#include "base/view.h"
#include "fake/clock.h"
#include "http/connections.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 3

struct line {
  struct connection connection;
  int here, there;
};

static struct connections *create(int64_t most, int64_t patience) {
  return connections_create(&(struct connection_limits){.most = most, .patience = patience});
}

static void open_line(struct connections *connections, struct line *line) {
  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  *line = (struct line){.here = pair[0], .there = pair[1]};
  connections_opened(connections, &line->connection, line->here);
}

struct opening {
  struct connections *connections;
  struct line *line;
};

static void *run_opening(void *context) {
  const struct opening *opening = context;
  open_line(opening->connections, opening->line);
  return NULL;
}

/* On a thread of its own, which has another group. */
static void open_line_apart(struct connections *connections, struct line *line) {
  struct opening opening = {connections, line};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_opening, &opening), 0);
  pthread_join(thread, NULL);
}

static void close_line(struct connections *connections, struct line *line) {
  connections_closed(connections, &line->connection);
  close(line->here);
  close(line->there);
}

/* True if the client sees the end. */
static bool is_shut(const struct line *line) {
  char byte;
  return recv(line->there, &byte, 1, MSG_DONTWAIT) == 0;
}

/* MOST lines are opened; then, in this order, each letter is done to the line of the number after
 * it: m: bytes came, b: its request is whole, s: its client has to take a part of the reply, w: and
 * has taken it, e: its reply has gone out, c: it is closed. Then one more comes, and `victim` is
 * shut: a number of those, MOST for the newcomer, -1 for none. Nobody has any patience. */
static const struct scene {
  const char *before;
  int victim;
} scenes[] = {
    {"", 0},
    {"m0", 1},
    {"m0m1", 2},
    {"m0m1m2", 0},
    {"m2m1", 0},
    {"b0", 1},
    {"b0m0", 1},
    {"b0b1", 2},
    {"b0b1b2", MOST},
    {"b0e0", 1},
    {"b0b1b2e1", 1},
    {"b0b1b2e2e1", 2},
    {"b0e0b1e1b2e2", 0},
    {"c0", -1},
    {"b1c1", -1},
    {"b0s0", 1},
    {"b0b1b2s2s1", 2},
    {"b0b1b2s2s1s2", 1},
    {"b0b1b2s1w1", MOST},
    {"b0b1b2s1w1s1", 1},
    {"b0b1b2s0s1c0", -1},
    {"s0", 0},
    {"b0b1b2s1e1", 1},
};

typedef void opener(struct connections *connections, struct line *line);

static void play(const struct scene *scene, opener *open) {
  struct connections *connections = create(MOST, 0);
  struct line lines[MOST + 1];
  bool closed[MOST + 1] = {0};
  for (int i = 0; i < MOST; i++) {
    fake_clock_pass(1);
    open(connections, &lines[i]);
  }
  for (const char *at = scene->before; *at; at += 2) {
    struct line *line = &lines[at[1] - '0'];
    fake_clock_pass(1);
    if (*at == 'm')
      connections_received(connections, &line->connection);
    if (*at == 'b')
      assert_true(connections_begin(connections, &line->connection));
    if (*at == 's')
      connections_sending(connections, &line->connection);
    if (*at == 'w')
      connections_waiting(connections, &line->connection);
    if (*at == 'e')
      connections_end(connections, &line->connection);
    if (*at == 'c')
      close_line(connections, line);
    closed[at[1] - '0'] |= *at == 'c';
  }
  open(connections, &lines[MOST]);
  for (int i = 0; i <= MOST; i++) {
    if (closed[i])
      continue;
    assert_int_equal(is_shut(&lines[i]), i == scene->victim);
    if (i == scene->victim) /* whose request comes too late */
      assert_false(connections_begin(connections, &lines[i].connection));
    connections_received(connections, &lines[i].connection);
    connections_end(connections, &lines[i].connection);
    close_line(connections, &lines[i]);
  }
  connections_release(&connections);
  assert_null(connections);
}

static void the_one_that_was_idle_the_longest_makes_room(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(scenes); i++)
    play(&scenes[i], open_line);
}

static void of_all_threads_connections(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(scenes); i++)
    play(&scenes[i], open_line_apart);
}

static void who_takes_a_reply_is_left_some_time(void **state) {
  (void)state;
  struct connections *connections = create(1, INT64_MAX);
  struct line first, second;
  open_line(connections, &first);
  assert_true(connections_begin(connections, &first.connection));
  connections_sending(connections, &first.connection);
  open_line(connections, &second);
  assert_false(is_shut(&first));
  assert_true(is_shut(&second));
  close_line(connections, &first);
  close_line(connections, &second);
  connections_release(&connections);
}

/* A connection that is being closed does not count, so that one newcomer closes one. */
static void each_newcomer_costs_one(void **state) {
  (void)state;
  struct connections *connections = create(1, 0);
  struct line lines[10];
  for (size_t i = 0; i < COUNT(lines); i++) {
    open_line(connections, &lines[i]);
    for (size_t k = 0; k <= i; k++)
      assert_int_equal(is_shut(&lines[k]), k < i);
  }
  for (size_t i = 0; i < COUNT(lines); i++)
    close_line(connections, &lines[i]);
  connections_release(&connections);
  connections_release(&connections);
}

#define THREADS 4
#define ROUNDS 5000

static void *run_churn(void *context) {
  struct connections *connections = context;
  for (int i = 0; i < ROUNDS; i++) {
    struct line line;
    open_line(connections, &line);
    connections_received(connections, &line.connection);
    bool served = connections_begin(connections, &line.connection);
    connections_sending(connections, &line.connection);
    CHECK(!served || !is_shut(&line)); /* nobody is closed who is being served */
    if (i % 4)
      connections_end(connections, &line.connection);
    close_line(connections, &line);
  }
  return NULL;
}

static void many_threads(void **state) {
  (void)state;
  struct connections *connections = create(2, CONNECTION_PATIENCE);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run_churn, connections), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  connections_release(&connections);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_one_that_was_idle_the_longest_makes_room),
      cmocka_unit_test(of_all_threads_connections),
      cmocka_unit_test(who_takes_a_reply_is_left_some_time),
      cmocka_unit_test(each_newcomer_costs_one),
      cmocka_unit_test(many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
