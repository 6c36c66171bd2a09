/* Names and labels of tokens: see token.h. Of the ledger room only. Pure. */
#pragma once

#include "ledger/ledger.h"

/* FAULT_MALFORMED for text that cannot be a name. The fault does not repeat it: it may be a token. */
bool label_check_name(struct view name, struct fault *fault) MUST_CHECK;
/* FAULT_MALFORMED for text that cannot be a label; likewise. */
bool label_check(struct view label, struct fault *fault) MUST_CHECK;
/* The name, or without one the first 8 hex digits of the fingerprint. */
void label_print(struct view name, const struct digest *fingerprint, char out[LEDGER_LABEL_SIZE]);
