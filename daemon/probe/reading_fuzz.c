/* Fuzz target: an answer, taken for that of each request of check-upstream. */
#include "base/check.h"
#include "probe/verdict.h"
#include "rows/reader.h"

#include <stdlib.h>

#define DEPTH 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_sound(struct view body) {
  static const struct reader_shape shape = {.rows = VIEW("backlinks")};
  struct fault fault;
  struct reader *reader = reader_create(&shape, DEPTH);
  bool ok = reader && reader_feed(reader, body, &fault) && reader_finish(reader, &fault);
  reader_release(&reader);
  return ok;
}

static void ask_all(const struct verdict_facts *facts) {
  const struct ask_sources sources = {
      .readings = facts->readings, .nonce = "0123", .today = facts->today};
  for (enum ask ask = ASK_CANARY; ask < ASKS; ask++) {
    scope_text struct text args = {0};
    if (ask_write(ask, &sources, &args))
      CHECK(memmem(args.at, args.length, ASK_TARGET, sizeof ASK_TARGET - 1));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view body = {size ? (const char *)data : "", size};
  struct reading reading = {.status = 200, .tariff.result.currency = CURRENCY_UNITS};
  struct verdict_facts facts = {.why = "", .standing = DIALECT_TOKEN_ACCEPTED, .today = 20500};
  char *copy = strndup(body.at, body.length);
  if (!copy)
    return 0;
  reading.tariff.fixed = reading.tariff.least = amount_zero(CURRENCY_UNITS);
  reading_take(&reading, is_sound(body), copy);
  for (enum ask ask = 0; ask < ASKS; ask++)
    facts.readings[ask] = reading;
  ask_all(&facts);
  for (enum probe probe = 0; probe < PROBES; probe++) {
    struct verdict verdict = verdict_of(probe, &facts);
    CHECK(*verdict.words && memchr(verdict.words, '\0', sizeof verdict.words));
  }
  reading_free(&reading);
  return 0;
}
