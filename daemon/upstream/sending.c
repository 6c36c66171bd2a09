#include "upstream/sending.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mask.h"
#include "base/scope.h"
#include "base/text.h"
#include "upstream/failure.h"

#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_RESTARTS 5

int64_t sending_patience(const struct sending *request, int64_t now) {
  return now - request->ask.settings->stall_timeout * CLOCK_SECOND;
}

bool sending_is_awaited(const struct sending *request, int64_t then) {
  int64_t patience = sending_patience(request, then);
  return flight_is_awaited(request->flight, patience + (then - patience) / 10);
}

/* --- its pace --- */

/* A 429 costs nothing. One that says that it did is passed on, and booked. */
static void note_throttle(struct sending *request, const struct answer_head *head) {
  uint32_t random;
  int64_t now = clock_monotonic();
  /* Cannot fail or return fewer bytes: getrandom(2), up to 256 bytes. */
  CHECK(getrandom(&random, sizeof random, 0) == sizeof random);
  if (pacing_refuse(request->pacing, &request->turn, head->retry_after, random, now))
    log_warning(EVENT_throttled, "retry_after=%lld wait_ms=%lld", (long long)head->retry_after,
                (long long)((request->pacing->closed_until - now) / CLOCK_MILLISECOND));
  request->again = amount_is_zero(head->cost.spent) &&
                   sending_is_awaited(request, request->pacing->closed_until);
}

static void note_pace(struct sending *request, const struct answer_head *head) {
  if (!request->pacing)
    return;
  if (head->status == TRANSFER_THROTTLED)
    note_throttle(request, head);
  else
    pacing_accept(request->pacing, &request->turn);
}

/* --- libcurl's callbacks --- */

static void note_byte(struct sending *request) {
  request->last_byte = clock_monotonic();
  request->heard = true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  struct sending *request = context;
  struct view text = {line, size * count};
  note_byte(request);
  if (view_starts(text, VIEW("HTTP/"))) {
    /* A new head begins: the final one may follow a 1xx. */
    request->evidence.head = answer_head_empty();
    request->evidence.location[0] = '\0';
    return text.length;
  }
  while (text.length && (text.at[text.length - 1] == '\n' || text.at[text.length - 1] == '\r'))
    text.length--;
  struct view token = request->ask.token ? view_of(request->ask.token) : VIEW("");
  dialect_read_header(request->ask.dialect, text, token, &request->evidence);
  return size * count;
}

static int on_send(void *context, char *remote, char *local, int remote_port, int local_port) {
  struct sending *request = context;
  const struct socket_ends ends = {local, remote, local_port, remote_port};
  request->kept_back = request->sends > 0 && request->ask.send_once;
  if (request->kept_back)
    return CURL_PREREQFUNC_ABORT;
  request->lost = !sockets_use(request->sockets, &ends);
  if (request->lost)
    return CURL_PREREQFUNC_ABORT;
  request->deserted = !flight_depart(request->flight, request->has_waited);
  if (request->deserted)
    return CURL_PREREQFUNC_ABORT;
  request->sends++;
  /* It may be charged from now on, so upstream gets its whole time: connecting does not count. */
  request->last_byte = clock_monotonic();
  if (request->pacing)
    pacing_send(request->pacing, &request->turn, request->last_byte);
  return CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  struct sockets *sockets = context;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0 || sockets_add(sockets, fd))
    return fd;
  close(fd);
  return CURL_SOCKET_BAD;
}

static int on_close(void *context, curl_socket_t fd) {
  sockets_remove(context, fd);
  return close(fd);
}

/* The head is complete once the body begins, or the answer has ended. */
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
  request->evidence.sends = request->sends;
  head->cost = request->ask.dialect->quote(&request->evidence);
  request->head_complete = true;
  note_pace(request, head);
  if (!request->again)
    flight_set_head(request->flight, head);
}

/* An error is short, and so is a notice of upstream's. */
static void note_beginning(struct answer_evidence *evidence, struct view bytes) {
  size_t before = (size_t)evidence->body_length;
  size_t room = before < sizeof evidence->beginning ? sizeof evidence->beginning - before : 0;
  struct view taken = view_first(bytes, room);
  if (taken.length)
    memcpy(evidence->beginning + before, taken.at, taken.length);
  evidence->body_length += (int64_t)bytes.length;
}

