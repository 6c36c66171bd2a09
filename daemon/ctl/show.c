#include "ctl/show.h"

#include "base/json.h"
#include "base/visible.h"
#include "ctl/answer.h"
#include "ctl/remote.h"

#include <errno.h>
#include <stdio.h>

/* An answer may grow when it is put into columns. */
#define OUTPUT_LIMIT (4 * JSON_LIMIT)

static bool put(struct view text, struct fault *fault) {
  if (fwrite(text.at, 1, text.length, stdout) == text.length && fflush(stdout) == 0)
    return true;
  return fault_set(fault, FAULT_UNAVAILABLE, "cannot write: %s", strerror(errno));
}

/* Characters that a terminal must not get occur in strings only, where JSON has an equivalent escape
 * (RFC 8259 7). Characters below a space are white space between values here. */
static void add_json(struct text *out, struct view body) {
  while (body.length) {
    struct visible next = visible_first(body);
    int32_t code = next.code, above = code - 0x10000;
    if (next.is_plain || (code >= 0 && code < ' '))
      text_add(out, view_first(body, next.length));
    else if (code < 0x10000)
      text_printf(out, "\\u%04x", code < 0 ? 0xfffd : (unsigned)code);
    else
      text_printf(out, "\\u%04x\\u%04x", 0xd800U + (unsigned)(above >> 10),
                  0xdc00U + (unsigned)(above & 0x3ff));
    body = view_from(body, next.length);
  }
}

bool show_json(struct view part, struct fault *fault) {
  scope_text struct text out = {.limit = OUTPUT_LIMIT};
  add_json(&out, part);
  return text_ok(&out) ? put(text_view(&out), fault) : fault_no_memory(fault);
}

enum ending show_answer(const struct command_call *call, struct view body, show_print *print,
                        struct fault *fault) {
  scope_text struct text out = {.limit = OUTPUT_LIMIT};
  yajl_val answer;
  if (!answer_parse(body, &answer, fault))
    return ENDING_FAILED;
  if (call->json)
    add_json(&out, body);
  else
    print(&out, answer);
  if (call->json)
    text_add_char(&out, '\n');
  yajl_tree_free(answer);
  bool ok = text_ok(&out) ? put(text_view(&out), fault) : fault_no_memory(fault);
  return ok ? ENDING_GOOD : ENDING_FAILED;
}

enum ending show_remote(const struct command_call *call, const char *method, const char *path,
                        show_print *print, struct fault *fault) {
  struct remote remote;
  enum ending ending = ENDING_FAILED;
  const struct remote_request request = {.method = method, .path = path};
  if (remote_ask(call->settings, &request, &remote, fault))
    ending = show_answer(call, text_view(&remote.body), print, fault);
  text_free(&remote.body);
  return ending;
}
