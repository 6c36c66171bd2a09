/* The decision about a stored result: RFC 9111 5.2.1, RFC 5861, and the contract's windows. */
#include "plan/plan.h"

#include "unit/fixture/unit.h"

#include <string.h>

/* Everything below is stored with a ttl of 100 s. */
#define TTL 100

/* The windows behind it. */
enum windows {
  OFF,
  REVALIDATE, /* stale_while_revalidate = 50 s */
  IF_ERROR,   /* stale_if_error = 500 s */
  BOTH,
};

static const struct plan_case {
  int64_t age;
  const char *wish; /* Cache-Control */
  enum windows windows;
  enum plan_action action;
  enum plan_reason reason; /* with FORWARD */
  bool stale_if_error;     /* with FORWARD */
} stored[] = {
#define HIT PLAN_HIT, 0, false
#define REFRESH PLAN_HIT_AND_REFRESH, 0, false
#define FORWARD(reason, if_error) PLAN_FORWARD, PLAN_##reason, if_error
#define TIMEOUT PLAN_REFUSE, 0, false
    /* no wish: fresh until the ttl is over */
    {0, "", OFF, HIT},
    {99, "", OFF, HIT},
    {101, "", OFF, FORWARD(STALE, false)},
    {99, "", BOTH, HIT},
    /* stale-if-error: so long past the ttl */
    {101, "", IF_ERROR, FORWARD(STALE, true)},
    {600, "", IF_ERROR, FORWARD(STALE, true)},
    {601, "", IF_ERROR, FORWARD(STALE, false)},
    /* stale-while-revalidate */
    {100, "", REVALIDATE, REFRESH},
    {149, "", REVALIDATE, REFRESH},
    {150, "", REVALIDATE, FORWARD(STALE, false)},
    {149, "", BOTH, REFRESH},
    {150, "", BOTH, FORWARD(STALE, true)},
    {601, "", BOTH, FORWARD(STALE, false)},
    /* no-cache: whatever is there, ask upstream, and do not fall back on it */
    {0, "no-cache", OFF, FORWARD(REQUEST, false)},
    {99, "no-cache", BOTH, FORWARD(REQUEST, false)},
    {120, "no-cache", BOTH, FORWARD(REQUEST, false)},
    {1000, "no-cache", BOTH, FORWARD(REQUEST, false)},
    {50, "no-cache, max-stale", OFF, FORWARD(REQUEST, false)},
    {50, "no-cache, max-age=1000", OFF, FORWARD(REQUEST, false)},
    /* max-age: not older than that */
    {10, "max-age=10", OFF, HIT},
    {11, "max-age=10", OFF, FORWARD(REQUEST, false)},
    {0, "max-age=0", OFF, HIT},
    {1, "max-age=0", OFF, FORWARD(REQUEST, false)},
    {50, "max-age=1000", OFF, HIT},
    {120, "max-age=1000", OFF, FORWARD(STALE, false)},
    {120, "max-age=1000", IF_ERROR, FORWARD(STALE, true)},
    {120, "max-age=1000", REVALIDATE, REFRESH},
    {120, "max-age=119", REVALIDATE, FORWARD(STALE, false)},
    {120, "max-age=119", IF_ERROR, FORWARD(STALE, false)},
    {50, "max-age=10, max-stale=1000", OFF, FORWARD(REQUEST, false)},
    {120, "max-age=1000, max-stale=20", OFF, HIT},
    /* min-fresh: fresh for so long yet */
    {90, "min-fresh=10", OFF, HIT},
    {91, "min-fresh=10", OFF, FORWARD(REQUEST, false)},
    {0, "min-fresh=100", OFF, HIT},
    {0, "min-fresh=101", OFF, FORWARD(REQUEST, false)},
    {0, "min-fresh=99999999999", OFF, FORWARD(REQUEST, false)},
    {99, "min-fresh=0", OFF, HIT},
    {101, "min-fresh=0", REVALIDATE, FORWARD(STALE, false)},
    {120, "min-fresh=10", BOTH, FORWARD(STALE, false)},
    {120, "min-fresh=10, max-stale", OFF, FORWARD(STALE, false)},
    /* max-stale: so long past its freshness will do */
    {50, "max-stale=10", OFF, HIT},
    {110, "max-stale=10", OFF, HIT},
    {111, "max-stale=10", OFF, FORWARD(STALE, false)},
    {111, "max-stale=10", IF_ERROR, FORWARD(STALE, true)},
    {100, "max-stale=0", OFF, HIT},
    {101, "max-stale=0", OFF, FORWARD(STALE, false)},
    {1000000000, "max-stale", OFF, HIT},
    {120, "max-stale=30", REVALIDATE, HIT},
    /* ... and no more than that, also where the configuration allows more (RFC 9111 5.2.1.2) */
    {120, "max-stale=10", REVALIDATE, FORWARD(STALE, false)},
    {120, "max-stale=10", BOTH, FORWARD(STALE, true)},
    {101, "max-stale=0", REVALIDATE, FORWARD(STALE, false)},
    {120, "max-age=1000, max-stale=10", REVALIDATE, FORWARD(STALE, false)},
    {120, "max-stale=x", OFF, FORWARD(STALE, false)},
    /* no-store is about the answer, not about what is stored */
    {50, "no-store", OFF, HIT},
    {120, "no-store", IF_ERROR, FORWARD(STALE, true)},
    {120, "no-store", REVALIDATE, REFRESH},
    /* only-if-cached: never upstream, not even behind the client's back */
    {50, "only-if-cached", OFF, HIT},
    {100, "only-if-cached", OFF, TIMEOUT},
    {120, "only-if-cached", IF_ERROR, TIMEOUT},
    {120, "only-if-cached", REVALIDATE, HIT},
    {120, "only-if-cached, max-stale=20", OFF, HIT},
    {120, "only-if-cached, max-stale=19", OFF, TIMEOUT},
    {120, "only-if-cached, max-stale=19", REVALIDATE, TIMEOUT},
    {50, "only-if-cached, max-age=10", OFF, TIMEOUT},
    {99, "only-if-cached, min-fresh=10", OFF, TIMEOUT},
    {50, "only-if-cached, no-cache", OFF, TIMEOUT},
};

