/* `warm`: asks for the queries of a file, one after the other, as a client.
 *
 * They go to the client listener with a token, and so meet what every request meets: the right of
 * the token to be there, its budget, flights that it can join. The admin side, which reaches further
 * than a token, gets no way to spend. */
#include "ctl/answer.h"
#include "ctl/argument.h"
#include "ctl/client.h"
#include "ctl/lines.h"
#include "ctl/look.h"
#include "ctl/show.h"
#include "ctl/tally.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/token_text.h"
#include "settings/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define PAUSE (200 * CLOCK_MILLISECOND)
#define LOOKS_MOST 1500 /* five minutes, for another client's request to end */
#define TRIES_MOST 10   /* at a hit that has gone when it is asked for */

/* Why the run ended before the file did. */
enum warm_end { WARM_GOES_ON, WARM_LIMITED, WARM_REFUSED, WARM_INTERRUPTED };

struct warm {
  const struct command_call *call;
  struct secret *token; /* of --token-file; NULL: none */
  struct lines lines;
  struct tally tally;
  struct text out; /* what `json` has written, and nobody has printed */
  struct json json;
  enum warm_end end;
  struct fault why; /* of the end */
};

/* One query under way. */
struct query_run {
  struct argument argument;
  struct view token; /* its own, or that of --token-file */
  bool is_own_token;
  struct look look; /* with a limit */
  struct client_answer answer;
  struct tally_query result;
};

/* --- interruption --- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
}

/* The first signal ends the run after the present query, the second one ends the process. */
static void watch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* --- the end of the run --- */

static void end(struct warm *warm, enum warm_end why, const struct fault *fault) {
  warm->end = why;
  warm->why = *fault;
}

/* Ends it for a query that is not asked, as what it could cost does not fit. */
static void end_at_limit(struct warm *warm, struct amount most) {
  struct fault fault;
  (void)fault_set(&fault, FAULT_OVER_BUDGET,
                  "stopped before line %" PRId64
                  ": it could cost %s %s, and %s of --limit are left",
                  warm->lines.number, AMOUNT_TEXT(most), currency_words[most.currency],
                  AMOUNT_TEXT(tally_left(&warm->tally)));
  end(warm, WARM_LIMITED, &fault);
}

/* True for a refusal that the other queries would meet, too. One of a token that only this line has
 * is no such refusal. */
static bool is_for_all(const struct query_run *run, long status) {
  bool is_tokens = status == fault_status(FAULT_NO_TOKEN) ||
                   status == fault_status(FAULT_OVER_BUDGET) ||
                   status == fault_status(FAULT_BAD_TOKEN);
  return status == fault_status(FAULT_UNAVAILABLE) || (is_tokens && !run->is_own_token);
}

static void end_if_refused(struct warm *warm, const struct query_run *run, long status) {
  struct fault fault;
  if (!is_for_all(run, status))
    return;
  (void)fault_set(&fault, FAULT_REFUSED, "stopped at line %" PRId64 ": %s", warm->lines.number,
                  run->token.length ? "the queries after it would be refused, too"
                                    : "it has no token, and there is no --token-file");
  end(warm, WARM_REFUSED, &fault);
}

/* --- the result of a query --- */

static void report(struct warm *warm, const struct tally_query *result) {
  scope_text struct text line = {0};
  struct fault fault;
  tally_add(&warm->tally, result);
  tally_show(&warm->tally, result, &line);
  fputs(text_string(&line), stderr);
  if (!warm->call->json)
    return;
  tally_write_query(result, &warm->json);
  if (!show_json(text_view(&warm->out), &fault))
    end(warm, WARM_REFUSED, &fault);
  text_clear(&warm->out);
}

/* Of a query that cost nothing, as it was not asked. */
static void report_failure(struct warm *warm, long status, struct view error) {
  const struct tally_query result = {.line = warm->lines.number,
                                     .outcome = OUTCOME_ERROR,
                                     .status = status,
                                     .has_spent = true,
                                     .is_exact = true,
                                     .spent = amount_zero(warm->tally.spent.currency),
                                     .error = error};
  report(warm, &result);
}

