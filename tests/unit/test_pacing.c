/* When a key may send its next request. */
#include "upstream/keys.h"
#include "upstream/pacing.h"

#include "unit/fixture/unit.h"

#include <stdlib.h>

#define SECOND INT64_C(1000000000)
#define START (1000 * SECOND)
#define NEVER INT64_MAX

static struct pacing pacing;
static struct pacing_turn turns[PACE_MOST];

static int forget(void **state) {
  (void)state;
  memset(&pacing, 0, sizeof pacing);
  memset(turns, 0, sizeof turns);
  return 0;
}

/* Sends request `i` at `now`, where its key has to allow it. */
static void send_at(int i, int64_t most, int64_t now) {
  assert_true(pacing_next(&pacing, most) <= now);
  pacing_begin(&pacing, &turns[i]);
  pacing_send(&pacing, &turns[i], now);
}

static bool refuse(int i, int64_t retry_after, int64_t now) {
  return pacing_refuse(&pacing, &turns[i], retry_after, 0, now);
}

static void no_minute_has_more(void **state) {
  (void)state;
  send_at(0, 2, START);
  send_at(1, 2, START + 10 * SECOND);
  assert_int_equal(pacing_next(&pacing, 2), START + 60 * SECOND);
  pacing_accept(&pacing, &turns[0]);
  assert_int_equal(pacing_next(&pacing, 2), START + 60 * SECOND);
  send_at(2, 2, START + 60 * SECOND);
  assert_int_equal(pacing_next(&pacing, 2), START + 70 * SECOND);
  assert_true(pacing_next(&pacing, 4) <= START); /* a reload allows more */
}

static void without_a_pace_only_upstream_throttles(void **state) {
  (void)state;
  for (int i = 0; i < 500; i++)
    send_at(i, 0, START);
  refuse(0, 7, START);
  assert_int_equal(pacing_next(&pacing, 0), START + 7 * SECOND);
}

/* The minute begins when it is sent, but it counts before that. */
static void what_still_connects_counts(void **state) {
  (void)state;
  pacing_begin(&pacing, &turns[0]);
  assert_int_equal(pacing_next(&pacing, 1), NEVER);
  send_at(1, 2, START);
  assert_int_equal(pacing_next(&pacing, 2), START + 60 * SECOND);
  pacing_end(&pacing, &turns[0]); /* could not connect */
  assert_true(pacing_next(&pacing, 2) <= START);
  pacing_end(&pacing, &turns[0]); /* and nothing more comes of it */
  assert_int_equal(pacing.opening, 0);
}

static void a_throttled_key_waits_longer_each_time(void **state) {
  static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
  int64_t now = START;
  (void)state;
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    send_at(0, 100, now);
    assert_true(refuse(0, 0, now + SECOND));
    now += SECOND + waits[i] * SECOND;
    assert_int_equal(pacing_next(&pacing, 100), now);
  }
  send_at(0, 100, now);
  pacing_accept(&pacing, &turns[0]);
  send_at(0, 100, now + SECOND);
  assert_true(refuse(0, 0, now + SECOND));
  assert_int_equal(pacing_next(&pacing, 100), now + 2 * SECOND);
}

static void it_waits_up_to_half_as_long_again(void **state) {
  (void)state;
  for (uint32_t random = 0; random < 5000; random += 7) {
    forget(NULL);
    send_at(0, 9, START);
    assert_true(pacing_refuse(&pacing, &turns[0], 0, random, START));
    int64_t wait = pacing_next(&pacing, 9) - START;
    assert_true(wait >= SECOND && wait < SECOND + SECOND / 2);
  }
}

static void it_waits_as_long_as_upstream_says(void **state) {
  (void)state;
  send_at(0, 9, START);
  assert_true(refuse(0, 3600, START));
  assert_int_equal(pacing_next(&pacing, 9), START + 3600 * SECOND);
  assert_false(pacing_is_idle(&pacing, START + 3599 * SECOND));
  assert_true(pacing_is_idle(&pacing, START + 3600 * SECOND));
  send_at(0, 9, START + 3600 * SECOND);
  assert_true(refuse(0, INT64_MAX, START + 3600 * SECOND));
  assert_int_equal(pacing_next(&pacing, 9), START + (3600 + PACING_CLOSED_MOST) * SECOND);
}

/* Ten requests on their way that are all throttled are one reason to wait, not ten. */
static void a_burst_counts_once(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++)
    send_at(i, 100, START + i);
  for (int i = 0; i < 9; i++)
    assert_int_equal(refuse(i, 0, START + SECOND + i), i == 0);
  assert_int_equal(pacing_next(&pacing, 100), START + 2 * SECOND);
  assert_false(refuse(9, 30, START + SECOND)); /* but what it asks for is heeded */
  assert_int_equal(pacing_next(&pacing, 100), START + 31 * SECOND);
}

static void one_goes_first_and_the_others_follow(void **state) {
  (void)state;
  send_at(0, 100, START);
  send_at(1, 100, START);
  refuse(0, 1, START);
  send_at(2, 100, START + SECOND);
  assert_int_equal(pacing_next(&pacing, 100), NEVER);
  pacing_accept(&pacing, &turns[1]); /* it was sent before, and tells nothing about now */
  assert_int_equal(pacing_next(&pacing, 100), NEVER);
  pacing_accept(&pacing, &turns[2]);
  send_at(3, 100, START + SECOND);
  send_at(4, 100, START + SECOND);
}

