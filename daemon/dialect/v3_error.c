#include "dialect/v3_error.h"

#include "base/num.h"
#include "base/visible.h"

#include <yajl/yajl_tree.h>

#define SHOWN 256 /* bytes of upstream's text; a list of all columns is longer */

/* --- the two shapes --- */

static struct view string_of(yajl_val value) {
  return view_of(YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "");
}

/* An error that is false, null or empty is none. */
static bool says_something(yajl_val value) {
  bool is_empty = YAJL_IS_NULL(value) || YAJL_IS_FALSE(value) ||
                  (YAJL_IS_STRING(value) && !*YAJL_GET_STRING(value)) ||
                  (YAJL_IS_ARRAY(value) && !YAJL_GET_ARRAY(value)->len) ||
                  (YAJL_IS_OBJECT(value) && !YAJL_GET_OBJECT(value)->len);
  return value && !is_empty;
}

static bool read_object(yajl_val tree, struct view *text) {
  static const char *const error[] = {"error", NULL}, *const message[] = {"message", NULL};
  yajl_val value = yajl_tree_get(tree, (const char **)error, yajl_t_any);
  yajl_val inner = yajl_tree_get(value, (const char **)message, yajl_t_string);
  *text = string_of(inner ? inner : value);
  return says_something(value);
}

static bool read_pair(yajl_val tree, struct view *text) {
  if (!YAJL_IS_ARRAY(tree) || YAJL_GET_ARRAY(tree)->len != 2)
    return false;
  *text = string_of(YAJL_GET_ARRAY(tree)->values[1]);
  return num_same_word(string_of(YAJL_GET_ARRAY(tree)->values[0]), VIEW("Error"));
}

/* --- the meaning --- */

/* The first row that fits decides. */
static const struct meaning {
  unsigned status;
  bool of_pair;      /* only as ["Error","..."] */
  struct view words; /* in the text; empty: any text */
  enum fault_kind kind;
} meanings[] = {
    {403, false, VIEW("units limit"), FAULT_OVER_BUDGET},
    {401, true, VIEW(""), FAULT_BAD_TOKEN},
    {403, true, VIEW(""), FAULT_BAD_TOKEN},
    {401, false, VIEW("unauthorized"), FAULT_BAD_TOKEN},
    {401, false, VIEW("forbidden"), FAULT_BAD_TOKEN},
    {403, false, VIEW("unauthorized"), FAULT_BAD_TOKEN},
    {403, false, VIEW("forbidden"), FAULT_BAD_TOKEN},
    {400, false, VIEW(""), FAULT_MALFORMED},
};

static enum fault_kind kind_of(unsigned status, bool is_pair, struct view text) {
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
    if (meanings[i].status == status && (is_pair || !meanings[i].of_pair) &&
        answer_says(text, meanings[i].words))
      return meanings[i].kind;
  return FAULT_UPSTREAM;
}

/* The number behind `words`; -1: there is none, or it goes on behind a comma. */
static int64_t number_behind(struct view text, struct view words) {
  size_t at = 0, digits = 0;
  while (at < text.length && !answer_says(view_first(view_from(text, at), words.length), words))
    at++;
  struct view rest = view_from(text, at + words.length);
  while (digits < rest.length && num_is_digit(rest.at[digits]))
    digits++;
  bool goes_on =
      digits + 1 < rest.length && rest.at[digits] == ',' && num_is_digit(rest.at[digits + 1]);
  int64_t number;
  return !goes_on && num_integer(view_first(rest, digits), &number) ? number : -1;
}

static void explain(unsigned status, enum fault_kind kind, struct view text, struct fault *fault) {
  scope_text struct text shown = {0};
  char one[VISIBLE_SIZE];
  while (text.length && shown.length < SHOWN) {
    text = view_from(text, visible_take(text, one));
    text_add(&shown, view_of(one));
  }
  fault_set(fault, kind, "upstream answers with status %u%s%s%s", status, shown.length ? ": " : "",
            text_string(&shown), text.length ? "..." : "");
}

static bool read(unsigned status, yajl_val tree, struct v3_error *error) {
  struct view text = VIEW("");
  bool is_pair = read_pair(tree, &text);
  if (!is_pair && !read_object(tree, &text))
    return false;
  enum fault_kind kind = status == 429 ? FAULT_TOO_MANY : kind_of(status, is_pair, text);
  explain(status, kind, text, &error->fault);
  if (kind == FAULT_OVER_BUDGET)
    error->shortage = (struct answer_shortage){number_behind(text, VIEW("expected usage: ")),
                                               number_behind(text, VIEW("units left: "))};
  return true;
}

bool v3_error_read(unsigned status, struct view body, struct v3_error *error) {
  char text[ANSWER_BEGINNING_SIZE + 1];
  bool is_text = body.length < sizeof text && !memchr(body.at, '\0', body.length);
  explain(status, status == 429 ? FAULT_TOO_MANY : FAULT_UPSTREAM, VIEW(""), &error->fault);
  error->shortage = (struct answer_shortage){-1, -1};
  if (!is_text)
    return false;
  memcpy(text, body.at, body.length);
  text[body.length] = '\0';
  yajl_val tree = yajl_tree_parse(text, NULL, 0);
  bool ok = tree && read(status, tree, error);
  yajl_tree_free(tree);
  return ok;
}
