/* The answer to a question about a token that rowcache issued: its own budget, from the ledger. */
#include "serve/reply.h"

#include "base/scope.h"
#include "dialect/dialect.h"
#include "serve/subscription.h"

enum step step_account(struct request *request) {
  const struct subscription_asked asked = {.ledger = request->serve->rooms.ledger,
                                           .fingerprint = &request->fingerprint,
                                           .currency = dialect_for(request->settings)->currency,
                                           .is_v3 = request->is_call,
                                           .output = query_output(request->query)};
  return subscription_answer(&asked, &request->rewritten, &request->fault) ? STEP_TELL
                                                                           : STEP_REFUSE;
}

enum step step_tell(struct request *request) {
  scope_text struct text no_cache_status = {0};
  request->outcome = OUTCOME_BYPASS;
  request->status = 200;
  reply_type(request, "");
  exchange_add_header(request->exchange, "Cache-Control", "no-store");
  reply_common(request, &no_cache_status);
  exchange_reply_text(request->exchange, request->status, &request->rewritten);
  return STEP_REPLIED;
}
