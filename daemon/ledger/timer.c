#include "ledger/room.h"

#include "base/clock.h"
#include "base/thread.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK CLOCK_SECOND               /* how often a failed write is tried again */
#define FLUSH_PERIOD (2 * CLOCK_SECOND) /* how often the counts are written */

void timer_init(struct timer *timer) {
  timer->wake = -1;
}

bool timer_open(struct timer *timer, struct fault *fault) {
  timer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return timer->wake >= 0 ||
         fault_set(fault, FAULT_INTERNAL, "cannot make an eventfd: %s", strerror(errno));
}

void timer_wake(struct ledger *ledger) {
  /* It fails only after 2^64 wakes that the timer has not read. */
  (void)!write(ledger->timer.wake, &(uint64_t){1}, sizeof(uint64_t));
}

static void *run_timer(void *argument) {
  struct ledger *ledger = argument;
  int64_t now = clock_monotonic(), flush_at = now + FLUSH_PERIOD;
  while (!atomic_load(&ledger->timer.stopping)) {
    bool woken = clock_poll(ledger->timer.wake, now + TICK);
    if (woken)
      (void)!read(ledger->timer.wake, &(uint64_t){0}, sizeof(uint64_t));
    now = clock_monotonic();
    entries_retry(ledger);
    lease_tick(ledger, now);
    retain_tick(ledger, now);
    if (!woken && now < flush_at && !ledger_is_broken(ledger))
      continue;
    count_flush_later(ledger);
    flush_at = now + FLUSH_PERIOD;
  }
  return NULL;
}

bool timer_start(struct ledger *ledger, struct fault *fault) {
  return thread_start(&ledger->timer.thread, "ledger-timer", run_timer, ledger, fault);
}

void timer_stop(struct ledger *ledger) {
  atomic_store(&ledger->timer.stopping, true);
  timer_wake(ledger);
  pthread_join(ledger->timer.thread, NULL);
}

void timer_close(struct timer *timer) {
  if (timer->wake >= 0)
    close(timer->wake);
}
