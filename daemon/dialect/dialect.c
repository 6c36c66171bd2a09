#include "dialect/dialect.h"

#include "base/num.h"
#include "dialect/v2.h"
#include "dialect/v3.h"

#include <string.h>

const struct dialect *dialect_for(const struct settings *settings) {
  return settings->upstream_api == UPSTREAM_API_V3 ? &dialect_v3 : &dialect_v2;
}

/* Cuts the type if it is too long, and before the first control character. */
static void note_type(struct view value, struct answer_head *head) {
  struct view cut = view_first(value, sizeof head->content_type - 1);
  for (size_t i = 0; i < cut.length; i++)
    if ((unsigned char)cut.at[i] < 0x20 || cut.at[i] == 0x7f)
      cut.length = i;
  memcpy(head->content_type, cut.at, cut.length);
  head->content_type[cut.length] = '\0';
}

void dialect_read_header(const struct dialect *dialect, struct view line, struct view token,
                         struct answer_evidence *evidence) {
  const char *colon = memchr(line.at, ':', line.length);
  if (!colon)
    return;
  struct view name = view_first(line, (size_t)(colon - line.at));
  struct view value = view_trim(view_from(line, name.length + 1));
  if (num_same_word(name, VIEW("Content-Type")))
    note_type(value, &evidence->head);
  else if (num_same_word(name, VIEW("Location")))
    location_show(value, token, evidence->location);
  else
    dialect->header(name, value, &evidence->head);
}
