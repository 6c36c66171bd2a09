/* /api/spend, /api/token and /api/correction: the room `account` answers. */
#include "admin/route.h"

static bool ask_account(account_function *function, struct route_call *call, struct text *body,
                        struct fault *fault) {
  const struct admin_rooms *rooms = call->rooms;
  const struct account_call account = {.ledger = rooms->reconcile.ledger,
                                       .currency = route_currency(call),
                                       .rest = call->rest,
                                       .form = &call->form};
  return function(&account, body, fault);
}

bool route_spend(struct route_call *call, struct text *body, struct fault *fault) {
  return ask_account(account_spend, call, body, fault);
}

bool route_token_list(struct route_call *call, struct text *body, struct fault *fault) {
  return ask_account(account_tokens, call, body, fault);
}

bool route_token(struct route_call *call, struct text *body, struct fault *fault) {
  return ask_account(account_token, call, body, fault);
}

bool route_correction_list(struct route_call *call, struct text *body, struct fault *fault) {
  return ask_account(account_corrections, call, body, fault);
}

bool route_correction(struct route_call *call, struct text *body, struct fault *fault) {
  return ask_account(account_correct, call, body, fault);
}
