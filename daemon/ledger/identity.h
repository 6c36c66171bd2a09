/* Finding the row of a token in ledger.db. Of the ledger room only. All run in a transaction. */
#pragma once

#include "db/db.h"
#include "ledger/token.h"

/* The fingerprint that stands for requests with a token that the ledger does not know. */
static const struct digest identity_of_nobody;

/* The id of the row with this fingerprint; 0: there is none. The fingerprint that a token had before
 * it was rotated finds the token, too. */
bool identity_find(struct db *db, const struct digest *fingerprint, int64_t *id,
                   struct fault *fault) MUST_CHECK;
/* The same, but inserts the row where there is none. */
bool identity_make(struct db *db, const struct digest *fingerprint, int64_t *id,
                   struct fault *fault) MUST_CHECK;

struct identity {
  int64_t id;
  enum token_kind kind;
  bool revoked;
  char label[LEDGER_LABEL_SIZE];
};
/* The one token with this label; FAULT_MALFORMED if none has it, or more than one. */
bool identity_by_label(struct db *db, struct view label, struct identity *found,
                       struct fault *fault) MUST_CHECK;
/* The token with this id; `found` stays as it is if there is none. */
bool identity_by_id(struct db *db, int64_t id, struct identity *found,
                    struct fault *fault) MUST_CHECK;
