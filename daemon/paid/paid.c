/* Questions that the readers of a paid request ask. */
#include "paid/life.h"

static const struct paid *paid_of(const struct flight *flight) {
  return flight_context(flight);
}

struct answer_cost paid_cost(const struct flight *flight) {
  return paid_of(flight)->cost;
}

bool paid_is_booked(const struct flight *flight) {
  const struct paid *paid = paid_of(flight);
  return paid->translated ? translated_is_booked(paid->translated) : paid->booked;
}

bool paid_has_asked(const struct flight *flight) {
  const struct paid *paid = paid_of(flight);
  return !paid->translated || translated_has_asked(paid->translated);
}

bool paid_is_by(const struct flight *flight, const struct digest *fingerprint) {
  return digest_equal(&paid_of(flight)->request.token, fingerprint);
}

bool paid_asks_as(const struct flight *flight, const struct digest *fingerprint, bool is_issued) {
  bool is_own_token = paid_of(flight)->is_own_token;
  return is_own_token ? is_issued : paid_is_by(flight, fingerprint);
}

struct view paid_secret(const struct flight *flight, const struct digest *fingerprint) {
  const struct paid *paid = paid_of(flight);
  bool is_theirs = !paid->is_own_token && paid_is_by(flight, fingerprint);
  return is_theirs ? VIEW("") : paid->repeated.secret;
}

enum access_verdict paid_verdict(const struct flight *flight) {
  return paid_of(flight)->verdict;
}

const struct cache_hold *paid_hold(const struct flight *flight) {
  return paid_of(flight)->hold;
}

const struct cache_validator *paid_validator(const struct flight *flight) {
  return &paid_of(flight)->validator;
}