/* Nothing but its maximum is known of a cost that the daemon does not tell. */
static void find_cost(const struct warm *warm, struct query_run *run) {
  struct client_answer *answer = &run->answer;
  struct tally_query *result = &run->result;
  result->spent = answer->knows_spent ? answer->spent : amount_zero(warm->tally.spent.currency);
  result->has_spent = result->is_exact = answer->knows_spent;
  if (!result->has_spent && *answer->id)
    result->has_spent =
        look_after(warm->call->settings, answer->id, &result->spent, &result->is_exact);
  if (result->has_spent || !warm->tally.has_limit)
    return;
  result->has_spent = true;
  result->is_exact = false;
  result->spent = run->look.most;
}

static bool check_currency(const struct warm *warm, struct amount amount, struct fault *fault) {
  enum currency own = warm->tally.spent.currency;
  return amount.currency == own ||
         fault_set(
             fault, FAULT_MALFORMED,
             "the daemon counts in %s, and upstream.api of this configuration in %s: give the "
             "-c and -o that it was started with",
             currency_words[amount.currency], currency_words[own]);
}

static void report_answer(struct warm *warm, struct query_run *run) {
  struct client_answer *answer = &run->answer;
  struct fault fault;
  find_cost(warm, run);
  if (!warm->tally.has_limit && amount_is_zero(warm->tally.spent))
    warm->tally.spent = amount_zero(run->result.spent.currency); /* the daemon knows best */
  run->result.line = warm->lines.number;
  run->result.outcome = answer->outcome;
  run->result.status = answer->status;
  run->result.error = text_view(&answer->error);
  if (!check_currency(warm, run->result.spent, &fault)) {
    run->result.has_spent = false;
    end(warm, WARM_REFUSED, &fault);
  }
  report(warm, &run->result);
  if (!answer->is_good)
    end_if_refused(warm, run, answer->status);
}

/* --- a query --- */

static bool look(struct warm *warm, struct query_run *run, struct fault *fault) {
  text_free(&run->look.error);
  return look_before(warm->call->settings, &run->argument, run->token, &run->look, fault) &&
         check_currency(warm, run->look.most, fault);
}

/* A query that would wait for somebody else's request may cost something if that fails: it is looked
 * at again when that request has ended. */
static bool look_until_sure(struct warm *warm, struct query_run *run, struct fault *fault) {
  bool ok = look(warm, run, fault);
  for (int i = 0; ok && run->look.is_collapsed && !interrupted && i < LOOKS_MOST; i++) {
    clock_sleep(clock_monotonic() + PAUSE);
    ok = look(warm, run, fault);
  }
  return ok;
}

static bool ask(struct warm *warm, struct query_run *run, bool only_if_cached,
                struct fault *fault) {
  const struct client_question question = {
      .argument = &run->argument, .token = run->token, .only_if_cached = only_if_cached};
  text_free(&run->answer.error);
  return client_ask(warm->call->settings, &question, &run->answer, fault);
}

/* The daemon may have died while it asked upstream. */
static void fail_to_reach(struct warm *warm, struct query_run *run, const struct fault *fault) {
  if (run->answer.was_sent) {
    text_add(&run->answer.error, view_of(fault->text));
    report_answer(warm, run);
  } else {
    report_failure(warm, 0, view_of(fault->text));
  }
  end(warm, WARM_REFUSED, fault);
}

/* The admin side may refuse one query, as malformed or a call where there are none; what else it
 * says, it says of all. */
static void fail_to_look(struct warm *warm, const struct query_run *run,
                         const struct fault *fault) {
  long status = run->look.status;
  bool is_of_query = status == fault_status(FAULT_MALFORMED) ||
                     status == fault_status(FAULT_UNKNOWN_PATH) ||
                     status == fault_status(FAULT_URI_TOO_LONG);
  report_failure(warm, status, view_of(fault->text));
  if (!is_of_query)
    end(warm, WARM_REFUSED, fault);
}

