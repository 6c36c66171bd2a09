/* A reply that is made once, and sent by many exchanges on any threads: status, headers and bytes do
 * not change. Sending it copies nothing and allocates nothing. */
#pragma once

#include "http/exchange.h"

struct exchange_ready;

/* A reply with these bytes, which outlive every exchange that sends it; `coding` is what they are
 * in. `varies`: for a side whose handler codes. The caller has one reference. NULL: no memory. */
struct exchange_ready *exchange_ready_create(unsigned status, struct view bytes,
                                             enum exchange_coding coding, bool varies) MUST_CHECK;
/* Adds a header, as exchange_add_header() does. Before the first exchange sends it. */
void exchange_ready_add_header(struct exchange_ready *ready, const char *name, const char *value);
/* False: a header could not be added, for lack of memory. Nobody must get such a reply. */
bool exchange_ready_ok(const struct exchange_ready *ready) MUST_CHECK;
/* Another reference; returns `ready`. Any thread. */
struct exchange_ready *exchange_ready_hold(struct exchange_ready *ready);
/* Leaves NULL; NULL is allowed. Any thread. */
void exchange_ready_release(struct exchange_ready **ready);

/* True if nothing has to be added to a ready reply: the connection will stay open after it. */
bool exchange_may_be_ready(struct exchange *exchange);
/* Replies with `*ready`: takes over the reference, and leaves NULL. Only if exchange_may_be_ready().
 * To be called inside step(). The bytes must last until finished(). */
void exchange_reply_ready(struct exchange *exchange, struct exchange_ready **ready);
