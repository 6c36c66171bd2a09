#include "base/age.h"

int64_t age_at(int64_t at, int64_t now) {
  int64_t age = now - at;
  if (age < -AGE_AHEAD_MOST)
    return AGE_UNKNOWN;
  return age > 0 ? age : 0;
}
