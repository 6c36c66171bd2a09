#include "serve/inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "db/directory.h"

#include <unistd.h>

#define DRAIN_STEP (20 * CLOCK_MILLISECOND) /* how often a drain looks whether all is over */

/* --- the handler --- */

static struct exchange_limits limits(void *context) {
  struct settings *settings = serve_settings(context);
  struct exchange_limits limits = {.head = {.uri = (size_t)settings->max_uri,
                                            .headers = (size_t)settings->max_headers,
                                            .count = (size_t)settings->max_header_count},
                                   .body = (size_t)settings->max_body,
                                   .bodies = (size_t)settings->max_bodies,
                                   .kept = (size_t)settings->max_kept};
  settings_release(&settings);
  return limits;
}

const struct exchange_handler *serve_handler(struct serve *serve) {
  return &serve->handler;
}

/* --- life --- */

static bool open_rooms(struct serve *serve, struct fault *fault) {
  const struct settings *settings = serve->settings;
  const struct ledger_options options = ledger_options_of(settings);
  serve->flights = flights_create();
  serve->traces = traces_create();
  serve->counters = counters_create();
  serve->access = access_create();
  serve->texts = texts_create();
  if (!serve->flights || !serve->traces || !serve->counters || !serve->access || !serve->texts)
    return fault_no_memory(fault);
  return directory_make(settings->state_directory, fault) &&
         directory_lock(settings->state_directory, &serve->state_lock, fault) &&
         ledger_open(settings->state_directory, &options, &serve->ledger, fault) &&
         cache_open(settings->state_directory, settings->cache_max_size, &serve->cache, fault) &&
         transfer_start(&serve->transfer, fault);
}

bool serve_open(struct settings *settings, struct secret *own_token, struct serve **out,
                struct fault *fault) {
  struct serve *serve = calloc(1, sizeof *serve);
  if (!serve)
    return fault_no_memory(fault);
  pthread_mutex_init(&serve->lock, NULL);
  serve->settings = settings_hold(settings);
  serve->own_token = secret_hold(own_token);
  serve->started = clock_monotonic();
  serve->state_lock = -1;
  serve->handler = (struct exchange_handler){
      .limits = limits, .step = request_step, .finished = request_finished, .context = serve};
  bool ok = open_rooms(serve, fault);
  if (!ok)
    serve_close(&serve);
  *out = serve;
  return ok;
}

void serve_close(struct serve **address) {
  struct serve *serve = steal(*address);
  if (!serve)
    return;
  CHECK(atomic_load(&serve->requests) == 0 && atomic_load(&serve->paid) == 0);
  transfer_stop(&serve->transfer);
  cache_close(&serve->cache);
  ledger_close(&serve->ledger);
  flights_release(&serve->flights);
  traces_release(&serve->traces);
  counters_release(&serve->counters);
  access_release(&serve->access);
  texts_release(&serve->texts);
  settings_release(&serve->settings);
  secret_release(&serve->own_token);
  if (serve->state_lock >= 0)
    close(serve->state_lock);
  pthread_mutex_destroy(&serve->lock);
  free(serve);
}

void serve_set_settings(struct serve *serve, struct settings *settings, struct secret *own_token) {
  const struct ledger_options options = ledger_options_of(settings);
  pthread_mutex_lock(&serve->lock);
  struct settings *before = serve->settings;
  struct secret *token_before = serve->own_token;
  serve->settings = settings_hold(settings);
  serve->own_token = secret_hold(own_token);
  pthread_mutex_unlock(&serve->lock);
  settings_release(&before);
  secret_release(&token_before);
  cache_set_max_size(serve->cache, settings->cache_max_size);
  ledger_set_options(serve->ledger, &options);
}

void serve_hold(struct serve *serve, struct settings **settings, struct secret **own_token) {
  pthread_mutex_lock(&serve->lock);
  *settings = settings_hold(serve->settings);
  *own_token = secret_hold(serve->own_token);
  pthread_mutex_unlock(&serve->lock);
}

struct settings *serve_settings(struct serve *serve) {
  pthread_mutex_lock(&serve->lock);
  struct settings *settings = settings_hold(serve->settings);
  pthread_mutex_unlock(&serve->lock);
  return settings;
}

/* --- drain --- */

static bool is_idle(struct serve *serve) {
  return atomic_load(&serve->requests) == 0 && atomic_load(&serve->paid) == 0;
}

static void await_idle(struct serve *serve, int64_t until) {
  int64_t now;
  while (!is_idle(serve) && (now = clock_monotonic()) < until)
    clock_sleep(now + DRAIN_STEP);
}

void serve_drain(struct serve *serve, int64_t seconds) {
  atomic_store(&serve->draining, true);
  await_idle(serve, clock_monotonic() + seconds * CLOCK_SECOND);
  if (!is_idle(serve))
    log_warning(EVENT_drain, "requests=%lld answers=%lld outcome=cut-off",
                (long long)atomic_load(&serve->requests), (long long)atomic_load(&serve->paid));
  transfer_abort(serve->transfer);
  /* Aborted flights settle; no request can wait for one any more. Clients that read slowly are cut
   * off when the listeners close. */
  while (atomic_load(&serve->paid) > 0)
    await_idle(serve, clock_monotonic() + DRAIN_STEP);
}

bool serve_is_draining(const struct serve *serve) {
  return atomic_load(&serve->draining);
}

/* --- what others ask --- */

struct cache *serve_cache(struct serve *serve) {
  return serve->cache;
}

struct ledger *serve_ledger(struct serve *serve) {
  return serve->ledger;
}

struct transfer *serve_transfer(struct serve *serve) {
  return serve->transfer;
}

int64_t serve_uptime(const struct serve *serve) {
  return (clock_monotonic() - serve->started) / CLOCK_SECOND;
}

struct counters *serve_counters(struct serve *serve) {
  return serve->counters;
}

struct traces *serve_traces(struct serve *serve) {
  return serve->traces;
}

void serve_checks(struct serve *serve, int64_t counts[ACCESS_RESULTS]) {
  access_count(serve->access, counts);
}
