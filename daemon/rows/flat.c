/* RFC 8259. Each function takes the place where something begins, and returns the place behind it;
 * NULL: it is not there, or not all of it. */
#include "rows/flat.h"

#include "base/num.h"

#include <endian.h>
#include <stdint.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static const char *white(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
    at++;
  return at;
}

/* The highest bit of the first byte that is zero, and perhaps of some behind it. */
static uint64_t zeros(uint64_t word) {
  return (word - EACH(1)) & ~word;
}

/* The first quote, backslash or control character, eight bytes at a time. */
static const char *run(const char *at, const char *end) {
  while (end - at >= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    uint64_t control = (word - EACH(0x20)) & ~word;
    uint64_t found = (zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\')) | control) & EACH(0x80);
    if (found)
      return at + __builtin_ctzll(found) / 8;
    at += 8;
  }
  while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
    at++;
  return at;
}

/* Behind a backslash. */
static const char *escape(const char *at, const char *end) {
  if (at < end && *at != 'u')
    return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
  if (end - at < 5)
    return NULL;
  for (int i = 1; i < 5; i++)
    if (num_hex_digit(at[i]) < 0)
      return NULL;
  return at + 5;
}

static const char *string(const char *at, const char *end) {
  if (at == end || *at != '"')
    return NULL;
  at = run(at + 1, end);
  while (at && at < end && *at == '\\') {
    at = escape(at + 1, end);
    at = at ? run(at, end) : NULL;
  }
  return at && at < end && *at == '"' ? at + 1 : NULL;
}

static const char *digits(const char *at, const char *end) {
  const char *first = at;
  while (at < end && num_is_digit(*at))
    at++;
  return at > first ? at : NULL;
}

static const char *number(const char *at, const char *end) {
  at += at < end && *at == '-';
  at = at < end && *at == '0' ? at + 1 : digits(at, end);
  if (at && at < end && *at == '.')
    at = digits(at + 1, end);
  if (at && at < end && (*at == 'e' || *at == 'E')) {
    at++;
    at += at < end && (*at == '+' || *at == '-');
    at = digits(at, end);
  }
  return at;
}

static const char *word(const char *at, const char *end, struct view expected) {
  bool is_there = view_starts((struct view){at, (size_t)(end - at)}, expected);
  return is_there ? at + expected.length : NULL;
}

static const char *value(const char *at, const char *end) {
  switch (at < end ? *at : '\0') {
  case '"':
    return string(at, end);
  case 't':
    return word(at, end, VIEW("true"));
  case 'f':
    return word(at, end, VIEW("false"));
  case 'n':
    return word(at, end, VIEW("null"));
  default:
    return number(at, end);
  }
}

/* A name, a colon and a value, with the white space around them. */
static const char *member(const char *at, const char *end) {
  at = string(white(at, end), end);
  at = at ? white(at, end) : end;
  at = at < end && *at == ':' ? value(white(at + 1, end), end) : NULL;
  return at ? white(at, end) : NULL;
}

size_t flat_object(struct view text) {
  const char *end = text.at + text.length, *at = text.at;
  do
    at = member(at + 1, end);
  while (at && at < end && *at == ',');
  return at && at < end && *at == '}' ? (size_t)(at + 1 - text.at) : 0;
}
