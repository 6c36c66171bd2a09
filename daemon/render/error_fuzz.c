/* Fuzz target: the message of an error. */
#include "base/check.h"
#include "base/num.h"
#include "base/utf8.h"
#include "render/error.h"

#include <yajl/yajl_tree.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A message without NUL, which yajl_tree cannot hold, comes back whole if it is UTF-8. */
static void check_json(struct view message, const struct text *body) {
  char problem[128];
  const char *path[] = {"error", NULL};
  yajl_val tree = yajl_tree_parse(text_string(body), problem, sizeof problem);
  CHECK(tree);
  yajl_val error = yajl_tree_get(tree, path, yajl_t_string);
  CHECK(error);
  bool is_string = utf8_is(message) && (!message.length || !memchr(message.at, 0, message.length));
  CHECK(!is_string || view_is(message, YAJL_GET_STRING(error)));
  yajl_tree_free(tree);
}

/* The message can neither end its element nor begin another. */
static void check_xml(struct view message, const struct text *body) {
  (void)message;
  struct view rest = text_view(body);
  int tags = 0;
  for (size_t i = 0; i < rest.length; i++) {
    tags += rest.at[i] == '<';
    CHECK((unsigned char)rest.at[i] >= ' ' || rest.at[i] == '\n');
  }
  CHECK(tags == 5); /* the declaration, and two elements */
}

/* The length is that of the bytes between the quotes. */
static void check_php(struct view message, const struct text *body) {
  static const struct view begin = VIEW("a:1:{s:5:\"error\";s:"), end = VIEW("\";}");
  struct view rest = text_view(body), digits;
  int64_t length;
  CHECK(view_starts(rest, begin));
  rest = view_from(rest, begin.length);
  CHECK(view_split(&rest, ':', &digits) && num_integer(digits, &length));
  CHECK(rest.length == 1 + (size_t)length + end.length && rest.at[0] == '"');
  CHECK(view_equal(view_from(rest, 1 + (size_t)length), end));
  CHECK(!utf8_is(message) || view_equal(view_first(view_from(rest, 1), (size_t)length), message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const checks[])(struct view message, const struct text *body) = {
      [QUERY_JSON] = check_json, [QUERY_XML] = check_xml, [QUERY_PHP] = check_php};
  struct view message = {size ? (const char *)data : "", size};
  for (size_t output = 0; output < sizeof checks / sizeof *checks; output++) {
    scope_text struct text body = {0};
    error_render((enum query_output)output, message, &body);
    CHECK(text_ok(&body) && utf8_is(text_view(&body)));
    checks[output](message, &body);
  }
  return 0;
}
