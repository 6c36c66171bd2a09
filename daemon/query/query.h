/* A client's query: from the parameters of a request to a normalized query and its key.
 *
 * query_parse() passes the query string and the form body to form, which decodes them into pairs
 * and refuses a parameter with two values. The file that knows a parameter of backlinks_new_lost
 * then reads it (target, columns, condition). normal writes the query in a fixed order, without
 * defaults and without anything that cannot change the answer. The key is the digest of that.
 * query_parse_call() does the same for a call, a request to an endpoint of v3, whose parameters
 * call and filter read.
 *
 * One rule decides every case: two requests share a key only if the reference says that they mean
 * the same. Where it is silent they have two keys, which costs a miss; a wrong answer would cost
 * more. A part that is not understood enters the key as the client sent it, with a tag, so that it
 * never equals an understood one. No key contains the token.
 *
 * Everything here is pure: no I/O, no clock, no globals. A query does not change after it was
 * parsed; any number of threads may read it. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/view.h"
#include "query/limits.h"
#include "query/output.h"

#include <stdint.h>

enum query_table { QUERY_BACKLINKS_NEW_LOST, QUERY_SUBSCRIPTION_INFO, QUERY_OTHER, QUERY_CALL };
enum query_mode { QUERY_EXACT, QUERY_DOMAIN, QUERY_SUBDOMAINS, QUERY_PREFIX, QUERY_MODE_UNKNOWN };

struct query;
struct call;
struct form;
struct form_pair;
struct columns;
struct conditions;

/* Parses a request (reference, "Request"): `args` is its raw query string without "?", `body` its
 * raw form body, or an empty view. Neither is kept. The caller owns *out and gives it up with
 * query_release(); on failure it is NULL.
 *
 * FAULT_MALFORMED: the faults of form_parse(); a name that is nearly a parameter's (query/names.h),
 * or a `from` that is nearly one of the tables above; a token that is not visible ASCII, apart from
 * white space at its ends, or that stands in another parameter, too; no `from`; for backlinks_new_lost no `target` or no `mode`, or a `limit`
 * or `offset` that is no whole number from 0 to QUERY_LIMIT_MAX or QUERY_OFFSET_MAX; for every
 * table a `limit` in digits above QUERY_LIMIT_MAX, whose cost is not documented.
 * FAULT_URI_TOO_LONG, FAULT_BODY_TOO_LARGE: more than QUERY_BYTES_MAX. A missing token is no fault
 * here, and no fault's text contains a token. Upstream judges all other parameters of other
 * tables. */
bool query_parse(struct view args, struct view body, struct query **out,
                 struct fault *fault) MUST_CHECK;

/* Parses a call of v3 (query/call.h): `path` is what stands behind "/v3/", `args` the raw query
 * string without "?", `token` the key of the request's Authorization, or empty. None is kept. The
 * caller owns *out as above; its table is QUERY_CALL.
 *
 * Faults: those of form_parse() and call_read(); FAULT_URI_TOO_LONG; FAULT_MALFORMED for a token as
 * above. Upstream judges all else. */
bool query_parse_call(struct view path, struct view args, struct view token, struct query **out,
                      struct fault *fault) MUST_CHECK;

/* Parses the text of query_normal(), of a call or of another query: gives the same key. Faults:
 * those of query_parse() and query_parse_call(). */
bool query_parse_normal(struct view normal, struct query **out, struct fault *fault) MUST_CHECK;

/* Frees the query and leaves NULL; *query may be NULL. */
void query_release(struct query **query);

/* Everything below lives as long as the query. */

/* The parameters as the client sent them, decoded. */
const struct form *query_form(const struct query *query);

enum query_table query_table(const struct query *query);

/* The call; NULL for a query of v2. */
const struct call *query_call(const struct query *query);

/* The token in its one spelling (base/token_text.h); empty if there is none, or an empty one. */
struct view query_token(const struct query *query);

/* The target in its one spelling (query/target.h) or, if it has none, as it came. Empty if there is
 * no target. */
struct view query_target_text(const struct query *query);

/* The host of the target in its one spelling, without port. Empty if it is not certain that
 * upstream reads the target as that host's (target_host()). */
struct view query_target_host(const struct query *query);

/* QUERY_MODE_UNKNOWN also if there is none, and for an endpoint of v3 that is not in the table. */
enum query_mode query_mode(const struct query *query);

/* QUERY_JSON if there is none. */
enum query_output query_output(const struct query *query);

/* In results; the default if the parameter is absent. For tables other than backlinks_new_lost: -1
 * if it is not a number. Of a call: the `limit` of struct call. */
int64_t query_limit(const struct query *query);

/* Fails if the limit is not a number, which a budget needs. FAULT_MALFORMED. Never of a call: the
 * plan's cap limits it, too. */
bool query_check_limit(const struct query *query, struct fault *fault) MUST_CHECK;
int64_t query_offset(const struct query *query);

/* Typed values of the parameters, which the query owns (query/columns.h, query/condition.h). For
 * tables other than backlinks_new_lost they are as if the parameter were absent. */
const struct columns *query_select(const struct query *query);
const struct columns *query_order(const struct query *query);
const struct conditions *query_where(const struct query *query);
const struct conditions *query_having(const struct query *query);

/* The normalized query as text, without the token: `from=...&mode=...&target=...` and so on, in a
 * fixed order; NUL stands behind it. Percent-encoded, but for  , : ( ) = < > " /  in values. Parsed
 * again as `args` it gives the same text and the same key. For other tables: the parameters sorted
 * by name. Of a call: "/v3/ENDPOINT?" and its parameters sorted by name, each in its one spelling,
 * without the endpoint's defaults; query_parse_normal() reads it. */
struct view query_normal(const struct query *query);

/* The key of the normalized query in the cache. */
const struct digest *query_key(const struct query *query);

/* Fills `subject` with the digest of table, target and mode; of a call, with that of its path and
 * all parameters but `select`, `where`, `order_by` and `limit`. Only queries that share it can be
 * answered from the same stored result. False, and `subject` is all zero: it has none, as the table
 * is another one, the mode is of unknown meaning or the endpoint is not in the table, or there is
 * no memory. */
bool query_subject(const struct query *query, struct digest *subject);

/* The number of conditions in `where` and `having`; of a call, of tests in `where`. A text that is
 * not understood counts as one. */
int64_t query_condition_count(const struct query *query);

/* What query_changed() may change. */
struct query_change {
  bool all_columns; /* no `select` */
  bool all_rows;    /* no conditions, no order and no offset */
  bool as_json;     /* no `output` */
  int64_t limit;    /* instead of the query's; 0: the query's */
};
/* Makes the query for backlinks_new_lost that differs from `query` in this. It has no token. The
 * caller owns *out; on failure it is NULL. Faults: those of query_parse(), though none but a lack of
 * memory is known. */
bool query_changed(const struct query *query, const struct query_change *change, struct query **out,
                   struct fault *fault) MUST_CHECK;

/* Puts the parameters of unknown meaning into `rest`, sorted by name, and returns their number. For
 * other tables than backlinks_new_lost those are all but the token and `output`. */
size_t query_rest(const struct query *query, const struct form_pair *rest[QUERY_PARAMETERS_MAX]);