/* A stored result has a number of results. If neither the head nor the body tells it, the answer is
 * not stored. */
static void read_body(struct sending *request, struct view bytes) {
  if (!request->reading)
    return;
  request->reading = reader_feed(request->reader, bytes, &request->evidence.reading);
  if (request->evidence.head.results_count < 0 && reader_results(request->reader) < 0)
    flight_storing_failed(request->flight);
}

/* True if the rest of the answer is useless: results that cannot be read are not stored. An error
 * of upstream's own is relayed even if it cannot be read. */
static bool is_hopeless(const struct sending *request) {
  enum question_kind kind = request->evidence.kind;
  bool is_stored = kind == QUESTION_RESULTS || kind == QUESTION_CALL;
  return is_stored && request->reader && request->evidence.head.status == 200 &&
         !request->reading && !request->evidence.head.is_error && !reader_is_error(request->reader);
}

/* Takes bytes that no client is to see. A connection with many of them is not worth keeping. */
static size_t skip(struct sending *request, size_t length) {
  request->skipped += length;
  return request->skipped > FLIGHT_CHUNK_SIZE ? CURL_WRITEFUNC_ERROR : length;
}

/* The bytes go to the flight as they came. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  struct sending *request = context;
  struct view body = {bytes, size * count};
  note_head(request);
  note_byte(request);
  if (request->again)
    return skip(request, body.length);
  if (answer_is_redirect(request->evidence.head.status))
    return CURL_WRITEFUNC_ERROR; /* no client may see the body of a redirect */
  if (!flight_feed(request->flight, body)) {
    request->paused = true;
    return CURL_WRITEFUNC_PAUSE; /* libcurl passes the same bytes again */
  }
  note_beginning(&request->evidence, body);
  if (request->evidence.head.status == 200)
    read_body(request, body);
  return is_hopeless(request) ? CURL_WRITEFUNC_ERROR : body.length;
}

/* libcurl calls this at least once a second. A paused request waits for its readers: upstream does
 * not stall it. A request that has lost its readers need not go on connecting. */
static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total,
                       curl_off_t uploaded) {
  (void)total, (void)upload_total, (void)uploaded;
  struct sending *request = context;
  int64_t time = clock_monotonic();
  if (now != request->received || request->paused)
    request->last_byte = time;
  request->received = now;
  request->stalled = request->last_byte <= sending_patience(request, time);
  request->deserted = request->deserted || flight_give_up(request->flight, request->has_waited);
  return request->stalled || request->aborted || request->deserted;
}

/* --- one request --- */

/* Adds a header. An empty `value`: libcurl does not send its own header of that name. */
static bool add_header(struct sending *request, const char *name, const char *value) {
  scope_text struct text line = {0};
  text_printf(&line, "%s:%s%s", name, *value ? " " : "", value);
  struct curl_slist *longer =
      text_ok(&line) ? curl_slist_append(request->headers, text_string(&line)) : NULL;
  if (longer)
    request->headers = longer;
  if (line.at)
    explicit_bzero(line.at, line.length);
  return longer != NULL;
}

static bool set_body(struct sending *request) {
  const struct dialect_request *asked = &request->ask.request;
  curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)asked->body_length);
  curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, asked->body);
  return add_header(request, "Content-Type", asked->content_type ? asked->content_type : "") &&
         add_header(request, "Expect", "");
}

/* False: no memory. */
static bool set_request(struct sending *request) {
  const struct dialect_request *asked = &request->ask.request;
  bool ok = curl_easy_setopt(request->easy, CURLOPT_URL, asked->url) == CURLE_OK &&
            (!asked->authorization || add_header(request, "Authorization", asked->authorization)) &&
            (!asked->body || set_body(request));
  if (asked->method)
    curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, asked->method);
  curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
  return ok;
}

static void set_options(struct sending *request) {
  const struct settings *settings = request->ask.settings;
  CURL *easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  /* Without this, giving up during a name lookup waits for the resolver, and stops all requests. */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy may name rowcache itself */
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "rowcache/" ROWCACHE_VERSION);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)SENDING_KEEP);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request->sockets);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, request->sockets);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)settings->connect_timeout);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)FLIGHT_CHUNK_SIZE);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or later */
  if (*settings->ca_file) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* it would be trusted, too */
  }
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static bool make_reader(struct sending *request) {
  if (!request->shape)
    return true;
  request->reader = reader_create(request->shape, request->ask.settings->max_depth);
  request->reading = request->reader != NULL;
  return request->reading;
}

