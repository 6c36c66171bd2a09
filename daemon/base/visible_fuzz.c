/* Fuzz target: text from outside, to be shown. */
#include "base/check.h"
#include "base/utf8.h"
#include "base/visible.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each character is shown as it is. */
static void check_shown(struct view text) {
  while (text.length) {
    struct visible next = visible_first(text);
    CHECK(next.is_plain && next.code >= ' ' && next.length <= text.length);
    text = view_from(text, next.length);
  }
}

/* A plain character stays, and every character has the length that it claims. */
static void check_pieces(struct view text, struct view shown) {
  char piece[VISIBLE_SIZE];
  while (text.length) {
    struct visible next = visible_first(text);
    CHECK(visible_take(text, piece) == next.length && next.length <= text.length);
    CHECK(next.is_plain == view_equal(view_of(piece), view_first(text, next.length)));
    CHECK(view_starts(shown, view_of(piece)));
    shown = view_from(shown, strlen(piece));
    text = view_from(text, next.length);
  }
  CHECK(shown.length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view text = {size ? (const char *)data : "", size};
  scope_text struct text shown = {0}, again = {0};
  visible_add(&shown, text);
  CHECK(text_ok(&shown) && utf8_is(text_view(&shown)));
  check_shown(text_view(&shown));
  check_pieces(text, text_view(&shown));
  visible_add(&again, text_view(&shown));
  CHECK(view_equal(text_view(&again), text_view(&shown)));
  return 0;
}
