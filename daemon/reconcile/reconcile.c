#include "reconcile/reconcile.h"

#include "base/log.h"
#include "base/scope.h"
#include "dialect/dialect.h"

struct asked {
  struct digest fingerprint;
  char *token;                  /* owned; NULL once it was sent */
  bool is_own;                  /* upstream.token_file's: issued tokens spend from it */
  struct flight_reader *reader; /* NULL: upstream could not be asked; `fault` gives the reason */
  struct fault fault;
};

struct reconcile {
  struct reconcile_rooms rooms;
  struct settings *settings;
  struct secret *own_token; /* NULL: there is none */
  void (*wake)(void *context);
  void *context;
  size_t count, awaited; /* of `asked`: tokens, and how many of the first ones have answers */
  size_t left_out;       /* tokens beyond RECONCILE_MOST, or without memory */
  struct asked asked[RECONCILE_MOST];
};

/* --- asking --- */

static struct flight *begin(struct reconcile *reconcile, struct asked *asked) {
  char id[LEDGER_REQUEST_ID_SIZE] = "reconcile";
  struct question question = question_of_subscription();
  struct paid_order order = {.desk = reconcile->rooms.desk,
                             .settings = reconcile->settings,
                             .question = &question,
                             .key = &asked->fingerprint,
                             .token = view_of(asked->token),
                             .fingerprint = &asked->fingerprint,
                             .id = id,
                             .is_internal = true};
  return paid_prepare(&order, &asked->fault);
}

static void wipe(char **address) {
  char *token = steal(*address);
  if (token)
    explicit_bzero(token, strlen(token));
  free(token);
}

static void ask(struct reconcile *reconcile, struct asked *asked) {
  struct flight *flight = begin(reconcile, asked);
  if (flight && !(asked->reader = flight_join(flight, reconcile->wake, reconcile->context)))
    fault_no_memory(&asked->fault);
  if (flight)
    paid_send(flight);
  flight_release(&flight);
  wipe(&asked->token);
}

static bool is_asked(const struct reconcile *reconcile, const struct digest *fingerprint) {
  for (size_t i = 0; i < reconcile->count; i++)
    if (digest_equal(&reconcile->asked[i].fingerprint, fingerprint))
      return true;
  return false;
}

static void add(struct reconcile *reconcile, const struct digest *fingerprint, struct view token,
                bool is_own) {
  if (is_asked(reconcile, fingerprint))
    return;
  char *copy = reconcile->count < RECONCILE_MOST ? strndup(token.at, token.length) : NULL;
  if (!copy)
    reconcile->left_out++;
  else
    reconcile->asked[reconcile->count++] =
        (struct asked){.fingerprint = *fingerprint, .token = copy, .is_own = is_own};
}

static void add_kept(void *context, const struct digest *fingerprint, struct view token) {
  add(context, fingerprint, token, false);
}

static void add_own(struct reconcile *reconcile) {
  struct view token = secret_view(reconcile->own_token);
  struct digest fingerprint = ledger_fingerprint(reconcile->rooms.ledger, token);
  if (reconcile->own_token)
    add(reconcile, &fingerprint, token, true);
}

static bool find_tokens(struct reconcile *reconcile, struct fault *fault) {
  add_own(reconcile);
  texts_list(reconcile->rooms.texts, add_kept, reconcile);
  if (reconcile->left_out)
    log_warning(EVENT_reconcile, "tokens-left-out=%zu", reconcile->left_out);
  return reconcile->count > 0 ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "there is no token to ask Ahrefs about: upstream.token_file is not set, and no "
                   "client's token was let in since the daemon began");
}

