/* What translated requests share: threads that go on with them, and the caps of plans. */
#include "paid/caps.h"
#include "paid/queue.h"

#include "unit/fixture/unit.h"
#include "unit/fixture/wait.h"

#include <stdatomic.h>

/* --- the queue --- */

struct counted {
  struct queue_job job; /* first */
  struct queue *queue;
  int rounds;     /* it is called until it has run so often */
  atomic_int ran; /* how often it ran */
  atomic_bool is_running;
  struct wait end;
};

static enum queue_end run(struct queue_job *job) {
  struct counted *counted = (struct counted *)job;
  assert_false(atomic_exchange(&counted->is_running, true)); /* one thread at a time */
  int ran = atomic_fetch_add(&counted->ran, 1) + 1;
  atomic_store(&counted->is_running, false);
  if (ran < counted->rounds)
    return QUEUE_PARK;
  wake(&counted->end, true, &(struct fault){.kind = FAULT_NONE});
  return QUEUE_OVER;
}

static void a_parked_job_goes_on_when_it_is_called(void **state) {
  (void)state;
  struct queue *queue = queue_create(2, run);
  struct counted counted = {.rounds = 3};
  wait_begin(&counted.end);
  queue_add(queue, &counted.job);
  for (int round = 1; round < 3; round++) {
    while (atomic_load(&counted.ran) < round)
      ;
    queue_call(queue, &counted.job);
  }
  assert_true(wait_for(&counted.end));
  assert_int_equal(counted.ran, 3);
  queue_release(&queue);
  assert_null(queue);
}

static enum queue_end call_itself(struct queue_job *job) {
  struct counted *counted = (struct counted *)job;
  queue_call(counted->queue, job); /* as a wake that comes before the wait */
  return run(job);
}

static void a_call_that_comes_before_the_wait_is_not_lost(void **state) {
  (void)state;
  struct queue *queue = queue_create(1, call_itself);
  struct counted counted = {.queue = queue, .rounds = 100};
  wait_begin(&counted.end);
  queue_add(queue, &counted.job);
  assert_true(wait_for(&counted.end));
  assert_int_equal(counted.ran, 100);
  queue_release(&queue);
}

static void all_that_are_parked_go_on(void **state) {
  (void)state;
  struct queue *queue = queue_create(2, run);
  struct counted counted[] = {{.rounds = 2}, {.rounds = 2}, {.rounds = 2}};
  for (size_t i = 0; i < COUNT(counted); i++) {
    wait_begin(&counted[i].end);
    queue_add(queue, &counted[i].job);
  }
  for (size_t i = 0; i < COUNT(counted); i++) {
    while (atomic_load(&counted[i].ran) < 2)
      queue_call_all(queue);
    assert_true(wait_for(&counted[i].end));
  }
  queue_release(&queue);
}

static void a_queue_without_threads_begins_and_ends(void **state) {
  (void)state;
  struct queue *queue = queue_create(0, run);
  assert_non_null(queue);
  queue_release(&queue);
}

/* --- caps --- */

static struct digest key_of(int number) {
  return digest_sha256((struct view){(const char *)&number, sizeof number});
}

static void a_cap_is_known_from_the_moment_it_is_learned(void **state) {
  (void)state;
  struct caps *caps = caps_create();
  struct digest one = key_of(1), two = key_of(2);
  assert_int_equal(caps_find(caps, &one).rows, -1);
  assert_true(caps_begin_asking(caps, &one) && !caps_begin_asking(caps, &one));
  caps_ask_again(caps, &one);
  assert_true(caps_begin_asking(caps, &one));
  caps_learn(caps, &one, 250);
  caps_learn(caps, &two, 0); /* the plan has none */
  assert_int_equal(caps_find(caps, &one).rows, 250);
  assert_true(!caps_begin_asking(caps, &two) && caps_find(caps, &two).rows == 0);
  caps_learn(caps, &one, 25); /* plans change */
  assert_int_equal(caps_find(caps, &one).rows, 25);
  caps_release(&caps);
  assert_null(caps);
}

static void a_longer_answer_proves_that_shorter_ones_are_whole(void **state) {
  (void)state;
  struct caps *caps = caps_create();
  struct digest key = key_of(1);
  struct cap cap = caps_find(caps, &key);
  assert_true(caps_may_cut(&cap, 25) && caps_may_cut(&cap, 130)); /* any number may be the cap, */
  assert_false(caps_may_cut(&cap, 0) || caps_may_cut(&cap, 9)); /* but no plan gives so few */
  caps_prove(caps, &key, 130);
  caps_prove(caps, &key, 7);
  cap = caps_find(caps, &key);
  assert_int_equal(cap.proven, 130);
  assert_true(caps_may_cut(&cap, 130));
  assert_false(caps_may_cut(&cap, 129));
  caps_learn(caps, &key, 250);
  cap = caps_find(caps, &key);
  assert_true(caps_may_cut(&cap, 250));
  assert_false(caps_may_cut(&cap, 249));
  caps_learn(caps, &key, 0);
  cap = caps_find(caps, &key);
  assert_false(caps_may_cut(&cap, 5000));
  caps_release(&caps);
}

static void what_came_first_is_forgotten_first(void **state) {
  (void)state;
  struct caps *caps = caps_create();
  for (int number = 0; number < CAPS_MOST + 1; number++) {
    struct digest key = key_of(number);
    caps_learn(caps, &key, number + 1);
  }
  struct digest first = key_of(0), second = key_of(1), last = key_of(CAPS_MOST);
  assert_int_equal(caps_find(caps, &first).rows, -1);
  assert_int_equal(caps_find(caps, &second).rows, 2);
  assert_int_equal(caps_find(caps, &last).rows, CAPS_MOST + 1);
  caps_release(&caps);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_parked_job_goes_on_when_it_is_called),
      cmocka_unit_test(a_call_that_comes_before_the_wait_is_not_lost),
      cmocka_unit_test(a_queue_without_threads_begins_and_ends),
      cmocka_unit_test(all_that_are_parked_go_on),
      cmocka_unit_test(a_cap_is_known_from_the_moment_it_is_learned),
      cmocka_unit_test(a_longer_answer_proves_that_shorter_ones_are_whole),
      cmocka_unit_test(what_came_first_is_forgotten_first),
  };
  return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
