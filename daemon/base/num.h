/* Parses numbers, without locale. The whole text must be the number; overflow and junk are errors,
 * never a default. Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdint.h>

static inline bool num_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static inline bool num_is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char num_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* True if two texts differ at most in the case of ASCII letters. */
bool num_same_word(struct view a, struct view b);

/* The value of a hex digit, or -1. */
static inline int num_hex_digit(char c) {
  if (num_is_digit(c))
    return c - '0';
  char lower = num_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decimal digits only (no sign, no space): at least one; a value up to INT64_MAX. */
bool num_integer(struct view text, int64_t *value) MUST_CHECK;

/* "30s", "15m", "24h", "7d": a whole number and one unit; to seconds. "0" alone is allowed. */
bool num_duration(struct view text, int64_t *seconds) MUST_CHECK;

/* "512", "512B", "64KiB", "64MiB", "2GiB", "1TiB"; to bytes. */
bool num_size(struct view text, int64_t *bytes) MUST_CHECK;

/* "2026-11-23" as days since 1970-01-01 (proleptic Gregorian); the date must exist. */
bool num_date(struct view text, int32_t *day) MUST_CHECK;

#define NUM_DAY INT64_C(86400) /* seconds of a day */
#define NUM_DATE_SIZE 16
#define NUM_FIRST_DAY (-719528) /* 0000-01-01 */
#define NUM_LAST_DAY 2932896    /* 9999-12-31 */
/* Writes "YYYY-MM-DD" and NUL to `out`. A day outside these two bounds prints as the nearer
 * bound. */
void num_print_date(int32_t day, char out[NUM_DATE_SIZE]);
