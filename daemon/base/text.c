#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Makes room for `more` bytes and a NUL after them. */
static bool text_reserve(struct text *text, size_t more) {
  if (text->failed)
    return false;
  size_t limit = text->limit ? text->limit : TEXT_LIMIT;
  if (more > limit || text->length > limit - more) {
    text->failed = true;
    return false;
  }
  size_t needed = text->length + more + 1;
  if (needed <= text->capacity)
    return true;
  size_t capacity = text->capacity ? text->capacity : 64;
  while (capacity < needed)
    capacity *= 2;
  char *grown = realloc(text->at, capacity);
  if (!grown) {
    text->failed = true;
    return false;
  }
  text->at = grown;
  text->capacity = capacity;
  return true;
}

void text_add(struct text *text, struct view bytes) {
  if (!text_reserve(text, bytes.length))
    return;
  if (bytes.length)
    memcpy(text->at + text->length, bytes.at, bytes.length);
  text->length += bytes.length;
  text->at[text->length] = '\0';
}

void text_add_char(struct text *text, char byte) {
  text_add(text, (struct view){&byte, 1});
}

void text_printf(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) {
    text->failed = true;
    return;
  }
  if (!text_reserve(text, (size_t)length))
    return;
  va_start(arguments, format);
  vsnprintf(text->at + text->length, (size_t)length + 1, format, arguments);
  va_end(arguments);
  text->length += (size_t)length;
}

void text_clear(struct text *text) {
  text->length = 0;
  text->failed = false;
  if (text->at)
    text->at[0] = '\0';
}

void text_free(struct text *text) {
  free(text->at);
  *text = (struct text){.limit = text->limit};
}

char *text_steal(struct text *text) {
  if (!text->failed && !text->at)
    text_reserve(text, 0);
  char *bytes = text->failed ? NULL : text->at;
  if (!bytes)
    return NULL;
  bytes[text->length] = '\0';
  text->at = NULL;
  text_free(text);
  return bytes;
}