static struct wish wish_of(const char *text) {
  struct wish wish = WISH_NONE;
  wish_parse(&wish, view_of(text));
  return wish;
}

static struct plan_facts facts_of(const struct plan_case *one) {
  return (struct plan_facts){
      .standing = PLAN_ADMITTED,
      .can_spend = true,
      .cacheable = true,
      .stored = true,
      .age = one->age,
      .wish = wish_of(one->wish),
      .ttl = TTL,
      .stale_while_revalidate = one->windows == REVALIDATE || one->windows == BOTH ? 50 : 0,
      .stale_if_error = one->windows == IF_ERROR || one->windows == BOTH ? 500 : 0};
}

static void what_is_stored(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(stored); i++) {
    const struct plan_case *one = &stored[i];
    struct plan_facts facts = facts_of(one);
    struct plan plan = plan_decide(&facts);
    bool forward = plan.action == PLAN_FORWARD;
    if (plan.action != one->action || plan.freshness != TTL - one->age ||
        (forward && (plan.reason != one->reason || plan.stale_if_error != one->stale_if_error)))
      fail_msg("age %lld, \"%s\", windows %d: action %d, reason %s, stale_if_error %d",
               (long long)one->age, one->wish, one->windows, plan.action,
               plan_reason_word(plan.reason), plan.stale_if_error);
    if (forward)
      assert_int_equal(plan.store, !facts.wish.no_store);
  }
}

/* The clock was ahead when it was stored: it is asked for anew whatever is allowed, and not served
 * when upstream fails, since no bound on its age can be kept. */
