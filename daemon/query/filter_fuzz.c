/* Fuzz target: v3's `where`. */
#include "query/filter.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has a spelling keeps it. */
static void check_spelling(struct view spelling) {
  scope_text struct text again = {0};
  CHECK(filter_normalize(spelling, &again, NULL));
  CHECK(view_equal(text_view(&again), spelling));
}

/* The same set in another text: backwards, in part repeated and nested, with white space. */
static void scramble(const struct filter *filter, struct text *out) {
  if (filter->kind >= FILTER_IS) {
    text_add(out, VIEW("\t"));
    text_add(out, filter->text);
    return;
  }
  static const struct view begins[] = {VIEW("{ \"and\" : ["), VIEW("{\"or\":\n["),
                                       VIEW("{\"not\": ")};
  text_add(out, begins[filter->kind]);
  for (size_t i = filter->count; i-- > 0;) {
    scramble(filter->parts[i], out);
    text_add(out, i ? VIEW(" , ") : VIEW(""));
  }
  if (filter->kind != FILTER_NOT) {
    text_add(out, VIEW(","));
    text_add(out, filter->text);
    text_add(out, VIEW("]"));
  }
  text_add(out, VIEW("}"));
}

static void check_scrambled(const struct filter *filter) {
  scope_text struct text scrambled = {0}, spelling = {0};
  scramble(filter, &scrambled);
  CHECK(text_ok(&scrambled) && filter_normalize(text_view(&scrambled), &spelling, NULL));
  /* A longer text can be too long, and a deeper one too deep. */
  CHECK(!spelling.length || view_equal(text_view(&spelling), filter->text));
}

/* A part is a filter of its own, and of one kind with no part of its own. */
static void check_part(const struct filter *filter) {
  bool is_set = filter->kind == FILTER_AND || filter->kind == FILTER_OR;
  struct filter *again;
  CHECK(filter_parse(filter->text, &again, NULL) && again && again->kind == filter->kind);
  CHECK(view_equal(again->text, filter->text) && again->count == filter->count);
  CHECK(again->op == filter->op && view_equal(again->field, filter->field));
  CHECK(view_equal(again->value.text, filter->value.text));
  CHECK(filter->count == 0 ? filter->field.length > 0 : is_set || filter->count == 1);
  for (size_t i = 0; i < filter->count; i++) {
    CHECK(!is_set || filter->parts[i]->kind != filter->kind);
    CHECK(i == 0 || !view_equal(filter->parts[i - 1]->text, filter->parts[i]->text));
    check_part(filter->parts[i]);
  }
  filter_release(&again);
}

static void count_field(void *count, struct view field) {
  CHECK(field.length > 0);
  ++*(size_t *)count;
}

static void check_filter(const struct filter *filter, struct view spelling) {
  size_t fields = 0;
  CHECK(view_equal(filter->text, spelling));
  filter_each_field(filter, count_field, &fields);
  CHECK(fields > 0 && fields == filter_count(filter));
  check_part(filter);
  check_scrambled(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view text = {size ? (const char *)data : "", size};
  scope_text struct text spelling = {0};
  struct filter *filter;
  CHECK(filter_normalize(text, &spelling, NULL) && filter_parse(text, &filter, NULL));
  CHECK(!filter || spelling.length);
  if (spelling.length)
    check_spelling(text_view(&spelling));
  if (filter)
    check_filter(filter, text_view(&spelling));
  filter_release(&filter);
  return 0;
}
