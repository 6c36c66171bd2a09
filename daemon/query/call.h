/* A call: a request to an endpoint of v3, `GET /v3/ENDPOINT?...`. Pure.
 *
 * What is read here is what the key, the price and derived answers need; upstream judges the rest.
 * `select`, `order_by`, `where` and `limit` are read for every endpoint, as the names mean the same
 * everywhere in v3. Defaults are known only for an endpoint in the table. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "query/columns.h"
#include "query/endpoint.h"
#include "query/filter.h"
#include "query/form.h"

#include <stdint.h>

#define CALL_PREFIX "/v3/" /* of the path of a call */
/* The endpoint at which upstream tells the account of a key, free of charge. */
#define CALL_SUBSCRIPTION "subscription-info/limits-and-usage"

/* Begins as {0}. Owned by its query, and does not change. */
struct call {
  struct view path;                /* behind CALL_PREFIX */
  const struct endpoint *endpoint; /* NULL: not in the table */
  bool is_subscription;            /* CALL_SUBSCRIPTION */

  /* Where it is not `parsed`, a list holds anything but names of letters, digits and "_" without
   * blanks. The `column` of an item is NULL: endpoint_column() knows it. */
  struct columns select, order;
  bool has_where;
  struct filter *where; /* NULL with `has_where`: outside the grammar */

  /* Rows: the endpoint's default if `limit` is absent. -1: it is no whole number from 1 to
   * QUERY_LIMIT_MAX in plain digits, or the default is not known; the most rows that an answer can
   * have must then be assumed. */
  int64_t limit;

  /* What upstream is asked: sorted by name, each value in its one spelling or, if it has none, as
   * it came; without those that are the endpoint's defaults. */
  struct form parameters;
  struct text path_text; /* what `path` points into */
};

/* Reads a call. `path` (any bytes) is what stands behind CALL_PREFIX, and is copied; the bytes of
 * `form` must outlive the call. `call` is {0}, and must be released also after a failure.
 *
 * FAULT_UNKNOWN_PATH: a path that is not segments of letters, digits, "-" and "_", joined by "/",
 * of CALL_PATH_MAX bytes at most; or that is a known endpoint's but for the case of letters.
 * FAULT_MALFORMED: a name that is nearly a parameter's (names_check_call()); a parameter `token`.
 * No fault shows any part of the form but names of parameters. */
bool call_read(struct view path, const struct form *form, struct call *call,
               struct fault *fault) MUST_CHECK;
#define CALL_PATH_MAX 128

/* True if its answer comes in a form that v3 has: json, csv, xml or php (v3's reference). */
bool call_has_known_form(const struct call *call);

/* The value of a parameter, or what it stands for if it is absent; at NULL: not known. */
struct view call_value(const struct call *call, const char *name);

void call_release(struct call *call);
