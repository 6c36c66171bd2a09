#include "probe/probe.h"

#include "base/clock.h"
#include "base/mask.h"
#include "base/num.h"
#include "base/scope.h"
#include "base/text.h"
#include "query/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#define MOST_BODY ((size_t)1024 * 1024) /* of an answer of a hundred rows */

struct probe_run {
  struct probe_rooms rooms;
  struct settings *settings;
  struct secret *key;
  const struct dialect *dialect;
  struct digest fingerprint;
  void (*wake)(void *context);
  void *context;
  enum ask at;                  /* the present request, or the next one */
  struct flight_reader *reader; /* of the present request; NULL: none is under way */
  char nonce[LEDGER_REQUEST_ID_SIZE];
  int64_t requests;
  struct amount spent;
  struct verdict_facts facts;
};

static bool is_v3(const struct probe_run *run) {
  return run->dialect->translates;
}

/* --- asking --- */

static void make_id(char id[LEDGER_REQUEST_ID_SIZE]) {
  uint64_t random[2];
  /* Cannot fail or return fewer bytes: getrandom(2), up to 256 bytes. */
  CHECK(getrandom(random, sizeof random, 0) == sizeof random);
  snprintf(id, LEDGER_REQUEST_ID_SIZE, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

static struct flight *prepare(struct probe_run *run, const struct question *question,
                              const struct query *query, struct fault *fault) {
  char id[LEDGER_REQUEST_ID_SIZE];
  make_id(id);
  const struct paid_order order = {.desk = run->rooms.desk,
                                   .settings = run->settings,
                                   .question = question,
                                   .normal = query ? query_normal(query) : VIEW(""),
                                   .key = query ? query_key(query) : &run->fingerprint,
                                   .token = secret_view(run->key),
                                   .is_own_token = true,
                                   .fingerprint = &run->fingerprint,
                                   .id = id,
                                   .is_internal = !query};
  return paid_prepare(&order, fault);
}

/* Sends a request, and waits for its answer. */
static bool send(struct probe_run *run, const struct question *question, const struct query *query,
                 struct fault *fault) {
  struct flight *flight = prepare(run, question, query, fault);
  if (!flight)
    return false;
  run->reader = flight_join(flight, run->wake, run->context);
  run->facts.readings[run->at].tariff = run->dialect->price(run->settings, question);
  run->requests++;
  paid_send(flight);
  flight_release(&flight);
  return run->reader || fault_no_memory(fault);
}

static bool send_call(struct probe_run *run, struct view args, struct fault *fault) {
  struct query *query;
  if (!query_parse_call(VIEW(ASK_ENDPOINT), args, secret_view(run->key), &query, fault))
    return false;
  struct question question = question_of(query, NULL);
  bool ok = send(run, &question, query, fault);
  query_release(&query);
  return ok;
}

/* Asks the next request, if it can be asked. */
static void ask(struct probe_run *run) {
  struct reading *reading = &run->facts.readings[run->at];
  const struct ask_sources sources = {
      .readings = run->facts.readings, .nonce = run->nonce, .today = run->facts.today};
  scope_text struct text args = {0};
  bool ok = true;
  if (run->at == ASK_ACCOUNT) {
    struct question question = question_of_subscription();
    ok = send(run, &question, NULL, &reading->fault);
  } else if (ask_write(run->at, &sources, &args)) {
    ok = send_call(run, text_view(&args), &reading->fault);
  } else {
    reading->state = READING_SKIPPED;
  }
  if (!ok)
    reading->state = READING_FAILED;
}

/* --- answers --- */

static size_t hide(struct view secret, char *bytes, size_t length) {
  struct mask mask = {.secret = secret};
  return mask_apply(&mask, bytes, length);
}

/* The text of an error may repeat the key that it came with. */
static void keep_fault(struct probe_run *run, struct reading *reading, const struct fault *fault) {
  reading->fault = *fault;
  char *text = reading->fault.text;
  text[hide(secret_view(run->key), text, strlen(text))] = '\0';
}

/* The whole body, without the key; NULL: it is too long, or there is no memory. The caller owns
 * it. */
static char *read_body(struct probe_run *run) {
  scope_text struct text body = {.limit = MOST_BODY};
  char buffer[16 * 1024];
  size_t length;
  while (flight_read(run->reader, buffer, sizeof buffer, &length) == FLIGHT_READ_BYTES)
    text_add(&body, (struct view){buffer, length});
  text_add_char(&body, '\0');
  if (!text_ok(&body))
    return NULL;
  (void)hide(secret_view(run->key), body.at, body.length);
  return text_steal(&body);
}

static void take_answer(struct probe_run *run, const struct flight_state *state) {
  struct reading *reading = &run->facts.readings[run->at];
  bool is_sound = state->verdict.outcome == ANSWER_COMPLETE && state->verdict.read;
  reading->status = state->head.status;
  reading->costs = (struct reading_costs){.total = state->head.costs.total,
                                          .actual = state->head.costs.actual,
                                          .is_kept = strcmp(state->head.costs.cache, "hit") == 0};
  keep_fault(run, reading, &state->verdict.fault);
  char *body = read_body(run);
  if (body)
    reading_take(reading, is_sound, body);
  else
    fault_set(&reading->fault, FAULT_UPSTREAM, "upstream's answer cannot be kept in memory");
}

static void take_account(struct probe_run *run, const struct flight_state *state) {
  struct verdict_facts *facts = &run->facts;
  struct reading *reading = &facts->readings[ASK_ACCOUNT];
  facts->standing = run->dialect->judge_token(&state->head, &state->verdict);
  facts->is_discontinued = transfer_is_discontinued(run->rooms.transfer);
  facts->has_account =
      reading->state == READING_SOUND &&
      run->dialect->read_subscription(view_of(reading->body), &facts->account, NULL);
}

/* Takes the answer to the present request. */
static void take(struct probe_run *run) {
  struct reading *reading = &run->facts.readings[run->at];
  struct flight_state state;
  flight_peek(flight_of(run->reader), &state);
  bool has_answer = state.phase == FLIGHT_CONCLUDED && state.end == FLIGHT_ENDED &&
                    state.verdict.outcome != ANSWER_BROKEN;
  reading->state = READING_FAILED;
  if (has_answer)
    take_answer(run, &state);
  else if (state.phase != FLIGHT_CONCLUDED)
    fault_set(&reading->fault, FAULT_UPSTREAM, "upstream's answer is too long");
  else
    keep_fault(run, reading, state.end == FLIGHT_REFUSED ? &state.refusal : &state.verdict.fault);
  if (state.phase == FLIGHT_CONCLUDED)
    run->spent = amount_add(run->spent, paid_cost(flight_of(run->reader)).spent);
  if (run->at == ASK_ACCOUNT)
    take_account(run, &state);
  flight_leave(&run->reader);
}

/* --- the run --- */

/* True if nothing more may be asked; the facts then have the reason. */
static bool is_over(struct probe_run *run) {
  struct verdict_facts *facts = &run->facts;
  const struct reading *last = &facts->readings[run->at];
  const char *why = "";
  if (run->at == ASK_ACCOUNT && last->state == READING_FAILED)
    why = "not asked, as a request before it failed";
  else if (run->at == ASK_ACCOUNT && facts->standing != DIALECT_TOKEN_ACCEPTED)
    why = "not asked, as the key is not accepted";
  else if (run->at == ASK_ACCOUNT && verdict_is_free_plan(facts))
    why = "not asked, as the plan is not paid for";
  else if (run->at == ASK_CANARY && last->state == READING_REFUSED)
    why = "not asked, as upstream refuses the first call";
  else if (!amount_is_zero(run->spent))
    why = "not asked, as a request that should have been free was not";
  else if (last->state == READING_SOUND && run->at != ASK_ACCOUNT && last->costs.actual != 0)
    why = "not asked, as an answer does not say that it was free";
  else if (run->at == ASK_CANARY && last->costs.is_kept)
    why = "not asked, as the first answer came out of upstream's own cache, which shows no price";
  else if (last->state == READING_FAILED)
    why = "not asked, as a request before it failed";
  facts->why = why;
  return *why || (run->at == ASK_ACCOUNT && !is_v3(run));
}

bool probe_await(struct probe_run *run) {
  while (run->at < ASKS) {
    if (run->reader && !flight_await_end(run->reader))
      return false;
    if (run->reader)
      take(run);
    run->at = is_over(run) ? ASKS : run->at + 1;
    if (run->at < ASKS)
      ask(run);
  }
  return true;
}

bool probe_begin(const struct probe_rooms *rooms, void (*wake)(void *context), void *context,
                 struct probe_run **out, struct fault *fault) {
  struct probe_run *run = calloc(1, sizeof *run);
  *out = run;
  if (!run)
    return fault_no_memory(fault);
  run->rooms = *rooms;
  run->wake = wake;
  run->context = context;
  make_id(run->nonce);
  current_hold(rooms->current, &run->settings, &run->key);
  run->dialect = dialect_for(run->settings);
  run->spent = amount_zero(run->dialect->currency);
  run->facts.today = clock_day();
  run->facts.max_rows = run->settings->max_rows;
  run->facts.is_tls =
      num_same_word(view_first(view_of(run->settings->upstream_url), 6), VIEW("https:"));
  run->facts.is_exposed = settings_upstream_is_exposed(run->settings);
  if (run->key) {
    run->fingerprint = ledger_fingerprint(rooms->ledger, secret_view(run->key));
    ask(run);
    return true;
  }
  probe_release(out);
  return fault_set(fault, FAULT_UNAVAILABLE,
                   "there is no token or key to ask with: upstream.token_file is not set");
}

static bool concerns(const struct probe_run *run, const struct probe_row *row) {
  return row->api == PROBE_ANY || (row->api == PROBE_V3) == is_v3(run);
}

struct probe_end probe_finish(struct probe_run *run, probe_each *each, void *context) {
  struct probe_end end = {.works = true,
                          .is_v3 = is_v3(run),
                          .url = run->settings->upstream_url,
                          .requests = run->requests,
                          .spent = run->spent};
  for (enum probe probe = 0; probe < PROBES; probe++) {
    const struct probe_row *row = &probe_rows[probe];
    if (!concerns(run, row))
      continue;
    struct verdict verdict = verdict_of(probe, &run->facts);
    end.works = end.works && (row->need == PROBE_OPEN || verdict.kind == VERDICT_YES);
    each(context, row, &verdict);
  }
  return end;
}

void probe_release(struct probe_run **address) {
  struct probe_run *run = steal(*address);
  if (!run)
    return;
  flight_leave(&run->reader);
  for (enum ask i = 0; i < ASKS; i++)
    reading_free(&run->facts.readings[i]);
  settings_release(&run->settings);
  secret_release(&run->key);
  free(run);
}
