/* Fuzz target: a condition set. */
#include "base/text.h"
#include "query/condition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct conditions *set, struct text *out) {
  for (size_t i = 0; i < set->count; i++) {
    if (i)
      text_add(out, VIEW(" ,\t"));
    text_add(out, set->items[i].text);
  }
}

static void check_same(const struct condition *a, const struct condition *b) {
  CHECK(a->column == b->column && a->op == b->op);
  CHECK(a->kind == b->kind || !a->column);
  CHECK(view_equal(a->value, b->value) && view_equal(a->text, b->text));
}

/* A printed set parses to the same set. */
static void check_again(const struct conditions *set) {
  scope_text struct text printed = {0};
  print(set, &printed);
  struct conditions again = {0};
  CHECK(text_ok(&printed) && condition_parse(text_view(&printed), &again, NULL));
  CHECK(again.parsed && again.count == set->count);
  for (size_t i = 0; i < set->count; i++)
    check_same(&set->items[i], &again.items[i]);
  condition_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct conditions set = {0};
  CHECK(condition_parse((struct view){size ? (const char *)data : "", size}, &set, NULL));
  CHECK(set.parsed == (set.count > 0));
  if (set.parsed)
    check_again(&set);
  condition_release(&set);
  return 0;
}
