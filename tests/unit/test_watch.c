/* The events of the watch for clients that leave, or seem to. */
#include "unit/fixture/unit.h"

#include "fake/clock.h"
#include "http/watch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define NOTHING (-1)

/* One connection, by TCP as a client's is, and what was told of it. */
struct line {
  struct watched watched; /* first */
  int here, there;
  atomic_int told; /* the last, or NOTHING */
  atomic_int times;
};

static void told(struct watched *watched, enum watch_event event) {
  struct line *line = (struct line *)watched;
  atomic_store(&line->told, (int)event);
  atomic_fetch_add(&line->times, 1);
}

static struct watch *open_watch(void) {
  struct watch *watch = NULL;
  struct fault fault;
  assert_true(watch_open(told, &watch, &fault));
  return watch;
}

static void connect_line(struct line *line) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
  memset(line, 0, sizeof *line);
  atomic_init(&line->told, NOTHING);
  line->there = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(line->there, (struct sockaddr *)&address, length), 0);
  line->here = accept(listener, NULL, NULL);
  assert_true(line->here >= 0);
  close(listener);
}

static void end_line(struct watch *watch, struct line *line) {
  watch_end(watch, &line->watched);
  watch_end(watch, &line->watched);
  close(line->here);
  if (line->there >= 0)
    close(line->there);
}

static int await(struct line *line) {
  for (int i = 0; atomic_load(&line->told) == NOTHING && i < PATIENCE_MS; i++)
    usleep(1000);
  return atomic_exchange(&line->told, NOTHING);
}

static void leave_by_close(struct line *line) {
  close(line->there);
  line->there = -1;
}

static void leave_by_reset(struct line *line) {
  struct linger none = {.l_onoff = 1};
  setsockopt(line->there, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  leave_by_close(line);
}

static void leave_by_half(struct line *line) {
  shutdown(line->there, SHUT_WR);
}

static const struct leaving {
  void (*leave)(struct line *line);
  enum watch_event event;
} leavings[] = {{leave_by_close, WATCH_IN_DOUBT},
                {leave_by_half, WATCH_IN_DOUBT},
                {leave_by_reset, WATCH_GONE}};

static void who_leaves_is_told_of_once(void **state) {
  (void)state;
  struct watch *watch = open_watch();
  for (size_t i = 0; i < 2 * COUNT(leavings); i++) { /* before and after the watch began */
    struct line line;
    connect_line(&line);
    if (i % 2)
      watch_begin(watch, &line.watched, line.here, false);
    leavings[i / 2].leave(&line);
    if (!(i % 2))
      watch_begin(watch, &line.watched, line.here, false);
    assert_int_equal(await(&line), (int)leavings[i / 2].event);
    watch_end(watch, &line.watched);
    assert_int_equal(atomic_load(&line.times), 1);
    end_line(watch, &line);
  }
  watch_close(&watch);
  assert_null(watch);
  watch_close(&watch);
}

/* The next request, or the rest of one, is no disconnect. */
static void bytes_are_no_disconnect(void **state) {
  (void)state;
  struct watch *watch = open_watch();
  struct line line, other;
  connect_line(&line);
  connect_line(&other);
  watch_begin(watch, &line.watched, line.here, false);
  watch_begin(watch, &other.watched, other.here, false);
  assert_int_equal(write(line.there, "GET / HTTP/1.1\r\n\r\n", 18), 18);
  leave_by_close(&other);
  assert_int_equal(await(&other), WATCH_IN_DOUBT); /* whose event came later */
  assert_int_equal(atomic_load(&line.times), 0);
  leave_by_close(&line);
  assert_int_equal(await(&line), WATCH_IN_DOUBT);
  end_line(watch, &line);
  end_line(watch, &other);
  watch_close(&watch);
}

static void who_is_in_doubt_is_gone_after_the_grace(void **state) {
  (void)state;
  struct watch *watch = open_watch();
  struct line lines[3], other;
  for (size_t i = 0; i < COUNT(lines); i++) {
    connect_line(&lines[i]);
    leave_by_half(&lines[i]);
  }
  connect_line(&other);
  watch_begin(watch, &other.watched, other.here, false);
  for (size_t i = 0; i < COUNT(lines); i++)
    watch_begin(watch, &lines[i].watched, lines[i].here, true);
  watch_end(watch, &lines[1].watched); /* it was answered meanwhile */
  fake_clock_pass(WATCH_GRACE_MS - 1);
  leave_by_reset(&other);
  assert_int_equal(await(&other), WATCH_GONE);
  end_line(watch, &other); /* the thread has looked at the graces since then */
  assert_int_equal(atomic_load(&lines[0].times), 0);
  fake_clock_pass(1);
  assert_int_equal(await(&lines[0]), WATCH_GONE);
  assert_int_equal(await(&lines[2]), WATCH_GONE);
  assert_int_equal(atomic_load(&lines[1].times), 0);
  for (size_t i = 0; i < COUNT(lines); i++)
    end_line(watch, &lines[i]);
  watch_close(&watch);
}

static void who_is_in_doubt_may_be_seen_to_be_gone_at_once(void **state) {
  (void)state;
  struct watch *watch = open_watch();
  struct line line;
  connect_line(&line);
  leave_by_half(&line);
  watch_begin(watch, &line.watched, line.here, true);
  leave_by_reset(&line);
  assert_int_equal(await(&line), WATCH_GONE);
  end_line(watch, &line);
  watch_close(&watch);
}

#define THREADS 4
#define ROUNDS 2000

static void *run_churn(void *context) {
  struct watch *watch = context;
  for (int i = 0; i < ROUNDS; i++) {
    struct line line = {.there = -1};
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    line.here = pair[0];
    watch_begin(watch, &line.watched, line.here, i % 3 == 0);
    close(pair[1]);
    if (i % 5 == 0)
      sched_yield();
    watch_end(watch, &line.watched);
    int times = atomic_load(&line.times);
    close(line.here);
    CHECK(times <= 1 && times == atomic_load(&line.times));
  }
  return NULL;
}

/* Descriptors are used again at once: an event of the last one must not be told of the next. */
static void nothing_is_told_once_the_watch_has_ended(void **state) {
  (void)state;
  struct watch *watch = open_watch();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run_churn, watch), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  watch_close(&watch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_leaves_is_told_of_once),
      cmocka_unit_test(bytes_are_no_disconnect),
      cmocka_unit_test(who_is_in_doubt_is_gone_after_the_grace),
      cmocka_unit_test(who_is_in_doubt_may_be_seen_to_be_gone_at_once),
      cmocka_unit_test(nothing_is_told_once_the_watch_has_ended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
