#include "query/host.h"

#include "base/num.h"
#include "base/utf8.h"
#include "query/limits.h"

#include <idn2.h>
#include <stdint.h>

static bool is_ascii(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if ((unsigned char)text.at[i] > 0x7f)
      return false;
  return true;
}

static void add_lower(struct text *out, struct view text) {
  for (size_t i = 0; i < text.length; i++)
    text_add_char(out, num_lower(text.at[i]));
}

/* --- internationalized names --- */

/* Capitals beyond ASCII whose small letter stands `distance` further on and is no other capital's.
 * (The Greek sigma has two small letters, so it is not here; nor are the dotted I and the sharp S.)
 * From UnicodeData.txt, where these never change. */
static const struct capitals {
  uint32_t first, last, step;
  int32_t distance;
} capitals[] = {
    {0x00c0, 0x00d6, 1, 32},   {0x00d8, 0x00de, 1, 32}, {0x0100, 0x012e, 2, 1},
    {0x0134, 0x0136, 2, 1},    {0x0139, 0x0147, 2, 1},  {0x014a, 0x0176, 2, 1},
    {0x0178, 0x0178, 1, -121}, {0x0179, 0x017d, 2, 1},  {0x0218, 0x021a, 2, 1},
    {0x0386, 0x0386, 1, 38},   {0x0388, 0x038a, 1, 37}, {0x038c, 0x038c, 1, 64},
    {0x038e, 0x038f, 1, 63},   {0x0391, 0x03a1, 1, 32}, {0x03a4, 0x03ab, 1, 32},
    {0x0400, 0x040f, 1, 80},   {0x0410, 0x042f, 1, 32}, {0x0460, 0x0480, 2, 1},
    {0x048a, 0x04be, 2, 1},    {0x04c1, 0x04cd, 2, 1},  {0x04d0, 0x052e, 2, 1},
    {0x0531, 0x0556, 1, 48},   {0x1e00, 0x1e94, 2, 1},  {0x1ea0, 0x1efe, 2, 1},
};

static uint32_t small_letter(uint32_t c) {
  if (c < 0x80)
    return (uint32_t)(unsigned char)num_lower((char)c);
  for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++) {
    const struct capitals *row = &capitals[i];
    if (c >= row->first && c <= row->last && (c - row->first) % row->step == 0)
      return (uint32_t)((int32_t)c + row->distance);
  }
  return c;
}

static bool is_same_name(struct view a, struct view b) {
  uint32_t left, right;
  while (utf8_take(&a, &left))
    if (!utf8_take(&b, &right) || small_letter(left) != small_letter(right))
      return false;
  return a.length == 0 && b.length == 0;
}

/* Adds `host` as A-labels, or nothing if it is not certain that they are the same name. False: no
 * memory. Non-transitional, because transitional processing maps four characters that IDNA 2008
 * allows in names (German sharp s, Greek final sigma, the two joiners), and would take faß.de for
 * fass.de, which has another owner. */
static bool add_a_labels(struct text *out, struct view host, struct fault *fault) {
  if (host.length > QUERY_IDN_MAX || memchr(host.at, '\0', host.length))
    return true;
  scope_text struct text terminated = {0};
  text_add(&terminated, host);
  uint8_t *labels = NULL;
  char *back = NULL;
  int result = IDN2_MALLOC;
  if (text_ok(&terminated))
    result = idn2_lookup_u8((const uint8_t *)text_string(&terminated), &labels,
                            IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (result == IDN2_OK)
    result = idn2_to_unicode_8z8z((const char *)labels, &back, 0);
  if (result == IDN2_OK && is_same_name(host, view_of(back)))
    add_lower(out, view_of((const char *)labels));
  idn2_free(labels);
  idn2_free(back);
  return result != IDN2_MALLOC || fault_no_memory(fault);
}

/* --- hosts --- */

static bool is_label(struct view label) {
  for (size_t i = 0; i < label.length; i++) {
    char c = label.at[i];
    if (!num_is_alpha(c) && !num_is_digit(c) && c != '-' && c != '_')
      return false;
  }
  return label.length > 0 && label.length <= QUERY_LABEL_MAX;
}

static bool is_name(struct view host) {
  if (host.length == 0 || host.length > QUERY_HOST_MAX)
    return false;
  struct view label;
  while (view_split(&host, '.', &label))
    if (!is_label(label))
      return false;
  return true;
}

static bool is_literal(struct view host) {
  if (host.length < 3 || host.at[host.length - 1] != ']')
    return false;
  for (size_t i = 1; i < host.length - 1; i++)
    if (num_hex_digit(host.at[i]) < 0 && host.at[i] != ':' && host.at[i] != '.')
      return false;
  return true;
}

static void drop_last_dot(struct text *host) {
  if (host->length && host->at[host->length - 1] == '.')
    host->at[--host->length] = '\0';
}

bool host_normalize(struct view raw, struct text *host, struct fault *fault) {
  bool is_bracketed = raw.length && raw.at[0] == '[';
  if (is_bracketed || is_ascii(raw))
    add_lower(host, raw);
  else if (!add_a_labels(host, raw, fault))
    return false;
  if (!text_ok(host))
    return fault_no_memory(fault);
  if (!is_bracketed)
    drop_last_dot(host);
  if (!(is_bracketed ? is_literal : is_name)(text_view(host)))
    text_clear(host);
  return true;
}
