#include "query/form.h"

#include "base/num.h"
#include "base/utf8.h"

#include <stdlib.h>

static bool is_unreserved(char c) {
  return num_is_alpha(c) || num_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Decodes the byte at `i` of `encoded`. Returns how many bytes it takes there; 0: a broken escape. */
static inline size_t decode_byte(struct view encoded, size_t i, char *byte) {
  char c = encoded.at[i];
  *byte = c == '+' ? ' ' : c;
  if (c != '%')
    return 1;
  if (encoded.length - i < 3)
    return 0;
  int high = num_hex_digit(encoded.at[i + 1]), low = num_hex_digit(encoded.at[i + 2]);
  if (high < 0 || low < 0)
    return 0;
  *byte = (char)(high << 4 | low);
  return 3;
}

/* Decodes into `to`, which has room for encoded.length bytes. False: a broken escape. */
static bool decode(struct view encoded, char *to, struct view *decoded) {
  size_t length = 0, step;
  for (size_t i = 0; i < encoded.length; i += step)
    if (!(step = decode_byte(encoded, i, &to[length++])))
      return false;
  *decoded = (struct view){to, length};
  return true;
}

bool form_means(struct view encoded, struct view text) {
  size_t length = 0, step;
  char byte;
  for (size_t i = 0; i < encoded.length; i += step, length++)
    if (!(step = decode_byte(encoded, i, &byte)) || length == text.length ||
        byte != text.at[length])
      return false;
  return length == text.length;
}

/* NUL is valid UTF-8, but no text has it. */
static bool is_text(struct view value) {
  return utf8_is(value) && (value.length == 0 || !memchr(value.at, '\0', value.length));
}

const char *form_show(struct view value, char out[FORM_SHOWN_SIZE]) {
  static const struct view more = VIEW("...");
  size_t most = FORM_SHOWN_SIZE - 1 - more.length, length = 0;
  for (; length < value.length && length < most; length++) {
    char c = value.at[length];
    out[length] = c >= ' ' && c <= '~' ? c : '?';
  }
  out[length] = '\0';
  if (length < value.length)
    memcpy(out + length, more.at, more.length + 1);
  return out;
}

/* Cuts a name for an error message before the first byte that no parameter has: a client that
 * encodes "=" too puts its token into the name. */
static struct view plain_name(struct view name) {
  size_t length = 0;
  while (length < name.length && is_unreserved(name.at[length]))
    length++;
  return view_first(name, length);
}

static bool malformed(struct fault *fault, struct view name, const char *what) {
  return fault_set(fault, FAULT_MALFORMED, "parameter '%s' %s", FORM_SHOWN(plain_name(name)), what);
}

static const struct form_pair *find(const struct form *form, struct view name) {
  for (size_t i = 0; i < form->count; i++)
    if (view_equal(form->pairs[i].name, name))
      return &form->pairs[i];
  return NULL;
}

/* Fills `pair` from one `name=value`. The caller frees pair->bytes in every case. */
static bool decode_pair(struct view piece, struct form_pair *pair, struct fault *fault) {
  const char *equals = memchr(piece.at, '=', piece.length);
  struct view name = view_first(piece, equals ? (size_t)(equals - piece.at) : piece.length);
  struct view value = equals ? view_from(piece, name.length + 1) : VIEW("");
  pair->bytes = malloc(piece.length);
  if (!pair->bytes)
    return fault_no_memory(fault);
  if (!decode(name, pair->bytes, &pair->name) ||
      !decode(value, pair->bytes + pair->name.length, &pair->value))
    return malformed(fault, name, "has a broken percent escape: write '%' itself as '%25'");
  if (!is_text(pair->name) || !is_text(pair->value))
    return malformed(fault, pair->name, "is not UTF-8 text");
  if (pair->name.length > QUERY_NAME_MAX)
    return malformed(fault, pair->name, "has too long a name");
  return true;
}

static bool add_piece(struct form *form, struct view piece, struct fault *fault) {
  struct form_pair pair = {0};
  if (!decode_pair(piece, &pair, fault)) {
    free(pair.bytes);
    return false;
  }
  const struct form_pair *earlier = find(form, pair.name);
  if (!earlier && form->count < QUERY_PARAMETERS_MAX) {
    form->pairs[form->count++] = pair;
    return true;
  }
  bool again = earlier && view_equal(earlier->value, pair.value);
  if (!earlier)
    fault_set(fault, FAULT_MALFORMED, "more than %d parameters", QUERY_PARAMETERS_MAX);
  else if (!again)
    malformed(fault, pair.name, "is given twice with different values");
  free(pair.bytes);
  return again;
}

bool form_parse(struct form *form, struct view encoded, struct fault *fault) {
  struct view piece;
  while (view_split(&encoded, '&', &piece))
    if (piece.length && !add_piece(form, piece, fault))
      return false;
  return true;
}

const struct view *form_get(const struct form *form, const char *name) {
  const struct form_pair *pair = find(form, view_of(name));
  return pair ? &pair->value : NULL;
}

void form_encode_but(struct text *out, struct view value, struct view keep) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < value.length; i++) {
    char c = value.at[i];
    unsigned char byte = (unsigned char)c;
    if (is_unreserved(c) || (keep.length && memchr(keep.at, c, keep.length)))
      text_add_char(out, c);
    else
      text_add(out, (struct view){(char[]){'%', digits[byte >> 4], digits[byte & 15]}, 3});
  }
}

void form_encode(struct text *out, struct view value) {
  form_encode_but(out, value, VIEW(""));
}

void form_free(struct form *form) {
  for (size_t i = 0; i < form->count; i++)
    free(form->pairs[i].bytes);
  form->count = 0;
}
