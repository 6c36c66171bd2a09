/* The three answers to "does this row satisfy that condition?". Pure. */
#pragma once

#include <stdbool.h>

enum truth {
  TRUTH_FALSE,   /* under every sensible reading of upstream (READINGS.md) */
  TRUTH_UNKNOWN, /* the readings differ, or are not known */
  TRUTH_TRUE,    /* under every sensible reading */
};

static inline enum truth truth_of(bool holds) {
  return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

static inline enum truth truth_not(enum truth truth) {
  return (enum truth)(TRUTH_TRUE - truth);
}

/* FALSE, unless it may be true. */
static inline enum truth truth_unless(bool may_hold) {
  return may_hold ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* The relation of two values or rows under every sensible reading. */
enum order { ORDER_UNKNOWN, ORDER_LESS, ORDER_EQUAL, ORDER_GREATER };

/* `order` is negative, 0 or positive, as for qsort(). */
static inline enum order order_of(int order) {
  return order < 0 ? ORDER_LESS : order > 0 ? ORDER_GREATER : ORDER_EQUAL;
}

static inline enum order order_turned(enum order order) {
  return order == ORDER_LESS ? ORDER_GREATER : order == ORDER_GREATER ? ORDER_LESS : order;
}
