#include "serve/subscription.h"

#include "render/subscription.h"

bool subscription_answer(const struct subscription_asked *asked, struct text *body,
                         struct fault *fault) {
  struct token_usage usage;
  scope_text struct text name = {0};
  if (!token_usage(asked->ledger, asked->fingerprint, asked->currency, &usage, fault))
    return false;
  text_printf(&name, "rowcache: %s", usage.label);
  if (!text_ok(&name))
    return fault_no_memory(fault);
  const struct subscription subscription = {.name = text_view(&name),
                                            .has_limit = usage.has_limit,
                                            .limit = usage.limit,
                                            .left = usage.left,
                                            .used = usage.used,
                                            .starts_over = usage.starts_over};
  if (asked->is_v3)
    subscription_render_v3(&subscription, body);
  else
    subscription_render_v2(&subscription, asked->output, body);
  return text_ok(body) || fault_no_memory(fault);
}
