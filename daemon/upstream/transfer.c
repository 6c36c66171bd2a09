#include "upstream/transfer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/thread.h"
#include "upstream/sending.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#define TICK CLOCK_SECOND /* the longest interval between two checks for stalls */
#define STATUSES 600

struct transfer {
  pthread_t thread;
  int bell; /* an eventfd that wakes the thread; -1: not open */
  atomic_llong inflight, waiting_count, turned_away, answered_at, failed_at;
  atomic_bool failing; /* the last request had no answer */
  atomic_bool discontinued;
  atomic_llong counts[STATUSES];

  /* Used by the transfer thread only: */
  CURLM *multi;
  struct sending *waiting, *running;
  struct sockets sockets;
  struct keys keys;
  struct transfer_bounds bounds;
  int64_t running_count, unpaused_at;
  int64_t ended_at; /* when libcurl last ended with a request */
  int64_t check_at; /* the next time at which a reader may have waited too long; within a TICK */
  int64_t start_at; /* the next time at which a waiting request may be started; 0: now */

  pthread_mutex_t lock; /* of all that follows */
  struct sending *submitted;
  bool room, deserted, aborting, stopping;
  bool rebound; /* the thread has yet to take over: */
  struct transfer_bounds next_bounds;
  struct transfer_redirect redirect;
};

static void count(struct transfer *transfer, const struct answer_head *head) {
  unsigned status = head->status < STATUSES ? head->status : 0;
  bool answered = status && !answer_is_redirect(status);
  atomic_fetch_add(&transfer->counts[status], 1);
  atomic_store(answered ? &transfer->answered_at : &transfer->failed_at, clock_seconds());
  atomic_store(&transfer->failing, !answered);
}

/* Logs a redirect when it is new, not at each request. A request without an answer changes
 * nothing. */
static void note_redirect(struct transfer *transfer, const struct answer_evidence *evidence) {
  unsigned status = evidence->head.status;
  struct transfer_redirect now = {.status = answer_is_redirect(status) ? status : 0};
  if (!status)
    return;
  if (now.status)
    memcpy(now.location, evidence->location, sizeof now.location);
  pthread_mutex_lock(&transfer->lock);
  struct transfer_redirect before = transfer->redirect;
  transfer->redirect = now;
  pthread_mutex_unlock(&transfer->lock);
  if (now.status && (now.status != before.status || strcmp(now.location, before.location) != 0))
    log_warning(EVENT_redirect,
                "status=%u location=%s reason=\"upstream answers with a redirect, which "
                "is not followed: is upstream.url right?\"",
                now.status, LOG_VALUE(now.location));
}

/* Logged once. An API that comes back gives answers, and not only the account's. */
static void note_discontinued(struct transfer *transfer, const struct sending *request,
                              const struct answer_verdict *verdict) {
  const struct dialect *dialect = request->ask.dialect;
  bool is_account = request->evidence.kind == QUESTION_SUBSCRIPTION;
  if (verdict->outcome == ANSWER_COMPLETE && !is_account)
    atomic_store(&transfer->discontinued, false);
  else if (dialect->is_discontinued && dialect->is_discontinued(&request->evidence) &&
           !atomic_exchange(&transfer->discontinued, true))
    log_warning(EVENT_upstream,
                "key=upstream.api problem=\"upstream says that this API is discontinued\" "
                "remedy=\"upstream.api = v3, with a key of v3\"");
}

static void warn(const struct sending *request, const struct answer_verdict *verdict) {
  const struct answer_evidence *evidence = &request->evidence;
  if (verdict->outcome == ANSWER_BROKEN && !request->deserted && !request->too_many &&
      !request->closed && !answer_is_redirect(evidence->head.status))
    log_warning(EVENT_upstream, "outcome=broken status=%u reason=%s detail=%s",
                evidence->head.status, LOG_VALUE(verdict->fault.text),
                LOG_VALUE(evidence->clean ? NULL : request->error));
}

