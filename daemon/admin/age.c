#include "admin/age.h"

void age_write(struct json *json, int64_t age, int64_t freshness) {
  if (age == AGE_UNKNOWN) {
    json_null(json, "age");
    json_null(json, "freshness");
  } else {
    json_integer(json, "age", age);
    json_integer(json, "freshness", freshness);
  }
}
