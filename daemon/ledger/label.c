#include "ledger/label.h"

#include "base/num.h"

#include <string.h>

#define NAME_MOST 64
#define LABEL_DIGITS 8
#define TOKEN_DIGITS_LEAST 32 /* so many hex digits are likely a token's text */

static bool is_hex(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if (num_hex_digit(text.at[i]) < 0)
      return false;
  return true;
}

static bool is_name(struct view name) {
  if (name.length < 1 || name.length > NAME_MOST)
    return false;
  for (size_t i = 0; i < name.length; i++)
    if (!num_is_alpha(name.at[i]) && !num_is_digit(name.at[i]) && !memchr("._-", name.at[i], 3))
      return false;
  return !is_hex(name) || (name.length != LABEL_DIGITS && name.length < TOKEN_DIGITS_LEAST);
}

static bool is_label(struct view label) {
  return is_name(label) || (label.length == LABEL_DIGITS && is_hex(label));
}

/* Reserved labels: in /metrics "other" is the sum of the tokens that are not listed, in the log "-"
 * is a request without a token. */
static bool is_reserved(struct view name) {
  return view_is(name, "other") || view_is(name, "-");
}

bool label_check_name(struct view name, struct fault *fault) {
  if (is_reserved(name))
    return fault_set(fault, FAULT_MALFORMED,
                     "'%.*s' cannot be a token's name: metrics and logs mean something else by it",
                     VIEW_ARGS(name));
  return is_name(name) ||
         fault_set(fault, FAULT_MALFORMED,
                   "that cannot be a token's name: write 1 to %d letters, digits, '.', '_' or '-', "
                   "but not %d hex digits, nor %d and more of them",
                   NAME_MOST, LABEL_DIGITS, TOKEN_DIGITS_LEAST);
}

bool label_check(struct view label, struct fault *fault) {
  return is_label(label) ||
         fault_set(fault, FAULT_MALFORMED,
                   "that is neither a token's name nor the %d hex digits of one without a name",
                   LABEL_DIGITS);
}

void label_print(struct view name, const struct digest *fingerprint, char out[LEDGER_LABEL_SIZE]) {
  char hex[DIGEST_HEX_SIZE];
  struct view label = is_name(name) ? name : (struct view){digest_print(fingerprint, hex), 8};
  memcpy(out, label.at, label.length);
  out[label.length] = '\0';
}
