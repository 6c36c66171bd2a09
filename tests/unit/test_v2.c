/* The answers of v2: the headers, and what an answer means and costs. */
#include "base/text.h"
#include "dialect/v2.h"
#include "dialect/v2_answer.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

/* --- headers --- */

#define LONG_60 "012345678901234567890123456789012345678901234567890123456789"

/* Lines separated by newlines. */
static const struct header_case {
  const char *lines;
  int64_t results_count;
  bool is_error;
  const char *content_type;
} header_cases[] = {
    {"", -1, false, ""},
    {"X-Results-Count: 12", 12, false, ""},
    {"x-results-count:12", 12, false, ""},
    {"X-RESULTS-COUNT: \t 12 \t", 12, false, ""},
    {"X-Results-Count: 0", 0, false, ""},
    {"X-Results-Count: 007", 7, false, ""},
    {"X-Results-Count: 9223372036854775807", INT64_MAX, false, ""},
    {"X-Results-Count: 9223372036854775808", -1, false, ""},
    {"X-Results-Count: 99999999999999999999999999999999", -1, false, ""},
    {"X-Results-Count: -1", -1, false, ""},
    {"X-Results-Count: +1", -1, false, ""},
    {"X-Results-Count: 1.0", -1, false, ""},
    {"X-Results-Count: 1, 1", -1, false, ""},
    {"X-Results-Count: 1 1", -1, false, ""},
    {"X-Results-Count: 0x1", -1, false, ""},
    {"X-Results-Count: x", -1, false, ""},
    {"X-Results-Count:", -1, false, ""},
    {"X-Results-Count", -1, false, ""},
    {"X-Results-Count 12", -1, false, ""},
    {"X-Results-Count : 12", -1, false, ""},
    {" X-Results-Count: 12", -1, false, ""},
    {"X-Results-Counts: 12", -1, false, ""},
    {"X-Results-Coun: 12", -1, false, ""},
    {"Y: X-Results-Count: 12", -1, false, ""},
    {": 12", -1, false, ""},
    {":", -1, false, ""},
    {"X-Status: error", -1, true, ""},
    {"x-status:ERROR", -1, true, ""},
    {"X-Status: error ", -1, true, ""},
    {"X-Status: errors", -1, false, ""},
    {"X-Status: error; x", -1, false, ""},
    {"X-Status: ok", -1, false, ""},
    {"X-Status:", -1, false, ""},
    {"Status: error", -1, false, ""},
    {"Content-Type: application/json; charset=utf-8", -1, false, "application/json; charset=utf-8"},
    {"content-type:  text/xml\t", -1, false, "text/xml"},
    {"Content-Type:", -1, false, ""},
    {"Content-Type: a:b: c", -1, false, "a:b: c"},
    {"Content-Type: a\tb", -1, false, "a"},
    {"Content-Type: a\rX-Status: error", -1, false, "a"},
    {"Content-Type: a\x01z", -1, false, "a"},
    {"Content-Type: a\x7fz", -1, false, "a"},
    {"Content-Type: \x1b[31m", -1, false, ""},
    {"Content-Type: 0123456" LONG_60 LONG_60, -1, false, "0123456" LONG_60 LONG_60},
    {"Content-Type: " LONG_60 LONG_60 "01234567", -1, false, LONG_60 LONG_60 "0123456"},
    {"X-Results-Count: 3\nContent-Type: b\nServer: x\nX-Status: error\nDate: y", 3, true, "b"},
};

static void read_header(struct view line, struct answer_evidence *evidence) {
  dialect_read_header(&dialect_v2, line, VIEW("token"), evidence);
}

static struct answer_head note(const char *lines) {
  struct answer_evidence evidence = {.head.results_count = -1};
  struct view rest = view_of(lines), line;
  while (view_split(&rest, '\n', &line)) {
    /* A copy of just that size, so that a sanitizer sees a read past its end. */
    char *copy = malloc(line.length);
    if (line.length)
      memcpy(copy, line.at, line.length);
    read_header((struct view){copy, line.length}, &evidence);
    free(copy);
  }
  return evidence.head;
}

static void headers(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(header_cases); i++) {
    const struct header_case *one = &header_cases[i];
    struct answer_head head = note(one->lines);
    if (head.results_count != one->results_count || head.is_error != one->is_error ||
        strcmp(head.content_type, one->content_type) != 0)
      fail_msg("%s: %lld, %d, '%s'", one->lines, (long long)head.results_count, head.is_error,
               head.content_type);
    assert_int_equal(head.status, 0);
    assert_int_equal(head.retry_after, 0);
  }
}