bool sending_prepare(struct sending *request, struct sockets *sockets) {
  request->sockets = sockets;
  request->easy = curl_easy_init();
  if (!request->easy || !make_reader(request))
    return false;
  set_options(request);
  request->last_byte = clock_monotonic();
  return set_request(request);
}

static void wipe_headers(struct curl_slist *headers) {
  for (struct curl_slist *header = headers; header; header = header->next)
    explicit_bzero(header->data, strlen(header->data));
  curl_slist_free_all(headers);
}

/* Undoes sending_prepare(). */
static void put_away(struct sending *request) {
  curl_easy_cleanup(request->easy);
  request->easy = NULL;
  wipe_headers(request->headers);
  request->headers = NULL;
  reader_release(&request->reader);
  request->reading = false;
}

void sending_release(struct sending *request) {
  struct transfer_ask *ask = &request->ask;
  put_away(request);
  flight_release(&request->flight);
  dialect_request_release(&ask->request);
  if (ask->token)
    explicit_bzero(ask->token, strlen(ask->token));
  free(ask->token);
  settings_release(&ask->settings);
  free(request);
}

/* --- making and releasing, on any thread --- */

/* Keeps the token, to hide it in a Location. A body of unknown meaning may hold another token, so
 * the token is not known then. */
static bool fill(struct sending *request, const struct question *question, struct view token,
                 struct fault *fault) {
  struct transfer_ask *ask = &request->ask;
  if (!ask->dialect->write(question, ask->settings, token, &ask->request, fault))
    return false;
  if (question->kind != QUESTION_UNKNOWN)
    ask->token = strndup(token.at, token.length);
  return ask->token || question->kind == QUESTION_UNKNOWN || fault_no_memory(fault);
}

struct transfer_ask *transfer_ask_create(const struct dialect *dialect,
                                         const struct question *question, struct settings *settings,
                                         struct view token, const struct tariff *tariff,
                                         struct fault *fault) {
  struct sending *request = calloc(1, sizeof *request);
  if (!request) {
    fault_no_memory(fault);
    return NULL;
  }
  request->ask.dialect = dialect;
  request->ask.settings = settings_hold(settings);
  request->ask.key = digest_sha256(token);
  request->shape = dialect->shape(question);
  request->evidence.kind = question->kind;
  request->evidence.reads = request->shape != NULL;
  request->evidence.tariff = *tariff;
  request->evidence.head = answer_head_empty();
  if (fill(request, question, token, fault))
    return &request->ask;
  sending_release(request);
  return NULL;
}

void transfer_ask_once(struct transfer_ask *ask) {
  ask->send_once = true;
}

void transfer_ask_release(struct transfer_ask **address) {
  struct transfer_ask *ask = steal(*address);
  if (ask)
    sending_release((struct sending *)ask);
}

/* --- the end --- */

bool sending_may_restart(struct sending *request, CURLcode code) {
  bool may = code == CURLE_ABORTED_BY_CALLBACK && request->lost && !request->aborted &&
             request->restarts < MOST_RESTARTS;
  if (!may)
    return false;
  request->restarts++;
  request->lost = false;
  request->error[0] = '\0';
  curl_easy_setopt(request->easy, CURLOPT_FRESH_CONNECT, 1L);
  return true;
}

bool sending_may_wait(struct sending *request) {
  note_head(request);
  if (!request->again || request->aborted)
    return false;
  put_away(request);
  flight_return(request->flight);
  request->sends--;
  request->evidence.head = answer_head_empty();
  request->evidence.location[0] = request->error[0] = '\0';
  request->again = request->head_complete = request->heard = request->stalled = false;
  request->has_waited = true;
  request->received = 0;
  request->skipped = 0;
  return true;
}

