/* What a request does with the flight that it waits for: every case, as a table. */
#include "plan/awaited.h"

#include "unit/fixture/unit.h"

#include <string.h>

/* Who asks, one letter each: l: it leads; t: it has the same token as the leader; u: upstream sees the
 * same token; s: something stale is stored; 0: HTTP/1.0; k: the answer is kept (stored); e: upstream's
 * head says "error"; a: the end was awaited. */
static struct awaited_facts facts_of(enum awaited_phase phase, enum awaited_end end,
                                     unsigned status, const char *who) {
  return (struct awaited_facts){.phase = phase,
                                .end = end,
                                .status = status,
                                .is_error = strchr(who, 'e'),
                                .is_being_stored = strchr(who, 'k'),
                                .end_was_awaited = strchr(who, 'a'),
                                .leads = strchr(who, 'l'),
                                .has_same_token = strchr(who, 't'),
                                .has_same_upstream = strchr(who, 'u'),
                                .can_break_off = !strchr(who, '0'),
                                .has_stale = strchr(who, 's')};
}

static void silent(void **state) {
  (void)state;
  struct awaited_facts facts = facts_of(AWAITED_SILENT, 0, 0, "l");
  assert_int_equal(awaited_decide(&facts), AWAITED_TIMEOUT);
  facts.has_stale = true;
  assert_int_equal(awaited_decide(&facts), AWAITED_STALE);
  facts.leads = false;
  assert_int_equal(awaited_decide(&facts), AWAITED_STALE);
}

static void flowing(void **state) {
  (void)state;
  static const struct {
    unsigned status;
    const char *who;
    enum awaited_action action;
  } cases[] = {
      {200, "l", AWAITED_RELAY},
      {200, "", AWAITED_RELAY},
      {200, "k", AWAITED_RELAY},
      /* The leader sees its own error as it comes. */
      {500, "l", AWAITED_RELAY},
      {200, "le", AWAITED_RELAY},
      /* Somebody else's may not be shown; its end is waited for where it is kept. */
      {403, "", AWAITED_WITHHOLD},
      {403, "k", AWAITED_AWAIT_END},
      {403, "ka", AWAITED_WITHHOLD},
      {200, "ek", AWAITED_AWAIT_END},
      {200, "e", AWAITED_WITHHOLD},
      {500, "kt", AWAITED_AWAIT_END},
      /* HTTP/1.0 cannot tell a broken answer from a whole one. */
      {200, "l0", AWAITED_AWAIT_END},
      {200, "l0a", AWAITED_RELAY},
      {200, "0k", AWAITED_AWAIT_END},
      {403, "0a", AWAITED_WITHHOLD},
      /* Something stale is no reason to give up an answer that flows. */
      {200, "s", AWAITED_RELAY},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct awaited_facts facts = facts_of(AWAITED_FLOWING, 0, cases[i].status, cases[i].who);
    enum awaited_action action = awaited_decide(&facts);
    if (action != cases[i].action)
      fail_msg("row %zu (%u %s): action %d", i, cases[i].status, cases[i].who, action);
  }
}

static void over(void **state) {
  (void)state;
  static const struct {
    enum awaited_end end;
    unsigned status;
    const char *who;
    enum awaited_action action;
  } cases[] = {
      {AWAITED_COMPLETE, 200, "l", AWAITED_RELAY},
      {AWAITED_COMPLETE, 200, "s", AWAITED_RELAY},
      {AWAITED_WITHDRAWN, 0, "", AWAITED_PLAN_AGAIN},
      {AWAITED_WITHDRAWN, 0, "s", AWAITED_PLAN_AGAIN},
      /* Not sent for the leader's sake: another token asks for itself, the same one does not. */
      {AWAITED_HELD_BACK, 0, "l", AWAITED_REFUSE},
      {AWAITED_HELD_BACK, 0, "ls", AWAITED_STALE},
      {AWAITED_HELD_BACK, 0, "t", AWAITED_REFUSE},
      {AWAITED_HELD_BACK, 0, "ts", AWAITED_STALE},
      {AWAITED_HELD_BACK, 0, "", AWAITED_PLAN_AGAIN},
      {AWAITED_HELD_BACK, 0, "us", AWAITED_PLAN_AGAIN},
      /* Not sent for another reason (the ledger): everybody's failure. */
      {AWAITED_NOT_SENT, 0, "l", AWAITED_REFUSE},
      {AWAITED_NOT_SENT, 0, "", AWAITED_REFUSE},
      {AWAITED_NOT_SENT, 0, "s", AWAITED_STALE},
      {AWAITED_BROKEN, 0, "l", AWAITED_FAIL},
      {AWAITED_BROKEN, 200, "", AWAITED_FAIL},
      {AWAITED_BROKEN, 200, "s", AWAITED_STALE},
      /* Upstream's error in rowcache's words, and of no answer: still about one token. */
      {AWAITED_BROKEN, 403, "l", AWAITED_FAIL},
      {AWAITED_BROKEN, 403, "u", AWAITED_FAIL},
      {AWAITED_BROKEN, 403, "t", AWAITED_PLAN_AGAIN},
      {AWAITED_BROKEN, 429, "", AWAITED_PLAN_AGAIN},
      {AWAITED_BROKEN, 500, "ls", AWAITED_STALE},
      {AWAITED_BROKEN, 500, "", AWAITED_WITHHOLD},
      /* Upstream's error about a token: the leader's own, or of the token that upstream saw. */
      {AWAITED_ERROR, 200, "l", AWAITED_RELAY},
      {AWAITED_ERROR, 403, "ls", AWAITED_RELAY},
      {AWAITED_ERROR, 403, "u", AWAITED_RELAY},
      {AWAITED_ERROR, 403, "t", AWAITED_PLAN_AGAIN},
      {AWAITED_ERROR, 200, "s", AWAITED_PLAN_AGAIN},
      {AWAITED_ERROR, 429, "", AWAITED_PLAN_AGAIN},
      {AWAITED_ERROR, 429, "l", AWAITED_RELAY},
      {AWAITED_ERROR, 429, "ls", AWAITED_STALE},
      {AWAITED_ERROR, 429, "us", AWAITED_STALE},
      /* Upstream is ill: that is shared, but not its words. */
      {AWAITED_ERROR, 500, "l", AWAITED_RELAY},
      {AWAITED_ERROR, 500, "u", AWAITED_RELAY},
      {AWAITED_ERROR, 500, "", AWAITED_WITHHOLD},
      {AWAITED_ERROR, 500, "s", AWAITED_STALE},
      {AWAITED_ERROR, 503, "ls", AWAITED_STALE},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct awaited_facts facts =
        facts_of(AWAITED_OVER, cases[i].end, cases[i].status, cases[i].who);
    enum awaited_action action = awaited_decide(&facts);
    if (action != cases[i].action)
      fail_msg("row %zu (%u %s): action %d", i, cases[i].status, cases[i].who, action);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(silent),
      cmocka_unit_test(flowing),
      cmocka_unit_test(over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
