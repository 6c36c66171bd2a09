/* When the whole of a target is bought: cases, and what it can cost at most, by many random clients. */
#include "plan/whole.h"

#include "query/limits.h"
#include "unit/fixture/unit.h"

#include <stdbool.h>

#define ROWS_AMOUNT(tenths) ((struct amount){CURRENCY_ROWS, (tenths)})

/* v2's usual price: 1 row, and 0.2 a result. */
#define FIXED 10
#define RESULT 2

static struct whole_facts facts_of(int64_t slices, int64_t wholes, int64_t last_offer,
                                   int64_t most) {
  return (struct whole_facts){.slices = ROWS_AMOUNT(slices),
                              .wholes = ROWS_AMOUNT(wholes),
                              .last_offer = ROWS_AMOUNT(last_offer),
                              .most = ROWS_AMOUNT(most),
                              .fixed = ROWS_AMOUNT(FIXED),
                              .result = ROWS_AMOUNT(RESULT)};
}

static void cases(void **state) {
  (void)state;
  static const struct {
    int64_t slices, wholes, last_offer, most; /* tenths of a row */
    int64_t limit;                            /* 0: not tried */
  } table[] = {
      {0, 0, 0, 0, 0},
      /* A thousand results cost 201 rows. */
      {0, 0, 0, 2009, 0},
      {0, 0, 0, 2010, 1000},
      {0, 0, 0, 2011, 1000},
      {0, 0, 0, 2012, 1001},
      {2000, 0, 0, 9, 0},
      {2000, 0, 0, 10, 1000},
      {6000, 0, 0, 2010, 4000},
      /* What wholes cost is taken off. */
      {6000, 2010, 0, 2010, 2995},
      {2010, 2010, 0, 2009, 0},
      {2010, 2010, 0, 2010, 1000},
      {2010, 9000, 0, 2010, 0},
      /* The offer has doubled, or not yet. */
      {4020, 2010, 2010, 2009, 0},
      {4020, 2010, 2010, 2010, 2005},
      {0, 0, 1500, 2999, 0},
      {0, 0, 1500, 3000, 1495},
      {0, 0, INT64_MAX, 3000, 0},
      /* Upstream takes no greater limit. */
      {FIXED + RESULT * QUERY_LIMIT_MAX - 2, 0, 0, 0, QUERY_LIMIT_MAX - 1},
      {FIXED + RESULT * QUERY_LIMIT_MAX, 0, 0, 0, QUERY_LIMIT_MAX},
      {FIXED + RESULT * QUERY_LIMIT_MAX, 0, 0, 9000, QUERY_LIMIT_MAX},
      {INT64_MAX, 0, 0, INT64_MAX, QUERY_LIMIT_MAX},
      {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 0},
  };
  for (size_t i = 0; i < COUNT(table); i++) {
    struct whole_facts facts =
        facts_of(table[i].slices, table[i].wholes, table[i].last_offer, table[i].most);
    struct whole_plan plan = plan_whole(&facts);
    assert_int_equal(plan.is_tried, table[i].limit > 0);
    if (plan.is_tried)
      assert_int_equal(plan.limit, table[i].limit);
  }
}

static void prices(void **state) {
  (void)state;
  static const struct {
    int64_t fixed, result, most, limit;
  } table[] = {
      {10, 0, INT64_MAX, 0}, /* results are free: there is nothing to save */
      {0, 0, 0, 0},
      {0, 2, 1999, 0},
      {0, 2, 2000, 1000},
      {10, 3, 3012, 1000},
      {10, 3, 3009, 0},
      {3000, 2, 2999, 0}, /* the request alone costs more than the offer */
      {10, INT64_MAX, INT64_MAX, 0},
      {INT64_MAX, 1, INT64_MAX, 0},
  };
  for (size_t i = 0; i < COUNT(table); i++) {
    struct whole_facts facts = facts_of(0, 0, 0, table[i].most);
    facts.fixed.parts = table[i].fixed;
    facts.result.parts = table[i].result;
    struct whole_plan plan = plan_whole(&facts);
    assert_int_equal(plan.is_tried, table[i].limit > 0);
    if (plan.is_tried)
      assert_int_equal(plan.limit, table[i].limit);
  }
}

static void the_offer_is_what_was_decided_on(void **state) {
  (void)state;
  struct whole_facts facts = facts_of(6000, 2010, 2010, 2010);
  assert_int_equal(plan_whole(&facts).offer.parts, 6000);
}

/* -- What it costs at most -- */

#define TTL 100
#define MISSES 600
#define ENDLESS INT64_MAX

struct purchase {
  int at;
  bool is_whole, is_complete;
  int64_t cost, offer;
};

/* One target and its clients, in this world and in one without the rule. */
struct trace {
  struct purchase purchases[2 * MISSES];
  int count;
  int now;
  int64_t rows;    /* of the target; or ENDLESS */
  bool is_filled;  /* each slice has as many results as its limit */
  bool is_evicted; /* a stored whole is lost now and then */
  int whole_until; /* a complete whole is stored, and fresh until then */
  int64_t most;    /* the greatest of all misses */
  int64_t spent, spent_without;
};

static int64_t random_below(int64_t bound) {
  return rand() % bound;
}

