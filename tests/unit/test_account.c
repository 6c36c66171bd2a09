/* What the admin side and rowcachectl answer about tokens and corrections: JSON, from a real
 * ledger. */
#include "account/account.h"

#include "unit/fixture/books.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <stdio.h>

static struct ledger *ledger;
static enum currency currency; /* that of upstream */
static struct fault fault;

static int open_one(void **state) {
  if (make_directory(state) != 0)
    return -1;
  ledger = open_ledger(NULL);
  currency = CURRENCY_ROWS;
  return 0;
}

static int close_one(void **state) {
  ledger_close(&ledger);
  return remove_directory(state);
}

static bool ask(account_function *function, const char *rest, const char *parameters,
                struct text *out) {
  struct form form = {.count = 0};
  fault = (struct fault){0};
  assert_true(form_parse(&form, view_of(parameters), NULL));
  text_clear(out);
  const struct account_call call = {ledger, currency, view_of(rest), &form};
  bool ok = function(&call, out, &fault);
  form_free(&form);
  return ok;
}

static void expect(account_function *function, const char *rest, const char *parameters,
                   const char *answer) {
  scope_text struct text out = {0};
  if (!ask(function, rest, parameters, &out))
    fail_msg("%s %s: %s", rest, parameters, fault.text);
  if (strcmp(text_string(&out), answer) != 0)
    fail_msg("%s %s\ngave   %s\nwanted %s", rest, parameters, text_string(&out), answer);
}

static void refused(account_function *function, const char *rest, const char *parameters,
                    enum fault_kind kind, const char *part) {
  scope_text struct text out = {0};
  if (ask(function, rest, parameters, &out))
    fail_msg("%s %s: taken", rest, parameters);
  assert_int_equal(fault.kind, kind);
  if (!strstr(fault.text, part))
    fail_msg("%s %s: '%s' does not say '%s'", rest, parameters, fault.text, part);
}

#define AHREFS "00112233445566778899aabbccddeeff00112233"

/* A member's text, up to the next quote. */
static const char *member(const struct text *json, const char *name, char out[64]) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
  const char *at = strstr(text_string(json), quoted);
  assert_non_null(at);
  at += strlen(quoted);
  snprintf(out, 64, "%.*s", (int)strcspn(at, "\""), at);
  return out;
}

static bool is_token(const char *text) {
  return strlen(text) == TOKEN_SIZE - 1 && strspn(text, "0123456789abcdef") == TOKEN_SIZE - 1;
}

static void tokens_are_made_once(void **state) {
  (void)state;
  scope_text struct text out = {0};
  char first[64], second[64];
  assert_true(ask(account_token, "add", "name=alice&budget=1000&per=month", &out));
  assert_true(is_token(member(&out, "token", first)));
  assert_string_equal(member(&out, "name", second), "alice");
  assert_true(ask(account_token, "rotate", "name=alice", &out));
  assert_true(is_token(member(&out, "token", second)));
  assert_string_not_equal(first, second);
  expect(account_token, "register", "name=bob&token=" AHREFS, "{\"name\":\"bob\"}");
  assert_true(ask(account_tokens, "", "", &out));
  assert_null(strstr(text_string(&out), first));
  assert_null(strstr(text_string(&out), second));
  assert_null(strstr(text_string(&out), AHREFS));
}

static void budgets_are_told(void **state) {
  (void)state;
  scope_text struct text out = {0};
  assert_true(ask(account_token, "add", "name=alice&budget=12.5", &out));
  assert_true(ask(account_tokens, "", "", &out));
  const char *budget =
      "\"budget\":{\"rows\":\"12.5\",\"currency\":\"rows\",\"per\":\"total\","
      "\"spent\":\"0.0\",\"reserved\":\"0.0\",\"left\":\"12.5\",\"begins_anew\":null,"
      "\"warning\":false}";
  assert_non_null(strstr(text_string(&out), budget));
  expect(account_token, "budget", "name=alice&budget=0&per=day", "{\"name\":\"alice\"}");
  assert_true(ask(account_tokens, "", "", &out));
  assert_non_null(
      strstr(text_string(&out), "\"rows\":\"0.0\",\"currency\":\"rows\",\"per\":\"day\""));
  assert_non_null(strstr(text_string(&out), "T00:00:00+00:00\",\"warning\":true"));
  expect(account_token, "budget", "name=alice&budget=none", "{\"name\":\"alice\"}");
  assert_true(ask(account_tokens, "", "", &out));
  assert_non_null(strstr(text_string(&out), "\"budget\":null"));
}