/* Ends a request, sent or not. */
static void finish(struct transfer *transfer, struct sending *request, CURLcode code) {
  struct answer_verdict verdict = sending_judge(request, code);
  warn(request, &verdict);
  note_redirect(transfer, &request->evidence);
  note_discontinued(transfer, request, &verdict);
  if (request->sends || code != CURLE_ABORTED_BY_CALLBACK)
    count(transfer, &request->evidence.head);
  if (request->pacing)
    pacing_end(request->pacing, &request->turn);
  keys_let_go(&request->pacing);
  flight_end(request->flight, &verdict);
  atomic_fetch_sub(&transfer->inflight, 1);
  sending_release(request);
}

/* --- the queue of those that wait --- */

static void leave_queue(struct transfer *transfer, struct sending *request) {
  DL_DELETE(transfer->waiting, request);
  atomic_fetch_sub(&transfer->waiting_count, 1);
}

/* Ends a request that waits. */
static void cancel(struct transfer *transfer, struct sending *request) {
  leave_queue(transfer, request);
  finish(transfer, request, CURLE_ABORTED_BY_CALLBACK);
}

static void turn_away(struct transfer *transfer, struct sending *request) {
  request->too_many = true;
  atomic_fetch_add(&transfer->turned_away, 1);
  cancel(transfer, request);
}

static bool has_key(struct transfer *transfer, struct sending *request) {
  if (request->ask.dialect->paces && !request->pacing)
    request->pacing = keys_hold(&transfer->keys, &request->ask.key, clock_monotonic());
  return request->pacing || !request->ask.dialect->paces;
}

/* Takes new requests into the queue. */
static void enqueue(struct transfer *transfer, struct sending *submitted) {
  struct sending *request, *after;
  DL_FOREACH_SAFE(submitted, request, after) {
    DL_DELETE(submitted, request);
    DL_APPEND(transfer->waiting, request);
    atomic_fetch_add(&transfer->waiting_count, 1);
    if (!has_key(transfer, request))
      turn_away(transfer, request);
  }
}

/* Puts a request that upstream has throttled before all others, as it is the oldest. */
static void enqueue_again(struct transfer *transfer, struct sending *request) {
  DL_PREPEND(transfer->waiting, request);
  atomic_fetch_add(&transfer->waiting_count, 1);
  transfer->check_at = 0; /* its last reader may have left meanwhile */
}

/* Those that came last go first. */
static void keep_queue_short(struct transfer *transfer) {
  while (atomic_load(&transfer->waiting_count) > transfer->bounds.waiting)
    turn_away(transfer, transfer->waiting->prev);
}

/* --- the loop --- */

static void run_one(struct transfer *transfer, struct sending *request) {
  if (curl_multi_add_handle(transfer->multi, request->easy) != CURLM_OK) {
    finish(transfer, request, CURLE_FAILED_INIT);
    return;
  }
  DL_APPEND(transfer->running, request);
  transfer->running_count++;
}

static void start(struct transfer *transfer, struct sending *request) {
  if (sending_prepare(request, &transfer->sockets))
    run_one(transfer, request);
  else
    finish(transfer, request, CURLE_OUT_OF_MEMORY);
}

/* Drops a request that has lost its readers, or whose readers all joined at or before
 * `patience`. */
static bool drop_if_unwanted(struct transfer *transfer, struct sending *request, int64_t patience) {
  bool deserted = flight_give_up(request->flight, request->has_waited);
  bool late = !deserted && !flight_is_awaited(request->flight, patience);
  request->deserted = deserted;
  request->late = late;
  if (deserted || late)
    cancel(transfer, request);
  return deserted || late;
}

/* A request whose readers have less than a tenth of their time left is not sent. If upstream hangs,
 * requests that came together would otherwise be sent, and charged, just before they time out. */
static void start_if_wanted(struct transfer *transfer, struct sending *request, int64_t now) {
  int64_t patience = sending_patience(request, now);
  if (drop_if_unwanted(transfer, request, patience + (now - patience) / 10))
    return;
  leave_queue(transfer, request);
  if (request->pacing)
    pacing_begin(request->pacing, &request->turn);
  start(transfer, request);
}

/* True if its key may send it now. If upstream has closed the key for longer than its readers wait,
 * it ends. */
static bool has_turn(struct transfer *transfer, struct sending *request, int64_t now) {
  int64_t at = request->pacing ? pacing_next(request->pacing, transfer->bounds.pace) : now;
  if (at <= now)
    return true;
  request->is_paced = true;
  if (at < transfer->start_at)
    transfer->start_at = at;
  int64_t closed_until = request->pacing->closed_until;
  request->closed = closed_until > now && !sending_is_awaited(request, closed_until);
  if (request->closed)
    cancel(transfer, request);
  return false;
}

