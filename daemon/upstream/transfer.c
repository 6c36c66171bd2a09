#include "upstream/transfer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/thread.h"
#include "rows/reader.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <utlist.h>

#define TICK_MS 1000 /* how often stalls are looked for */
#define STATUSES 600
/* A connection that has rested longer is not used again: the less likely it is that upstream has
 * closed it, and libcurl sends a second time what may have been charged. */
#define KEEP_SECONDS 15

/* One request under way. The transfer thread's own. */
struct sending {
  struct flight *flight;
  struct transfer_ask *ask;
  CURL *easy;
  struct curl_slist *headers;
  struct reader *reader; /* NULL: the body is not read */
  bool reading;          /* the reader still accepts */
  bool paused, stalled, aborted;
  bool kept_back; /* it would have been sent again */
  bool head_complete;
  int64_t sends; /* libcurl sends again by itself where a kept connection turns out to be closed */
  int64_t last_byte; /* clock_monotonic() */
  curl_off_t received;
  struct v2_evidence evidence;
  char error[CURL_ERROR_SIZE];
  struct sending *next, *prev;
};

struct transfer {
  pthread_t thread;
  CURLM *multi;
  atomic_llong inflight, answered_at, failed_at;
  atomic_bool failing; /* no answer came to the last request */
  atomic_llong counts[STATUSES];

  /* The thread's own. */
  struct sending *waiting, *running;
  int64_t running_count, running_limit, unpaused_at;

  pthread_mutex_t lock; /* what others hand over: */
  struct sending *submitted;
  bool room, aborting, stopping;
};

static void finish(struct transfer *transfer, struct sending *request, CURLcode code);

/* --- what libcurl calls --- */

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  struct sending *request = context;
  struct view text = {line, size * count};
  request->last_byte = clock_monotonic();
  if (view_starts(text, VIEW("HTTP/"))) {
    /* A new head: of a 1xx, or the final one. */
    request->evidence.head = (struct answer_head){.results_count = -1};
    return text.length;
  }
  while (text.length && (text.at[text.length - 1] == '\n' || text.at[text.length - 1] == '\r'))
    text.length--;
  v2_header(text, &request->evidence.head);
  return size * count;
}

static int on_send(void *context, char *remote, char *local, int remote_port, int local_port) {
  (void)remote, (void)local, (void)remote_port, (void)local_port;
  struct sending *request = context;
  request->kept_back = request->sends > 0 && request->ask->send_once;
  if (request->kept_back)
    return CURL_PREREQFUNC_ABORT;
  request->sends++;
  return CURL_PREREQFUNC_OK;
}

/* The head is known once the body begins, or the answer has ended. */
static void note_head(struct sending *request) {
  if (request->head_complete)
    return;
  long status = 0;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after);
  if (status < 200)
    return;
  struct answer_head *head = &request->evidence.head;
  head->status = (unsigned)status;
  head->retry_after = retry_after;
  head->answered_at = clock_seconds();
  request->head_complete = true;
  flight_set_head(request->flight, head);
}

static void read_body(struct sending *request, struct view bytes) {
  if (request->reading)
    request->reading = reader_feed(request->reader, bytes, &request->evidence.reading);
}

/* What cannot be read will never be stored: nothing is gained by taking the rest. But an error of
 * upstream's own is relayed, readable or not. */
static bool is_hopeless(const struct sending *request) {
  return request->evidence.kind == V2_RESULTS && request->evidence.head.status == 200 &&
         !request->reading && !request->evidence.head.is_error && !reader_is_error(request->reader);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  struct sending *request = context;
  struct view body = {bytes, size * count};
  note_head(request);
  request->last_byte = clock_monotonic();
  if (!flight_feed(request->flight, body)) {
    request->paused = true;
    return CURL_WRITEFUNC_PAUSE; /* the same bytes come again */
  }
  if (request->evidence.head.status == 200)
    read_body(request, body);
  return is_hopeless(request) ? CURL_WRITEFUNC_ERROR : body.length;
}

/* Called at least once a TICK. A request that waits for a reader is not stalled by upstream. */
static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total,
                       curl_off_t uploaded) {
  (void)total, (void)upload_total, (void)uploaded;
  struct sending *request = context;
  int64_t time = clock_monotonic();
  if (now != request->received || request->paused)
    request->last_byte = time;
  request->received = now;
  request->stalled =
      time - request->last_byte >= request->ask->settings->stall_timeout * INT64_C(1000000000);
  return request->stalled || request->aborted;
}

/* --- one request --- */

static void set_ask(struct sending *request) {
  const struct transfer_ask *ask = request->ask;
  CURL *easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_URL, ask->url);
  if (!ask->body)
    return;
  scope_free char *type = NULL;
  if (asprintf(&type, "Content-Type:%s%s", ask->content_type ? " " : "",
               ask->content_type ? ask->content_type : "") < 0)
    type = NULL;
  request->headers = curl_slist_append(request->headers, type ? type : "Content-Type:");
  request->headers = curl_slist_append(request->headers, "Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_length);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->body);
}

