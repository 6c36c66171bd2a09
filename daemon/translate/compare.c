#include "translate/compare.h"

#include "translate/scalar.h"

static void begin(struct text *out, enum mapping_source source, const char *op) {
  text_printf(out, "{\"field\":\"%.*s\",\"is\":[\"%s\",", VIEW_ARGS(mapping_name(source)), op);
}

void compare_write(struct text *out, enum mapping_source source, const char *op,
                   struct view value) {
  begin(out, source, op);
  text_add(out, value);
  text_add(out, VIEW("]}"));
}

void compare_write_scalar(struct text *out, enum mapping_source source, const char *op,
                          int64_t scalar) {
  bool is_upper = op[0] == 'l';
  begin(out, source, op);
  scalar_write(mapping_type(source), scalar, is_upper, out);
  text_add(out, VIEW("]}"));
}