static void a_trial_that_fails_lets_another_try(void **state) {
  (void)state;
  send_at(0, 100, START);
  refuse(0, 1, START);
  pacing_begin(&pacing, &turns[1]);
  assert_int_equal(pacing_next(&pacing, 100), NEVER);
  pacing_end(&pacing, &turns[1]);
  send_at(2, 100, START + SECOND);
  assert_int_equal(pacing_next(&pacing, 100), NEVER);
}

/* Any order of calls: never more in a minute, and nothing is left open. */
static void any_order_keeps_the_pace(void **state) {
  enum { REQUESTS = 20, MOST = 5, ROUNDS = 20000 };
  static int64_t sent[ROUNDS];
  int64_t now = START;
  size_t count = 0;
  (void)state;
  srandom(1);
  for (int round = 0; round < ROUNDS; round++) {
    struct pacing_turn *turn = &turns[random() % REQUESTS];
    now += random() % (4 * SECOND);
    if (turn->phase == PACING_IDLE && pacing_next(&pacing, MOST) <= now) {
      pacing_begin(&pacing, turn);
    } else if (turn->phase == PACING_OPENING) {
      pacing_send(&pacing, turn, now);
      sent[count++] = now;
      assert_true(count <= MOST || sent[count - 1 - MOST] + 60 * SECOND <= now);
    } else if (turn->phase == PACING_SENT && random() % 3) {
      pacing_accept(&pacing, turn);
    } else if (turn->phase == PACING_SENT) {
      pacing_refuse(&pacing, turn, random() % 3, (uint32_t)random(), now);
    }
  }
  assert_true(count > 1000);
  for (int i = 0; i < REQUESTS; i++)
    pacing_end(&pacing, &turns[i]);
  assert_int_equal(pacing.opening, 0);
  assert_int_equal(pacing.trials, 0);
  assert_true(pacing_is_idle(&pacing, now + 100 * SECOND));
}

/* --- the keys --- */

static struct digest key_of(int number) {
  return digest_sha256((struct view){(const char *)&number, sizeof number});
}

static struct pacing *hold(struct keys *keys, int number, int64_t now) {
  struct digest digest = key_of(number);
  return keys_hold(keys, &digest, now);
}

static void each_key_has_a_pace_of_its_own(void **state) {
  (void)state;
  struct keys keys = {0};
  struct pacing *one = hold(&keys, 1, START), *same = hold(&keys, 1, START);
  struct pacing *other = hold(&keys, 2, START);
  assert_ptr_equal(one, same);
  assert_ptr_not_equal(one, other);
  pacing_begin(one, &turns[0]);
  pacing_send(one, &turns[0], START);
  pacing_end(one, &turns[0]);
  keys_let_go(&one);
  keys_let_go(&same);
  assert_null(same);
  one = hold(&keys, 1, START); /* it is remembered */
  assert_int_equal(pacing_next(one, 1), START + 60 * SECOND);
  assert_true(pacing_next(other, 1) <= START);
  keys_let_go(&one);
  keys_let_go(&other);
  keys_let_go(&other);
  keys_free(&keys);
}

static void the_keys_are_bounded(void **state) {
  (void)state;
  struct keys keys = {0};
  struct pacing *first = hold(&keys, 0, START);
  for (int i = 1; i < KEYS_MOST; i++) {
    struct pacing *one = hold(&keys, i, START);
    pacing_begin(one, &turns[i]);
    pacing_send(one, &turns[i], START);
    pacing_end(one, &turns[i]);
    keys_let_go(&one);
  }
  assert_null(hold(&keys, KEYS_MOST, START + 59 * SECOND)); /* all may still have to wait */
  struct pacing *more = hold(&keys, KEYS_MOST, START + 60 * SECOND);
  assert_non_null(more);
  assert_ptr_equal(hold(&keys, 0, START), first); /* the one that was held */
  keys_let_go(&more);
  struct pacing *again = first;
  keys_let_go(&again);
  keys_let_go(&first);
  keys_free(&keys);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(no_minute_has_more, forget),
      cmocka_unit_test_setup(without_a_pace_only_upstream_throttles, forget),
      cmocka_unit_test_setup(what_still_connects_counts, forget),
      cmocka_unit_test_setup(a_throttled_key_waits_longer_each_time, forget),
      cmocka_unit_test_setup(it_waits_up_to_half_as_long_again, forget),
      cmocka_unit_test_setup(it_waits_as_long_as_upstream_says, forget),
      cmocka_unit_test_setup(a_burst_counts_once, forget),
      cmocka_unit_test_setup(one_goes_first_and_the_others_follow, forget),
      cmocka_unit_test_setup(a_trial_that_fails_lets_another_try, forget),
      cmocka_unit_test_setup(any_order_keeps_the_pace, forget),
      cmocka_unit_test_setup(each_key_has_a_pace_of_its_own, forget),
      cmocka_unit_test_setup(the_keys_are_bounded, forget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