/* True if the query may be asked. What is promised for nothing is asked so that it costs nothing. */
static bool fits(struct warm *warm, struct query_run *run) {
  const struct look *seen = &run->look;
  struct fault fault;
  if (!look_until_sure(warm, run, &fault)) {
    fail_to_look(warm, run, &fault);
    return false;
  }
  if (seen->status) {
    report_failure(warm, seen->status, text_view(&seen->error));
    end_if_refused(warm, run, seen->status);
    return false;
  }
  if (seen->is_collapsed) {
    report_failure(warm, 0, VIEW("another client's request for the same has not ended"));
    return false;
  }
  if (amount_order(seen->most, tally_left(&warm->tally)) <= 0)
    return true;
  end_at_limit(warm, seen->most);
  return false;
}

/* A hit that has gone before it was asked for is looked at again. */
static void ask_within_limit(struct warm *warm, struct query_run *run) {
  struct fault fault;
  bool again = true;
  for (int i = 0; again && i < TRIES_MOST; i++) {
    if (!fits(warm, run))
      return;
    if (!ask(warm, run, run->look.is_hit, &fault)) {
      fail_to_reach(warm, run, &fault);
      return;
    }
    again = run->look.is_hit && run->answer.status == fault_status(FAULT_NOT_CACHED);
  }
  report_answer(warm, run);
}

static void ask_query(struct warm *warm, struct query_run *run) {
  struct fault fault;
  if (warm->tally.has_limit)
    ask_within_limit(warm, run);
  else if (ask(warm, run, false, &fault))
    report_answer(warm, run);
  else
    fail_to_reach(warm, run, &fault);
}

static void run_query(struct warm *warm, struct view query) {
  struct query_run run = {.result = {.line = 0}};
  struct fault fault;
  if (argument_read(query, &run.argument, &fault)) {
    run.is_own_token = run.argument.token.length > 0;
    run.token = run.is_own_token ? text_view(&run.argument.token) : secret_view(warm->token);
    ask_query(warm, &run);
  } else {
    report_failure(warm, 0, view_of(fault.text));
  }
  argument_free(&run.argument);
  text_free(&run.look.error);
  text_free(&run.answer.error);
}

/* --- the file --- */

static void run_line(struct warm *warm) {
  struct view query;
  struct fault fault;
  if (!lines_read(&warm->lines, &query, &fault))
    report_failure(warm, 0, view_of(fault.text));
  else if (query.length)
    run_query(warm, query);
  if (!interrupted || warm->end != WARM_GOES_ON)
    return;
  (void)fault_set(&fault, FAULT_GONE, "interrupted after line %" PRId64, warm->lines.number);
  end(warm, WARM_INTERRUPTED, &fault);
}

static void run_part(struct warm *warm, struct view part) {
  while (warm->end == WARM_GOES_ON && lines_take(&warm->lines, &part))
    run_line(warm);
}

/* A signal interrupts the reading, too. */
static void run_file(struct warm *warm, int file) {
  char part[64 * 1024];
  ssize_t length = 1;
  struct fault fault;
  while (warm->end == WARM_GOES_ON && length > 0) {
    length = read(file, part, sizeof part);
    if (length > 0)
      run_part(warm, (struct view){part, (size_t)length});
  }
  if (warm->end != WARM_GOES_ON)
    return;
  if (length == 0 && lines_end(&warm->lines))
    run_line(warm);
  if (length == 0)
    return;
  (void)fault_set(&fault, FAULT_UNAVAILABLE, "'%.200s' cannot be read: %s",
                  warm->call->arguments[0], interrupted ? "interrupted" : strerror(errno));
  end(warm, interrupted ? WARM_INTERRUPTED : WARM_REFUSED, &fault);
}

static bool open_file(const char *name, int *file, struct fault *fault) {
  *file = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
  return *file >= 0 ||
         fault_set(fault, FAULT_MALFORMED, "'%.200s' cannot be opened: %s", name, strerror(errno));
}

/* --- the sums --- */

