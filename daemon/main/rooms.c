#include "main/rooms.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/directory.h"
#include "dialect/dialect.h"
#include "ledger/token.h"

#include <unistd.h>

#define DERIVING_THREADS 2
#define TRANSLATING_THREADS 2
#define DRAIN_STEP (20 * CLOCK_MILLISECOND) /* between two checks for idleness */

/* --- opening --- */

static bool open_memory(struct rooms *rooms, struct settings *settings, struct secret *own_token,
                        struct fault *fault) {
  rooms->current = current_create(settings, own_token);
  rooms->flights = flights_create();
  rooms->access = access_create();
  rooms->rates = rates_create();
  rooms->texts = texts_create();
  rooms->counters = counters_create();
  rooms->traces = traces_create();
  return (rooms->current && rooms->flights && rooms->access && rooms->rates && rooms->texts &&
          rooms->counters && rooms->traces) ||
         fault_no_memory(fault);
}

static struct cache_bounds bounds_of(const struct settings *settings) {
  return (struct cache_bounds){
      .max_size = settings->cache_max_size, .memory = settings->cache_memory, .ttl = settings->ttl};
}

static bool open_state(struct rooms *rooms, const struct settings *settings, struct fault *fault) {
  const char *directory = settings->state_directory;
  const struct ledger_options options = ledger_options_of(settings);
  const struct cache_bounds bounds = bounds_of(settings);
  const struct transfer_bounds requests = transfer_bounds_of(settings);
  return directory_make(directory, fault) && directory_lock(directory, &rooms->lock, fault) &&
         ledger_open(directory, &options, &rooms->ledger, fault) &&
         cache_open(directory, &bounds, &rooms->cache, fault) &&
         transfer_start(&requests, &rooms->transfer, fault);
}

static bool open_service(struct rooms *rooms, const struct settings *settings,
                         struct fault *fault) {
  const struct paid_rooms paid = {.translators =
                                      dialect_for(settings)->translates ? TRANSLATING_THREADS : 0,
                                  .cache = rooms->cache,
                                  .ledger = rooms->ledger,
                                  .transfer = rooms->transfer,
                                  .flights = rooms->flights,
                                  .access = rooms->access,
                                  .texts = rooms->texts};
  rooms->desk = paid_desk_create(&paid);
  rooms->derived = derived_desk_create(rooms->cache, DERIVING_THREADS);
  const struct serve_rooms serve = {.current = rooms->current,
                                    .cache = rooms->cache,
                                    .ledger = rooms->ledger,
                                    .flights = rooms->flights,
                                    .access = rooms->access,
                                    .rates = rooms->rates,
                                    .desk = rooms->desk,
                                    .derived = rooms->derived,
                                    .counters = rooms->counters,
                                    .traces = rooms->traces};
  rooms->serve = rooms->desk && rooms->derived ? serve_create(&serve) : NULL;
  return rooms->serve || fault_no_memory(fault);
}

/* --- budgets that do not hold --- */

struct idle_budgets {
  enum currency currency; /* upstream's */
  int64_t count;
};

static void count_idle(void *context, const struct token_row *row) {
  struct idle_budgets *idle = context;
  idle->count += token_row_is_idle(row, idle->currency);
}

/* After a change of upstream.api. */
static void warn_of_budgets(struct ledger *ledger, enum currency currency) {
  struct idle_budgets idle = {.currency = currency};
  if (token_list(ledger, count_idle, &idle, NULL) && idle.count)
    log_warning(EVENT_budgets, "not-in=%s tokens=%lld", currency_words[currency],
                (long long)idle.count);
}

bool rooms_open(struct settings *settings, struct secret *own_token, struct rooms *rooms,
                struct fault *fault) {
  *rooms = (struct rooms){.lock = -1, .started = clock_monotonic()};
  if (!open_memory(rooms, settings, own_token, fault) || !open_state(rooms, settings, fault) ||
      !open_service(rooms, settings, fault))
    return false;
  warn_of_budgets(rooms->ledger, settings_currency(settings));
  return true;
}

void rooms_replace(struct rooms *rooms, struct settings *settings, struct secret *own_token) {
  const struct ledger_options options = ledger_options_of(settings);
  const struct cache_bounds bounds = bounds_of(settings);
  const struct transfer_bounds requests = transfer_bounds_of(settings);
  current_replace(rooms->current, settings, own_token);
  transfer_set_bounds(rooms->transfer, &requests);
  cache_set_bounds(rooms->cache, &bounds);
  ledger_set_options(rooms->ledger, &options);
}

/* --- draining --- */

static bool is_idle(const struct rooms *rooms) {
  return serve_busy(rooms->serve) == 0 && paid_desk_busy(rooms->desk) == 0 &&
         derived_desk_busy(rooms->derived) == 0;
}

static void await_idle(const struct rooms *rooms, int64_t until) {
  int64_t now;
  while (!is_idle(rooms) && (now = clock_monotonic()) < until)
    clock_sleep(now + DRAIN_STEP);
}

void rooms_drain(struct rooms *rooms, int64_t seconds) {
  serve_drain(rooms->serve);
  paid_desk_stop(rooms->desk);
  await_idle(rooms, clock_monotonic() + seconds * CLOCK_SECOND);
  if (!is_idle(rooms))
    log_warning(EVENT_drain, "requests=%lld answers=%lld outcome=cut-off",
                (long long)serve_busy(rooms->serve), (long long)paid_desk_busy(rooms->desk));
  transfer_abort(rooms->transfer);
  paid_desk_abort(rooms->desk);
  derived_desk_stop(rooms->derived);
  /* Aborted flights settle, so no request waits for a flight after this. Slow clients are cut off
   * when the listeners close. */
  while (paid_desk_busy(rooms->desk) > 0)
    await_idle(rooms, clock_monotonic() + DRAIN_STEP);
}

/* --- closing --- */

/* Their readers have left with the listeners, so they end by themselves. */
static void await_computations(const struct rooms *rooms) {
  while (rooms->derived && derived_desk_busy(rooms->derived) > 0)
    clock_sleep(clock_monotonic() + DRAIN_STEP);
}

void rooms_close(struct rooms *rooms) {
  await_computations(rooms);
  serve_release(&rooms->serve);
  derived_desk_release(&rooms->derived);
  paid_desk_release(&rooms->desk);
  transfer_stop(&rooms->transfer);
  cache_close(&rooms->cache);
  ledger_close(&rooms->ledger);
  if (rooms->flights)
    flights_release(&rooms->flights);
  traces_release(&rooms->traces);
  counters_release(&rooms->counters);
  rates_release(&rooms->rates);
  access_release(&rooms->access);
  texts_release(&rooms->texts);
  current_release(&rooms->current);
  if (rooms->lock >= 0)
    close(rooms->lock);
  rooms->lock = -1;
}
