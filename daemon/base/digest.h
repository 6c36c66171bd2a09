/* SHA-256 and HMAC-SHA-256 (nettle): keys of queries, fingerprints of tokens. Pure. */
#pragma once

#include "base/view.h"

#include <nettle/hmac.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX_SIZE (DIGEST_SIZE * 2 + 1)

struct digest {
  uint8_t bytes[DIGEST_SIZE];
};

struct digest digest_sha256(struct view data);

/* A key for HMAC-SHA-256, in a form that saves half of the work for a short text. */
struct digest_key {
  struct hmac_sha256_ctx begun;
};

struct digest_key digest_key_of(struct view secret);
struct digest digest_keyed(const struct digest_key *key, struct view data);

static inline bool digest_equal(const struct digest *a, const struct digest *b) {
  return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

/* As digest_equal(), in a time that does not depend on where they differ. */
bool digest_equal_secret(const struct digest *a, const struct digest *b);
/* The same for two texts; their length is no secret. */
bool digest_equal_texts(struct view a, struct view b);

/* 64 lower case hex digits and NUL; returns `out`. */
const char *digest_print(const struct digest *digest, char out[DIGEST_HEX_SIZE]);
#define DIGEST_TEXT(digest) digest_print((digest), (char[DIGEST_HEX_SIZE]){0})