static void set_options(struct sending *request) {
  const struct settings *settings = request->ask->settings;
  CURL *easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy may well name rowcache itself */
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "rowcache/" ROWCACHE_VERSION);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)KEEP_SECONDS);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)settings->connect_timeout);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)FLIGHT_CHUNK_SIZE);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
  if (*settings->ca_file)
    curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static bool prepare(struct sending *request) {
  enum v2_kind kind = request->evidence.kind;
  request->easy = curl_easy_init();
  if (!request->easy)
    return false;
  if (kind != V2_OPAQUE) {
    enum reader_table table = kind == V2_RESULTS ? READER_REFPAGES : READER_ANY;
    request->reader = reader_create(table, request->ask->settings->max_depth);
    request->reading = request->reader != NULL;
    if (!request->reader)
      return false;
  }
  set_options(request);
  set_ask(request);
  request->last_byte = clock_monotonic();
  return true;
}

static void release(struct sending *request) {
  curl_easy_cleanup(request->easy);
  curl_slist_free_all(request->headers);
  reader_release(&request->reader);
  transfer_ask_release(&request->ask);
  flight_release(&request->flight);
  free(request);
}

/* libcurl's word for it, as our fault. */
static void explain(const struct sending *request, CURLcode code, struct fault *fault) {
  int64_t stall = request->ask->settings->stall_timeout;
  if (request->aborted)
    fault_set(fault, FAULT_UNAVAILABLE, "rowcache is stopping");
  else if (request->kept_back)
    fault_set(fault, FAULT_UPSTREAM,
              "upstream closed the connection before it answered, and it is not asked again: that "
              "could cost more than was reserved of the budget");
  else if (request->stalled)
    fault_set(fault, FAULT_UPSTREAM_TIMEOUT,
              "upstream sent nothing for %lld s (upstream.stall_timeout)", (long long)stall);
  else if (code == CURLE_OPERATION_TIMEDOUT)
    fault_set(fault, FAULT_UPSTREAM_TIMEOUT,
              "no connection to upstream within %lld s (upstream.connect_timeout)",
              (long long)request->ask->settings->connect_timeout);
  else if (code == CURLE_OUT_OF_MEMORY) /* what libcurl says of a header over its limit, too */
    fault_set(fault, FAULT_UPSTREAM, "upstream's head is too large, or memory is short");
  else
    fault_set(fault, FAULT_UPSTREAM, "upstream failed: %s",
              request->error[0] ? request->error : curl_easy_strerror(code));
}

static void gather(struct sending *request, CURLcode code) {
  struct v2_evidence *evidence = &request->evidence;
  bool gave_up_reading = code == CURLE_WRITE_ERROR && request->reader && !request->reading;
  long sent = 0;
  if (request->easy)
    curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &sent);
  evidence->sent = sent > 0 || request->sends > 0;
  evidence->clean = code == CURLE_OK || gave_up_reading;
  if (!evidence->clean)
    explain(request, code, &evidence->transport);
  if (request->reading && evidence->clean)
    evidence->read = reader_finish(request->reader, &evidence->reading);
  if (request->reader) {
    evidence->counted = reader_results(request->reader);
    evidence->error = reader_is_error(request->reader);
  }
}

static void count(struct transfer *transfer, const struct answer_head *head) {
  unsigned status = head->status < STATUSES ? head->status : 0;
  atomic_fetch_add(&transfer->counts[status], 1);
  atomic_store(status ? &transfer->answered_at : &transfer->failed_at, clock_seconds());
  atomic_store(&transfer->failing, status == 0);
}

/* The only way out for a request, whatever happened to it. */
static void finish(struct transfer *transfer, struct sending *request, CURLcode code) {
  if (request->easy)
    note_head(request);
  gather(request, code);
  struct answer_verdict verdict = v2_judge(&request->evidence);
  verdict.extra_sends = request->sends > 1 ? request->sends - 1 : 0;
  if (verdict.outcome == ANSWER_BROKEN)
    log_warning("upstream", "outcome=broken status=%u reason=%s", request->evidence.head.status,
                LOG_VALUE(verdict.fault.text));
  if (request->evidence.sent || code != CURLE_ABORTED_BY_CALLBACK)
    count(transfer, &request->evidence.head);
  flight_end(request->flight, &verdict);
  atomic_fetch_sub(&transfer->inflight, 1);
  release(request);
}

/* --- the loop --- */

static void start(struct transfer *transfer, struct sending *request) {
  if (!prepare(request)) {
    finish(transfer, request, CURLE_OUT_OF_MEMORY);
    return;
  }
  CURLMcode code = curl_multi_add_handle(transfer->multi, request->easy);
  if (code != CURLM_OK) {
    finish(transfer, request, CURLE_FAILED_INIT);
    return;
  }
  DL_APPEND(transfer->running, request);
  transfer->running_count++;
}

static void start_waiting(struct transfer *transfer) {
  while (transfer->waiting && transfer->running_count < transfer->running_limit) {
    struct sending *request = transfer->waiting;
    DL_DELETE(transfer->waiting, request);
    start(transfer, request);
  }
}

