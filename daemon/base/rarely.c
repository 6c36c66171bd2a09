#include "base/rarely.h"

#define SECOND INT64_C(1000000000)
#define EVERY (60 * SECOND)

int64_t rarely_count(struct rarely *rarely, int64_t now) {
  int_fast64_t told_at = atomic_load(&rarely->told_at);
  atomic_fetch_add(&rarely->count, 1);
  if (told_at && now - told_at < EVERY)
    return 0;
  if (!atomic_compare_exchange_strong(&rarely->told_at, &told_at, now))
    return 0; /* another thread tells */
  return atomic_exchange(&rarely->count, 0);
}
