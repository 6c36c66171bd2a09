#include "dialect/v2_request.h"

#include <string.h>

void v2_url(struct view base, struct view args, struct text *url) {
  text_add(url, base);
  const char *authority = memmem(base.at, base.length, "://", 3);
  size_t from = authority ? (size_t)(authority - base.at) + 3 : 0;
  if (!memchr(base.at + from, '/', base.length - from))
    text_add_char(url, '/');
  text_add_char(url, '?');
  text_add(url, args);
}