static void abort_all(struct transfer *transfer) {
  struct sending *request, *after;
  DL_FOREACH(transfer->running, request) {
    request->aborted = true;
    if (request->paused)
      curl_easy_pause(request->easy, CURLPAUSE_CONT);
  }
  DL_FOREACH_SAFE(transfer->waiting, request, after) {
    DL_DELETE(transfer->waiting, request);
    request->aborted = true;
    finish(transfer, request, CURLE_ABORTED_BY_CALLBACK);
  }
}

/* Only when there is room, and once in a while in case memory was short: libcurl reads on into
 * memory of its own at each needless try (HTTP/2). */
static void unpause_all(struct transfer *transfer, bool room) {
  int64_t now = clock_monotonic();
  if (!room && now - transfer->unpaused_at < TICK_MS * INT64_C(1000000))
    return;
  transfer->unpaused_at = now;
  struct sending *request, *after;
  DL_FOREACH_SAFE(transfer->running, request, after) {
    if (!request->paused)
      continue;
    request->paused = false;
    curl_easy_pause(request->easy, CURLPAUSE_CONT); /* may pause again at once */
  }
}

/* Takes over what others handed in; false when it is time to stop. */
static bool take(struct transfer *transfer) {
  pthread_mutex_lock(&transfer->lock);
  struct sending *submitted = transfer->submitted;
  transfer->submitted = NULL;
  bool room = transfer->room;
  transfer->room = false;
  bool aborting = transfer->aborting, stopping = transfer->stopping;
  pthread_mutex_unlock(&transfer->lock);
  if (submitted) {
    transfer->running_limit = submitted->prev->ask->settings->max_inflight;
    DL_CONCAT(transfer->waiting, submitted);
  }
  if (aborting)
    abort_all(transfer);
  start_waiting(transfer);
  unpause_all(transfer, room);
  return !stopping || transfer->running || transfer->waiting;
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
    DL_DELETE(transfer->running, request);
    transfer->running_count--;
    finish(transfer, request, code);
  }
}

static void *run(void *context) {
  struct transfer *transfer = context;
  while (take(transfer)) {
    int running;
    curl_multi_perform(transfer->multi, &running);
    reap(transfer);
    curl_multi_poll(transfer->multi, NULL, 0, TICK_MS, NULL);
  }
  return NULL;
}

/* --- the face --- */

bool transfer_start(struct transfer **out, struct fault *fault) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer)
    return fault_no_memory(fault);
  pthread_mutex_init(&transfer->lock, NULL);
  transfer->multi = curl_multi_init();
  bool ok = transfer->multi || fault_no_memory(fault);
  if (ok && thread_start(&transfer->thread, "transfer", run, transfer, fault)) {
    *out = transfer;
    return true;
  }
  curl_multi_cleanup(transfer->multi);
  free(transfer);
  return false;
}

void transfer_stop(struct transfer **address) {
  struct transfer *transfer = steal(*address);
  if (!transfer)
    return;
  pthread_mutex_lock(&transfer->lock);
  transfer->stopping = true;
  pthread_mutex_unlock(&transfer->lock);
  curl_multi_wakeup(transfer->multi);
  pthread_join(transfer->thread, NULL);
  curl_multi_cleanup(transfer->multi);
  pthread_mutex_destroy(&transfer->lock);
  free(transfer);
}

void transfer_ask_release(struct transfer_ask **address) {
  struct transfer_ask *ask = steal(*address);
  if (!ask)
    return;
  free(ask->url);
  free(ask->body);
  free(ask->content_type);
  settings_release(&ask->settings);
  free(ask);
}

static void on_room(void *context, struct flight *flight) {
  (void)flight;
  struct transfer *transfer = context;
  pthread_mutex_lock(&transfer->lock);
  bool told = transfer->room;
  transfer->room = true;
  pthread_mutex_unlock(&transfer->lock);
  if (!told)
    curl_multi_wakeup(transfer->multi);
}

void transfer_submit(struct transfer *transfer, struct flight *flight, struct transfer_ask **ask) {
  struct sending *request = calloc(1, sizeof *request);
  if (!request) {
    struct answer_verdict verdict = {.outcome = ANSWER_BROKEN, .charge = ANSWER_FREE};
    fault_no_memory(&verdict.fault);
    transfer_ask_release(ask);
    flight_end(flight, &verdict);
    return;
  }
  request->ask = steal(*ask);
  request->flight = flight_hold(flight);
  request->evidence.kind = request->ask->kind;
  request->evidence.limit = request->ask->limit;
  request->evidence.head.results_count = -1;
  flight_set_writer(flight, on_room, transfer);
  atomic_fetch_add(&transfer->inflight, 1);
  pthread_mutex_lock(&transfer->lock);
  DL_APPEND(transfer->submitted, request);
  pthread_mutex_unlock(&transfer->lock);
  curl_multi_wakeup(transfer->multi);
}

void transfer_abort(struct transfer *transfer) {
  pthread_mutex_lock(&transfer->lock);
  transfer->aborting = true;
  pthread_mutex_unlock(&transfer->lock);
  curl_multi_wakeup(transfer->multi);
}

int64_t transfer_inflight(const struct transfer *transfer) {
  return atomic_load(&transfer->inflight);
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