/* The reason why a request did not get its turn, as a fault. */
static void explain_turn(const struct sending *request, struct fault *fault) {
  const struct settings *settings = request->ask.settings;
  const struct pacing *pacing = request->pacing;
  int64_t next = pacing_next(pacing, settings->requests_per_minute), now = clock_monotonic();
  if (pacing->refusals)
    fault_set(fault, FAULT_TOO_MANY,
              "upstream throttles this key (status 429) for longer than clients wait "
              "(upstream.stall_timeout, %lld s): nothing was sent",
              (long long)settings->stall_timeout);
  else
    fault_set(fault, FAULT_TOO_MANY,
              "a key may send %lld requests a minute (upstream.requests_per_minute), and this one "
              "had no turn within %lld s (upstream.stall_timeout): nothing was sent",
              (long long)settings->requests_per_minute, (long long)settings->stall_timeout);
  fault->retry_after = 1;
  if (next > now && next != INT64_MAX)
    fault->retry_after = (next - now + CLOCK_SECOND - 1) / CLOCK_SECOND;
}

/* The reason why a request that waited was not sent, as a fault. False: it did not wait. */
static bool explain_wait(const struct sending *request, struct fault *fault) {
  const struct settings *settings = request->ask.settings;
  if (request->deserted)
    fault_set(
        fault, FAULT_UNAVAILABLE,
        "this had to wait for a place upstream, and its client seemed to have gone: it was not "
        "sent");
  else if (request->too_many && request->ask.dialect->paces && !request->pacing)
    fault_set(fault, FAULT_TOO_MANY,
              "too many different keys are used upstream at the same time: nothing was sent");
  else if (request->too_many)
    fault_set(fault, FAULT_TOO_MANY,
              "too many requests wait for upstream (upstream.max_waiting, %lld): nothing was sent",
              (long long)settings->max_waiting);
  else if (request->pacing && (request->closed || (request->late && request->is_paced)))
    explain_turn(request, fault);
  else if (request->late)
    fault_set(fault, FAULT_UPSTREAM_TIMEOUT,
              "there was no free place upstream for %lld s (upstream.max_inflight, "
              "upstream.stall_timeout): nothing was sent",
              (long long)settings->stall_timeout);
  return request->deserted || request->too_many || request->closed || request->late;
}

/* The reason why libcurl failed, as a fault. */
static void explain(const struct sending *request, CURLcode code, struct fault *fault) {
  int64_t stall = request->ask.settings->stall_timeout;
  if (request->aborted)
    fault_set(fault, FAULT_UNAVAILABLE, "rowcache is stopping");
  else if (explain_wait(request, fault))
    return;
  else if (request->lost)
    fault_set(fault, FAULT_UPSTREAM, "upstream closes connections before it is asked anything");
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
              (long long)request->ask.settings->connect_timeout);
  else if (code == CURLE_OUT_OF_MEMORY) /* libcurl's code also for a header over its limit */
    fault_set(fault, FAULT_UPSTREAM, "upstream's head is too large, or memory is short");
  else
    fault_set(fault, FAULT_UPSTREAM, "upstream failed: %s", failure_word(code));
}

static void gather(struct sending *request, CURLcode code) {
  struct answer_evidence *evidence = &request->evidence;
  bool gave_up_reading = code == CURLE_WRITE_ERROR && request->reader && !request->reading;
  evidence->sends = request->sends;
  evidence->clean = code == CURLE_OK || gave_up_reading;
  if (!evidence->clean)
    explain(request, code, &evidence->transport);
  if (!evidence->clean && !request->error[0])
    snprintf(request->error, sizeof request->error, "%s", curl_easy_strerror(code));
  if (request->reading && evidence->clean)
    evidence->read = reader_finish(request->reader, &evidence->reading);
  if (request->reader) {
    evidence->counted = reader_results(request->reader);
    evidence->error = reader_is_error(request->reader);
    evidence->agrees =
        evidence->read && reader_agrees(request->reader, evidence->head.results_count);
  }
}

/* An error may repeat the token that it was asked with. */
static void hide_token(const struct sending *request, char *bytes, size_t length) {
  struct mask mask = {.secret = request->ask.token ? view_of(request->ask.token) : VIEW("")};
  (void)mask_apply(&mask, bytes, length);
}

struct answer_verdict sending_judge(struct sending *request, CURLcode code) {
  struct answer_evidence *evidence = &request->evidence;
  if (request->easy)
    note_head(request);
  gather(request, code);
  hide_token(request, evidence->beginning, answer_beginning(evidence).length);
  struct answer_verdict verdict = request->ask.dialect->judge(evidence);
  if (verdict.outcome == ANSWER_REFUSED) /* it may have been escaped before */
    hide_token(request, verdict.fault.text, strlen(verdict.fault.text));
  return verdict;
}