/* Longer than what is kept: cut, whatever the length. */
static void long_content_types(void **state) {
  (void)state;
  for (size_t length = ANSWER_CONTENT_TYPE_SIZE - 2; length < 70000; length = length * 3 / 2) {
    scope_text struct text line = {0};
    struct answer_evidence evidence = {.head.results_count = -1};
    text_add(&line, VIEW("Content-Type: "));
    for (size_t i = 0; i < length; i++)
      text_add_char(&line, 'a');
    read_header(text_view(&line), &evidence);
    size_t kept = length < ANSWER_CONTENT_TYPE_SIZE ? length : ANSWER_CONTENT_TYPE_SIZE - 1;
    assert_int_equal(strlen(evidence.head.content_type), kept);
  }
}

static void nul_in_headers(void **state) {
  (void)state;
  struct answer_evidence evidence = {.head.results_count = -1};
  read_header(VIEW("X-Results-Count: 1\0"), &evidence);
  assert_int_equal(evidence.head.results_count, -1);
  read_header(VIEW("X-Status: error\0"), &evidence);
  assert_false(evidence.head.is_error);
  read_header(VIEW("Content-Type: a\0b"), &evidence);
  assert_string_equal(evidence.head.content_type, "a");
  read_header(VIEW("X-Status\0: error"), &evidence);
  assert_false(evidence.head.is_error);
}

/* --- redirects --- */