bool reconcile_begin(const struct reconcile_rooms *rooms, void (*wake)(void *context),
                     void *context, struct reconcile **out, struct fault *fault) {
  struct reconcile *reconcile = calloc(1, sizeof *reconcile);
  *out = NULL;
  if (!reconcile)
    return fault_no_memory(fault);
  reconcile->rooms = *rooms;
  current_hold(rooms->current, &reconcile->settings, &reconcile->own_token);
  reconcile->wake = wake;
  reconcile->context = context;
  bool ok = find_tokens(reconcile, fault);
  if (ok) {
    for (size_t i = 0; i < reconcile->count; i++)
      ask(reconcile, &reconcile->asked[i]);
    *out = steal(reconcile);
  }
  reconcile_release(&reconcile);
  return ok;
}

/* --- answers --- */

bool reconcile_await(struct reconcile *reconcile) {
  for (; reconcile->awaited < reconcile->count; reconcile->awaited++) {
    struct flight_reader *reader = reconcile->asked[reconcile->awaited].reader;
    if (reader && !flight_await(reader))
      return false;
  }
  return true;
}

/* Reads the whole answer. One that does not fit `body` is no answer to this question. */
static bool read_answer(struct asked *asked, const struct dialect *dialect,
                        struct dialect_subscription *subscription, struct fault *fault) {
  char body[4096];
  size_t length;
  struct flight_state state;
  flight_peek(flight_of(asked->reader), &state);
  if (state.phase == FLIGHT_WAITING)
    return fault_set(fault, FAULT_UPSTREAM_TIMEOUT,
                     "upstream sent nothing for too long (upstream.stall_timeout)");
  if (state.phase != FLIGHT_CONCLUDED || state.length > (int64_t)sizeof body)
    return fault_set(fault, FAULT_UPSTREAM, "upstream's answer is not what was asked for");
  if (state.verdict.outcome == ANSWER_BROKEN) {
    *fault = state.verdict.fault;
    return false;
  }
  if (dialect->judge_token(&state.head, &state.verdict) == DIALECT_TOKEN_REFUSED)
    return fault_set(fault, FAULT_BAD_TOKEN, "upstream does not accept this token");
  if (state.verdict.outcome == ANSWER_REFUSED)
    return fault_set(fault, FAULT_UPSTREAM, "upstream answered with status %u", state.head.status);
  if (!state.verdict.read ||
      flight_read(asked->reader, body, sizeof body, &length) != FLIGHT_READ_BYTES)
    return fault_set(fault, FAULT_UPSTREAM, "upstream's answer cannot be read");
  return dialect->read_subscription((struct view){body, length}, subscription, fault);
}

static bool settle(struct reconcile *reconcile, struct asked *asked,
                   struct reconcile_account *account, struct fault *fault) {
  const struct dialect *dialect = dialect_for(reconcile->settings);
  struct dialect_subscription subscription;
  if (!asked->reader) {
    *fault = asked->fault;
    return false;
  }
  if (!read_answer(asked, dialect, &subscription, fault))
    return false;
  account->now.has_left = subscription.has_left;
  account->now.left = subscription.left;
  account->now.limit = subscription.limit;
  account->now.has_used = subscription.has_used;
  account->now.used = subscription.used;
  return ledger_reconcile(reconcile->rooms.ledger, &asked->fingerprint, &account->now,
                          &account->before, fault);
}

void reconcile_finish(struct reconcile *reconcile, reconcile_each *each, void *context) {
  for (size_t i = 0; i < reconcile->count; i++) {
    struct asked *asked = &reconcile->asked[i];
    char label[LEDGER_LABEL_SIZE];
    struct reconcile_account account = {
        .label = ledger_label(reconcile->rooms.ledger, &asked->fingerprint, label),
        .now.with_issued = asked->is_own};
    account.failed = !settle(reconcile, asked, &account, &account.fault);
    each(context, &account);
  }
}

void reconcile_release(struct reconcile **address) {
  struct reconcile *reconcile = steal(*address);
  if (!reconcile)
    return;
  for (size_t i = 0; i < reconcile->count; i++) {
    flight_leave(&reconcile->asked[i].reader);
    wipe(&reconcile->asked[i].token);
  }
  settings_release(&reconcile->settings);
  secret_release(&reconcile->own_token);
  free(reconcile);
}