/* Starts what waits, in its order, as far as there are places. A request whose key has to wait does
 * not hold up those of other keys. A key may also be opened by an answer, so it is looked at once a
 * TICK at least. */
static void start_waiting(struct transfer *transfer) {
  int64_t now = clock_monotonic();
  struct sending *request, *after;
  if (now < transfer->start_at)
    return;
  transfer->start_at = transfer->waiting ? now + TICK : CLOCK_NEVER;
  DL_FOREACH_SAFE(transfer->waiting, request, after) {
    if (transfer->running_count >= transfer->bounds.inflight)
      return;
    if (has_turn(transfer, request, now))
      start_if_wanted(transfer, request, now);
  }
}

/* Drops waiting requests without readers now, not when a place is free: their reservations end. All
 * others have waited from now on. */
static void drop_unwanted(struct transfer *transfer, int64_t now) {
  struct sending *request, *after;
  DL_FOREACH_SAFE(transfer->waiting, request, after) {
    request->has_waited = true;
    (void)drop_if_unwanted(transfer, request, sending_patience(request, now));
  }
}

/* True if the request was sent (almost) at once. It times out within a TICK of its readers, so they
 * need not leave before: then they learn its cost. */
static bool ends_with_readers(const struct sending *request, int64_t patience) {
  return request->easy && request->last_byte <= patience + TICK;
}

/* True if the answer is lost without a reader: it was sent, may be charged, and is not stored. */
static bool needs_its_reader(const struct sending *request) {
  struct flight_state state;
  flight_peek(request->flight, &state);
  return request->sends > 0 && request->evidence.kind != QUESTION_SUBSCRIPTION && !state.storing;
}

/* Releases readers that have waited too long for a first byte. Their request goes on, as it may
 * have been charged: upstream's time begins when it is sent. */
static void end_patience(struct transfer *transfer, struct sending *requests, int64_t now) {
  struct sending *request;
  DL_FOREACH(requests, request) {
    int64_t patience = sending_patience(request, now), left = -patience;
    if (request->heard || ends_with_readers(request, patience) || needs_its_reader(request))
      continue;
    flight_lose_patience(request->flight, patience);
    left += flight_since(request->flight);
    if (left > 0 && now + left < transfer->check_at)
      transfer->check_at = now + left;
  }
}

/* libcurl by itself keeps four connections for each request under way: the requests that end last
 * would close what a burst has opened, and the next burst would have to connect again. */
static void keep_connections(struct transfer *transfer) {
  curl_multi_setopt(transfer->multi, CURLMOPT_MAXCONNECTS, (long)transfer->bounds.inflight);
}

/* Closes all connections when they are too old for another request. libcurl 7.88 closes them only
 * at the next request, or when its multi handle is freed. */
static void close_old(struct transfer *transfer, int64_t now) {
  bool are_old = !transfer->running && now - transfer->ended_at > SENDING_KEEP * CLOCK_SECOND;
  CURLM *fresh = are_old && transfer->sockets.count ? curl_multi_init() : NULL;
  if (!fresh)
    return; /* without memory, until the next TICK */
  curl_multi_cleanup(transfer->multi);
  sockets_free(&transfer->sockets); /* of those, too, whose end libcurl did not report */
  transfer->multi = fresh;
  keep_connections(transfer);
}

static void check_waits(struct transfer *transfer) {
  int64_t now = clock_monotonic();
  if (now < transfer->check_at)
    return;
  transfer->check_at = now + TICK;
  drop_unwanted(transfer, now);
  end_patience(transfer, transfer->waiting, now);
  end_patience(transfer, transfer->running, now);
  close_old(transfer, now);
}

static void abort_all(struct transfer *transfer) {
  struct sending *request, *after;
  DL_FOREACH(transfer->running, request) {
    request->aborted = true;
    if (request->paused)
      curl_easy_pause(request->easy, CURLPAUSE_CONT);
  }
  DL_FOREACH_SAFE(transfer->waiting, request, after) {
    request->aborted = true;
    cancel(transfer, request);
  }
}

