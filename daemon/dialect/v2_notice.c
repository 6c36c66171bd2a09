#include "dialect/v2_notice.h"

static bool says_so(struct view text) {
  static const struct view words[] = {VIEW("discontinued"), VIEW("no longer available"),
                                      VIEW("no longer supported"), VIEW("API v3")};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (answer_says(text, words[i]))
      return true;
  return false;
}

/* Rows may have any words in them, so an error beside rows does not count. */
bool v2_is_discontinued(const struct answer_evidence *e) {
  bool has_status = e->head.status >= 400;
  bool is_error = e->head.status == 200 && (e->error || e->head.is_error) && e->counted <= 0;
  return (has_status || is_error) && says_so(answer_beginning(e));
}