static void what_is_stored_in_the_future(void **state) {
  (void)state;
  static const struct {
    const char *wish;
    enum plan_action action;
    enum plan_reason reason;
  } cases[] = {
      {"", PLAN_FORWARD, PLAN_STALE},
      {"max-age=10", PLAN_FORWARD, PLAN_STALE},
      {"max-age=10, max-stale=10", PLAN_FORWARD, PLAN_STALE},
      {"min-fresh=10", PLAN_FORWARD, PLAN_STALE},
      {"max-stale", PLAN_FORWARD, PLAN_STALE},
      {"no-cache", PLAN_FORWARD, PLAN_REQUEST},
      {"only-if-cached", PLAN_REFUSE, PLAN_STALE},
      {"only-if-cached, max-stale", PLAN_REFUSE, PLAN_STALE},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct plan_facts facts = facts_of(&(struct plan_case){AGE_UNKNOWN, cases[i].wish, BOTH, HIT});
    struct plan plan = plan_decide(&facts);
    if (plan.action != cases[i].action || plan.reason != cases[i].reason || plan.freshness > 0 ||
        plan.stale_if_error)
      fail_msg("\"%s\": action %d, reason %s, freshness %lld, stale_if_error %d", cases[i].wish,
               plan.action, plan_reason_word(plan.reason), (long long)plan.freshness,
               plan.stale_if_error);
  }
}

/* Without wishes, what is served only gets worse with age, and never by a step back. */
static void age_only_worsens(void **state) {
  (void)state;
  for (int windows = OFF; windows <= BOTH; windows++) {
    int before = 0;
    for (int64_t age = 0; age < 700; age++) {
      struct plan_facts facts = facts_of(&(struct plan_case){age, "", (enum windows)windows, HIT});
      struct plan plan = plan_decide(&facts);
      int rank = plan.action == PLAN_HIT               ? 0
                 : plan.action == PLAN_HIT_AND_REFRESH ? 1
                 : plan.stale_if_error                 ? 2
                                                       : 3;
      assert_true(rank >= before);
      before = rank;
    }
    assert_int_equal(before, 3);
  }
}

