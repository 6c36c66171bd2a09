/* Fuzz target: a Content-Type, and on the next line a Content-Encoding. */
#include "base/num.h"
#include "base/text.h"
#include "query/media.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum media media_with(const char *before, struct view value, const char *after) {
  scope_text struct text text = {0};
  text_add(&text, view_of(before));
  text_add(&text, value);
  text_add(&text, view_of(after));
  return media_of(text_view(&text));
}

static enum media media_in_capitals(struct view value) {
  scope_text struct text text = {0};
  for (size_t i = 0; i < value.length; i++)
    text_add_char(&text,
                  value.at[i] >= 'a' && value.at[i] <= 'z' ? value.at[i] - 'a' + 'A' : value.at[i]);
  return media_of(text_view(&text));
}

static void check_type(struct view value) {
  static const struct view form = VIEW("application/x-www-form-urlencoded");
  enum media media = media_of(value);
  CHECK(media_in_capitals(value) == media);
  CHECK(media_with(" \t", value, "\t ") == media);
  CHECK(media != MEDIA_FORM || num_same_word(view_first(view_trim(value), form.length), form));
  if (media == MEDIA_MALFORMED || view_trim(value).length == 0)
    return;
  CHECK(media_with("", value, " ; a=\"x, \\\" y\"") == media);
  /* Two types joined as one field's lines are (RFC 9110 5.3) are not one. */
  CHECK(media_with("", value, ",") == MEDIA_MALFORMED);
  CHECK(media_with("text/plain, ", value, "") == MEDIA_MALFORMED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view coding = {size ? (const char *)data : "", size}, type;
  view_split(&coding, '\n', &type);
  check_type(type);
  bool is_form;
  struct fault fault = {.kind = FAULT_NONE};
  if (media_judge(&(struct media_fields){type, 1, coding}, &is_form, &fault)) {
    CHECK(media_of(type) == (is_form ? MEDIA_FORM : MEDIA_OTHER));
    CHECK(coding.length == 0 || num_same_word(coding, VIEW("identity")));
  } else {
    CHECK(fault.kind == FAULT_MALFORMED || fault.kind == FAULT_BODY_UNKNOWN);
  }
  return 0;
}
