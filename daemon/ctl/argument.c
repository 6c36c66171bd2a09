#include "ctl/argument.h"

#include "query/form.h"

/* The part of a URL after its '?'. A query string may contain "://", too, but not at its beginning. */
static struct view find_query(struct view argument) {
  if (view_starts(argument, VIEW("?")))
    return view_from(argument, 1);
  if (!view_starts(argument, VIEW("http://")) && !view_starts(argument, VIEW("https://")) &&
      !view_starts(argument, VIEW("/")))
    return argument;
  const char *hash = memchr(argument.at, '#', argument.length);
  if (hash)
    argument = view_first(argument, (size_t)(hash - argument.at));
  const char *mark = memchr(argument.at, '?', argument.length);
  return mark ? view_from(argument, (size_t)(mark - argument.at) + 1) : VIEW("");
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
  struct view rest = find_query(argument), piece;
  bool first = true;
  while (view_split(&rest, '&', &piece)) {
    if (piece.length == 0 || is_token(piece))
      continue;
    if (!first)
      text_add_char(out, '&');
    first = false;
    form_encode_but(out, piece, VIEW("%=+"));
  }
}
