#include "dialect/location.h"

#include "base/num.h"

#include <stdbool.h>
#include <string.h>

static bool is_one_of(char c, const char *extra) {
  bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return is_plain || (c && strchr(extra, c));
}

static bool is_made_of(struct view text, const char *extra) {
  for (size_t i = 0; i < text.length; i++)
    if (!is_one_of(text.at[i], extra))
      return false;
  return true;
}

/* --- the token, in any spelling --- */

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower case, and '+' as the space that it may stand for. */
static char fold(char c) {
  if (c >= 'A' && c <= 'Z')
    return (char)(c | 0x20);
  return c == '+' ? ' ' : c;
}

/* Decodes percent escapes once, in place. False: there were none. */
static bool decode(char *text, size_t *length) {
  size_t to = 0;
  for (size_t from = 0; from < *length; from++, to++) {
    bool is_escape = text[from] == '%' && from + 2 < *length && digit(text[from + 1]) >= 0 &&
                     digit(text[from + 2]) >= 0;
    text[to] = text[from];
    if (!is_escape)
      continue;
    text[to] = (char)(digit(text[from + 1]) * 16 + digit(text[from + 2]));
    from += 2;
  }
  bool any = to < *length;
  *length = to;
  return any;
}

static bool has_at(const char *text, struct view token) {
  for (size_t i = 0; i < token.length; i++)
    if (fold(text[i]) != fold(token.at[i]))
      return false;
  return true;
}

static bool has(const char *text, size_t length, struct view token) {
  for (size_t i = 0; i + token.length <= length; i++)
    if (has_at(text + i, token))
      return true;
  return false;
}

/* `text` is shorter than LOCATION_SIZE; `token` is not empty. */
static bool repeats(struct view text, struct view token) {
  char copy[LOCATION_SIZE];
  size_t length = text.length;
  memcpy(copy, text.at, length);
  do {
    if (has(copy, length, token))
      return true;
  } while (decode(copy, &length));
  return false;
}

/* --- the parts of a location --- */

struct parts {
  struct view scheme;    /* with "://", or "//", or empty */
  struct view authority; /* without userinfo */
  struct view path;
};

static size_t find_any(struct view text, const char *bytes) {
  size_t at = 0;
  while (at < text.length && !(text.at[at] && strchr(bytes, text.at[at])))
    at++;
  return at;
}

static struct view scheme_of(struct view text) {
  static const struct view schemes[] = {VIEW("https://"), VIEW("http://"), VIEW("//")};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (text.length >= schemes[i].length &&
        num_same_word(view_first(text, schemes[i].length), schemes[i]))
      return view_first(text, schemes[i].length);
  return view_first(text, 0);
}

static struct view without_userinfo(struct view authority) {
  size_t at = authority.length;
  while (at && authority.at[at - 1] != '@')
    at--;
  return view_from(authority, at);
}

/* host, host:port, [IPv6] or [IPv6]:port */
static bool is_authority(struct view text) {
  bool is_v6 = text.length && *text.at == '[';
  size_t end = is_v6 ? find_any(text, "]") + 1 : find_any(text, ":");
  struct view host = view_first(text, end), port = view_from(text, end);
  bool has_port = port.length && *port.at == ':';
  if (is_v6 ? end > text.length || !is_made_of(host, ":[].") : !is_made_of(host, "-._"))
    return false;
  port = view_from(port, has_port);
  for (size_t i = 0; i < port.length; i++)
    if (port.at[i] < '0' || port.at[i] > '9')
      return false;
  return host.length > 0 && (has_port || !port.length);
}

static bool split(struct view value, struct parts *parts) {
  struct view rest = view_first(value, find_any(value, "?#"));
  parts->scheme = scheme_of(rest);
  rest = view_from(rest, parts->scheme.length);
  struct view authority = view_first(rest, parts->scheme.length ? find_any(rest, "/") : 0);
  parts->authority = without_userinfo(authority);
  parts->path = view_from(rest, authority.length);
  bool is_on_a_host = parts->scheme.length && is_authority(parts->authority) &&
                      is_made_of(authority, "-._~%!$&'()*+,;=:@[]");
  return is_on_a_host || (!parts->scheme.length && view_starts(parts->path, VIEW("/")));
}

static bool may_show(struct view path, size_t room, struct view token) {
  return path.length < room && token.length && is_made_of(path, "-._~%!$&'()*+,;=:@/") &&
         !repeats(path, token);
}

void location_show(struct view value, struct view token, char out[LOCATION_SIZE]) {
  static const struct view hidden = VIEW("/...");
  struct parts parts;
  out[0] = '\0';
  if (!split(value, &parts))
    return;
  size_t length = parts.scheme.length + parts.authority.length;
  if (length + hidden.length >= LOCATION_SIZE || (token.length && repeats(parts.authority, token)))
    return;
  memcpy(out, value.at, parts.scheme.length);
  memcpy(out + parts.scheme.length, parts.authority.at, parts.authority.length);
  bool is_shown = may_show(parts.path, LOCATION_SIZE - length, token) || !parts.path.length;
  struct view path = is_shown ? parts.path : hidden;
  memcpy(out + length, path.at, path.length);
  out[length + path.length] = '\0';
}
