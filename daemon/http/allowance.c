#include "http/allowance.h"

bool allowance_take(struct allowance *allowance, size_t bytes, size_t limit) {
  size_t taken = atomic_load(&allowance->taken);
  do {
    if (taken > limit || bytes > limit - taken)
      return false;
  } while (!atomic_compare_exchange_weak(&allowance->taken, &taken, taken + bytes));
  return true;
}

void allowance_give(struct allowance *allowance, size_t bytes) {
  atomic_fetch_sub(&allowance->taken, bytes);
}
