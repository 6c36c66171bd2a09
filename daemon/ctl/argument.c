#include "ctl/argument.h"

#include "base/token_text.h"
#include "query/call.h"
#include "query/form.h"
#include "query/uri.h"

/* The part of a URL or a path before '#'. A query string may contain "://" and '#', too, but "://"
 * not at its beginning. */
static bool is_reference(struct view *text) {
  if (!view_starts(*text, VIEW("http://")) && !view_starts(*text, VIEW("https://")) &&
      !view_starts(*text, VIEW("/")))
    return false;
  const char *hash = memchr(text->at, '#', text->length);
  if (hash)
    *text = view_first(*text, (size_t)(hash - text->at));
  return true;
}

/* True for the parameter `token`, in any escaping of its name. */
static bool is_token(struct view piece) {
  struct view name = VIEW("");
  (void)view_split(&piece, '=', &name);
  return form_means(name, VIEW("token"));
}

static void add_piece(struct text *out, struct view piece, struct view keep) {
  if (out->length)
    text_add_char(out, '&');
  form_encode_but(out, piece, keep);
}

/* Parts the parameters: those called `token` go to `tokens`. */
static void part(struct view args, struct text *others, struct text *tokens) {
  struct view piece;
  while (view_split(&args, '&', &piece))
    if (piece.length)
      add_piece(is_token(piece) ? tokens : others, piece, VIEW("%=+"));
}

static bool read_token(const struct text *tokens, struct text *token, struct fault *fault) {
  struct form form = {.count = 0};
  bool ok = text_ok(tokens) ? form_parse(&form, text_view(tokens), fault) : fault_no_memory(fault);
  const struct view *value = ok ? form_get(&form, "token") : NULL;
  if (value)
    text_add(token, *value);
  form_free(&form);
  return ok;
}

bool argument_read(struct view text, struct argument *out, struct fault *fault) {
  struct uri uri = {.args = text};
  scope_text struct text tokens = {0};
  *out = (struct argument){0};
  if (is_reference(&text))
    uri = uri_split(text);
  else if (view_starts(text, VIEW("?")))
    uri.args = view_from(text, 1);
  out->is_call = view_starts(uri.path, VIEW(CALL_PREFIX));
  if (out->is_call)
    form_encode_but(&out->path, uri.path, VIEW("%/"));
  part(uri.args, &out->args, &tokens);
  if (!read_token(&tokens, &out->token, fault))
    return false;
  if (out->is_call && out->token.length && !token_text_ok(text_view(&out->token)))
    return fault_set(fault, FAULT_MALFORMED, "a token has visible ASCII characters only");
  return (text_ok(&out->path) && text_ok(&out->args) && text_ok(&out->token)) ||
         fault_no_memory(fault);
}

void argument_free(struct argument *argument) {
  text_free(&argument->path);
  text_free(&argument->args);
  text_free(&argument->token);
}

void argument_add(const struct argument *argument, struct text *out) {
  text_add(out, text_view(&argument->path));
  if (argument->is_call)
    text_add_char(out, '?');
  text_add(out, text_view(&argument->args));
}
