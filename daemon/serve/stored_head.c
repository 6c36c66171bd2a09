#include "serve/stored_head.h"

#include "base/text.h"
#include "serve/headers.h"

#include <inttypes.h>
#include <stdio.h>

static char *add(struct stored_head *head, const char *name) {
  CHECK(head->count < STORED_LINES);
  struct stored_line *line = &head->lines[head->count++];
  line->name = name;
  return line->value;
}

static void add_text(struct stored_head *head, const char *name, const char *value) {
  snprintf(add(head, name), sizeof head->lines->value, "%s", value);
}

static void add_number(struct stored_head *head, const char *name, int64_t value) {
  snprintf(add(head, name), sizeof head->lines->value, "%" PRId64, value);
}

static void add_known(struct stored_head *head, const char *name, int64_t value) {
  if (value >= 0)
    add_number(head, name, value);
}

static void add_tag(const struct stored_facts *facts, struct stored_head *head) {
  const struct cache_validator *validator = &facts->entry->validator;
  scope_text struct text tag = {0};
  headers_tag((struct view){(const char *)validator->bytes, sizeof validator->bytes},
              facts->is_gzip, &tag);
  if (text_ok(&tag))
    add_text(head, "ETag", text_string(&tag));
}

/* Source: contract, "v3"; reference of v3, "Price". */
static void add_count(const struct stored_facts *facts, struct stored_head *head) {
  const struct cache_entry *entry = facts->entry;
  if (!facts->is_call) {
    add_known(head, "X-Results-Count", entry->results);
    return;
  }
  add_known(head, "x-api-rows", entry->results);
  add_known(head, "x-api-units-cost-total", entry->listed);
  add_number(head, "x-api-units-cost-total-actual", 0);
  add_text(head, "x-api-cache", "hit");
}

/* Where upstream sent no Content-Type, the usual one of the form. */
static void add_type(const struct stored_facts *facts, struct stored_head *head) {
  const char *type = facts->entry->content_type;
  add_text(head, "Content-Type", *type ? type : output_content_type(facts->output));
}

void stored_head(const struct stored_facts *facts, struct stored_head *head) {
  head->count = 0;
  add_tag(facts, head);
  add_number(head, "Age", facts->age > 0 ? facts->age : 0);
  add_text(head, "Cache-Status", facts->cache_status);
  if (facts->spent)
    add_text(head, headers_spent(facts->spent->currency), AMOUNT_TEXT(*facts->spent));
  add_text(head, headers_saved(facts->saved.currency), AMOUNT_TEXT(facts->saved));
  if (facts->not_modified) /* the client stored these with the bytes (RFC 9110 15.4.5) */
    return;
  add_type(facts, head);
  add_count(facts, head);
}
