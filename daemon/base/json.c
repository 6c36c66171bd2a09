#include "base/json.h"

#include <stdio.h>
#include <yajl/yajl_gen.h>

static void add_bytes(void *context, const char *bytes, size_t length) {
  text_add(context, (struct view){bytes, length});
}

void json_begin(struct json *json, struct text *out) {
  *json = (struct json){.gen = yajl_gen_alloc(NULL), .out = out};
  json->failed = !json->gen;
  if (!json->gen)
    return;
  yajl_gen_config(json->gen, yajl_gen_print_callback, add_bytes, out);
  yajl_gen_config(json->gen, yajl_gen_validate_utf8, 1);
}

bool json_end(struct json *json, struct fault *fault) {
  if (json->gen)
    yajl_gen_free(json->gen);
  json->gen = NULL;
  if (!json->failed && text_ok(json->out))
    return true;
  return fault_set(fault, FAULT_INTERNAL,
                   "the answer is larger than %zu MiB, or there is no memory for it; ask for less",
                   JSON_LIMIT / (1024 * 1024));
}

static void keep(yajl_gen_status status) {
  /* A member outside a map and the like is an error in this program. */
  CHECK(status == yajl_gen_status_ok);
}

static yajl_gen_status add_string(struct json *json, struct view text) {
  return yajl_gen_string(json->gen, (const unsigned char *)text.at, text.length);
}

/* Writes the name. False: the writer has failed. */
static bool begin_value(struct json *json, const char *name) {
  if (json->failed)
    return false;
  if (name)
    keep(add_string(json, view_of(name)));
  return true;
}

void json_map(struct json *json, const char *name) {
  if (begin_value(json, name))
    keep(yajl_gen_map_open(json->gen));
}

void json_map_end(struct json *json) {
  if (!json->failed)
    keep(yajl_gen_map_close(json->gen));
}

void json_list(struct json *json, const char *name) {
  if (begin_value(json, name))
    keep(yajl_gen_array_open(json->gen));
}

void json_list_end(struct json *json) {
  if (!json->failed)
    keep(yajl_gen_array_close(json->gen));
}

/* A text that the ledger has cut may end within a character. */
static void add_repaired(struct json *json, struct view value) {
  scope_text struct text repaired = {.limit = JSON_LIMIT};
  for (size_t i = 0; i < value.length; i++)
    if ((unsigned char)value.at[i] < 0x80)
      text_add_char(&repaired, value.at[i]);
    else
      text_add(&repaired, VIEW("\xef\xbf\xbd"));
  json->failed = !text_ok(&repaired);
  if (!json->failed)
    keep(add_string(json, text_view(&repaired)));
}

void json_text(struct json *json, const char *name, struct view value) {
  if (!begin_value(json, name))
    return;
  yajl_gen_status status = add_string(json, value.at ? value : VIEW(""));
  if (status == yajl_gen_invalid_string)
    add_repaired(json, value);
  else
    keep(status);
}

void json_integer(struct json *json, const char *name, int64_t value) {
  if (begin_value(json, name))
    keep(yajl_gen_integer(json->gen, value));
}

void json_bool(struct json *json, const char *name, bool value) {
  if (begin_value(json, name))
    keep(yajl_gen_bool(json->gen, value));
}

void json_null(struct json *json, const char *name) {
  if (begin_value(json, name))
    keep(yajl_gen_null(json->gen));
}

void json_amount(struct json *json, const char *name, struct amount value) {
  if (value.currency == CURRENCY_UNITS)
    json_integer(json, name, value.parts);
  else
    json_text(json, name, view_of(AMOUNT_TEXT(value)));
}

void json_amount_in(struct json *json, enum currency currency, const char *what,
                    struct amount value) {
  char name[40];
  snprintf(name, sizeof name, "%s_%s", currency_words[currency], what);
  json_amount(json, name, value.currency == currency ? value : amount_zero(currency));
}

void json_part(struct json *json, const char *name, int64_t part, int64_t whole) {
  char text[32];
  if (whole <= 0) {
    json_null(json, name);
    return;
  }
  int length = snprintf(text, sizeof text, "%.4f", (double)part / (double)whole);
  if (begin_value(json, name))
    keep(yajl_gen_number(json->gen, text, (size_t)length));
}
