/* Asks upstream: one libcurl multi loop in a thread of its own, which feeds flights.
 *
 * Keeps connections alive, takes gzip, verifies TLS. Follows no redirects: a Location would carry
 * the token elsewhere.
 *
 * Speaks HTTP/1.1 only. Over HTTP/2 a server refuses streams when it ends a connection, as nginx
 * does after keepalive_requests. They were not processed and cost nothing (RFC 9113 8.7), but
 * libcurl 7.88 sends them again by itself (Curl_retry_request()) and does not tell them from
 * requests whose connection died after they may have been charged. */
#pragma once

#include "dialect/dialect.h"
#include "settings/settings.h"
#include "upstream/flight.h"

struct transfer;

bool transfer_start(struct transfer **out, struct fault *fault) MUST_CHECK;
/* Ends the thread; all must have ended (transfer_abort(), then wait). Leaves NULL. */
void transfer_stop(struct transfer **transfer);

/* One request to upstream that was not submitted yet. */
struct transfer_ask;
/* The request that asks `question` with `token` in `dialect`, with all the memory that
 * transfer_submit() needs. Takes a reference of `settings`, and copies the rest. NULL (with a fault): no memory. Does not block; any thread. */
struct transfer_ask *transfer_ask_create(const struct dialect *dialect,
                                         const struct question *question, struct settings *settings,
                                         struct view token, const struct tariff *tariff,
                                         struct fault *fault) MUST_CHECK;
/* From now on: fail rather than have libcurl send it again, which may cost twice. */
void transfer_ask_once(struct transfer_ask *ask);
/* Leaves NULL; NULL is allowed. */
void transfer_ask_release(struct transfer_ask **ask);

/* Sends `*ask` (taken over, NULL is left there) and feeds `flight`, of which it holds a reference
 * until flight_end(), which it calls on its own thread: never before it returns, so the caller may
 * hold locks that the flight's owner takes. Requests over upstream.max_inflight wait their turn.
 * What nobody waits for any more before it is sent (flight_give_up()) is not sent: the flight ends
 * as broken, and free. Cannot fail: what goes wrong becomes the flight's verdict. Does not block;
 * any thread. */
void transfer_submit(struct transfer *transfer, struct flight *flight, struct transfer_ask **ask);

/* Ends all that is under way, and all that comes, as broken. Any thread. */
void transfer_abort(struct transfer *transfer);

/* Under way, the waiting included. Any thread; does not block. */
int64_t transfer_inflight(const struct transfer *transfer);

/* Calls `each` for every HTTP status that came so far (0: none came) with its count. Any thread. */
void transfer_counts(struct transfer *transfer,
                     void (*each)(void *context, unsigned status, int64_t count), void *context);

/* The last time that upstream answered, and the last time that it did not (seconds since 1970; 0:
 * never). True: it did not answer the last request. The times do not tell that, as the clock may
 * have been set in between. Any thread; does not block. */
bool transfer_health(const struct transfer *transfer, int64_t *answered_at, int64_t *failed_at);

/* A redirect that upstream answers with. */
struct transfer_redirect {
  unsigned status;              /* 0: the last answer was none */
  char location[LOCATION_SIZE]; /* as it may be shown; empty: nothing can be */
};
/* Whether the last answer was a redirect, and where to. Any thread; does not block. */
void transfer_redirect(struct transfer *transfer, struct transfer_redirect *redirect);
