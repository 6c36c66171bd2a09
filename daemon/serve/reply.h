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

/* Adds what names the request, and what ends its connection. Part of reply_common(). */
void reply_name(struct request *request);

/* What an answer of a front tells of itself, beside its bytes. */
struct reply_count {
  int64_t results; /* -1: not known */
  int64_t listed;  /* of a call: its list price in units; -1: not known */
};
/* Adds what the client's front tells of an answer that upstream was not asked for: X-Results-Count
 * (v2), or v3's own headers, by which it cost nothing. */
void reply_count(struct request *request, const struct reply_count *count);
/* Adds v3's own headers as upstream sent them; for a request that has spent nothing, as
 * reply_count(). */
void reply_costs(struct request *request, const struct answer_head *head);

/* Adds what the request has saved. */
void reply_saved(struct request *request, struct amount saved);

/* True if the client has the stored result with this validator, in the coding that it gets. */
bool reply_client_has(const struct request *request, const struct cache_validator *validator);
/* Adds the ETag of a stored result with this validator, in the coding that the client gets. True if
 * the client has that. */
bool reply_tag(struct request *request, const struct cache_validator *validator);
