/* The account as JSON: the one writer behind /api/spend and `rowcachectl spend`, so that both tell
 * the same, whether a daemon runs or not. Needs the ledger only. */
#pragma once

#include "base/text.h"
#include "ledger/report.h"

struct spend {
  enum report_by by;
  int32_t since, until; /* days since 1970, both included */
};

/* Reads `token`, `target` or `day`, and two dates (YYYY-MM-DD); NULL is as if absent: by token, for
 * ever. FAULT_MALFORMED. Pure. */
bool spend_read(const struct view *by, const struct view *since, const struct view *until,
                struct spend *out, struct fault *fault) MUST_CHECK;

/* Appends {"tokens":[...],"total":{...}}; the list is "targets" or "days" where those are asked
 * for. Blocks on the disk. */
bool spend_write(struct ledger *ledger, const struct spend *spend, struct text *out,
                 struct fault *fault) MUST_CHECK;
