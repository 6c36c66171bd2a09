/* What a client asks: from request parameters to a normalized query and its key.
 *
 * The way through the room: query_parse() hands the query string and the form body to form, which
 * makes decoded pairs of them and refuses what says a thing twice. Each parameter of
 * backlinks_new_lost is then read by the file that knows it (target, columns, condition), and
 * normal writes down, in a fixed order and with the defaults left out, what is left of the question
 * when everything that cannot change the answer is gone. The key is the digest of that.
 *
 * One rule decides every case: two requests share a key only if the reference says that they mean
 * the same. Where it is silent they stay two, which costs a miss; a wrong answer would cost more.
 * What is not understood goes into the key as the client sent it, tagged so that it never equals
 * something understood. The token is in no key.
 *
 * Everything here is pure: no I/O, no clock, nothing global. A query does not change after
 * query_parse(); any number of threads may read it. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/view.h"
#include "query/limits.h"
#include "query/output.h"

#include <stdint.h>

enum query_table { QUERY_BACKLINKS_NEW_LOST, QUERY_SUBSCRIPTION_INFO, QUERY_OTHER };
enum query_mode { QUERY_EXACT, QUERY_DOMAIN, QUERY_SUBDOMAINS, QUERY_PREFIX, QUERY_MODE_UNKNOWN };

struct query;
struct form;
struct form_pair;
struct columns;
struct conditions;

/* Reads a request (reference, "Request"): `args` is its raw query string without "?", `body` its
 * raw form body, or an empty view. Neither is kept. The caller owns *out and gives it up with
 * query_release(); on failure it is NULL.
 *
 * FAULT_MALFORMED: what form_parse() refuses; a name that is nearly a parameter's
 * (query/names.h), or a `from` that is nearly one of the tables above; a token that is not visible
 * ASCII but for white space at its ends; no `from`; for backlinks_new_lost no `target` or no
 * `mode`, or a `limit` or `offset` that is not a whole number from 0 to QUERY_LIMIT_MAX or
 * QUERY_OFFSET_MAX; for every table a `limit` of digits above QUERY_LIMIT_MAX: what it can cost is
 * not documented. FAULT_URI_TOO_LONG, FAULT_BODY_TOO_LARGE: more than QUERY_BYTES_MAX. A missing
 * token is no fault here, and no fault's text contains it. Other tables' parameters are otherwise
 * for upstream to judge. */
bool query_parse(struct view args, struct view body, struct query **out,
                 struct fault *fault) MUST_CHECK;

/* Frees the query and leaves NULL; *query may be NULL. */
void query_release(struct query **query);

/* All that follows lives as long as the query. */

/* The parameters as the client sent them, decoded. */
const struct form *query_form(const struct query *query);

enum query_table query_table(const struct query *query);

/* In its one spelling (base/token_text.h); empty when there is none, or an empty one. */
struct view query_token(const struct query *query);

/* The target in its one spelling (query/target.h), where there is one, and else as it came; empty
 * when there is none. */
struct view query_target_text(const struct query *query);

/* The target's host in its one spelling, without port; empty where it is not certain that upstream
 * takes the target for that host's (target_host()). */
struct view query_target_host(const struct query *query);

/* QUERY_MODE_UNKNOWN also where there is none. */
enum query_mode query_mode(const struct query *query);

/* QUERY_JSON where there is none. */
enum query_output query_output(const struct query *query);

/* Results; the default where the parameter is absent. For other tables than backlinks_new_lost -1
 * when it is not a number. */
int64_t query_limit(const struct query *query);

/* Whether the limit is a number, as it has to be under a budget. FAULT_MALFORMED. */
bool query_check_limit(const struct query *query, struct fault *fault) MUST_CHECK;
int64_t query_offset(const struct query *query);

/* Of backlinks_new_lost; for other tables as if the parameter were absent. query/columns.h,
 * query/condition.h. */
const struct columns *query_select(const struct query *query);
const struct columns *query_order(const struct query *query);
const struct conditions *query_where(const struct query *query);
const struct conditions *query_having(const struct query *query);

/* The normalized query as text, without the token: `from=...&mode=...&target=...` and so on, in a
 * fixed order; NUL stands behind it. Percent-encoded, but for  , : ( ) = < > " /  in values. Parsed
 * again as `args` it gives the same text and the same key. For other tables: the parameters sorted
 * by name. */
struct view query_normal(const struct query *query);

/* What the cache looks the normalized query up by. */
const struct digest *query_key(const struct query *query);

/* The same without a known `output`: equal where the same rows are asked for, in any form. */
const struct digest *query_rows_key(const struct query *query);

/* Puts the parameters of unknown meaning into `rest`, sorted by name, and returns their number. For
 * other tables than backlinks_new_lost those are all but the token and `output`. */
size_t query_rest(const struct query *query, const struct form_pair *rest[QUERY_PARAMETERS_MAX]);
