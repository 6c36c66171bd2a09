/* Fuzz target: a parameter's name. */
#include "base/num.h"
#include "base/text.h"
#include "query/names.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct view of_query[] = {
    VIEW("token"),  VIEW("from"),     VIEW("target"), VIEW("mode"),   VIEW("select"), VIEW("where"),
    VIEW("having"), VIEW("order_by"), VIEW("limit"),  VIEW("offset"), VIEW("output"),
};
static const struct view of_call[] = {
    VIEW("token"),   VIEW("target"),   VIEW("mode"),    VIEW("select"),
    VIEW("where"),   VIEW("order_by"), VIEW("limit"),   VIEW("aggregation"),
    VIEW("history"), VIEW("protocol"), VIEW("timeout"), VIEW("output"),
};

/* The parameters of a front, and what checks a name there. */
static const struct front {
  const struct view *parameters;
  size_t count;
  bool (*check)(struct view name, struct fault *fault);
} fronts[] = {
    {of_query, sizeof of_query / sizeof *of_query, names_check},
    {of_call, sizeof of_call / sizeof *of_call, names_check_call},
};

static bool is_parameter(const struct front *front, struct view name) {
  for (size_t i = 0; i < front->count; i++)
    if (view_equal(name, front->parameters[i]))
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

/* The fault names a parameter, and shows nothing else of the name. */
static void check_fault(const struct front *front, const struct fault *fault) {
  bool known = false;
  for (size_t i = 0; i < front->count; i++) {
    struct fault other;
    scope_text struct text nearly = {0};
    text_add_char(&nearly, ' ');
    text_add(&nearly, front->parameters[i]);
    CHECK(!front->check(text_view(&nearly), &other));
    known = known || strcmp(fault->text, other.text) == 0;
  }
  CHECK(known && fault->kind == FAULT_MALFORMED);
}

static void check_nearly(const struct front *front, struct view text) {
  for (size_t i = 0; i < front->count; i++) {
    scope_text struct text padded = {0};
    text_add_char(&padded, '\t');
    text_add(&padded, text);
    struct view word = front->parameters[i];
    bool nearly = names_is_nearly(text, word);
    CHECK(!(nearly && view_equal(text, word)));
    CHECK(names_is_nearly(text_view(&padded), word) == (nearly || view_equal(text, word)));
  }
}

static void check_front(const struct front *front, struct view name) {
  scope_text struct text loose = {0}, php = {0};
  struct fault fault;
  bool ok = front->check(name, &fault);
  read_loosely(name, &loose);
  read_like_php(name, &php);
  if (is_parameter(front, name))
    CHECK(ok);
  else if (is_parameter(front, text_view(&loose)) || is_parameter(front, text_view(&php)))
    CHECK(!ok);
  if (!ok)
    check_fault(front, &fault);
  check_nearly(front, name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
    check_front(&fronts[i], (struct view){size ? (const char *)data : "", size});
  return 0;
}
