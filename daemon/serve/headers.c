#include "serve/headers.h"

#include <inttypes.h>

static const struct {
  const char *spent, *saved;
} amount_headers[CURRENCIES] = {
    [CURRENCY_ROWS] = {"X-Rows-Spent", "X-Rows-Saved"},
    [CURRENCY_UNITS] = {"X-Units-Spent", "X-Units-Saved"},
};

const char *headers_spent(enum currency currency) {
  CHECK(currency < CURRENCIES);
  return amount_headers[currency].spent;
}

const char *headers_saved(enum currency currency) {
  CHECK(currency < CURRENCIES);
  return amount_headers[currency].saved;
}

void headers_hit(int64_t freshness, bool is_derived, struct text *cache_status) {
  /* A result that has just gone stale is less than a second over: -1, as 0 would not say so. */
  text_printf(cache_status, "rowcache; hit; ttl=%" PRId64, freshness == 0 ? -1 : freshness);
  if (freshness <= 0)
    text_add(cache_status, VIEW("; detail=stale"));
  else if (is_derived)
    text_add(cache_status, VIEW("; detail=derived"));
}

void headers_tag(struct view validator, bool is_gzip, struct text *tag) {
  text_add_char(tag, '"');
  for (size_t i = 0; i < validator.length; i++)
    text_printf(tag, "%02x", (unsigned char)validator.at[i]);
  text_add(tag, is_gzip ? VIEW("-gzip\"") : VIEW("\""));
}

void headers_forward(const struct headers_forward *forward, struct text *cache_status) {
  text_printf(cache_status, "rowcache; fwd=%s", plan_reason_word(forward->reason));
  if (forward->status != 0 && forward->status != 200)
    text_printf(cache_status, "; fwd-status=%u", forward->status);
  if (forward->stored)
    text_add(cache_status, VIEW("; stored"));
  if (forward->collapsed)
    text_add(cache_status, VIEW("; collapsed"));
}
