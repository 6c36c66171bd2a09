#include "ctl/argument.h"

#include "query/call.h"
#include "query/form.h"
#include "query/uri.h"

/* A query string may contain "://", too, but not at its beginning. */
static bool is_url(struct view argument) {
  return view_starts(argument, VIEW("http://")) || view_starts(argument, VIEW("https://")) ||
         view_starts(argument, VIEW("/"));
}

/* The query string, and the path if it is that of a call of v3: else empty. */
static struct view find_query(struct view argument, struct view *call) {
  *call = VIEW("");
  if (view_starts(argument, VIEW("?")))
    return view_from(argument, 1);
  if (!is_url(argument))
    return argument;
  const char *hash = memchr(argument.at, '#', argument.length);
  if (hash)
    argument = view_first(argument, (size_t)(hash - argument.at));
  struct uri uri = uri_split(argument);
  if (view_starts(uri.path, VIEW(CALL_PREFIX)))
    *call = uri.path;
  return uri.args;
}

/* True for the parameter `token`, in any escaping of its name. */
static bool is_token(struct view piece) {
  struct form form = {.count = 0};
  const char *equals = memchr(piece.at, '=', piece.length);
  struct view name = view_first(piece, equals ? (size_t)(equals - piece.at) : piece.length);
  bool found = form_parse(&form, name, NULL) && form_get(&form, "token");
  form_free(&form);
  return found;
}

void argument_clean(struct view argument, struct text *out) {
  struct view call, rest = find_query(argument, &call), piece;
  bool first = true;
  form_encode_but(out, call, VIEW("%/"));
  if (call.length)
    text_add_char(out, '?');
  while (view_split(&rest, '&', &piece)) {
    if (piece.length == 0 || is_token(piece))
      continue;
    if (!first)
      text_add_char(out, '&');
    first = false;
    form_encode_but(out, piece, VIEW("%=+"));
  }
}
