/* Requests that keep the pace of their keys, at a server that throttles them. The clock moves when a
 * test says so. */
#include "unit/fixture/unit.h"

#include "base/clock.h"
#include "dialect/v2.h"
#include "fake/clock.h"
#include "upstream/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
#define THROTTLED "HTTP/1.1 429 Slow down\r\nConnection: close\r\nContent-Length: 4\r\n"
#define LATER THROTTLED "\r\nwait"
#define IN_FIVE THROTTLED "Retry-After: 5\r\n\r\nwait"
#define IN_AN_HOUR THROTTLED "Retry-After: 3600\r\n\r\nwait"
#define WITHOUT_BODY "HTTP/1.1 429 Slow down\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static struct transfer *transfer;
static struct dialect dialect; /* v2, but that it keeps a pace */
static struct settings *settings;
static int listener;

/* --- requests --- */

struct asked {
  struct flight *flight;
  struct flight_reader *reader;
  struct answer_verdict verdict;
  volatile bool is_over;
};

static void take_chunk(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

static void take_end(void *context) {
  struct asked *asked = context;
  struct flight_state state;
  flight_peek(asked->flight, &state);
  asked->verdict = state.verdict;
  flight_conclude(asked->flight);
  __atomic_store_n(&asked->is_over, true, __ATOMIC_RELEASE);
}

static void take_nothing(void *context) {
  (void)context;
}

static const struct flight_owner owner = {take_chunk, take_end, take_nothing};
static struct tariff tariff = {.limit = 1000};

/* Asks with a key; once only, as under a budget. */
static void ask(struct asked *asked, const char *key) {
  const struct question question = {.kind = QUESTION_OTHER};
  struct fault fault;
  struct transfer_ask *made =
      transfer_ask_create(&dialect, &question, settings, view_of(key), &tariff, &fault);
  assert_non_null(made);
  transfer_ask_once(made);
  *asked = (struct asked){.flight = flight_create(&owner, asked, false)};
  asked->reader = flight_join(asked->flight, take_nothing, NULL);
  transfer_submit(transfer, asked->flight, &made);
}

static void leave(struct asked *asked) {
  flight_leave(&asked->reader);
  flight_release(&asked->flight);
}

static void await_until(bool (*is_so)(void *context), void *context) {
  for (int i = 0; i < 10000 && !is_so(context); i++)
    poll(NULL, 0, 2);
  assert_true(is_so(context));
}

static bool is_over(void *asked) {
  return __atomic_load_n(&((struct asked *)asked)->is_over, __ATOMIC_ACQUIRE);
}

static bool has_waiting(void *count) {
  return transfer_waiting(transfer) == *(int64_t *)count;
}

static void await_waiting(int64_t count) {
  await_until(has_waiting, &count);
}

static struct answer_verdict *end_of(struct asked *asked) {
  await_until(is_over, asked);
  return &asked->verdict;
}

static void is_free(const struct answer_verdict *verdict) {
  assert_true(verdict->cost.is_known && amount_is_zero(verdict->cost.spent));
}

static void refused_with(struct asked *asked, const char *word, int64_t retry_after) {
  const struct answer_verdict *verdict = end_of(asked);
  assert_int_equal(verdict->outcome, ANSWER_BROKEN);
  assert_int_equal(verdict->fault.kind, FAULT_TOO_MANY);
  assert_non_null(strstr(verdict->fault.text, word));
  assert_int_equal(verdict->fault.retry_after, retry_after);
  is_free(verdict);
}

/* The rest of the answer to somebody who reads it all. */
static void reads(struct asked *asked, const char *text) {
  char buffer[64];
  size_t length = 0;
  end_of(asked);
  assert_int_equal(flight_read(asked->reader, buffer, sizeof buffer, &length), FLIGHT_READ_BYTES);
  assert_true(view_is((struct view){buffer, length}, text));
}

/* --- the server --- */

static bool is_asked(int64_t milliseconds) {
  struct pollfd look = {.fd = listener, .events = POLLIN};
  return poll(&look, 1, (int)milliseconds) == 1;
}

static void answer(const char *text) {
  char said[4096];
  assert_true(is_asked(20000));
  int fd = accept(listener, NULL, NULL);
  size_t length = 0;
  said[0] = '\0';
  while (!strstr(said, "\r\n\r\n")) {
    ssize_t count = recv(fd, said + length, sizeof said - 1 - length, 0);
    assert_true(count > 0);
    length += (size_t)count;
    said[length] = '\0';
  }
  assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
  close(fd);
}

static void nobody_asks(void) {
  assert_false(is_asked(50));
}

static int listen_here(char *url, size_t size) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 100), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  snprintf(url, size, "upstream.url=http://127.0.0.1:%d", ntohs(address.sin_port));
  return fd;
}

