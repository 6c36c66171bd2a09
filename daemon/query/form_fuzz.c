/* Fuzz target: a query string, and after a newline a form body. */
#include "base/utf8.h"
#include "query/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct form *a, const struct form *b) {
  CHECK(a->count == b->count);
  for (size_t i = 0; i < a->count; i++) {
    CHECK(view_equal(a->pairs[i].name, b->pairs[i].name));
    CHECK(view_equal(a->pairs[i].value, b->pairs[i].value));
  }
}

static bool is_text(struct view value) {
  return utf8_is(value) && !memchr(value.at, '\0', value.length);
}

/* Every name is there once, and all is text within the bounds. */
static void check_pairs(const struct form *form) {
  CHECK(form->count <= QUERY_PARAMETERS_MAX);
  for (size_t i = 0; i < form->count; i++) {
    const struct form_pair *pair = &form->pairs[i];
    CHECK(is_text(pair->name) && is_text(pair->value) && pair->name.length <= QUERY_NAME_MAX);
    for (size_t j = 0; j < i; j++)
      CHECK(!view_equal(form->pairs[j].name, pair->name));
  }
}

static void check_encoding(struct view value) {
  scope_text struct text encoded = {0};
  form_encode(&encoded, value);
  CHECK(form_means(text_view(&encoded), value));
  text_add(&encoded, VIEW("%20"));
  CHECK(!form_means(text_view(&encoded), value));
}

/* Encoded pairs parse to the same pairs. */
static void check_again(const struct form *form) {
  scope_text struct text encoded = {0};
  struct form again = {0};
  for (size_t i = 0; i < form->count; i++) {
    text_add_char(&encoded, '&');
    form_encode(&encoded, form->pairs[i].name);
    text_add_char(&encoded, '=');
    form_encode(&encoded, form->pairs[i].value);
    check_encoding(form->pairs[i].name);
    check_encoding(form->pairs[i].value);
  }
  CHECK(form_parse(&again, text_view(&encoded), NULL));
  check_same(form, &again);
  form_free(&again);
}

/* A pair in the body counts as it would in the query string. */
static void check_joined(const struct form *form, struct view args, struct view body) {
  scope_text struct text joined = {0};
  struct form again = {0};
  text_add(&joined, args);
  text_add_char(&joined, '&');
  text_add(&joined, body);
  CHECK(form_parse(&again, text_view(&joined), NULL));
  check_same(form, &again);
  form_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view body = {size ? (const char *)data : "", size}, args;
  view_split(&body, '\n', &args);
  struct form form = {0};
  struct fault fault = {.kind = FAULT_NONE};
  bool ok = form_parse(&form, args, &fault) && form_parse(&form, body, &fault);
  check_pairs(&form);
  if (ok) {
    check_again(&form);
    check_joined(&form, args, body);
  } else {
    CHECK(fault.kind == FAULT_MALFORMED && fault.text[0]);
  }
  form_free(&form);
  return 0;
}
