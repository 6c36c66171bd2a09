#include "query/normal.h"

#include "query/call.h"
#include "query/form.h"

/* Hashed in front of the parts: no other use of SHA-256 here begins with it. Whoever changes the
 * meaning of a normalized query increments it, and results stored under the old meaning are no
 * longer found. */
static const struct view domain = VIEW("rowcache query 2\n");

/* Characters that stay unencoded in a value, for the reader; form_parse() gives them no meaning. */
static const struct view readable = VIEW(",:()=<>\"/");

static void put_text(struct normal *normal, struct view name, struct view value) {
  if (normal->last.at && view_equal(normal->last, name)) {
    text_add_char(&normal->text, ',');
  } else {
    if (normal->separator)
      text_add_char(&normal->text, normal->separator);
    form_encode(&normal->text, name);
    text_add_char(&normal->text, '=');
  }
  form_encode_but(&normal->text, value, readable);
}

/* Not text_printf(), which would be a fifth of the time that a query takes. */
static void add_length(struct text *out, size_t length) {
  char digits[24];
  size_t at = sizeof digits;
  digits[--at] = ':';
  do
    digits[--at] = (char)('0' + length % 10);
  while (length /= 10);
  text_add(out, (struct view){digits + at, sizeof digits - at});
}

static void put_material(struct normal *normal, struct view name, enum normal_tag tag,
                         struct view value) {
  if (!normal->separator)
    text_add(&normal->material, domain);
  add_length(&normal->material, name.length);
  text_add(&normal->material, name);
  text_add_char(&normal->material, (char)tag);
  add_length(&normal->material, value.length);
  text_add(&normal->material, value);
}

void normal_put(struct normal *normal, struct view name, enum normal_tag tag, struct view value) {
  put_text(normal, name, value);
  put_material(normal, name, tag, value);
  normal->last = name;
  normal->separator = '&';
}

/* No other part is in its one spelling and has this name. */
void normal_put_path(struct normal *normal, struct view path) {
  static const struct view prefix = VIEW(CALL_PREFIX);
  text_add(&normal->text, prefix);
  text_add(&normal->text, path);
  put_material(normal, prefix, NORMAL_SPELLING, path);
  normal->separator = '?';
}

bool normal_ok(const struct normal *normal) {
  return text_ok(&normal->text) && text_ok(&normal->material);
}

struct digest normal_digest(const struct normal *normal) {
  return digest_sha256(text_view(&normal->material));
}

void normal_free(struct normal *normal) {
  text_free(&normal->text);
  text_free(&normal->material);
}
