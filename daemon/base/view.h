/* A pointer and a length that own nothing. A view has no NUL at its end and may contain NUL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
  const char *at;
  size_t length;
};

#define VIEW(literal) ((struct view){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define VIEW_ARGS(view) (int)(view).length, (view).at

static inline struct view view_of(const char *text) {
  return (struct view){text, text ? strlen(text) : 0};
}

static inline bool view_equal(struct view a, struct view b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static inline bool view_is(struct view a, const char *text) {
  return view_equal(a, view_of(text));
}

static inline bool view_starts(struct view a, struct view prefix) {
  return a.length >= prefix.length &&
         (prefix.length == 0 || memcmp(a.at, prefix.at, prefix.length) == 0);
}

/* Bytewise order; of two with a common beginning the shorter is first. For qsort(). */
static inline int view_order(struct view a, struct view b) {
  size_t common = a.length < b.length ? a.length : b.length;
  int order = common ? memcmp(a.at, b.at, common) : 0;
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* The part from `from` (at most the length) to the end. */
static inline struct view view_from(struct view a, size_t from) {
  if (from > a.length)
    from = a.length;
  return (struct view){from ? a.at + from : a.at, a.length - from};
}

static inline struct view view_first(struct view a, size_t length) {
  return (struct view){a.at, length < a.length ? length : a.length};
}

/* Without spaces and tabs at both ends. */
static inline struct view view_trim(struct view a) {
  while (a.length && (a.at[0] == ' ' || a.at[0] == '\t'))
    a.at++, a.length--;
  while (a.length && (a.at[a.length - 1] == ' ' || a.at[a.length - 1] == '\t'))
    a.length--;
  return a;
}

/* Takes the part before the next `separator` off the front of `rest`. False: nothing is left.
 * "a,,b" gives "a", "", "b". Begin with rest->at not NULL; at the end it is NULL. */
static inline bool view_split(struct view *rest, char separator, struct view *part) {
  if (!rest->at)
    return false;
  const char *end = rest->length ? memchr(rest->at, separator, rest->length) : NULL;
  if (!end) {
    *part = *rest;
    *rest = (struct view){0};
    return true;
  }
  *part = (struct view){rest->at, (size_t)(end - rest->at)};
  *rest = (struct view){end + 1, rest->length - part->length - 1};
  return true;
}

/* True if `word` (not empty) is one of `words`, which are separated by spaces. */
static inline bool view_has_word(struct view words, struct view word) {
  struct view one;
  while (view_split(&words, ' ', &one))
    if (one.length && view_equal(one, word))
      return true;
  return false;
}