/* Resumes paused requests: when there is room, and once a TICK, as memory may have been short. */
static void unpause_all(struct transfer *transfer, bool room) {
  int64_t now = clock_monotonic();
  if (!room && now - transfer->unpaused_at < TICK)
    return;
  transfer->unpaused_at = now;
  struct sending *request, *after;
  DL_FOREACH_SAFE(transfer->running, request, after) {
    if (!request->paused)
      continue;
    request->paused = false;
    curl_easy_pause(request->easy, CURLPAUSE_CONT); /* the request may pause again at once */
  }
}

/* Does all that other threads asked for. False: the thread has to stop. */
static bool take(struct transfer *transfer) {
  pthread_mutex_lock(&transfer->lock);
  struct sending *submitted = transfer->submitted;
  transfer->submitted = NULL;
  bool room = transfer->room;
  transfer->room = false;
  bool changed = transfer->deserted || submitted;
  transfer->deserted = false;
  bool aborting = transfer->aborting, stopping = transfer->stopping;
  if (transfer->rebound || submitted)
    transfer->start_at = 0;
  if (transfer->rebound) {
    transfer->bounds = transfer->next_bounds;
    keep_connections(transfer);
  }
  transfer->rebound = false;
  pthread_mutex_unlock(&transfer->lock);
  enqueue(transfer, submitted);
  if (aborting)
    abort_all(transfer);
  start_waiting(transfer);
  keep_queue_short(transfer);
  if (changed)
    transfer->check_at = 0;
  check_waits(transfer);
  unpause_all(transfer, room);
  return !stopping || transfer->running || transfer->waiting;
}

/* After libcurl has ended with a request. */
static void end_one(struct transfer *transfer, struct sending *request, CURLcode code) {
  if (sending_may_restart(request, code)) {
    run_one(transfer, request);
    return;
  }
  if (!sending_may_wait(request)) {
    finish(transfer, request, code);
    return;
  }
  count(transfer, &(struct answer_head){.status = TRANSFER_THROTTLED});
  enqueue_again(transfer, request);
}

static void reap(struct transfer *transfer) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(transfer->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    CURLcode code = message->data.result;
    struct sending *request;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
    curl_multi_remove_handle(transfer->multi, request->easy);
    transfer->ended_at = clock_monotonic();
    DL_DELETE(transfer->running, request);
    transfer->running_count--;
    transfer->start_at = 0;
    end_one(transfer, request, code);
  }
}

static int64_t next_deadline(const struct transfer *transfer) {
  return transfer->start_at < transfer->check_at ? transfer->start_at : transfer->check_at;
}

/* curl_multi_wakeup() would need the handle, which close_old() replaces. This fails only after 2^64
 * rings that the thread has not heard. */
static void wake(struct transfer *transfer) {
  (void)eventfd_write(transfer->bell, 1);
}

static void wait_for_news(struct transfer *transfer) {
  struct curl_waitfd bell = {.fd = transfer->bell, .events = CURL_WAIT_POLLIN};
  curl_multi_poll(transfer->multi, &bell, 1, clock_timeout(next_deadline(transfer)), NULL);
  if (bell.revents)
    (void)eventfd_read(transfer->bell, &(eventfd_t){0});
}

static void *run(void *context) {
  struct transfer *transfer = context;
  while (take(transfer)) {
    int running;
    curl_multi_perform(transfer->multi, &running);
    reap(transfer);
    wait_for_news(transfer);
  }
  return NULL;
}

static bool open_all(struct transfer *transfer, struct fault *fault) {
  transfer->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (transfer->bell < 0)
    return fault_set(fault, FAULT_INTERNAL, "cannot make an eventfd: %s", strerror(errno));
  transfer->multi = curl_multi_init();
  if (!transfer->multi)
    return fault_no_memory(fault);
  keep_connections(transfer);
  return thread_start(&transfer->thread, "transfer", run, transfer, fault);
}

/* The thread does not run. */
static void release(struct transfer *transfer) {
  curl_multi_cleanup(transfer->multi);
  if (transfer->bell >= 0)
    close(transfer->bell);
  sockets_free(&transfer->sockets);
  keys_free(&transfer->keys);
  pthread_mutex_destroy(&transfer->lock);
  free(transfer);
}