static const char *further; /* another option */

static void configure(const char *option) {
  static char url[64];
  struct fault fault;
  if (!*url)
    listener = listen_here(url, sizeof url);
  const struct settings_override overrides[] = {{url}, {option}, {further}};
  settings_release(&settings);
  assert_true(settings_parse("x.conf", VIEW(""), overrides, further ? 3 : 2, &settings, &fault));
  const struct transfer_bounds bounds = transfer_bounds_of(settings);
  if (transfer)
    transfer_set_bounds(transfer, &bounds);
  else
    assert_true(transfer_start(&bounds, &transfer, &fault));
}

static int begin(void **state) {
  (void)state;
  alarm(100);
  dialect = dialect_v2;
  dialect.paces = true;
  tariff.fixed = amount_of_rows(ROWS(1));
  further = NULL;
  configure("upstream.requests_per_minute=2");
  return 0;
}

static bool is_idle(void *context) {
  (void)context;
  return transfer_inflight(transfer) == 0;
}

/* A transfer is counted a moment longer than its flight flies. */
static int end(void **state) {
  (void)state;
  await_until(is_idle, NULL);
  assert_int_equal(transfer_waiting(transfer), 0);
  transfer_stop(&transfer);
  settings_release(&settings);
  return 0;
}

/* --- the pace --- */

static void more_than_so_many_a_minute_wait(void **state) {
  (void)state;
  struct asked asked[3];
  for (int i = 0; i < 3; i++)
    ask(&asked[i], "key");
  answer(OK);
  answer(OK);
  await_waiting(1);
  fake_clock_pass(50000);
  nobody_asks();
  struct asked later;
  ask(&later, "key"); /* what comes later waits behind it */
  await_waiting(2);
  fake_clock_pass(9900);
  nobody_asks();
  fake_clock_pass(100);
  /* The first one has lost its patience: its time of 60 s has passed while it waited. */
  refused_with(&asked[2], "had no turn within 60 s", 1);
  answer(OK);
  for (int i = 0; i < 2; i++)
    assert_int_equal(end_of(&asked[i])->outcome, ANSWER_COMPLETE);
  assert_int_equal(end_of(&later)->outcome, ANSWER_COMPLETE);
  for (int i = 0; i < 3; i++)
    leave(&asked[i]);
  leave(&later);
}

static void other_keys_do_not_wait_behind_it(void **state) {
  (void)state;
  struct asked asked[3], other;
  for (int i = 0; i < 3; i++)
    ask(&asked[i], "key");
  answer(OK);
  answer(OK);
  await_waiting(1);
  ask(&other, "another key");
  answer(OK);
  assert_int_equal(end_of(&other)->outcome, ANSWER_COMPLETE);
  flight_leave(&asked[2].reader); /* its client has gone: it is not sent, and costs nothing */
  is_free(end_of(&asked[2]));
  for (int i = 0; i < 3; i++)
    leave(&asked[i]);
  leave(&other);
}

static void a_reload_changes_the_pace(void **state) {
  (void)state;
  struct asked asked[4];
  for (int i = 0; i < 3; i++)
    ask(&asked[i], "key");
  answer(OK);
  answer(OK);
  await_waiting(1);
  configure("upstream.requests_per_minute=3");
  answer(OK); /* the one that waited */
  ask(&asked[3], "key");
  await_waiting(1);
  configure("upstream.requests_per_minute=0");
  answer(OK);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(end_of(&asked[i])->outcome, ANSWER_COMPLETE);
    leave(&asked[i]);
  }
}

static void a_dialect_without_a_pace_has_none(void **state) {
  (void)state;
  struct asked asked[3];
  dialect.paces = false;
  for (int i = 0; i < 3; i++)
    ask(&asked[i], "key");
  answer(LATER);
  answer(OK);
  answer(OK);
  for (int i = 0; i < 3; i++) {
    end_of(&asked[i]);
    leave(&asked[i]);
  }
}

static void one_more_than_may_wait_is_turned_away(void **state) {
  (void)state;
  struct asked asked[4];
  further = "upstream.max_waiting=1";
  configure("upstream.requests_per_minute=2");
  for (int i = 0; i < 2; i++) {
    ask(&asked[i], "key");
    answer(OK);
    end_of(&asked[i]);
  }
  ask(&asked[2], "key");
  await_waiting(1);
  ask(&asked[3], "key");
  refused_with(&asked[3], "upstream.max_waiting", 0);
  assert_int_equal(transfer_turned_away(transfer), 1);
  fake_clock_pass(30000);
  nobody_asks();
  flight_leave(&asked[2].reader);
  end_of(&asked[2]);
  for (int i = 0; i < 4; i++)
    leave(&asked[i]);
}

