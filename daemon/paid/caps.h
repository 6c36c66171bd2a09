/* The caps of plans: the most rows that upstream gives in one answer to a key. They are known from
 * the subscription's name and from answers, and kept in memory alone, as plans change. Of the paid
 * room only. Any thread; does not block. */
#pragma once

#include "base/check.h"
#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

/* The most keys about which something is kept. Beyond it the one that came first is forgotten. */
#define CAPS_MOST 256

struct caps;

/* What is known of a key. */
struct cap {
  int64_t rows;   /* the cap; 0: there is none; -1: it is not known */
  int64_t proven; /* the most rows that an answer has had: the cap is no less */
};

/* The caller owns the result. NULL: no memory. */
struct caps *caps_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void caps_release(struct caps **caps);

/* What is known of the key with this fingerprint. */
struct cap caps_find(struct caps *caps, const struct digest *key);
/* True once for a key whose plan nobody has asked upstream for: the caller asks. */
bool caps_begin_asking(struct caps *caps, const struct digest *key) MUST_CHECK;
/* Upstream did not tell: somebody else may ask. */
void caps_ask_again(struct caps *caps, const struct digest *key);
/* Keeps a cap, as in struct cap, instead of what was known; nobody need ask. */
void caps_learn(struct caps *caps, const struct digest *key, int64_t rows);
/* Keeps that an answer had so many rows. */
void caps_prove(struct caps *caps, const struct digest *key, int64_t rows);

/* True if an answer with so many rows, fewer than its limit, may have more upstream. Pure. */
bool caps_may_cut(const struct cap *cap, int64_t rows);
