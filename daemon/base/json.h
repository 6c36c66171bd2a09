/* Writes JSON into a text (yajl) and keeps its first failure: a writer adds member after member,
 * and checks once, at json_end(). Pure.
 *
 * `name` is the name of the member; NULL in a list and at the top. */
#pragma once

#include "base/fault.h"
#include "base/money.h"
#include "base/text.h"

/* The largest answer; rowcachectl accepts no larger one. */
#define JSON_LIMIT ((size_t)64 * 1024 * 1024)

struct json {
  struct yajl_gen_t *gen;
  struct text *out; /* the caller's */
  bool failed;
};

/* Appends to `out`. json_end() must follow. */
void json_begin(struct json *json, struct text *out);
/* Frees the writer. False: something failed since json_begin(). */
bool json_end(struct json *json, struct fault *fault) MUST_CHECK;

void json_map(struct json *json, const char *name);
void json_map_end(struct json *json);
void json_list(struct json *json, const char *name);
void json_list_end(struct json *json);

/* Any bytes: if `value` is not UTF-8, each of its bytes outside ASCII becomes U+FFFD. */
void json_text(struct json *json, const char *name, struct view value);
void json_integer(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* Rows as text, "201.0", so that no reader makes a floating-point number of them. Units, which are
 * whole, as a number: 201. */
void json_amount(struct json *json, const char *name, struct amount value);
/* The member "rows_WHAT" or "units_WHAT", by `currency`: zero if `value` is of the other one. `what`
 * has at most 30 bytes. */
void json_amount_in(struct json *json, enum currency currency, const char *what,
                    struct amount value);
/* The quotient part / whole with four decimals; null if the whole is 0. */
void json_part(struct json *json, const char *name, int64_t part, int64_t whole);
