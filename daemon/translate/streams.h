/* In which streams of links v3 is asked for the answer. Pure.
 *
 * A stream is all links of a part of the answer in an order that v3 certainly knows: by a number or
 * a time, neither of them null. Streams of one phase are read side by side and merged; all rows of
 * a phase stand before those of the next. By the first column of `order_by`:
 *
 *   none                    one stream, in the order of a time
 *   a number or a time      one stream in its order
 *   date                    new and lost links side by side, each in the order of its time
 *   type, nofollow,         what has the first value, then what has the second; each in the order of
 *   original, redirect      the rest of `order_by`. (v2's redirect 0 is also null in v3.)
 *   text                    refused: how v2 sorted it is not documented, nor how v3 does
 *
 * Further columns of order_by decide among rows that v2 showed alike in the first: see
 * translate/pages.h. */
#pragma once

#include "base/fault.h"
#include "query/query.h"
#include "translate/mapping.h"

#include <stddef.h>
#include <stdint.h>

#define STREAMS_MOST 16
#define STREAMS_NARROWED_MOST 3

struct stream {
  int phase;
  unsigned changes;
  const char *narrowed[STREAMS_NARROWED_MOST]; /* further filters, constants */
  size_t narrowed_count;
  enum mapping_source order;
  bool descending;
  int key;          /* the column of order_by that `order` stands for; -1: its rows tie in all */
  uint32_t sources; /* what is selected */
};

struct streams {
  struct stream items[STREAMS_MOST];
  size_t count;
  int phases;
};

/* False (FAULT_UNTRANSLATABLE): the order is not one of those above, or a column is not v2's. */
bool streams_check(const struct query *query, struct fault *fault) MUST_CHECK;

/* The streams for a query that streams_check() accepts, and a set of changes. */
struct streams streams_of(const struct query *query, unsigned changes);

/* The columns of the conditions, the order and the answer; a set of schema_bit(). */
uint32_t streams_columns(const struct query *query);

/* The number of streams in a phase. */
int64_t streams_in_phase(const struct streams *streams, int phase);
