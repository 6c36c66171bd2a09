/* Sends requests to upstream and feeds flights: one thread with a libcurl multi loop.
 *
 * The loop keeps as many connections as it may use at a time. A connection that was idle for 15 s
 * (SENDING_KEEP) is not used again; it is closed at the next request, or when nothing was under way
 * for that long. The loop accepts gzip and verifies TLS. It follows no redirect: that would carry
 * the token to another server.
 *
 * It speaks HTTP/1.1 only. A server that ends an HTTP/2 connection refuses the streams that it has
 * not processed, as nginx does after keepalive_requests. Refused streams cost nothing (RFC 9113
 * 8.7), but libcurl 7.88 sends them again by itself (Curl_retry_request()), just as it does when a
 * connection dies after the request may have been charged, and reports no difference. */
#pragma once

#include "dialect/dialect.h"
#include "settings/settings.h"
#include "upstream/flight.h"

#define TRANSFER_THROTTLED 429 /* the HTTP status of an answer that throttles a key */

struct transfer;

/* What upstream.max_inflight, upstream.max_waiting and upstream.requests_per_minute say. */
struct transfer_bounds {
  int64_t inflight, waiting, pace;
};
struct transfer_bounds transfer_bounds_of(const struct settings *settings);

/* Starts the thread. The caller owns `*out`. False: no memory, or no thread. */
bool transfer_start(const struct transfer_bounds *bounds, struct transfer **out,
                    struct fault *fault) MUST_CHECK;
/* Changes the bounds, also for those that wait. Does not block; any thread. */
void transfer_set_bounds(struct transfer *transfer, const struct transfer_bounds *bounds);
/* Ends the thread and waits for it. All requests must have ended: transfer_abort(), then wait.
 * Leaves NULL; NULL is allowed. */
void transfer_stop(struct transfer **transfer);

/* One request to upstream, before it is submitted. */
struct transfer_ask;
/* A request that asks `question` with `token` in `dialect`, with all the memory that
 * transfer_submit() needs. `tariff`: the question's price. Takes a reference of `settings`, and
 * copies the rest. The caller owns it. NULL (with a fault): no memory. Does not block; any
 * thread. */
struct transfer_ask *transfer_ask_create(const struct dialect *dialect,
                                         const struct question *question, struct settings *settings,
                                         struct view token, const struct tariff *tariff,
                                         struct fault *fault) MUST_CHECK;
/* Forbids a second send, which may cost again: if libcurl would send it again, it fails instead. A
 * request that upstream has throttled (429) is free, and may be sent again. */
void transfer_ask_once(struct transfer_ask *ask);
/* Leaves NULL; NULL is allowed. */
void transfer_ask_release(struct transfer_ask **ask);

/* Sends `*ask` and feeds `flight`. Takes over `*ask` and leaves NULL; holds a reference to
 * `flight`. The request ends in flight_end() on the transfer thread. Requests over
 * upstream.max_inflight wait for a place, and with a dialect that paces each key also waits for its
 * turn (upstream/pacing.h). A request that upstream throttles waits again, as long as its readers
 * do; then the 429 is its answer. More than upstream.max_waiting do not wait: the last ones end as
 * broken, at no cost. A request whose flight was given up (flight_give_up()) is
 * not sent: the flight ends as broken, at no cost. Cannot fail: any failure becomes the flight's
 * verdict. Does not block; any thread. */
void transfer_submit(struct transfer *transfer, struct flight *flight, struct transfer_ask **ask);

/* Ends all requests as broken, now and from now on. Does not block; any thread. */
void transfer_abort(struct transfer *transfer);

/* The number of requests under way, including those that wait for a place. Any thread; does not
 * block. */
int64_t transfer_inflight(const struct transfer *transfer);

/* The number of those that wait for a place, or for their turn (struct dialect, paces). Likewise. */
int64_t transfer_waiting(const struct transfer *transfer);
/* The number of requests since the start that were not sent, as too many waited
 * (upstream.max_waiting); and of the answers with TRANSFER_THROTTLED. Likewise. */
int64_t transfer_turned_away(const struct transfer *transfer);
int64_t transfer_throttled(const struct transfer *transfer);

/* Calls `each` for every HTTP status since the start (0: no answer), with the number of its
 * answers. Does not block; any thread. */
void transfer_counts(struct transfer *transfer,
                     void (*each)(void *context, unsigned status, int64_t count), void *context);

/* Fills the last times at which upstream answered a request, and at which it did not (seconds since
 * 1970; 0: never). True if it did not answer the last request; the times alone do not show that, as
 * the clock may have been set. Does not block; any thread. */
bool transfer_health(const struct transfer *transfer, int64_t *answered_at, int64_t *failed_at);

/* True if upstream said that its API is discontinued, and has given no sound answer since (the
 * account of a token apart). Does not block; any thread. */
bool transfer_is_discontinued(const struct transfer *transfer);

/* A redirect that upstream answered with. */
struct transfer_redirect {
  unsigned status;              /* 0: the last answer was no redirect */
  char location[LOCATION_SIZE]; /* as it may be shown; empty: it cannot be shown */
};
/* Fills `redirect` with that of the last answer. Does not block; any thread. */
void transfer_redirect(struct transfer *transfer, struct transfer_redirect *redirect);
