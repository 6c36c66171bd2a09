#include "serve/spelling.h"

#include "base/num.h"
#include "base/token_text.h"

static const struct view name = VIEW("token=");
static const struct view scheme = VIEW("Bearer ");

/* A percent sign, a plus and the like would have to be decoded first. */
static bool is_plain(struct view token) {
  for (size_t i = 0; i < token.length; i++) {
    char c = token.at[i];
    if (!num_is_alpha(c) && !num_is_digit(c) && c != '-' && c != '.' && c != '_')
      return false;
  }
  return token.length >= TOKEN_TEXT_LEAST && token.length <= TOKEN_TEXT_MOST;
}

static size_t find(struct view text, struct view part) {
  const char *at = memmem(text.at, text.length, part.at, part.length);
  return at ? (size_t)(at - text.at) : text.length;
}

static bool has(struct view text, struct view part) {
  return find(text, part) < text.length;
}

/* The name of a parameter is read here as it came: `tok%65n` might be one, too. */
static bool has_coded_names(struct view target) {
  bool in_name = false;
  for (size_t i = 0; i < target.length; i++) {
    char c = target.at[i];
    if (in_name && (c == '%' || c == '+'))
      return true;
    in_name = c == '?' || c == '&' || (in_name && c != '=');
  }
  return false;
}

/* Cuts the value of the parameter out. False: there is none, or several. */
static bool cut(struct view target, struct spelling *spelling) {
  size_t at = find(target, name);
  if (at == target.length || at == 0 || (target.at[at - 1] != '?' && target.at[at - 1] != '&'))
    return false;
  struct view rest = view_from(target, at + name.length);
  size_t length = find(rest, VIEW("&"));
  spelling->before = view_first(target, at + name.length);
  spelling->token = view_first(rest, length);
  spelling->after = view_from(rest, length);
  return !has(spelling->after, name);
}

static bool take_header(struct view target, struct view value, struct spelling *spelling) {
  spelling->before = target;
  spelling->after = VIEW("");
  spelling->token = view_from(value, scheme.length);
  return view_starts(value, scheme) && !has(target, name);
}

/* Eight bytes at a time; a memory of few entries needs no better one. */
static uint64_t mix(uint64_t hash, struct view text) {
  static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
  uint64_t word;
  for (; text.length >= sizeof word; text = view_from(text, sizeof word)) {
    memcpy(&word, text.at, sizeof word);
    hash = (hash ^ word) * factor;
    hash ^= hash >> 29;
  }
  word = text.length;
  if (text.length)
    memcpy((char *)&word + 1, text.at, text.length);
  hash = (hash ^ word) * factor;
  return hash ^ hash >> 32;
}

bool spelling_read(struct view target, struct view authorization, struct spelling *spelling) {
  if (target.length > SPELLING_MOST || has_coded_names(target))
    return false;
  if (!(authorization.length ? take_header(target, authorization, spelling)
                             : cut(target, spelling)))
    return false;
  if (!is_plain(spelling->token) || has(spelling->before, spelling->token) ||
      has(spelling->after, spelling->token))
    return false;
  spelling->hash = mix(mix(0, spelling->before), spelling->after);
  return true;
}

bool spelling_equal(const struct spelling *a, const struct spelling *b) {
  return a->hash == b->hash && view_equal(a->before, b->before) && view_equal(a->after, b->after);
}
