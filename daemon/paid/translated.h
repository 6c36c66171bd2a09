/* A translated request: a question of v2 that is answered from pages of v3 (translate/translate.h).
 * Of the paid room only.
 *
 *   translated_create ---> translated_start ---> cap ---> choose ---> answer ---> over
 *                                                          |  ^
 *                                                          v  |
 *                                                          read   a page
 *
 * The request itself has no entry in the ledger and sends nothing. Each page is a paid request of
 * its own, under the key of its call: reserved, sent, stored, settled. So a page that is stored and
 * fresh costs nothing, a page that another request waits for is shared, and what was bought before
 * a failure answers the next try. The request's cost is the sum of those pages that it began.
 *
 * It runs on the threads of the desk's queue. Without readers it buys no further page. */
#pragma once

#include "paid/paid.h"
#include "paid/queue.h"

struct paid;
struct translated;

/* Reads the order, and copies what it needs. `paid` owns the result, and outlives it. False:
 * FAULT_UNTRANSLATABLE, or no memory. Does not block; any thread. */
bool translated_create(struct paid *paid, const struct paid_order *order, struct translated **out,
                       struct fault *fault) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void translated_release(struct translated **self);

/* Begins; the flight of `paid` ends by itself. Does not block; any thread. */
void translated_start(struct translated *self);

/* Goes on with a request; the queue's function. */
enum queue_end translated_run(struct queue_job *job);

/* True if a page came from upstream, whoever asked for it. Valid once the flight is past WAITING. */
bool translated_has_asked(const struct translated *self);
/* True if one of its pages has reserved. Valid once the flight is CONCLUDED. */
bool translated_is_booked(const struct translated *self);
