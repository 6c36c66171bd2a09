/* Answers computed from one stored result, on threads of this room.
 *
 *   derived_join --> waits for a thread --> pass 1: decides --> withdrawn: cannot be derived,
 *    joins, or                                  |               or nobody reads it
 *    begins                                     |
 *                                               '--> pass 2: writes --> copy published -> concluded
 *                                               |          ^  |
 *                                               |     room |  v no room: parked, without a thread
 *                                               '--> long, and no place: waits for one, then pass 1
 *                                                    again; in vain: refused
 *
 * An answer comes out of an ordinary flight (upstream/flight.h), and costs nothing. Its bytes begin
 * to flow after pass 1: until then a row of which something is not certain withdraws the flight,
 * and its readers plan again without this source. The head says what the answer would have cost
 * upstream, and has the source's time. What pass 1 does depends on the answer:
 *
 *   up to DERIVED_ANSWER   it writes all of it to memory, so nothing fails later
 *   longer, in the         it is a rehearsal: it writes, and keeps nothing
 *     source's order
 *   longer, gathered       it notes where the rows lie, and pass 2 reads these rows alone: sorted
 *                          answers, and those in a form that states its count first
 *   longer, and the        it reads nothing: the bytes of the source are the answer
 *     source itself
 *
 * A reader that does not read holds up its flight, and no thread. Computations from sources larger
 * than DERIVED_SMALL take seconds; they leave one thread to the others, if there are several. Every
 * flight concludes once, also after derived_desk_stop(). A computation whose readers have all left
 * ends early.
 *
 * An answer that is longer than its flight's window (1 MiB) stays parked for as long as its readers
 * like, so it needs one of DERIVED_PLACES before it writes. All others are written without a stop,
 * whoever reads them: slow readers never hold them up. Only pass 1 knows how long an answer is. If
 * no place is free then, what pass 1 has made is freed, so that waiting computations hold no
 * memory, and pass 1 runs again when there is a place. A computation that has waited for its
 * order's patience is refused, at no cost. None that has begun is broken off to make room, as its
 * readers may be honest and slow.
 *
 * Memory: each thread has one computation in pass 1, with DERIVED_SORTING for keys and places,
 * DERIVED_SMALL for chunks of the source, DERIVED_ANSWER, and what the reader and the writer need
 * for one row and one value (READER_MAX_ROW, READER_MAX_VALUE). Each of the DERIVED_PLACES keeps,
 * beside the window of its flight, DERIVED_ANSWER or what it reads with: places of rows, chunks, a
 * reader and a writer. A computation whose answer is all in its window keeps nothing else. */
#pragma once

#include "cache/cache.h"
#include "derive/reason.h"
#include "dialect/tariff.h"
#include "upstream/flight.h"

/* Bytes. */
#define DERIVED_SMALL ((size_t)4 * 1024 * 1024)
#define DERIVED_SORTING ((size_t)16 * 1024 * 1024)
#define DERIVED_ANSWER ((size_t)8 * 1024 * 1024)
#define DERIVED_COPY ((int64_t)8 * 1024 * 1024) /* a longer answer is not stored */
/* Long answers that have begun and are not concluded; others wait. */
#define DERIVED_PLACES 32

struct query;
struct reader_shape;

/* --- the desk: the threads and what they compute --- */

struct derived_desk;

/* Starts `threads` threads (at least 1). `cache` must outlive the desk. NULL: no memory, or no
 * thread. */
struct derived_desk *derived_desk_create(struct cache *cache, unsigned threads) MUST_CHECK;
/* No computation may be under way, and no reader of one may be left. Ends the threads. Leaves NULL;
 * NULL is allowed. */
void derived_desk_release(struct derived_desk **desk);
/* From now on no computation begins: derived_join() fails with FAULT_UNAVAILABLE where there is
 * none to join. Any thread. */
void derived_desk_stop(struct derived_desk *desk);
/* The number of computations under way, with or without a reader. Any thread. */
int64_t derived_desk_busy(const struct derived_desk *desk);

/* --- computing --- */

/* All of it is borrowed during the call, except where noted. */
struct derived_order {
  struct derived_desk *desk;
  const struct query *wanted;
  const struct cache_hold *source; /* from cache_find() */
  struct view source_normal;       /* the normalized query that the source answers */
  bool may_be_cut;                 /* the source: see struct derive_source; likewise: */
  int64_t cap;
  const struct reader_shape *shape; /* of the source's body; must live forever */
  int64_t max_depth;                /* of nesting in it: reader_create() */
  struct tariff tariff;             /* the price of `wanted`, upstream */
  struct digest subject;            /* of `wanted`, for the copy: see struct cache_subject */
  int64_t conditions;               /* likewise */
  bool store;                       /* keep the answer under the key of `wanted` */
  /* Nanoseconds. A long answer that has waited for a place so long is refused: FLIGHT_REFUSED, with
   * FAULT_UNAVAILABLE. Whoever joins a computation shares the patience of the order that began
   * it. */
  int64_t patience;
};

/* Joins the computation of `wanted` from this source, or begins one. `wake` and `context`: see
 * flight_join(). The caller owns the reader, and gives it up with flight_leave(). NULL with a
 * fault: no memory, or the desk has stopped. Does not block; any thread. */
struct flight_reader *derived_join(const struct derived_order *order, void (*wake)(void *context),
                                   void *context, struct fault *fault) MUST_CHECK;

/* Pass 1 alone, on the caller's thread: can `wanted` be derived? The desk is not asked, and may be
 * NULL. POSSIBLE, or the reason why not, with a fault where it is SOURCE or MEMORY. Blocks on the
 * disk, and reads the whole source. */
enum derive_reason derived_try(const struct derived_order *order, struct fault *fault) MUST_CHECK;

/* struct derive_source's `since` of a result that was paid in `currency`. For units it was made of
 * answers of v3, which is asked for the last days alone where a query of v2 has no lower bound. */
int32_t derived_since(enum currency currency, int64_t answered_at);

/* --- questions of readers; `flight` is a reader's of derived_join() --- */

/* Both functions may be called once the flight is past WAITING; what they return lives as long as
 * the flight. Any thread; do not block. */

/* The validator that the copy has, or will have; all zero if there is none. */
const struct cache_validator *derived_validator(const struct flight *flight);
/* The flight's own hold on the chunks of the copy, for cache_hold_again(); NULL if there is
 * none. */
const struct cache_hold *derived_hold(const struct flight *flight);