static void changes_are_made(void **state) {
  (void)state;
  scope_text struct text out = {0};
  assert_true(ask(account_token, "add", "name=alice", &out));
  expect(account_token, "rename", "name=alice&new=eve", "{\"name\":\"eve\"}");
  expect(account_token, "deny", "name=eve&right=no-cache", "{\"name\":\"eve\"}");
  assert_true(ask(account_tokens, "", "", &out));
  assert_non_null(strstr(text_string(&out), "{\"token\":\"eve\",\"fingerprint\":\""));
  assert_non_null(strstr(text_string(&out), "\"kind\":\"issued\",\"revoked\":false,"
                                            "\"no_cache\":false,\"created_at\":"));
  assert_non_null(strstr(text_string(&out), "\"revoked_at\":null,\"last_used\":null"));
  expect(account_token, "allow", "name=eve&right=no-cache", "{\"name\":\"eve\"}");
  expect(account_token, "revoke", "name=eve", "{\"name\":\"eve\"}");
  assert_true(ask(account_tokens, "", "", &out));
  assert_non_null(strstr(text_string(&out), "\"revoked\":true,\"no_cache\":true"));
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  static const struct {
    const char *action, *parameters, *part;
  } cases[] = {
      {"add", "", "'name' is missing"},
      {"add", "name=a&budget=x", "'budget' is a number of rows"},
      {"add", "name=a&budget=-1", "'budget' is a number of rows"},
      {"add", "name=a&budget=0.25", "'budget' is a number of rows"},
      {"add", "name=a&budget=1&per=week", "'per' is day, month or total"},
      {"add", "name=a&per=day", "'per' needs a budget"},
      {"add", "name=a&token=" AHREFS, "'token' is no parameter of add"},
      {"add", "name=" AHREFS, "cannot be a token's name"},
      {"register", "name=a", "'token' is missing"},
      {"rename", "name=a", "'new' is missing"},
      {"rotate", "name=a&budget=1", "'budget' is no parameter of rotate"},
      {"budget", "name=a", "'budget' is missing"},
      {"budget", "name=a&budget=none&per=day", "'per' needs a budget"},
      {"allow", "name=a", "'right' is missing"},
      {"deny", "name=a&right=cache", "no-cache"},
      {"revoke", "name=a", "there is no token 'a'"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    refused(account_token, cases[i].action, cases[i].parameters, FAULT_MALFORMED, cases[i].part);
    assert_null(strstr(fault.text, AHREFS));
  }
  refused(account_token, "delete", "name=a", FAULT_UNKNOWN_PATH, "add, register");
  refused(account_token, "", "name=a", FAULT_UNKNOWN_PATH, "add, register");
}

/* The route lets in what any action takes. */
static void the_route_knows_every_parameter(void **state) {
  (void)state;
  static const char *const parameters[] = {
#define TOKEN_ACTION(word, command, second, parameters, options, usage, help) parameters,
#include "tables/token_actions.def"
#undef TOKEN_ACTION
  };
  for (size_t i = 0; i < COUNT(parameters); i++) {
    struct view rest = view_of(parameters[i]), name;
    while (view_split(&rest, ' ', &name))
      assert_true(name.length == 0 || view_has_word(VIEW(ACCOUNT_TOKEN), name));
  }
}

static void corrections_are_told(void **state) {
  (void)state;
  scope_text struct text out = {0};
  assert_true(ask(account_token, "add", "name=alice", &out));
  expect(account_correct, "", "token=alice&spent=%2B12&unknown=2.5&day=2026-01-02&reason=by hand",
         "{\"day\":\"2026-01-02\",\"token\":\"alice\",\"rows_spent\":\"12.0\","
         "\"rows_unknown\":\"2.5\",\"units_spent\":0,\"units_unknown\":0,"
         "\"reason\":\"by hand\",\"currency\":\"rows\"}");
  expect(account_correct, "", "token=alice&spent=-1.5&unknown=-2.5&day=2026-01-02&reason=known",
         "{\"day\":\"2026-01-02\",\"token\":\"alice\",\"rows_spent\":\"-1.5\","
         "\"rows_unknown\":\"-2.5\",\"units_spent\":0,\"units_unknown\":0,"
         "\"reason\":\"known\",\"currency\":\"rows\"}");
  assert_true(ask(account_corrections, "", "since=2026-01-02&until=2026-01-02", &out));
  assert_non_null(
      strstr(text_string(&out), "\"reason\":\"by hand\",\"currency\":\"rows\"},{\"at\":"));
  expect(account_corrections, "", "since=2026-01-03", "{\"corrections\":[],\"currency\":\"rows\"}");
  assert_true(ask(account_spend, "", "", &out));
  assert_non_null(strstr(text_string(&out), "\"rows_spent\":\"10.5\",\"rows_unknown\":\"0.0\""));
  refused(account_correct, "", "spent=1&reason=r", FAULT_MALFORMED, "'token' is missing");
  refused(account_correct, "", "token=alice&spent=1", FAULT_MALFORMED, "needs a reason");
  refused(account_correct, "", "token=alice&reason=r", FAULT_MALFORMED, "of nothing");
  refused(account_correct, "", "token=alice&spent=--1&reason=r", FAULT_MALFORMED, "'spent' is a");
  refused(account_correct, "", "token=alice&spent=1&day=soon&reason=r", FAULT_MALFORMED, "'day'");
  refused(account_corrections, "", "since=soon", FAULT_MALFORMED, "'since' is no date");
}

/* With upstream.api = v3, what is set is in units, and a decimal is refused. */
static void units_are_whole(void **state) {
  (void)state;
  scope_text struct text out = {0};
  assert_true(ask(account_token, "add", "name=bob&budget=7", &out)); /* before the change */
  currency = CURRENCY_UNITS;
  assert_true(ask(account_token, "add", "name=alice&budget=50000&per=month", &out));
  assert_true(ask(account_tokens, "", "", &out));
  assert_non_null(strstr(text_string(&out),
                         "\"budget\":{\"units\":50000,\"currency\":\"units\",\"per\":\"month\","
                         "\"spent\":0,\"reserved\":0,\"left\":50000,"));
  assert_non_null(strstr(text_string(&out), "\"budget\":{\"rows\":\"7.0\",\"currency\":\"rows\","));
  assert_non_null(strstr(text_string(&out), "],\"currency\":\"units\"}"));
  expect(account_token, "budget", "name=bob&budget=0", "{\"name\":\"bob\"}");
  refused(account_token, "budget", "name=bob&budget=1.0", FAULT_MALFORMED,
          "'budget' is a whole number of units");
  refused(account_token, "add", "name=c&budget=0.2", FAULT_MALFORMED,
          "'budget' is a whole number of units");
  refused(account_correct, "", "token=alice&spent=1.5&reason=r", FAULT_MALFORMED,
          "'spent' is a whole number of units");
  expect(account_correct, "", "token=alice&spent=%2B12&unknown=2&day=2026-01-02&reason=by hand",
         "{\"day\":\"2026-01-02\",\"token\":\"alice\",\"rows_spent\":\"0.0\","
         "\"rows_unknown\":\"0.0\",\"units_spent\":12,\"units_unknown\":2,"
         "\"reason\":\"by hand\",\"currency\":\"units\"}");
  assert_true(ask(account_spend, "", "by=day", &out));
  assert_string_equal(text_string(&out),
                      "{\"days\":[{\"day\":\"2026-01-02\",\"requests\":0,\"hits\":0,\"misses\":0,"
                      "\"errors\":0,\"results\":0,\"rows_spent\":\"0.0\",\"rows_unknown\":\"0.0\","
                      "\"rows_saved\":\"0.0\",\"units_spent\":12,\"units_unknown\":2,"
                      "\"units_saved\":0}],\"total\":{\"requests\":0,\"hits\":0,\"misses\":0,"
                      "\"errors\":0,\"results\":0,\"rows_spent\":\"0.0\",\"rows_unknown\":\"0.0\","
                      "\"rows_saved\":\"0.0\",\"units_spent\":12,\"units_unknown\":2,"
                      "\"units_saved\":0},\"currency\":\"units\"}");
}

int main(void) {
#define WITH_LEDGER(test) cmocka_unit_test_setup_teardown(test, open_one, close_one)
  const struct CMUnitTest tests[] = {
      WITH_LEDGER(tokens_are_made_once),
      WITH_LEDGER(budgets_are_told),
      WITH_LEDGER(changes_are_made),
      WITH_LEDGER(what_is_wrong_is_named),
      cmocka_unit_test(the_route_knows_every_parameter),
      WITH_LEDGER(corrections_are_told),
      WITH_LEDGER(units_are_whole),
  };
  return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