static void a_location_is_noted(void **state) {
  (void)state;
  static const struct {
    const char *line, *location;
  } cases[] = {
      {"Location: https://e.example/x?y", "https://e.example/x"},
      {"LOCATION:/x", "/x"},
      {"Location: ", ""},
      {"Content-Location: /x", "as before"},
      {"Location", "as before"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct answer_evidence evidence = {.location = "as before"};
    read_header(view_of(cases[i].line), &evidence);
    assert_string_equal(evidence.location, cases[i].location);
  }
}

static void a_redirect_names_its_location(void **state) {
  (void)state;
  struct answer_evidence evidence = {
      .sends = 1, .clean = true, .head.status = 308, .location = "https://e.example/x"};
  struct answer_verdict verdict = dialect_v2.judge(&evidence);
  assert_non_null(strstr(verdict.fault.text, "(status 308) to https://e.example/x,"));
}

/* --- the judge --- */

/* AGREES: looked at where the form does not tell the number of results. */
enum what { SENT = 1, CLEAN = 2, READ = 4, ERROR = 8, HEAD_ERROR = 16, AGREES = 32 };
#define WHOLE (SENT | CLEAN | READ)
#define LIMIT INT64_C(1000)
/* no X-Results-Count; the form does not tell; as many as were asked for */
#define NONE INT64_C(-1)

enum fault_of { NO_FAULT, TRANSPORT, READING, COUNTS, REDIRECTED };

static const struct judge_case {
  enum question_kind kind;
  unsigned what, status;
  int64_t announced, counted;
  enum answer_outcome outcome;
  enum answer_charge charge;
  int64_t results; /* looked at with KNOWN and AT_MOST */
  enum fault_of fault;
} judge_cases[] = {
#define COMPLETE(charge, results) ANSWER_COMPLETE, ANSWER_##charge, results, NO_FAULT
#define REFUSED(charge, results) ANSWER_REFUSED, ANSWER_##charge, results, NO_FAULT
#define BROKEN(charge, results, fault) ANSWER_BROKEN, ANSWER_##charge, results, fault
    /* results */
    {QUESTION_RESULTS, WHOLE, 200, 5, 5, COMPLETE(KNOWN, 5)},
    {QUESTION_RESULTS, WHOLE, 200, 0, 0, COMPLETE(KNOWN, 0)},
    {QUESTION_RESULTS, WHOLE, 200, NONE, 5, COMPLETE(KNOWN, 5)},
    {QUESTION_RESULTS, WHOLE, 200, NONE, 0, COMPLETE(KNOWN, 0)},
    /* the count does not agree: it was charged for the most of both */
    {QUESTION_RESULTS, WHOLE, 200, 6, 5, BROKEN(AT_MOST, 6, COUNTS)},
    {QUESTION_RESULTS, WHOLE, 200, 4, 5, BROKEN(AT_MOST, 5, COUNTS)},
    {QUESTION_RESULTS, WHOLE, 200, 0, 5, BROKEN(AT_MOST, 5, COUNTS)},
    {QUESTION_RESULTS, WHOLE, 200, INT64_MAX, 5, BROKEN(AT_MOST, NONE, COUNTS)},
    /* in a form that does not tell: by the header, if the answer agrees with it */
    {QUESTION_RESULTS, WHOLE | AGREES, 200, 5, NONE, COMPLETE(KNOWN, 5)},
    {QUESTION_RESULTS, WHOLE | AGREES, 200, 0, NONE, COMPLETE(KNOWN, 0)},
    {QUESTION_RESULTS, WHOLE | AGREES, 200, LIMIT + 500, NONE, COMPLETE(KNOWN, LIMIT + 500)},
    {QUESTION_RESULTS, WHOLE | AGREES, 200, V2_RESULTS_MOST + 1, NONE,
     COMPLETE(KNOWN, V2_RESULTS_MOST + 1)},
    {QUESTION_RESULTS, WHOLE, 200, NONE, NONE, COMPLETE(AT_MOST, NONE)},
    /* if not, more may have come than were announced */
    {QUESTION_RESULTS, WHOLE, 200, 5, NONE, BROKEN(AT_MOST, NONE, COUNTS)},
    {QUESTION_RESULTS, WHOLE, 200, 0, NONE, BROKEN(AT_MOST, NONE, COUNTS)},
    {QUESTION_RESULTS, WHOLE, 200, LIMIT + 500, NONE, BROKEN(AT_MOST, LIMIT + 500, COUNTS)},
    {QUESTION_RESULTS, WHOLE, 200, INT64_MAX, NONE, BROKEN(AT_MOST, NONE, COUNTS)},
    {QUESTION_RESULTS, SENT, 200, 5, NONE, BROKEN(AT_MOST, 5, TRANSPORT)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, 5, NONE, BROKEN(AT_MOST, 5, READING)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, NONE, NONE, BROKEN(AT_MOST, NONE, READING)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, 5, NONE, REFUSED(AT_MOST, 5)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, NONE, NONE, REFUSED(AT_MOST, NONE)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, 0, NONE, REFUSED(AT_MOST, 0)},
    {QUESTION_RESULTS, WHOLE | ERROR | AGREES, 200, 0, NONE, REFUSED(FREE, 0)},
    /* it cannot be read */
    {QUESTION_RESULTS, SENT | CLEAN, 200, 7, 5, BROKEN(AT_MOST, 7, READING)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, 5, 7, BROKEN(AT_MOST, 7, READING)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, 5, 5, BROKEN(AT_MOST, 5, READING)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, NONE, 5, BROKEN(AT_MOST, NONE, READING)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, 0, 0, BROKEN(AT_MOST, 0, READING)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, NONE, 0, BROKEN(AT_MOST, NONE, READING)},
    /* it breaks off */
    {QUESTION_RESULTS, SENT, 200, 7, 5, BROKEN(AT_MOST, 7, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, 5, 7, BROKEN(AT_MOST, 7, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, NONE, 5, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_OPAQUE, SENT, 200, 7, 0, BROKEN(AT_MOST, 7, TRANSPORT)},
    {QUESTION_OPAQUE, SENT, 200, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_OTHER, SENT, 200, 7, 9, BROKEN(AT_MOST, 9, TRANSPORT)},
    {QUESTION_OTHER, SENT, 200, NONE, 9, BROKEN(AT_MOST, NONE, TRANSPORT)},
    /* more than was asked for was announced, or came: what it was is what it can have cost */
    {QUESTION_RESULTS, SENT, 200, LIMIT + 500, 7, BROKEN(AT_MOST, LIMIT + 500, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, LIMIT + 500, LIMIT + 500,
     BROKEN(AT_MOST, LIMIT + 500, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, 5, LIMIT + 500, BROKEN(AT_MOST, LIMIT + 500, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, NONE, LIMIT + 500, BROKEN(AT_MOST, LIMIT + 500, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, NONE, LIMIT, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_RESULTS, SENT | CLEAN, 200, NONE, LIMIT + 500, BROKEN(AT_MOST, LIMIT + 500, READING)},
    {QUESTION_RESULTS, WHOLE, 200, NONE, LIMIT + 500, COMPLETE(KNOWN, LIMIT + 500)},
    {QUESTION_RESULTS, WHOLE, 200, LIMIT + 500, LIMIT + 500, COMPLETE(KNOWN, LIMIT + 500)},
    {QUESTION_RESULTS, WHOLE, 200, LIMIT + 500, 5, BROKEN(AT_MOST, LIMIT + 500, COUNTS)},
    {QUESTION_OPAQUE, SENT, 200, LIMIT + 500, 0, BROKEN(AT_MOST, LIMIT + 500, TRANSPORT)},
    {QUESTION_OPAQUE, SENT | CLEAN, 200, LIMIT + 500, 0, COMPLETE(KNOWN, LIMIT + 500)},
    {QUESTION_OTHER, WHOLE, 200, LIMIT + 500, 5, COMPLETE(KNOWN, LIMIT + 500)},
    {QUESTION_OTHER, WHOLE, 200, NONE, LIMIT + 500, COMPLETE(KNOWN, LIMIT + 500)},
    /* what no answer can have is nonsense */
    {QUESTION_OPAQUE, SENT | CLEAN, 200, V2_RESULTS_MOST, 0, COMPLETE(KNOWN, V2_RESULTS_MOST)},
    {QUESTION_OPAQUE, SENT | CLEAN, 200, V2_RESULTS_MOST + 1, 0, COMPLETE(AT_MOST, NONE)},
    {QUESTION_RESULTS, SENT, 200, V2_RESULTS_MOST + 1, 5, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_RESULTS, SENT, 200, V2_RESULTS_MOST + 1, LIMIT + 500,
     BROKEN(AT_MOST, LIMIT + 500, TRANSPORT)},
    {QUESTION_SUBSCRIPTION, SENT, 200, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_SUBSCRIPTION, SENT, 200, 7, 0, BROKEN(FREE, 0, TRANSPORT)},
    /* no answer at all */
    {QUESTION_RESULTS, SENT, 0, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_OPAQUE, SENT, 0, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_OTHER, SENT, 0, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_SUBSCRIPTION, SENT, 0, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    /* nothing was sent */
    {QUESTION_RESULTS, 0, 0, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_OPAQUE, 0, 0, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_OTHER, 0, 0, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_SUBSCRIPTION, 0, 0, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    /* another status: a refusal, whatever its body */
    {QUESTION_RESULTS, WHOLE, 403, 5, 5, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | CLEAN, 400, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | CLEAN, 429, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | CLEAN, 500, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | CLEAN, 404, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_OPAQUE, SENT | CLEAN, 503, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_OTHER, WHOLE, 404, NONE, 0, REFUSED(FREE, 0)},
    /* a redirect is no answer, however it ended */
    {QUESTION_RESULTS, WHOLE, 301, 5, 5, BROKEN(FREE, 0, REDIRECTED)},
    {QUESTION_RESULTS, SENT, 302, NONE, 0, BROKEN(FREE, 0, REDIRECTED)},
    {QUESTION_OPAQUE, SENT | CLEAN, 300, NONE, 0, BROKEN(FREE, 0, REDIRECTED)},
    {QUESTION_OTHER, WHOLE, 399, NONE, 0, BROKEN(FREE, 0, REDIRECTED)},
    {QUESTION_SUBSCRIPTION, WHOLE, 304, NONE, 0, BROKEN(FREE, 0, REDIRECTED)},
    {QUESTION_OTHER, WHOLE, 299, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_OTHER, WHOLE, 400, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_SUBSCRIPTION, SENT | CLEAN, 500, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | CLEAN | HEAD_ERROR, 400, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT, 500, 5, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_OTHER, SENT, 502, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_SUBSCRIPTION, SENT, 500, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    /* "error" with status 200 */
    {QUESTION_RESULTS, WHOLE | ERROR, 200, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, 5, 0, REFUSED(AT_MOST, 5)}, /* results were announced */
    {QUESTION_RESULTS, WHOLE | ERROR | HEAD_ERROR, 200, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, WHOLE | HEAD_ERROR, 200, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | CLEAN | HEAD_ERROR, 200, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_OPAQUE, SENT | CLEAN | HEAD_ERROR, 200, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_OTHER, WHOLE | ERROR, 200, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_SUBSCRIPTION, SENT | CLEAN | HEAD_ERROR, 200, NONE, 0, REFUSED(FREE, 0)},
    {QUESTION_RESULTS, SENT | ERROR, 200, 0, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_OPAQUE, SENT | HEAD_ERROR, 200, 0, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_SUBSCRIPTION, SENT | HEAD_ERROR, 200, 0, 0, BROKEN(FREE, 0, TRANSPORT)},
    /* results came all the same: then they may have been charged */
    {QUESTION_RESULTS, WHOLE | ERROR, 200, NONE, 5, REFUSED(AT_MOST, 5)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, 0, 5, REFUSED(AT_MOST, 5)},
    {QUESTION_RESULTS, WHOLE | ERROR, 200, 7, 5, REFUSED(AT_MOST, 7)},
    {QUESTION_RESULTS, SENT | ERROR, 200, 7, 5, BROKEN(AT_MOST, 7, TRANSPORT)},
    {QUESTION_RESULTS, SENT | HEAD_ERROR, 200, NONE, 5, BROKEN(AT_MOST, NONE, TRANSPORT)},
    /* in an unknown form: by the header alone */
    {QUESTION_OPAQUE, SENT | CLEAN, 200, 7, 0, COMPLETE(KNOWN, 7)},
    {QUESTION_OPAQUE, SENT | CLEAN, 200, 0, 0, COMPLETE(KNOWN, 0)},
    {QUESTION_OPAQUE, SENT | CLEAN, 200, NONE, 0, COMPLETE(AT_MOST, NONE)},
    /* with a body whose meaning is not known: never certain, and never free unless it was refused
     */
    {QUESTION_UNKNOWN, SENT | CLEAN, 200, 7, 0, COMPLETE(AT_MOST, 7)},
    {QUESTION_UNKNOWN, SENT | CLEAN, 200, 0, 0, COMPLETE(AT_MOST, 0)},
    {QUESTION_UNKNOWN, SENT | CLEAN, 200, NONE, 0, COMPLETE(AT_MOST, NONE)},
    {QUESTION_UNKNOWN, WHOLE, 200, 4, 5, COMPLETE(AT_MOST, 5)},
    {QUESTION_UNKNOWN, WHOLE, 200, 7, 5, COMPLETE(AT_MOST, 7)},
    {QUESTION_UNKNOWN, WHOLE, 200, NONE, 5, COMPLETE(AT_MOST, 5)},
    {QUESTION_UNKNOWN, WHOLE, 200, INT64_MAX, 5, COMPLETE(AT_MOST, NONE)},
    {QUESTION_UNKNOWN, SENT, 200, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_UNKNOWN, SENT, 200, 7, 0, BROKEN(AT_MOST, 7, TRANSPORT)},
    {QUESTION_UNKNOWN, SENT, 0, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
    {QUESTION_UNKNOWN, 0, 0, NONE, 0, BROKEN(FREE, 0, TRANSPORT)},
    {QUESTION_UNKNOWN, SENT | CLEAN | HEAD_ERROR, 200, 0, 0, REFUSED(FREE, 0)},
    {QUESTION_UNKNOWN, SENT | CLEAN, 403, NONE, 0, REFUSED(FREE, 0)},
    /* another table: by the header, else by reading, else not known */
    {QUESTION_OTHER, WHOLE, 200, 7, 7, COMPLETE(KNOWN, 7)},
    {QUESTION_OTHER, WHOLE, 200, 7, 9, COMPLETE(KNOWN, 7)},
    {QUESTION_OTHER, WHOLE, 200, NONE, 9, COMPLETE(KNOWN, 9)},
    {QUESTION_OTHER, SENT | CLEAN, 200, 7, 0, COMPLETE(KNOWN, 7)},
    {QUESTION_OTHER, SENT | CLEAN, 200, NONE, 3, COMPLETE(AT_MOST, NONE)},
    /* what is free stays free */
    {QUESTION_SUBSCRIPTION, SENT | CLEAN, 200, NONE, 0, COMPLETE(FREE, 0)},
    {QUESTION_SUBSCRIPTION, SENT | CLEAN, 200, 7, 0, COMPLETE(FREE, 0)},
    {QUESTION_SUBSCRIPTION, WHOLE, 200, NONE, 0, COMPLETE(FREE, 0)},
};

/* A row for the request, and a tenth for a result. */
static const struct tariff tariff = {
    .fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 1}, .limit = LIMIT};

static struct answer_evidence evidence_of(const struct judge_case *one) {
  bool could_agree = one->counted < 0 ? one->what & AGREES : one->counted == one->announced;
  struct answer_evidence evidence = {.kind = one->kind,
                                     .sends = one->what & SENT ? 1 : 0,
                                     .clean = one->what & CLEAN,
                                     .read = one->what & READ,
                                     .agrees = one->what & READ && could_agree,
                                     .error = one->what & ERROR,
                                     .tariff = tariff,
                                     .counted = one->counted};
  evidence.head = (struct answer_head){
      .status = one->status, .results_count = one->announced, .is_error = one->what & HEAD_ERROR};
  fault_set(&evidence.transport, FAULT_UPSTREAM_TIMEOUT, "the transport");
  fault_set(&evidence.reading, FAULT_UPSTREAM, "the reading");
  return evidence;
}

static bool fault_is(const struct fault *fault, enum fault_of expected) {
  switch (expected) {
  case TRANSPORT:
    return fault->kind == FAULT_UPSTREAM_TIMEOUT && strcmp(fault->text, "the transport") == 0;
  case READING:
    return fault->kind == FAULT_UPSTREAM && strcmp(fault->text, "the reading") == 0;
  case COUNTS:
    return fault->kind == FAULT_UPSTREAM && strstr(fault->text, "X-Results-Count");
  case REDIRECTED:
    return fault->kind == FAULT_UPSTREAM && strstr(fault->text, "redirect");
  case NO_FAULT:
    return true;
  }
  return false;
}

/* Nothing here is without a price but what is free. */
static enum answer_charge charge_of(const struct answer_verdict *verdict) {
  if (!verdict->cost.is_known)
    return ANSWER_AT_MOST;
  return amount_is_zero(verdict->cost.spent) ? ANSWER_FREE : ANSWER_KNOWN;
}

static bool costs(const struct answer_verdict *verdict, enum answer_charge charge,
                  int64_t results) {
  if (charge == ANSWER_FREE)
    return amount_is_zero(verdict->cost.spent) && amount_is_zero(verdict->cost.once);
  int64_t parts = 10 + (results == NONE ? LIMIT : results);
  return verdict->results == results && verdict->cost.spent.parts == parts &&
         verdict->cost.once.parts == parts;
}

static void judged(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(judge_cases); i++) {
    const struct judge_case *one = &judge_cases[i];
    struct answer_evidence evidence = evidence_of(one);
    struct answer_verdict verdict = dialect_v2.judge(&evidence);
    if (verdict.outcome != one->outcome || charge_of(&verdict) != one->charge ||
        !costs(&verdict, one->charge, one->results) || !fault_is(&verdict.fault, one->fault))
      fail_msg("row %zu: outcome %d, charge %d, cost %lld, results %lld, %s", i, verdict.outcome,
               charge_of(&verdict), (long long)verdict.cost.spent.parts, (long long)verdict.results,
               verdict.fault.text);
  }
}

static void counts_that_differ_are_named(void **state) {
  (void)state;
  struct answer_evidence evidence = evidence_of(&(struct judge_case){
      .kind = QUESTION_RESULTS, .what = WHOLE, .status = 200, .announced = 1000, .counted = 999});
  struct answer_verdict verdict = dialect_v2.judge(&evidence);
  assert_string_equal(verdict.fault.text,
                      "upstream's answer is broken: it has 999 results, its X-Results-Count says "
                      "1000");
}

/* --- the cost --- */

/* The last send is charged as the answer tells, each before it may have been at the most. */
static void a_number_that_an_answer_cannot_have_is_named(void **state) {
  (void)state;
  struct answer_evidence evidence = evidence_of(&(struct judge_case){
      .kind = QUESTION_RESULTS, .what = WHOLE, .status = 200, .announced = 1000, .counted = NONE});
  struct answer_verdict verdict = dialect_v2.judge(&evidence);
  assert_string_equal(verdict.fault.text,
                      "upstream's answer is broken: it cannot have the 1000 results that its "
                      "X-Results-Count says");
}

/* --- the shape --- */

static void each_form_has_its_shape(void **state) {
  (void)state;
  struct question question = {.kind = QUESTION_RESULTS};
  for (question.form = 0; question.form < QUERY_OUTPUT_UNKNOWN; question.form++)
    assert_int_equal(dialect_v2.shape(&question)->format, question.form);
  question.form = QUERY_XML;
  assert_true(view_is(dialect_v2.shape(&question)->root, "AhrefsApiResponse"));
  question.form = QUERY_PHP;
  assert_true(view_is(dialect_v2.shape(&question)->rows, "refpages"));
  question = (struct question){.kind = QUESTION_OPAQUE, .form = QUERY_OUTPUT_UNKNOWN};
  assert_null(dialect_v2.shape(&question));
}

static void each_send_may_have_been_charged(void **state) {
  (void)state;
  static const struct {
    struct judge_case answer;
    int64_t sends, spent, once;
    bool is_known;
  } cases[] = {
      {{QUESTION_RESULTS, WHOLE, 200, 5, 5, COMPLETE(KNOWN, 5)}, 1, 15, 15, true},
      {{QUESTION_RESULTS, WHOLE, 200, 5, 5, COMPLETE(KNOWN, 5)}, 2, 1025, 15, false},
      {{QUESTION_RESULTS, WHOLE, 200, 5, 5, COMPLETE(KNOWN, 5)}, 3, 2035, 15, false},
      {{QUESTION_RESULTS, SENT | CLEAN, 500, NONE, 0, REFUSED(FREE, 0)}, 2, 1010, 0, false},
      {{QUESTION_RESULTS, SENT, 0, NONE, 0, BROKEN(AT_MOST, NONE, TRANSPORT)},
       2,
       2020,
       1010,
       false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct answer_evidence evidence = evidence_of(&cases[i].answer);
    evidence.sends = cases[i].sends;
    struct answer_cost cost = dialect_v2.judge(&evidence).cost;
    if (cost.spent.parts != cases[i].spent || cost.once.parts != cases[i].once ||
        cost.is_known != cases[i].is_known)
      fail_msg("row %zu: spent %lld, once %lld, known %d", i, (long long)cost.spent.parts,
               (long long)cost.once.parts, cost.is_known);
  }
}

static void what_costs_nothing_is_known(void **state) {
  (void)state;
  struct answer_evidence evidence =
      evidence_of(&(struct judge_case){.kind = QUESTION_RESULTS, .what = SENT, .announced = NONE});
  evidence.tariff.fixed.parts = evidence.tariff.result.parts = 0;
  evidence.sends = 2;
  struct answer_cost cost = dialect_v2.judge(&evidence).cost;
  assert_true(cost.is_known && amount_is_zero(cost.spent) && amount_is_zero(cost.once));
}

static void a_head_tells_the_cost(void **state) {
  (void)state;
  static const struct {
    struct judge_case answer;
    int64_t sends, spent;
    bool is_known;
  } cases[] = {
      {{.kind = QUESTION_RESULTS, .status = 200, .announced = 5}, 1, 15, true},
      {{.kind = QUESTION_OPAQUE, .status = 200, .announced = 0}, 1, 10, true},
      {{.kind = QUESTION_OTHER, .status = 200, .announced = 5}, 2, 15, false},
      {{.kind = QUESTION_RESULTS, .status = 200, .announced = NONE}, 1, 0, false},
      {{.kind = QUESTION_RESULTS, .status = 403, .announced = 5}, 1, 0, false},
      {{.kind = QUESTION_RESULTS, .what = HEAD_ERROR, .status = 200, .announced = 0}, 1, 0, false},
      {{.kind = QUESTION_UNKNOWN, .status = 200, .announced = 5}, 1, 0, false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct answer_evidence evidence = evidence_of(&cases[i].answer);
    evidence.sends = cases[i].sends;
    struct answer_cost cost = dialect_v2.quote(&evidence);
    if (cost.spent.parts != cases[i].spent || cost.once.parts != cases[i].spent ||
        cost.is_known != cases[i].is_known)
      fail_msg("row %zu: spent %lld, known %d", i, (long long)cost.spent.parts, cost.is_known);
  }
}

/* --- what no evidence may lead to --- */

static void check(const struct answer_evidence *evidence) {
  struct answer_verdict verdict = dialect_v2.judge(evidence);
  int64_t announced = evidence->head.results_count, counted = evidence->counted;
  bool refused = evidence->head.status != 200 && evidence->head.status != 0;
  if (refused || evidence->kind == QUESTION_SUBSCRIPTION)
    assert_int_equal(charge_of(&verdict), ANSWER_FREE);
  if (charge_of(&verdict) == ANSWER_KNOWN)
    assert_int_equal(verdict.outcome, ANSWER_COMPLETE);
  if (charge_of(&verdict) != ANSWER_FREE && verdict.results >= 0 &&
      evidence->kind != QUESTION_OTHER)
    assert_true(verdict.results >= counted && verdict.results >= announced);
  if (verdict.outcome != ANSWER_BROKEN)
    assert_true(evidence->clean && evidence->head.status);
  if (verdict.outcome == ANSWER_COMPLETE)
    assert_true(evidence->head.status == 200 && !evidence->error && !evidence->head.is_error);
  if (verdict.outcome == ANSWER_COMPLETE && evidence->kind == QUESTION_RESULTS) {
    int64_t results = counted < 0 ? announced : counted;
    assert_true(evidence->read && (announced < 0 || evidence->agrees) &&
                verdict.results == results);
    assert_int_equal(charge_of(&verdict), results < 0 ? ANSWER_AT_MOST : ANSWER_KNOWN);
  }
  /* What may have been charged is never called free. */
  if (charge_of(&verdict) == ANSWER_FREE && evidence->kind != QUESTION_SUBSCRIPTION &&
      evidence->sends && !refused)
    assert_true((counted == 0 || (announced == 0 && evidence->agrees)) &&
                (evidence->error || evidence->head.is_error));
}

static void all_evidence(void **state) {
  (void)state;
  static const unsigned statuses[] = {0, 200, 204, 302, 404, 503};
  static const int64_t counts[] = {-1, 0, 5, 6};
  for (int kind = QUESTION_RESULTS; kind <= QUESTION_UNKNOWN; kind++)
    for (unsigned what = SENT; what < 64; what += 2)
      for (size_t i = 0; i < COUNT(statuses) * COUNT(counts) * COUNT(counts); i++) {
        struct judge_case one = {.kind = (enum question_kind)kind,
                                 .what = what,
                                 .status = statuses[i / COUNT(counts) / COUNT(counts)],
                                 .announced = counts[i / COUNT(counts) % COUNT(counts)],
                                 .counted = counts[i % COUNT(counts)]};
        /* What is not read counts nothing; what has no status is not clean. */
        bool counting = kind == QUESTION_RESULTS || kind == QUESTION_OTHER;
        if ((kind != QUESTION_RESULTS && one.counted < 0) || (!counting && one.counted > 0))
          continue;
        if (!one.status)
          one.what &= ~(unsigned)CLEAN;
        struct answer_evidence evidence = evidence_of(&one);
        check(&evidence);
      }
}

/* --- subscription_info --- */

static const struct {
  const char *body;
  int64_t left, limit; /* tenths */
} subscriptions[] = {
    {"{\"info\":{\"rows_left\":497323,\"rows_limit\":500000}}", 4973230, 5000000},
    {" {\"x\":[{}],\"info\":{\"rows_limit\":1.0,\"s\":\"t\",\"rows_left\":0.5}} ", 5, 10},
    {"{\"info\":{\"rows_left\":-12,\"rows_limit\":0}}", -120, 0},
};

static void subscriptions_are_read(void **state) {
  (void)state;
  struct dialect_subscription subscription;
  struct fault fault;
  for (size_t i = 0; i < COUNT(subscriptions); i++) {
    assert_true(
        dialect_v2.read_subscription(view_of(subscriptions[i].body), &subscription, &fault));
    assert_true(subscription.has_left);
    assert_int_equal(subscription.left.currency, CURRENCY_ROWS);
    assert_int_equal(subscription.limit.currency, CURRENCY_ROWS);
    assert_int_equal(subscription.left.parts, subscriptions[i].left);
    assert_int_equal(subscription.limit.parts, subscriptions[i].limit);
  }
}

static void an_answer_without_the_figures_is_refused(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "",
      "null",
      "[]",
      "{}",
      "{\"info\":{}}",
      "{\"info\":{\"rows_left\":1}}",
      "{\"rows_left\":1,\"rows_limit\":2}",
      "{\"info\":{\"rows_left\":\"1\",\"rows_limit\":2}}",
      "{\"info\":{\"rows_left\":1e3,\"rows_limit\":2}}",
      "{\"info\":{\"rows_left\":1.25,\"rows_limit\":2}}",
      "{\"info\":{\"rows_left\":99999999999999999999,\"rows_limit\":2}}",
  };
  struct dialect_subscription subscription;
  struct fault fault;
  for (size_t i = 0; i < COUNT(bodies); i++) {
    if (dialect_v2.read_subscription(view_of(bodies[i]), &subscription, &fault))
      fail_msg("taken: %s", bodies[i]);
    assert_int_equal(fault.kind, FAULT_UPSTREAM);
  }
}

static void what_an_answer_says_of_its_token(void **state) {
  (void)state;
  static const struct {
    unsigned status;
    enum answer_outcome outcome;
    bool read;
    enum dialect_token token;
  } said[] = {
      {200, ANSWER_COMPLETE, true, DIALECT_TOKEN_ACCEPTED},
      {200, ANSWER_COMPLETE, false, DIALECT_TOKEN_UNJUDGED}, /* a web page */
      {200, ANSWER_REFUSED, false, DIALECT_TOKEN_REFUSED},
      {200, ANSWER_BROKEN, false, DIALECT_TOKEN_UNJUDGED},
      {0, ANSWER_BROKEN, false, DIALECT_TOKEN_UNJUDGED},
      {401, ANSWER_REFUSED, false,
       DIALECT_TOKEN_UNJUDGED}, /* v2 refuses with 200: a proxy, or a limit */
      {403, ANSWER_REFUSED, false, DIALECT_TOKEN_UNJUDGED},
      {429, ANSWER_REFUSED, false, DIALECT_TOKEN_UNJUDGED},
      {503, ANSWER_REFUSED, false, DIALECT_TOKEN_UNJUDGED},
  };
  for (size_t i = 0; i < COUNT(said); i++) {
    struct answer_head head = {.status = said[i].status};
    struct answer_verdict verdict = {.outcome = said[i].outcome, .read = said[i].read};
    assert_int_equal(dialect_v2.judge_token(&head, &verdict), said[i].token);
  }
}

/* --- the end of v2 --- */

static void upstream_says_that_v2_is_gone(void **state) {
  (void)state;
  static const struct {
    unsigned status;
    bool error;
    int64_t counted;
    const char *body;
    bool is_discontinued;
  } cases[] = {
      {410, false, 0, "API v2 has been DISCONTINUED", true},
      {403, false, 0, "<p>This API is no longer available.</p>", true},
      {404, false, 0, "{\"error\":\"please use API V3\"}", true},
      {200, true, 0, "{\"error\":\"API v2 is no longer supported\"}", true},
      {200, true, 1, "{\"refpages\":[{\"anchor\":\"discontinued\"}],\"error\":\"x\"}", false},
      {200, false, 0, "{\"refpages\":[{\"anchor\":\"discontinued\"}]}", false},
      {404, false, 0, "not found", false},
      {500, false, 0, "", false},
      {302, false, 0, "discontinued", false},
      {0, false, 0, "", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct answer_evidence evidence = {.head.status = cases[i].status,
                                       .error = cases[i].error,
                                       .counted = cases[i].counted,
                                       .body_length = (int64_t)strlen(cases[i].body)};
    memcpy(evidence.beginning, cases[i].body, strlen(cases[i].body));
    if (dialect_v2.is_discontinued(&evidence) != cases[i].is_discontinued)
      fail_msg("%u %s", cases[i].status, cases[i].body);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headers),
      cmocka_unit_test(nul_in_headers),
      cmocka_unit_test(long_content_types),
      cmocka_unit_test(a_location_is_noted),
      cmocka_unit_test(a_redirect_names_its_location),
      cmocka_unit_test(judged),
      cmocka_unit_test(counts_that_differ_are_named),
      cmocka_unit_test(a_number_that_an_answer_cannot_have_is_named),
      cmocka_unit_test(each_form_has_its_shape),
      cmocka_unit_test(each_send_may_have_been_charged),
      cmocka_unit_test(what_costs_nothing_is_known),
      cmocka_unit_test(a_head_tells_the_cost),
      cmocka_unit_test(all_evidence),
      cmocka_unit_test(subscriptions_are_read),
      cmocka_unit_test(an_answer_without_the_figures_is_refused),
      cmocka_unit_test(what_an_answer_says_of_its_token),
      cmocka_unit_test(upstream_says_that_v2_is_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
