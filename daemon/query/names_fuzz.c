/* Fuzz target: a parameter's name. */
#include "base/num.h"
#include "base/text.h"
#include "query/names.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct view parameters[] = {
    VIEW("token"),  VIEW("from"),     VIEW("target"), VIEW("mode"),   VIEW("select"), VIEW("where"),
    VIEW("having"), VIEW("order_by"), VIEW("limit"),  VIEW("offset"), VIEW("output"),
};
#define COUNT (sizeof parameters / sizeof *parameters)

static bool is_parameter(struct view name) {
  for (size_t i = 0; i < COUNT; i++)
    if (view_equal(name, parameters[i]))
      return true;
  return false;
}

/* A server that trims names and does not mind case. */
static void read_loosely(struct view name, struct text *out) {
  name = view_trim(name);
  for (size_t i = 0; i < name.length; i++)
    text_add_char(out, num_lower(name.at[i]));
}

/* PHP (main/php_variables.c): skips spaces in front, ends the name at "[", or makes "_" of one that
 * is not closed, of "." and of " ". */
static void read_like_php(struct view name, struct text *out) {
  while (name.length && name.at[0] == ' ')
    name = view_from(name, 1);
  for (size_t i = 0; i < name.length; i++) {
    char c = name.at[i];
    if (c == '[' && memchr(name.at + i, ']', name.length - i))
      return;
    text_add_char(out, c == '[' || c == '.' || c == ' ' ? '_' : c);
  }
}

/* The fault names a parameter of v2, and shows nothing else of the name. */
static void check_fault(const struct fault *fault) {
  bool known = false;
  for (size_t i = 0; i < COUNT; i++) {
    struct fault other;
    scope_text struct text nearly = {0};
    text_add_char(&nearly, ' ');
    text_add(&nearly, parameters[i]);
    CHECK(!names_check(text_view(&nearly), &other));
    known = known || strcmp(fault->text, other.text) == 0;
  }
  CHECK(known && fault->kind == FAULT_MALFORMED);
}

static void check_nearly(struct view text) {
  for (size_t i = 0; i < COUNT; i++) {
    scope_text struct text padded = {0};
    text_add_char(&padded, '\t');
    text_add(&padded, text);
    bool nearly = names_is_nearly(text, parameters[i]);
    CHECK(!(nearly && view_equal(text, parameters[i])));
    CHECK(names_is_nearly(text_view(&padded), parameters[i]) ==
          (nearly || view_equal(text, parameters[i])));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view name = {size ? (const char *)data : "", size};
  scope_text struct text loose = {0}, php = {0};
  struct fault fault;
  bool ok = names_check(name, &fault);
  read_loosely(name, &loose);
  read_like_php(name, &php);
  if (is_parameter(name))
    CHECK(ok);
  else if (is_parameter(text_view(&loose)) || is_parameter(text_view(&php)))
    CHECK(!ok);
  if (!ok)
    check_fault(&fault);
  check_nearly(name);
  return 0;
}