#define SUMS 7
static const struct print_column sums[CURRENCIES][SUMS] = {
    [CURRENCY_ROWS] = {{"asked", "asked", PRINT_NUMBER},
                       {"hits", "hits", PRINT_NUMBER},
                       {"misses", "misses", PRINT_NUMBER},
                       {"failed", "failed", PRINT_NUMBER},
                       {"spent", "rows spent", PRINT_NUMBER},
                       {"unknown", "cost unknown", PRINT_NUMBER},
                       {"left", "rows left", PRINT_NUMBER}},
    [CURRENCY_UNITS] = {{"asked", "asked", PRINT_NUMBER},
                        {"hits", "hits", PRINT_NUMBER},
                        {"misses", "misses", PRINT_NUMBER},
                        {"failed", "failed", PRINT_NUMBER},
                        {"spent", "units spent", PRINT_NUMBER},
                        {"unknown", "cost unknown", PRINT_NUMBER},
                        {"left", "units left", PRINT_NUMBER}},
};

static void print_sums(struct text *out, yajl_val answer) {
  bool is_units = answer_equals(answer, "currency", "units");
  print_lines(out, sums[is_units ? CURRENCY_UNITS : CURRENCY_ROWS], SUMS, answer);
}

static enum ending ending_of(const struct warm *warm, struct fault *fault) {
  const struct tally *tally = &warm->tally;
  if (warm->end != WARM_GOES_ON) {
    *fault = warm->why;
    return warm->end == WARM_LIMITED ? ENDING_LIMITED : ENDING_FAILED;
  }
  if (tally->failed == 0)
    return ENDING_GOOD;
  (void)fault_set(fault, FAULT_UPSTREAM, "%" PRId64 " of %" PRId64 " queries failed", tally->failed,
                  tally->asked);
  return ENDING_FAILED;
}

/* What stands in `out` is all of the answer, or its end. */
static bool show_sums(struct warm *warm, struct fault *fault) {
  if (!json_end(&warm->json, fault))
    return false;
  if (!warm->call->json)
    return show_answer(warm->call, text_view(&warm->out), print_sums, fault) == ENDING_GOOD;
  text_add_char(&warm->out, '\n');
  return show_json(text_view(&warm->out), fault);
}

/* --- the command --- */

static bool read_limit(const struct command_call *call, struct tally *tally, struct fault *fault) {
  enum currency currency = settings_currency(call->settings);
  tally->spent = amount_zero(currency);
  tally->has_limit = call->limit != NULL;
  return !call->limit || amount_parse(view_of(call->limit), currency, &tally->limit) ||
         fault_set(
             fault, FAULT_MALFORMED, "'%.80s' is no amount for --limit: write %s", call->limit,
             currency == CURRENCY_ROWS ? "rows, such as 1000 or 201.5" : "a whole number of units");
}

/* A name without '/' is a file here, and not a credential. */
static bool read_token(const struct command_call *call, struct secret **token,
                       struct fault *fault) {
  scope_text struct text file = {0};
  if (!call->token_file)
    return true;
  text_printf(&file, "%s%s", strchr(call->token_file, '/') ? "" : "./", call->token_file);
  return text_ok(&file)
             ? secret_load("--token-file", text_string(&file), TOKEN_TEXT_LEAST, token, fault)
             : fault_no_memory(fault);
}

static bool run(struct warm *warm, int file, struct fault *fault) {
  watch_signals();
  json_begin(&warm->json, &warm->out);
  json_map(&warm->json, NULL);
  if (warm->call->json)
    json_list(&warm->json, "queries");
  run_file(warm, file);
  if (warm->call->json)
    json_list_end(&warm->json);
  tally_write(&warm->tally, &warm->json);
  json_map_end(&warm->json);
  return show_sums(warm, fault);
}

enum ending command_warm(const struct command_call *call, struct fault *fault) {
  struct warm warm = {.call = call};
  enum ending ending = ENDING_MISUSED;
  int file = -1;
  if (read_limit(call, &warm.tally, fault) && read_token(call, &warm.token, fault) &&
      open_file(call->arguments[0], &file, fault))
    ending = run(&warm, file, fault) ? ending_of(&warm, fault) : ENDING_FAILED;
  if (file >= 0)
    close(file);
  secret_release(&warm.token);
  lines_free(&warm.lines);
  text_free(&warm.out);
  return ending;
}
