/* The age of a stored result, in JSON. Pure. */
#pragma once

#include "base/age.h"
#include "base/json.h"

/* Adds the members "age" and "freshness", in seconds; both are null if `age` is AGE_UNKNOWN. */
void age_write(struct json *json, int64_t age, int64_t freshness);
