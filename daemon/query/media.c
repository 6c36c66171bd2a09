#include "query/media.h"

#include "base/num.h"

static bool is_token_char(char c) {
  return num_is_alpha(c) || num_is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool take_token(struct view *rest) {
  size_t length = 0;
  while (length < rest->length && is_token_char(rest->at[length]))
    length++;
  *rest = view_from(*rest, length);
  return length > 0;
}

static bool take(struct view *rest, char c) {
  if (!rest->length || rest->at[0] != c)
    return false;
  *rest = view_from(*rest, 1);
  return true;
}

/* quoted-string (RFC 9110 5.6.4). */
static bool take_quoted(struct view *rest) {
  if (!take(rest, '"'))
    return false;
  while (rest->length && rest->at[0] != '"') {
    take(rest, '\\');
    unsigned char c = rest->length ? (unsigned char)rest->at[0] : 0;
    if ((c < ' ' && c != '\t') || c == 0x7f)
      return false;
    *rest = view_from(*rest, 1);
  }
  return take(rest, '"');
}

static void skip_blanks(struct view *rest) {
  while (take(rest, ' ') || take(rest, '\t'))
    ;
}

/* *( OWS ";" OWS [ parameter ] ) to the end */
static bool are_parameters(struct view rest) {
  for (;;) {
    skip_blanks(&rest);
    if (!rest.length)
      return true;
    if (!take(&rest, ';'))
      return false;
    skip_blanks(&rest);
    if (take_token(&rest) && (!take(&rest, '=') || (!take_token(&rest) && !take_quoted(&rest))))
      return false;
  }
}

enum media media_of(struct view value) {
  struct view whole = view_trim(value), rest = whole;
  if (!whole.length)
    return MEDIA_OTHER;
  if (!take_token(&rest) || !take(&rest, '/') || !take_token(&rest) || !are_parameters(rest))
    return MEDIA_MALFORMED;
  struct view type = view_first(whole, whole.length - rest.length);
  return num_same_word(type, VIEW("application/x-www-form-urlencoded")) ? MEDIA_FORM : MEDIA_OTHER;
}

bool media_judge(const struct media_fields *fields, bool *is_form, struct fault *fault) {
  enum media media = media_of(fields->type);
  *is_form = media == MEDIA_FORM;
  if (fields->types > 1 || media == MEDIA_MALFORMED)
    return fault_set(fault, FAULT_MALFORMED,
                     "the Content-Type is no media type; send the parameters as the query string, "
                     "or as application/x-www-form-urlencoded");
  return fields->coding.length == 0 || num_same_word(fields->coding, VIEW("identity")) ||
         fault_set(fault, FAULT_BODY_UNKNOWN, "a body must come without Content-Encoding");
}
