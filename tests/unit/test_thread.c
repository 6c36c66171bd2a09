/* Kinds of threads, as the kernel knows them. */
#include "unit/fixture/unit.h"

#include "base/thread.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* That of sched_getattr(2). */
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t turn, deadline, period;
};

struct told {
  enum thread_kind kind;
  struct attributes before, after;
};

static struct attributes attributes_of_thread(void) {
  struct attributes own = {0};
  CHECK(syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) == 0);
  return own;
}

static void *tell(void *context) {
  struct told *told = context;
  told->before = attributes_of_thread();
  thread_become(told->kind);
  told->after = attributes_of_thread();
  return NULL;
}

/* Where the system forbids it, threads stay as they are. */
static void *try(void *context) {
  struct sched_param none = {0};
  struct attributes own = {0};
  bool ok = syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) == 0 &&
            syscall(SYS_sched_setattr, 0, &own, 0) == 0 &&
            sched_setscheduler(0, SCHED_BATCH, &none) == 0;
  *(bool *)context = ok && own.policy == SCHED_OTHER;
  return NULL;
}

static void need_permission(void) {
  bool ok;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, try, &ok), 0);
  pthread_join(thread, NULL);
  if (!ok)
    skip();
}

static struct told tell_of(enum thread_kind kind) {
  struct told told = {.kind = kind};
  struct fault fault;
  pthread_t thread;
  assert_true(thread_start(&thread, "told", tell, &told, &fault));
  pthread_join(thread, NULL);
  assert_int_equal(told.after.nice, told.before.nice);
  return told;
}

static void an_ordinary_thread_stays_as_it_is(void **state) {
  (void)state;
  need_permission();
  struct told told = tell_of(THREAD_ORDINARY);
  assert_memory_equal(&told.after, &told.before, sizeof told.after);
}

static void a_batch_job_has_the_policy_of_one(void **state) {
  (void)state;
  need_permission();
  assert_int_equal(tell_of(THREAD_BATCH).after.policy, SCHED_BATCH);
}

/* A kernel before 6.12 knows no turns of a thread's own. */
static void a_prompt_thread_takes_turns_of_a_tenth_of_a_millisecond(void **state) {
  (void)state;
  need_permission();
  struct told told = tell_of(THREAD_PROMPT);
  assert_int_equal(told.after.policy, SCHED_OTHER);
  if (told.before.turn)
    assert_int_equal(told.after.turn, 100 * 1000);
}

/* It is not made an ordinary one, nor one of another kind. */
static void a_thread_of_another_policy_stays_as_it_is(void **state) {
  (void)state;
  need_permission();
  struct sched_param none = {0};
  assert_int_equal(sched_setscheduler(0, SCHED_BATCH, &none), 0); /* threads inherit it */
  struct told told = tell_of(THREAD_PROMPT);
  assert_memory_equal(&told.after, &told.before, sizeof told.after);
  assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_ordinary_thread_stays_as_it_is),
      cmocka_unit_test(a_batch_job_has_the_policy_of_one),
      cmocka_unit_test(a_prompt_thread_takes_turns_of_a_tenth_of_a_millisecond),
      cmocka_unit_test(a_thread_of_another_policy_stays_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
