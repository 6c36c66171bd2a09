/* A growing text with a limit, which keeps its first failure.
 *
 * A writer adds piece after piece and checks once, at the end: text_ok(). After a failure (no
 * memory, or the limit exceeded) further additions do nothing. A NUL that is not counted always
 * follows the bytes. Pure; a text belongs to one thread at a time. */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stddef.h>

struct text {
  char *at; /* NULL while empty */
  size_t length;
  size_t capacity;
  size_t limit; /* maximum length; 0: TEXT_LIMIT */
  bool failed;
};

#define TEXT_LIMIT ((size_t)16 * 1024 * 1024)

/* `scope_text struct text t = {0};` is freed at the end of its scope. */
#define scope_text __attribute__((cleanup(text_free)))

void text_add(struct text *text, struct view bytes);
void text_add_char(struct text *text, char byte);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/* Empties the text, keeps its memory, and clears a failure. */
void text_clear(struct text *text);
void text_free(struct text *text);

/* Gives the NUL-terminated bytes to the caller, who frees them with free(). NULL after a
 * failure. */
char *text_steal(struct text *text) MUST_CHECK;

static inline bool text_ok(const struct text *text) {
  return !text->failed;
}

static inline struct view text_view(const struct text *text) {
  return (struct view){text->at ? text->at : "", text->length};
}

/* The text as a C string; "" while empty. Valid until the next change. */
static inline const char *text_string(const struct text *text) {
  return text->at ? text->at : "";
}
