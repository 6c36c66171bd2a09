/* Writes JSON into a text (yajl), and keeps its first failure: a writer adds member after member
 * and looks once, at json_end(). Pure.
 *
 * `name` is the member's name; NULL in a list and at the top. */
#pragma once

#include "base/fault.h"
#include "base/money.h"
#include "base/text.h"

/* The greatest answer; rowcachectl takes no larger one. */
#define JSON_LIMIT ((size_t)64 * 1024 * 1024)

struct json {
  struct yajl_gen_t *gen;
  struct text *out; /* the caller's */
  bool failed;
};

/* The text is appended to `out`. json_end() must follow. */
void json_begin(struct json *json, struct text *out);
/* Frees the writer; whether all went well. */
bool json_end(struct json *json, struct fault *fault) MUST_CHECK;

void json_map(struct json *json, const char *name);
void json_map_end(struct json *json);
void json_list(struct json *json, const char *name);
void json_list_end(struct json *json);

/* Any bytes: where `value` is not UTF-8 its bytes outside of ASCII become U+FFFD. */
void json_text(struct json *json, const char *name, struct view value);
void json_integer(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* As text, "201.0", so that no reader makes a floating-point number of it. */
void json_rows(struct json *json, const char *name, struct rows value);
/* The same by the amount's currency: "201.0" rows, "201" units. */
void json_amount(struct json *json, const char *name, struct amount value);
/* A part of a whole, from 0 to 1 with four digits; null where the whole is 0. */
void json_part(struct json *json, const char *name, int64_t part, int64_t whole);