/* --- the public face --- */

struct transfer_bounds transfer_bounds_of(const struct settings *settings) {
  return (struct transfer_bounds){.inflight = settings->max_inflight,
                                  .waiting = settings->max_waiting,
                                  .pace = settings->requests_per_minute};
}

void transfer_set_bounds(struct transfer *transfer, const struct transfer_bounds *bounds) {
  pthread_mutex_lock(&transfer->lock);
  transfer->next_bounds = *bounds;
  transfer->rebound = true;
  pthread_mutex_unlock(&transfer->lock);
  wake(transfer);
}

bool transfer_start(const struct transfer_bounds *bounds, struct transfer **out,
                    struct fault *fault) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer)
    return fault_no_memory(fault);
  transfer->bounds = *bounds;
  pthread_mutex_init(&transfer->lock, NULL);
  if (open_all(transfer, fault)) {
    *out = transfer;
    return true;
  }
  release(transfer);
  return false;
}

void transfer_stop(struct transfer **address) {
  struct transfer *transfer = steal(*address);
  if (!transfer)
    return;
  pthread_mutex_lock(&transfer->lock);
  transfer->stopping = true;
  pthread_mutex_unlock(&transfer->lock);
  wake(transfer);
  pthread_join(transfer->thread, NULL);
  release(transfer);
}

/* Raises a flag for the transfer thread, and wakes the thread if it was not raised yet. */
static void raise_flag(struct transfer *transfer, bool *flag) {
  pthread_mutex_lock(&transfer->lock);
  bool was_raised = *flag;
  *flag = true;
  pthread_mutex_unlock(&transfer->lock);
  if (!was_raised)
    wake(transfer);
}

static void on_room(void *context, struct flight *flight) {
  (void)flight;
  struct transfer *transfer = context;
  raise_flag(transfer, &transfer->room);
}

static void on_deserted(void *context, struct flight *flight) {
  (void)flight;
  struct transfer *transfer = context;
  raise_flag(transfer, &transfer->deserted);
}

static const struct flight_writer writer = {.room = on_room, .deserted = on_deserted};

void transfer_submit(struct transfer *transfer, struct flight *flight, struct transfer_ask **ask) {
  struct sending *request = (struct sending *)steal(*ask);
  request->flight = flight_hold(flight);
  flight_set_writer(flight, &writer, transfer);
  atomic_fetch_add(&transfer->inflight, 1);
  pthread_mutex_lock(&transfer->lock);
  DL_APPEND(transfer->submitted, request);
  pthread_mutex_unlock(&transfer->lock);
  wake(transfer);
}

void transfer_abort(struct transfer *transfer) {
  pthread_mutex_lock(&transfer->lock);
  transfer->aborting = true;
  pthread_mutex_unlock(&transfer->lock);
  wake(transfer);
}

int64_t transfer_inflight(const struct transfer *transfer) {
  return atomic_load(&transfer->inflight);
}

int64_t transfer_waiting(const struct transfer *transfer) {
  return atomic_load(&transfer->waiting_count);
}

int64_t transfer_turned_away(const struct transfer *transfer) {
  return atomic_load(&transfer->turned_away);
}

int64_t transfer_throttled(const struct transfer *transfer) {
  return atomic_load(&transfer->counts[TRANSFER_THROTTLED]);
}

void transfer_counts(struct transfer *transfer,
                     void (*each)(void *context, unsigned status, int64_t count), void *context) {
  for (unsigned status = 0; status < STATUSES; status++) {
    int64_t so_far = atomic_load(&transfer->counts[status]);
    if (so_far)
      each(context, status, so_far);
  }
}

bool transfer_health(const struct transfer *transfer, int64_t *answered_at, int64_t *failed_at) {
  *answered_at = atomic_load(&transfer->answered_at);
  *failed_at = atomic_load(&transfer->failed_at);
  return atomic_load(&transfer->failing);
}

bool transfer_is_discontinued(const struct transfer *transfer) {
  return atomic_load(&transfer->discontinued);
}

void transfer_redirect(struct transfer *transfer, struct transfer_redirect *redirect) {
  pthread_mutex_lock(&transfer->lock);
  *redirect = transfer->redirect;
  pthread_mutex_unlock(&transfer->lock);
}
