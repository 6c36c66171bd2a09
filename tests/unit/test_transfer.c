/* What is handed to the transfer thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream/flights.h"
#include "upstream/transfer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

/* --- memory that runs out on one thread (the linker puts these in the place of the library's) ---
 */

static _Thread_local bool is_out_of_memory;

void *__real_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_calloc(size_t count, size_t size) {
  return is_out_of_memory ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size) {
  return is_out_of_memory ? NULL : __real_malloc(size);
}

/* --- handing over --- */

/* A flight whose owner takes it out of the table of flights when it has ended, as serve/paid does.
 */
struct owned {
  struct transfer *transfer;
  struct flights *flights;
  struct flight *flight;
  struct settings *settings;
  struct digest key;
  struct answer_verdict verdict;
  pthread_t ended_on;
  sem_t over;
};

static void take_chunk(void *context, int64_t number, struct view bytes) {
  (void)context, (void)number, (void)bytes;
}

static void take_out(void *context) {
  struct owned *owned = context;
  struct flight_state state;
  flight_look(owned->flight, &state);
  owned->verdict = state.verdict;
  owned->ended_on = pthread_self();
  flights_remove(owned->flights, &owned->key, owned->flight);
  flight_conclude(owned->flight);
  flight_release(&owned->flight);
}

static void note_over(void *context) {
  struct owned *owned = context;
  sem_post(&owned->over);
}

static const struct flight_owner owner = {take_chunk, take_out, note_over};

/* Nobody listens on this port. */
static struct transfer_ask *make_ask(struct settings *settings) {
  struct transfer_ask *ask = transfer_ask_create();
  assert_non_null(ask);
  ask->kind = V2_RESULTS;
  ask->url = strdup("http://127.0.0.1:1/?token=x");
  ask->settings = settings_hold(settings);
  return ask;
}

static struct flight *begin(void *context, struct fault *fault) {
  (void)fault;
  struct owned *owned = context;
  struct transfer_ask *ask = make_ask(owned->settings);
  owned->flight = flight_create(&owner, owned, false);
  struct flight *flight = flight_hold(owned->flight);
  is_out_of_memory = true;
  transfer_submit(owned->transfer, owned->flight, &ask);
  is_out_of_memory = false;
  assert_null(ask);
  return flight;
}

static struct settings *settings_of_defaults(void) {
  struct settings *settings;
  struct fault fault;
  assert_true(settings_parse("x.conf", VIEW(""), NULL, 0, &settings, &fault));
  return settings;
}

/* It is begun under the lock of the table of flights, out of which its owner takes it at its end: a
 * failure that is told at once, by ending it there, waits for itself for ever. */
static void without_memory_a_flight_ends_on_the_transfer_thread(void **state) {
  (void)state;
  struct owned owned = {.flights = flights_create(), .settings = settings_of_defaults()};
  struct flights_start start = {.start = begin, .context = &owned};
  struct fault fault;
  sem_init(&owned.over, 0, 0);
  assert_true(transfer_start(&owned.transfer, &fault));
  alarm(60);
  assert_int_equal(flights_join(owned.flights, &owned.key, &start, NULL, NULL, NULL, &fault),
                   FLIGHTS_STARTED);
  sem_wait(&owned.over);
  alarm(0);
  assert_false(pthread_equal(owned.ended_on, pthread_self()));
  assert_int_equal(owned.verdict.outcome, ANSWER_BROKEN);
  assert_int_equal(owned.verdict.charge, ANSWER_FREE);
  assert_int_equal(transfer_inflight(owned.transfer), 0);
  transfer_stop(&owned.transfer);
  flights_release(&owned.flights);
  settings_release(&owned.settings);
  sem_destroy(&owned.over);
}

static void what_was_not_submitted_is_released(void **state) {
  (void)state;
  struct settings *settings = settings_of_defaults();
  struct transfer_ask *ask = make_ask(settings);
  transfer_ask_release(&ask);
  assert_null(ask);
  transfer_ask_release(&ask);
  is_out_of_memory = true;
  assert_null(transfer_ask_create());
  is_out_of_memory = false;
  settings_release(&settings);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_memory_a_flight_ends_on_the_transfer_thread),
      cmocka_unit_test(what_was_not_submitted_is_released),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
