/* The head of a reply: what the replies from the store (serve/stored.c) and from a flight
 * (serve/relay.c) share. Of the serve room only; each adds headers inside step(). */
#pragma once

#include "serve/request.h"

/* Adds a header with a number. */
void reply_number(struct request *request, const char *name, int64_t value);

/* Adds the Content-Type of an answer that came with `type`; if that is empty, the usual one of the
 * form that the client asked for. */
void reply_type(struct request *request, const char *type);

/* Adds Cache-Status, unless it is empty, and what the request is named and has spent. */
void reply_common(struct request *request, const struct text *cache_status);

/* Adds what the request has saved. */
void reply_saved(struct request *request, struct amount saved);

/* Adds the ETag of a stored result with this validator. True if the client has the result. */
bool reply_tag(struct request *request, const struct cache_validator *validator);
