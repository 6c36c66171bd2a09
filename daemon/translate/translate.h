/* A query of v2 that is answered from pages of v3's site-explorer/all-backlinks. Pure.
 *
 *   translate_check                  can it be asked at all?
 *   translate_create
 *     translate_next -> ASK          a page to ask for: a call (query/call.h)
 *       translate_feed*              its body as it comes
 *       translate_end_page           or translate_drop_page: it failed, and can be asked again
 *     translate_next -> DONE         translate_answer: v2's answer, in JSON
 *   translate_release
 *
 * conditions says what can be asked and judges each row, filters what v3 is asked, streams in which
 * order, pages which page comes next, links what v2's rows of a link are; sort holds the rows.
 * Nothing is asked for that cannot be used, and as soon as the rows up to offset + limit are
 * certain, nothing more is asked for.
 *
 * The answer has v2's rows, types and order where the mapping is exact (tables/translate.def). A
 * link is new on the day of first_seen_link and lost on that of last_seen. A translation belongs to
 * one thread at a time. */
#pragma once

#include "base/check.h"
#include "base/fault.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct query;
struct translation;

struct translate_limits {
  int32_t today;  /* day since 1970-01-01, UTC: the last of v2's sixty days */
  size_t most;    /* bytes of memory for rows; the answer takes as much again */
  int64_t proven; /* rows that some answer to the key has had: a cap that is not known is no less */
};

/* False (FAULT_UNTRANSLATABLE): v3 cannot be asked for it; the text says for what, and why. For a
 * query of backlinks_new_lost. The answer is JSON whatever its `output`, of which JSON and PHP are
 * accepted. */
bool translate_check(const struct query *query, struct fault *fault) MUST_CHECK;

/* What is asked for if no row is dropped and no page is cut: `rows` rows at most, of `row_cost`
 * units each at most. For a query that translate_check() accepts. */
struct translate_price {
  int64_t row_cost, rows;
};
struct translate_price translate_price(const struct query *query);

/* For a query that translate_check() accepts, and which must outlive it. NULL
 * (FAULT_UNTRANSLATABLE): offset and limit ask for more rows than memory is set aside for; or no
 * memory. */
struct translation *translate_create(const struct query *query,
                                     const struct translate_limits *limits,
                                     struct fault *fault) MUST_CHECK;
/* The bytes that the rows, and the answer once it is made, take. */
size_t translate_memory(const struct translation *translation);
/* Leaves NULL; NULL is allowed. */
void translate_release(struct translation **translation);

enum translate_step {
  TRANSLATE_ASK,   /* *page is to be asked for; the caller owns it */
  TRANSLATE_DONE,  /* the answer is complete */
  TRANSLATE_FAILED /* *fault says why */
};
/* What to do next. `cap`: rows that one answer can have; 0: there is no such number; -1: it is not
 * known, and any answer may be cut, until a longer one has come. `affordable`: rows
 * that can be paid, -1 without a bound: the page's limit is no larger, unless it could not get on
 * then. *page has the token of the query. */
enum translate_step translate_next(struct translation *translation, int64_t cap, int64_t affordable,
                                   struct query **page, struct fault *fault) MUST_CHECK;

/* The next bytes of the page's body, and its end. False: the translation has failed for good.
 * FAULT_UPSTREAM: the page is no sound answer; FAULT_UNTRANSLATABLE: it cannot be told if v2 would
 * have had one of its rows, or there are too many. */
bool translate_feed(struct translation *translation, struct view bytes,
                    struct fault *fault) MUST_CHECK;
bool translate_end_page(struct translation *translation, struct fault *fault) MUST_CHECK;
/* Instead of translate_end_page(): forgets what came of the page, also after translate_feed()
 * failed. */
void translate_drop_page(struct translation *translation);

/* The rows that the plan gives at once, as the pages showed it; 0: they did not. */
int64_t translate_cap(const struct translation *translation);

/* After DONE: the answer, which lives as long as the translation, and the number of its rows. Fewer
 * than the query's limit: there are no more. */
struct view translate_answer(const struct translation *translation);
int64_t translate_results(const struct translation *translation);
