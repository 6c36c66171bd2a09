/* Quick answers: plain hits of results that are hot, for requests whose spelling was answered before.
 * Nothing is parsed, nothing is read from the disk, and hardly a lock is taken that all threads
 * share: that of verdicts when one is to be renewed.
 *
 * A quick answer is the same, to the byte, as the one that the steps would give, and is counted in the
 * same way. Whatever is out of the ordinary goes through the steps. Of the serve room only. */
#pragma once

#include "serve/request.h"

/* What the quick answers know, by shards of threads (base/shard.h). */
struct quick;

struct quick *quick_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void quick_release(struct quick **quick);

/* The limits on a request that begins now. Does not block; any thread. */
struct exchange_limits quick_limits(const struct serve *serve);

/* Answers the exchange, or does nothing: false. To be called inside the first step(). */
bool quick_answer(struct serve *serve, struct exchange *exchange) MUST_CHECK;
/* Remembers what a request asks for whose stored result is sent, so that the next one like it can be
 * answered quickly. */
void quick_learn(const struct request *request);
