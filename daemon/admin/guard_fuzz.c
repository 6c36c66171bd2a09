/* Fuzz target: the Host and Authorization headers of a request to the admin side. */
#include "admin/guard.h"
#include "base/check.h"
#include "base/num.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name that a stranger can register has a letter behind its last dot, and no brackets. */
static bool is_foreign_name(struct view host) {
  for (size_t i = 0; i < host.length; i++)
    if (num_lower(host.at[i]) > 'f' && num_lower(host.at[i]) <= 'z')
      return !num_same_word(view_first(host, 9), VIEW("localhost"));
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view header = {size ? (const char *)data : "", size};
  static const struct view token = VIEW("0123456789abcdef");
  if (guard_host_is_local(header))
    CHECK(!is_foreign_name(header));
  if (guard_has_token(header, token))
    CHECK(memmem(header.at, header.length, token.at, token.length));
  return 0;
}