static void nothing_stored(void **state) {
  (void)state;
  static const struct {
    bool cacheable;
    const char *wish;
    enum plan_action action;
    enum plan_reason reason;
    bool store;
  } cases[] = {
      {true, "", PLAN_FORWARD, PLAN_URI_MISS, true},
      {true, "max-age=0", PLAN_FORWARD, PLAN_URI_MISS, true},
      {true, "max-stale", PLAN_FORWARD, PLAN_URI_MISS, true},
      {true, "min-fresh=10", PLAN_FORWARD, PLAN_URI_MISS, true},
      {true, "no-store", PLAN_FORWARD, PLAN_URI_MISS, false},
      {true, "no-cache", PLAN_FORWARD, PLAN_REQUEST, true},
      {true, "no-cache, no-store", PLAN_FORWARD, PLAN_REQUEST, false},
      {true, "only-if-cached", PLAN_REFUSE, PLAN_URI_MISS, true},
      {true, "only-if-cached, max-stale", PLAN_REFUSE, PLAN_URI_MISS, true},
      {false, "", PLAN_FORWARD, PLAN_BYPASS, false},
      {false, "no-cache", PLAN_FORWARD, PLAN_BYPASS, false},
      {false, "max-stale", PLAN_FORWARD, PLAN_BYPASS, false},
      {false, "only-if-cached", PLAN_REFUSE, PLAN_BYPASS, false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct plan_facts facts = facts_of(&(struct plan_case){0, cases[i].wish, BOTH, HIT});
    facts.cacheable = cases[i].cacheable;
    facts.stored = false;
    struct plan plan = plan_decide(&facts);
    if (plan.action != cases[i].action || plan.reason != cases[i].reason ||
        plan.store != cases[i].store || plan.stale_if_error)
      fail_msg("row %zu: action %d, reason %s, store %d", i, plan.action,
               plan_reason_word(plan.reason), plan.store);
  }
}

/* Another table may look like something stored; it is not looked at. */
static void what_is_not_cacheable_is_not_looked_at(void **state) {
  (void)state;
  struct plan_facts facts = facts_of(&(struct plan_case){0, "", BOTH, HIT});
  facts.cacheable = false;
  struct plan plan = plan_decide(&facts);
  assert_int_equal(plan.action, PLAN_FORWARD);
  assert_int_equal(plan.reason, PLAN_BYPASS);
  assert_false(plan.store);
}

/* A ttl of 0: nothing is fresh, but the windows hold. */
static void nothing_is_fresh_without_ttl(void **state) {
  (void)state;
  struct plan_facts facts = facts_of(&(struct plan_case){0, "", IF_ERROR, HIT});
  facts.ttl = 0;
  struct plan plan = plan_decide(&facts);
  assert_int_equal(plan.action, PLAN_FORWARD);
  assert_int_equal(plan.reason, PLAN_STALE);
  assert_true(plan.stale_if_error);
  facts.stale_while_revalidate = 1;
  assert_int_equal(plan_decide(&facts).action, PLAN_HIT_AND_REFRESH);
}

/* --- a source, from which the answer can be computed --- */

#define NONE (-2) /* in the place of an age: there is no result */

static void a_source(void **state) {
  (void)state;
  static const struct {
    int64_t age, source_age;
    const char *wish;
    enum windows windows;
    enum plan_action action;
    bool derive;
    int64_t freshness;
  } cases[] = {
      {NONE, 10, "", OFF, PLAN_HIT, true, 90},
      {NONE, 99, "", OFF, PLAN_HIT, true, 1},
      {NONE, 100, "", OFF, PLAN_FORWARD, false, 0},
      {NONE, NONE, "", BOTH, PLAN_FORWARD, false, 0},
      /* the query's own result comes first while it is fresh */
      {50, 10, "", OFF, PLAN_HIT, false, 50},
      {120, 10, "", BOTH, PLAN_HIT, true, 90},
      {50, 10, "max-age=20", OFF, PLAN_HIT, true, 90},
      {50, 10, "min-fresh=60", OFF, PLAN_HIT, true, 90},
      /* the request's bounds hold for the source */
      {NONE, 30, "max-age=20", OFF, PLAN_FORWARD, false, 0},
      {NONE, 10, "no-cache", OFF, PLAN_FORWARD, false, 0},
      {NONE, 10, "only-if-cached", OFF, PLAN_HIT, true, 90},
      /* a stale source serves as a stale result does */
      {NONE, 120, "", REVALIDATE, PLAN_HIT_AND_REFRESH, true, -20},
      {NONE, 120, "", IF_ERROR, PLAN_FORWARD, true, -20},
      {NONE, 120, "max-stale", OFF, PLAN_HIT, true, -20},
      {NONE, 700, "", BOTH, PLAN_FORWARD, false, 0},
      /* and the query's own before it, if both may */
      {140, 120, "", REVALIDATE, PLAN_HIT_AND_REFRESH, false, -40},
      {300, 200, "", IF_ERROR, PLAN_FORWARD, false, -200},
      {AGE_UNKNOWN, 200, "", IF_ERROR, PLAN_FORWARD, true, -100},
      {NONE, AGE_UNKNOWN, "max-stale", BOTH, PLAN_FORWARD, false, 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct plan_facts facts =
        facts_of(&(struct plan_case){cases[i].age, cases[i].wish, cases[i].windows, HIT});
    facts.stored = cases[i].age != NONE;
    facts.has_source = cases[i].source_age != NONE;
    facts.source_age = cases[i].source_age;
    struct plan plan = plan_decide(&facts);
    if (plan.action != cases[i].action || plan.derive != cases[i].derive ||
        plan.freshness != cases[i].freshness)
      fail_msg("row %zu: action %d, derive %d, freshness %lld", i, plan.action, plan.derive,
               (long long)plan.freshness);
    if (plan.derive && plan.action == PLAN_FORWARD)
      assert_true(plan.stale_if_error);
  }
}

/* What is looked for is exactly what can be served. */
static void ages_of_a_source(void **state) {
  (void)state;
  static const char *const wishes[] = {"",
                                       "max-age=30",
                                       "max-age=300",
                                       "min-fresh=40",
                                       "max-stale=70",
                                       "max-stale",
                                       "no-cache",
                                       "max-age=150, max-stale=200",
                                       "max-stale=0"};
  for (size_t i = 0; i < COUNT(wishes); i++)
    for (int windows = OFF; windows <= BOTH; windows++)
      for (int64_t age = 0; age < 800; age++) {
        struct plan_facts facts =
            facts_of(&(struct plan_case){0, wishes[i], (enum windows)windows, HIT});
        facts.stored = false;
        facts.has_source = true;
        facts.source_age = age;
        struct plan_ages ages = plan_source_ages(&facts);
        struct plan plan = plan_decide(&facts);
        bool fresh = plan.action == PLAN_HIT && plan.freshness > 0;
        assert_int_equal(fresh, age <= ages.fresh);
        assert_true(age <= ages.usable || !plan.derive);
        facts.stored = true;
        facts.age = age;
        assert_int_equal(plan_is_answered(&facts), fresh);
      }
}

/* --- who may ask, and for what --- */

/* What is against a query, one letter each. */
static struct plan_facts against(enum plan_standing standing, const char *what) {
  struct plan_facts facts = {
      .standing = standing, .cacheable = true, .wish = WISH_NONE, .ttl = TTL};
  for (; *what; what++) {
    facts.is_issued |= *what == 'i';
    facts.has_budget |= *what == 'b';
    facts.has_unknown_body |= *what == 'u';
    facts.has_odd_limit |= *what == 'l';
    facts.others_refused |= *what == 'r';
    facts.is_other |= *what == 'o' || *what == 'u';
    facts.cacheable &= !strchr("ouln", *what); /* n: another output */
    facts.wish.only_if_cached |= *what == 'c';
    facts.stored |= *what == 's';
  }
  return facts;
}

static void who_may_ask(void **state) {
  (void)state;
  static const struct {
    enum plan_standing standing;
    const char *what;
    enum plan_action action;
    enum plan_refusal refusal;
  } cases[] = {
#define REFUSED(name) PLAN_REFUSE, PLAN_REFUSED_##name
#define GOES(name) PLAN_##name, PLAN_NOT_REFUSED
      {PLAN_NO_TOKEN, "s", REFUSED(NO_TOKEN)},
      {PLAN_REVOKED, "s", REFUSED(REVOKED)},
      {PLAN_UNLISTED, "s", REFUSED(UNLISTED)},
      {PLAN_REJECTED, "s", REFUSED(REJECTED)},
      {PLAN_UNKNOWN, "s", GOES(VERIFY)},
      {PLAN_ADMITTED, "s", GOES(HIT)},
      {PLAN_ADMITTED, "", GOES(FORWARD)},
      /* An unknown token learns nothing about what is stored, and nothing else either. */
      {PLAN_UNKNOWN, "c", GOES(VERIFY)},
      {PLAN_UNKNOWN, "sc", GOES(VERIFY)},
      {PLAN_UNKNOWN, "nc", REFUSED(NOT_CACHED)},
      {PLAN_REJECTED, "nc", REFUSED(NOT_CACHED)},
      {PLAN_REVOKED, "nc", REFUSED(REVOKED)},
      {PLAN_ADMITTED, "c", REFUSED(NOT_CACHED)},
      {PLAN_ADMITTED, "sc", GOES(HIT)},
      /* A body whose meaning is not known: for a client's own token without a budget. */
      {PLAN_ADMITTED, "u", GOES(FORWARD)},
      {PLAN_ADMITTED, "ub", REFUSED(BODY)},
      {PLAN_ADMITTED, "ui", REFUSED(BODY)},
      {PLAN_UNKNOWN, "ub", REFUSED(BODY)},
      {PLAN_UNKNOWN, "u", GOES(VERIFY)},
      /* Another table's limit that is no number: not against a budget. */
      {PLAN_ADMITTED, "ol", GOES(FORWARD)},
      {PLAN_ADMITTED, "olb", REFUSED(LIMIT)},
      /* tables.other = refuse. */
      {PLAN_ADMITTED, "o", GOES(FORWARD)},
      {PLAN_ADMITTED, "or", REFUSED(OTHER_TABLE)},
      {PLAN_ADMITTED, "ur", REFUSED(OTHER_TABLE)},
      {PLAN_UNKNOWN, "or", REFUSED(OTHER_TABLE)},
      {PLAN_ADMITTED, "r", GOES(FORWARD)},
      {PLAN_ADMITTED, "nr", GOES(FORWARD)},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct plan_facts facts = against(cases[i].standing, cases[i].what);
    struct plan plan = plan_decide(&facts);
    if (plan.action != cases[i].action || plan.refusal != cases[i].refusal)
      fail_msg("row %zu (%s): action %d, refusal %d", i, cases[i].what, plan.action, plan.refusal);
  }
}

/* Only what a token is barred for stays true while its request waits. */
static void who_is_barred_while_waiting(void **state) {
  (void)state;
  assert_int_equal(plan_bar(PLAN_REVOKED), PLAN_REFUSED_REVOKED);
  assert_int_equal(plan_bar(PLAN_UNLISTED), PLAN_REFUSED_UNLISTED);
  assert_int_equal(plan_bar(PLAN_UNKNOWN), PLAN_NOT_REFUSED);
  assert_int_equal(plan_bar(PLAN_REJECTED), PLAN_NOT_REFUSED);
  assert_int_equal(plan_bar(PLAN_ADMITTED), PLAN_NOT_REFUSED);
}

/* What would become of a request now. */
static void predictions(void **state) {
  (void)state;
  static const struct {
    const char
        *what; /* w: under way; x: over budget; p: nothing to spend from; s: stale is stored */
    enum plan_action action;
    enum plan_refusal refusal;
  } cases[] = {
      {"", GOES(FORWARD)},
      {"w", GOES(JOIN)},
      {"wx", GOES(JOIN)}, /* others pay */
      {"wp", GOES(JOIN)},
      {"p", REFUSED(NOTHING_TO_SPEND)},
      {"x", REFUSED(OVER_BUDGET)},
      {"xp", REFUSED(NOTHING_TO_SPEND)},
      {"xs", GOES(HIT)}, /* stale_if_error holds for a spent budget */
      {"ps", REFUSED(NOTHING_TO_SPEND)},
      {"nw", GOES(FORWARD)}, /* what is not stored is not joined */
      {"nx", REFUSED(OVER_BUDGET)},
#undef REFUSED
#undef GOES
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    const char *what = cases[i].what;
    struct plan_facts facts = against(PLAN_ADMITTED, strchr(what, 'n') ? "n" : "");
    facts.stored = strchr(what, 's');
    facts.age = TTL + 1;
    facts.stale_if_error = 10;
    facts.is_under_way = strchr(what, 'w');
    facts.exceeds_budget = strchr(what, 'x');
    facts.can_spend = !strchr(what, 'p');
    struct plan plan = plan_predict(&facts);
    if (plan.action != cases[i].action || plan.refusal != cases[i].refusal)
      fail_msg("row %zu (%s): action %d, refusal %d", i, what, plan.action, plan.refusal);
  }
}

static void refusals_have_texts(void **state) {
  (void)state;
  struct fault fault;
  assert_false(plan_refuse(PLAN_REFUSED_REVOKED, "reporting", &fault));
  assert_int_equal(fault.kind, FAULT_BAD_TOKEN);
  assert_non_null(strstr(fault.text, "token 'reporting' is not accepted any more"));
  assert_false(plan_refuse(PLAN_REFUSED_NO_TOKEN, "", &fault));
  assert_int_equal(fault_status(fault.kind), 401);
  assert_false(plan_refuse(PLAN_REFUSED_OVER_BUDGET, "x", &fault));
  assert_int_equal(fault_status(fault.kind), 402);
}

/* The words of RFC 9211 2.2. */
static void reasons_have_words(void **state) {
  (void)state;
  assert_string_equal(plan_reason_word(PLAN_BYPASS), "bypass");
  assert_string_equal(plan_reason_word(PLAN_URI_MISS), "uri-miss");
  assert_string_equal(plan_reason_word(PLAN_STALE), "stale");
  assert_string_equal(plan_reason_word(PLAN_REQUEST), "request");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_stored),
      cmocka_unit_test(what_is_stored_in_the_future),
      cmocka_unit_test(age_only_worsens),
      cmocka_unit_test(nothing_stored),
      cmocka_unit_test(what_is_not_cacheable_is_not_looked_at),
      cmocka_unit_test(nothing_is_fresh_without_ttl),
      cmocka_unit_test(a_source),
      cmocka_unit_test(ages_of_a_source),
      cmocka_unit_test(who_may_ask),
      cmocka_unit_test(who_is_barred_while_waiting),
      cmocka_unit_test(predictions),
      cmocka_unit_test(refusals_have_texts),
      cmocka_unit_test(reasons_have_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
