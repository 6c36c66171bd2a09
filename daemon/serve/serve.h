/* The service: runs clients' requests (serve/steps.h) on the rooms that main has opened.
 *
 * Requests run on the client listener's threads. A paid request belongs to no client's request: it
 * goes on when the client has left (paid/paid.h). */
#pragma once

#include "access/rate.h"
#include "base/age.h"
#include "base/text.h"
#include "derived/derived.h"
#include "http/exchange.h"
#include "observe/counters.h"
#include "observe/trace.h"
#include "paid/paid.h"
#include "settings/current.h"

struct serve;

/* The rooms that requests use; they must outlive `serve`. */
struct serve_rooms {
  struct current *current;
  struct cache *cache;
  struct ledger *ledger;
  struct flights *flights;
  struct access *access;
  struct rates *rates;
  struct paid_desk *desk;
  struct derived_desk *derived;
  struct counters *counters;
  struct traces *traces;
};

/* Copies `rooms`; the caller owns the result. NULL: no memory. */
struct serve *serve_create(const struct serve_rooms *rooms) MUST_CHECK;
/* No request may be under way. Leaves NULL; NULL is allowed. */
void serve_release(struct serve **serve);

/* The handler for the client listener. Valid as long as `serve`. */
const struct exchange_handler *serve_handler(struct serve *serve);

/* From now on each reply asks its client to close the connection. Any thread. */
void serve_drain(struct serve *serve);
/* True after serve_drain(). Any thread. */
bool serve_is_draining(const struct serve *serve);
/* The number of requests under way. Any thread. */
int64_t serve_busy(const struct serve *serve);
