#include "query/likeness.h"

#include "base/digest.h"
#include "base/num.h"
#include "base/text.h"

#include <stdio.h>

static size_t commas_in(struct view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.length; i++)
    count += text.at[i] == ',';
  return count;
}

static int bits_of(size_t length) {
  int bits = 0;
  for (; length; length /= 2)
    bits++;
  return bits;
}

static bool counts_to_the_letter(const struct form_pair *pair) {
  int64_t number;
  return view_has_word(VIEW("select where order_by"), pair->name) ||
         num_integer(pair->value, &number);
}

static void add_parameter(struct text *all, const struct form_pair *pair) {
  form_encode(all, pair->name);
  if (counts_to_the_letter(pair)) {
    text_add_char(all, '=');
    form_encode(all, pair->value);
  } else {
    text_printf(all, ":%zu", commas_in(pair->value));
  }
  text_add_char(all, '&');
}

bool likeness_name(const struct question *question, char name[LIKENESS_SIZE]) {
  scope_text struct text all = {0};
  text_printf(&all, "%.*s ", VIEW_ARGS(question->method));
  for (size_t i = 0; i < question->parameter_count; i++)
    add_parameter(&all, question->parameters[i]);
  text_printf(&all, " %zu %d", commas_in(question->body), bits_of(question->body.length));
  struct digest digest = digest_sha256(text_view(&all));
  snprintf(name, LIKENESS_SIZE, "%.*s %.16s", VIEW_ARGS(question->call->path),
           DIGEST_TEXT(&digest));
  return text_ok(&all);
}
