#include "base/digest.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>

struct digest digest_sha256(struct view data) {
  struct digest digest;
  struct sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, data.length, (const uint8_t *)data.at);
  sha256_digest(&context, DIGEST_SIZE, digest.bytes);
  return digest;
}

struct digest_key digest_key_of(struct view secret) {
  struct digest_key key;
  hmac_sha256_set_key(&key.begun, secret.length, (const uint8_t *)secret.at);
  return key;
}

struct digest digest_keyed(const struct digest_key *key, struct view data) {
  struct digest digest;
  struct hmac_sha256_ctx context = key->begun;
  hmac_sha256_update(&context, data.length, (const uint8_t *)data.at);
  hmac_sha256_digest(&context, DIGEST_SIZE, digest.bytes);
  return digest;
}

bool digest_equal_secret(const struct digest *a, const struct digest *b) {
  return memeql_sec(a->bytes, b->bytes, DIGEST_SIZE) != 0;
}

bool digest_equal_texts(struct view a, struct view b) {
  return a.length == b.length && memeql_sec(a.at, b.at, a.length) != 0;
}

const char *digest_print(const struct digest *digest, char out[DIGEST_HEX_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < DIGEST_SIZE; i++) {
    out[2 * i] = digits[digest->bytes[i] >> 4];
    out[2 * i + 1] = digits[digest->bytes[i] & 15];
  }
  out[DIGEST_HEX_SIZE - 1] = '\0';
  return out;
}
