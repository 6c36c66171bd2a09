#include "render/error.h"

#include "base/utf8.h"
#include "render/xml_text.h"

#include <yajl/yajl_gen.h>

static void render_json(struct view message, struct text *body) {
  yajl_gen json = yajl_gen_alloc(NULL);
  const unsigned char *bytes;
  size_t length;
  if (!json) {
    body->failed = true;
    return;
  }
  yajl_gen_map_open(json);
  yajl_gen_string(json, (const unsigned char *)"error", 5);
  yajl_gen_string(json, (const unsigned char *)message.at, message.length);
  yajl_gen_map_close(json);
  yajl_gen_get_buf(json, &bytes, &length);
  text_add(body, (struct view){(const char *)bytes, length});
  yajl_gen_free(json);
}

static void render_xml(struct view message, struct text *body) {
  text_add(body, VIEW("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AhrefsApiResponse><error>"));
  xml_text_add(message, body);
  text_add(body, VIEW("</error></AhrefsApiResponse>\n"));
}

static void render_php(struct view message, struct text *body) {
  text_printf(body, "a:1:{s:5:\"error\";s:%zu:\"", message.length);
  text_add(body, message);
  text_add(body, VIEW("\";}"));
}

static void (*const forms[])(struct view message, struct text *body) = {
#define OUTPUT(name, word, type) render_##word,
#include "tables/outputs.def"
#undef OUTPUT
};
_Static_assert(sizeof forms / sizeof *forms == QUERY_OUTPUT_UNKNOWN, "one row for each form");

/* Bytes that are not UTF-8, or a character that was cut, must not break the form. */
static void add_valid(struct view message, struct text *out) {
  while (message.length) {
    size_t length = utf8_character(message);
    text_add(out, length ? view_first(message, length) : VIEW("?"));
    message = view_from(message, length ? length : 1);
  }
}

void error_render(enum query_output output, struct view message, struct text *body) {
  scope_text struct text valid = {0};
  add_valid(message, &valid);
  forms[output < QUERY_OUTPUT_UNKNOWN ? output : QUERY_JSON](text_view(&valid), body);
}
