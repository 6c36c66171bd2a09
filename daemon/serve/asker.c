#include "serve/asker.h"

#include "serve/request.h"

#include <string.h>

/* The end of a token differs the most. */
static struct asker *place_of(struct askers *askers, struct view token) {
  uint32_t hash = 0;
  for (size_t i = token.length < 16 ? 0 : token.length - 16; i < token.length; i++)
    hash = hash * 31 + (unsigned char)token.at[i];
  return &askers->list[hash % ASKERS];
}

static bool is_of(const struct asker *asker, struct view token) {
  return digest_equal_texts((struct view){asker->own.text, asker->own.length}, token);
}

static void forget(struct asker *asker) {
  explicit_bzero(asker, sizeof *asker);
}

/* The generation is read before the facts: it is never newer than they are. */
static void recall(struct asker *asker, struct serve *serve) {
  asker->own.facts_generation = token_generation(serve->rooms.ledger);
  token_recall(serve->rooms.ledger, &asker->fingerprint, &asker->facts);
}

static void learn(struct asker *asker, struct serve *serve, struct view token) {
  forget(asker);
  asker->fingerprint = ledger_fingerprint(serve->rooms.ledger, token);
  recall(asker, serve);
  memcpy(asker->own.text, token.at, token.length);
  asker->own.length = token.length;
}

static bool is_accepted(struct asker *asker, struct access *access, int64_t now) {
  int64_t until;
  uint64_t generation = access_generation(access);
  if (asker->own.accepted_until > now && asker->own.access_generation == generation)
    return true;
  bool yes = access_find_until(access, &asker->fingerprint, &until) == ACCESS_YES;
  asker->own.access_generation = generation;
  asker->own.accepted_until = yes ? until : 0;
  return yes;
}

static bool needs_verdict(const struct asker *asker, const struct settings *settings) {
  return settings->access_mode == ACCESS_MODE_VERIFY && !asker->facts.revoked &&
         !token_is_vouched_for(&asker->facts);
}

const struct asker *asker_find(struct askers *askers, const struct inquiry *inquiry,
                               struct view token, int64_t now, enum plan_standing *standing) {
  CHECK(token.length <= ASKER_TEXT_MOST);
  struct serve *serve = inquiry->serve;
  struct asker *asker = place_of(askers, token);
  struct inquiry judged = *inquiry;
  if (!is_of(asker, token))
    learn(asker, serve, token);
  else if (asker->own.facts_generation != token_generation(serve->rooms.ledger))
    recall(asker, serve);
  judged.fingerprint = &asker->fingerprint;
  if (needs_verdict(asker, inquiry->settings) && is_accepted(asker, serve->rooms.access, now))
    judged.checked = ACCESS_YES;
  *standing = facts_judge_token(&judged, &asker->facts);
  return asker;
}

void askers_wipe(struct askers *askers) {
  for (int i = 0; i < ASKERS; i++)
    forget(&askers->list[i]);
}