/* --- 429 --- */

static void what_is_throttled_is_sent_again(void **state) {
  static const char *const answers[] = {LATER, WITHOUT_BODY};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct asked asked;
    char key[8];
    snprintf(key, sizeof key, "key %d", i);
    ask(&asked, key);
    answer(answers[i]);
    await_waiting(1);
    nobody_asks();
    fake_clock_pass(1500);
    answer(OK);
    reads(&asked, "{}");
    assert_int_equal(asked.verdict.outcome, ANSWER_COMPLETE);
    /* It was paid for once. */
    assert_true(asked.verdict.cost.is_known);
    leave(&asked);
  }
  assert_int_equal(transfer_throttled(transfer), 2);
}

static void all_requests_of_a_throttled_key_wait(void **state) {
  (void)state;
  struct asked asked[3], other;
  configure("upstream.requests_per_minute=9");
  ask(&asked[0], "key");
  answer(IN_FIVE);
  await_waiting(1);
  ask(&asked[1], "key");
  ask(&asked[2], "key");
  ask(&other, "another key");
  answer(OK);
  await_waiting(3);
  fake_clock_pass(4900);
  nobody_asks();
  fake_clock_pass(100);
  await_waiting(2); /* one goes first */
  answer(OK);
  fake_clock_pass(1000);
  answer(OK);
  answer(OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(end_of(&asked[i])->outcome, ANSWER_COMPLETE);
    leave(&asked[i]);
  }
  end_of(&other);
  leave(&other);
}

static void a_long_wait_is_the_answer(void **state) {
  (void)state;
  struct asked asked, next;
  ask(&asked, "key");
  answer(IN_AN_HOUR);
  reads(&asked, "wait");
  struct flight_state end_state;
  flight_peek(asked.flight, &end_state);
  assert_int_equal(end_state.head.status, 429);
  assert_int_equal(end_state.head.retry_after, 3600);
  assert_int_equal(end_of(&asked)->outcome, ANSWER_REFUSED);
  is_free(&asked.verdict);
  fake_clock_pass(1000000);
  ask(&next, "key");
  refused_with(&next, "throttles this key", 2600);
  nobody_asks();
  leave(&asked);
  leave(&next);
}

static void patience_ends_the_repetitions(void **state) {
  (void)state;
  struct asked asked;
  configure("upstream.stall_timeout=10s");
  ask(&asked, "key");
  answer(IN_FIVE);
  await_waiting(1);
  fake_clock_pass(5000);
  answer(IN_FIVE); /* 10 s would have passed before the next one */
  reads(&asked, "wait");
  assert_int_equal(asked.verdict.outcome, ANSWER_REFUSED);
  is_free(&asked.verdict);
  leave(&asked);
}

static void what_nobody_awaits_is_not_sent_again(void **state) {
  (void)state;
  struct asked asked;
  ask(&asked, "key");
  answer(IN_FIVE);
  await_waiting(1);
  flight_leave(&asked.reader);
  end_of(&asked);
  is_free(&asked.verdict);
  fake_clock_pass(5000);
  nobody_asks();
  leave(&asked);
}

static void a_stop_ends_what_waits(void **state) {
  (void)state;
  struct asked asked;
  ask(&asked, "key");
  answer(IN_FIVE);
  await_waiting(1);
  transfer_abort(transfer);
  is_free(end_of(&asked));
  leave(&asked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(more_than_so_many_a_minute_wait, begin, end),
      cmocka_unit_test_setup_teardown(other_keys_do_not_wait_behind_it, begin, end),
      cmocka_unit_test_setup_teardown(a_reload_changes_the_pace, begin, end),
      cmocka_unit_test_setup_teardown(a_dialect_without_a_pace_has_none, begin, end),
      cmocka_unit_test_setup_teardown(one_more_than_may_wait_is_turned_away, begin, end),
      cmocka_unit_test_setup_teardown(what_is_throttled_is_sent_again, begin, end),
      cmocka_unit_test_setup_teardown(all_requests_of_a_throttled_key_wait, begin, end),
      cmocka_unit_test_setup_teardown(a_long_wait_is_the_answer, begin, end),
      cmocka_unit_test_setup_teardown(patience_ends_the_repetitions, begin, end),
      cmocka_unit_test_setup_teardown(what_nobody_awaits_is_not_sent_again, begin, end),
      cmocka_unit_test_setup_teardown(a_stop_ends_what_waits, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