static int64_t least_of(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void buy(struct trace *trace, struct purchase purchase) {
  purchase.at = trace->now;
  trace->purchases[trace->count++] = purchase;
  trace->spent += purchase.cost;
}

/* As the ledger sums it up. */
static struct whole_facts facts_now(const struct trace *trace, int64_t most) {
  struct whole_facts facts = facts_of(0, 0, 0, most);
  for (int i = 0; i < trace->count; i++) {
    const struct purchase *each = &trace->purchases[i];
    struct amount *sum = each->is_whole ? &facts.wholes : &facts.slices;
    if (each->at < trace->now - TTL)
      continue;
    sum->parts += each->cost;
    if (each->is_whole && !each->is_complete && each->offer > facts.last_offer.parts)
      facts.last_offer.parts = each->offer;
  }
  return facts;
}

static void try_whole(struct trace *trace, int64_t most) {
  struct whole_facts facts = facts_now(trace, most);
  struct whole_plan plan = plan_whole(&facts);
  if (!plan.is_tried)
    return;
  int64_t cost = FIXED + RESULT * least_of(plan.limit, trace->rows);
  bool is_complete = trace->rows < plan.limit;
  buy(trace,
      (struct purchase){
          .is_whole = true, .is_complete = is_complete, .cost = cost, .offer = plan.offer.parts});
  assert_true(plan.limit >= WHOLE_RESULTS_LEAST);
  assert_true(cost <= plan.offer.parts);
  assert_true(facts.wholes.parts + cost <= facts.slices.parts + most);
  if (is_complete)
    trace->whole_until = trace->now + TTL;
}

/* A client asks for a slice that is not stored. */
static void ask(struct trace *trace) {
  static const int64_t limits[] = {1, 10, 100, 1000, 1000, 5000};
  int64_t limit = limits[random_below(COUNT(limits))], conditions = random_below(2) * 50;
  int64_t results = least_of(trace->is_filled ? limit : random_below(limit + 1), trace->rows);
  int64_t most = FIXED + conditions + RESULT * limit;
  int64_t cost = FIXED + conditions + RESULT * results;
  trace->spent_without += cost;
  if (most > trace->most)
    trace->most = most;
  if (trace->now >= trace->whole_until)
    try_whole(trace, most);
  if (trace->now >= trace->whole_until)
    buy(trace, (struct purchase){.cost = cost});
}

static void run(struct trace *trace, int pace) {
  for (int i = 0; i < MISSES; i++) {
    trace->now += pace ? (int)random_below(pace) : 0;
    if (trace->is_evicted && random_below(10) == 0)
      trace->whole_until = 0;
    ask(trace);
  }
}

/* Rows of the target, and how fast time passes: with 0 everything is bought within one ttl. */
static const int64_t sizes[] = {0, 50, 900, 1500, 20000, ENDLESS};
static const int paces[] = {0, 3, 30, 300};

static void never_more_than_twice_and_once_the_most(void **state) {
  (void)state;
  static struct trace trace;
  srand(1);
  for (int round = 0; round < 20; round++)
    for (size_t size = 0; size < COUNT(sizes); size++)
      for (size_t pace = 0; pace < COUNT(paces); pace++) {
        trace = (struct trace){.rows = sizes[size], .is_evicted = round % 2};
        run(&trace, paces[pace]);
        int64_t ttls = 1 + trace.now / TTL;
        assert_true(trace.spent <= 2 * trace.spent_without + ttls * trace.most);
      }
}

/* Where each slice costs the most that it can, there is no M in the bound. */
static void never_more_than_twice_where_slices_are_filled(void **state) {
  (void)state;
  static struct trace trace;
  srand(2);
  for (int round = 0; round < 40; round++)
    for (size_t pace = 0; pace < COUNT(paces); pace++) {
      trace = (struct trace){.rows = ENDLESS, .is_filled = true};
      run(&trace, paces[pace]);
      assert_true(trace.spent <= 2 * trace.spent_without);
    }
}

static void a_target_without_an_end_is_tried_a_few_times(void **state) {
  (void)state;
  static struct trace trace;
  int wholes = 0;
  srand(3);
  trace = (struct trace){.rows = ENDLESS, .is_filled = true};
  run(&trace, 0);
  for (int i = 0; i < trace.count; i++)
    wholes += trace.purchases[i].is_whole;
  assert_in_range(wholes, 5, 12);
  assert_true(trace.spent > trace.spent_without * 3 / 2);
}

static void a_target_with_an_end_is_bought_once_a_ttl(void **state) {
  (void)state;
  static struct trace trace;
  srand(4);
  trace = (struct trace){.rows = 900, .is_filled = true};
  run(&trace, 0);
  const struct purchase *last = &trace.purchases[trace.count - 1];
  assert_true(last->is_complete);
  assert_int_equal(last->cost, FIXED + RESULT * 900);
  assert_true(trace.spent < 6000);
  assert_true(trace.spent_without > 100000);
}

/* The honest limit of "twice": one miss whose conditions nothing meets. */
static void a_first_miss_that_brings_little_costs_its_most(void **state) {
  (void)state;
  struct trace trace = {.rows = ENDLESS};
  int64_t most = FIXED + 50 + RESULT * 1000, cost = FIXED + 50;
  try_whole(&trace, most);
  buy(&trace, (struct purchase){.cost = cost});
  assert_int_equal(trace.spent, cost + most);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cases),
      cmocka_unit_test(prices),
      cmocka_unit_test(the_offer_is_what_was_decided_on),
      cmocka_unit_test(never_more_than_twice_and_once_the_most),
      cmocka_unit_test(never_more_than_twice_where_slices_are_filled),
      cmocka_unit_test(a_target_without_an_end_is_tried_a_few_times),
      cmocka_unit_test(a_target_with_an_end_is_bought_once_a_ttl),
      cmocka_unit_test(a_first_miss_that_brings_little_costs_its_most),
  };
  return cmocka_run_group_tests_name("whole", tests, NULL, NULL);
}
