/* The sending of a paid request: it is reserved and sent, or neither. */
#include "paid/life.h"

#include "base/log.h"

void paid_withdraw(struct flight *flight) {
  struct paid *paid = flight_context(flight);
  paid_end_plan(paid, false);
  flight_withdraw(flight);
  paid_conclude(paid);
}

static void refuse(struct paid *paid, const struct fault *fault) {
  struct amount nothing = amount_zero(paid->tariff.fixed.currency);
  paid->cost = (struct answer_cost){.spent = nothing, .once = nothing, .is_known = true};
  flight_refuse(paid->flight, fault);
  paid_conclude(paid);
}

/* Also takes a hold for readers that lag. It outlives the writer. */
static bool begin_writer(struct paid *paid, const struct cache_subject *subject,
                         struct fault *fault) {
  if (!cache_begin(paid->desk->rooms.cache, subject, &paid->writer, fault))
    return false;
  paid->hold = cache_writer_hold(paid->writer);
  if (paid->hold)
    return true;
  cache_abandon(&paid->writer);
  return fault_no_memory(fault);
}

/* A request whose answer cannot be stored is sent all the same. */
void paid_begin_storing(struct paid *paid) {
  struct cache_subject subject = {.key = paid->key,
                                  .normal = text_view(&paid->normal),
                                  .target = text_view(&paid->target),
                                  .subject = paid->subject,
                                  .conditions = paid->conditions};
  struct fault fault;
  if (!paid->normal.length)
    return;
  if (begin_writer(paid, &subject, &fault)) {
    paid->validator = cache_writer_validator(paid->writer);
    return;
  }
  log_warning(EVENT_store, "request=%s outcome=not-stored reason=%s", paid->request.id,
              LOG_VALUE(fault.text));
  flight_storing_failed(paid->flight);
}

/* Nothing enters cache.db for a request that is not sent. */
static void on_reserved(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  paid->booked = ok;
  if (!ok) {
    refuse(paid, fault);
    return;
  }
  paid_begin_storing(paid);
  /* The reservation covers one send, and the budget may not cover another. */
  if (ledger_entry_has_budget(paid->entry))
    transfer_ask_once(paid->ask);
  transfer_submit(paid->desk->rooms.transfer, paid->flight, &paid->ask);
}

/* A free request reserves nothing. `access` bounds the checks. */
static void send_free(struct paid *paid) {
  struct fault fault;
  if (paid->is_check && !access_begin_check(paid->desk->rooms.access, &paid->request.token,
                                            paid->has_spent, &paid->bounds, &paid->lane, &fault))
    refuse(paid, &fault);
  else
    transfer_submit(paid->desk->rooms.transfer, paid->flight, &paid->ask);
}

void paid_send(struct flight *flight) {
  struct paid *paid = flight_context(flight);
  paid_end_plan(paid, true);
  if (paid->translated)
    translated_start(paid->translated);
  else if (paid->is_internal)
    send_free(paid);
  else
    ledger_reserve(paid->desk->rooms.ledger, paid->entry, on_reserved, paid);
}
