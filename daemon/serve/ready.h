/* What is kept with a hot result for the replies that are made of it: its gzip, and replies that are
 * ready. Any thread; nothing blocks on the disk. */
#pragma once

#include "cache/hot.h"
#include "http/ready.h"
#include "query/output.h"

/* A body of so many bytes goes out in one piece, and its gzip is made at once, in some milliseconds. Of
 * a longer one the exchange must see that the client goes on reading (http/connections.h). */
#define READY_MOST ((int64_t)1024 * 1024)

/* True if the body has not more than READY_MOST bytes. */
bool ready_is_short(const struct cache_hot *hot);

/* The gzip of a short body, as long as the hot result. It is made once, here. Empty: it is not kept, as
 * the body is longer, or there is no place for it. */
struct view ready_gzip(struct cache *cache, struct cache_hot *hot);

struct ready_order {
  int64_t now;       /* seconds since 1970 */
  int64_t freshness; /* seconds left; more than 0 */
  enum query_output output;
  bool is_call, is_gzip;
};
/* The reply, of a short body, to a plain hit that has spent nothing: a reference, for
 * exchange_reply_ready(). Within a second it is the same one. The caller holds the hot result until
 * the exchange has finished. NULL: no memory, or no gzip is kept. */
struct exchange_ready *ready_reply(struct cache *cache, struct cache_hot *hot,
                                   const struct ready_order *order) MUST_CHECK;
