#include "dialect/v2.h"

#include "base/num.h"

#include <inttypes.h>

void v2_url(struct view base, struct view args, struct text *url) {
  text_add(url, base);
  const char *authority = memmem(base.at, base.length, "://", 3);
  size_t from = authority ? (size_t)(authority - base.at) + 3 : 0;
  if (!memchr(base.at + from, '/', base.length - from))
    text_add_char(url, '/');
  text_add_char(url, '?');
  text_add(url, args);
}

/* Said twice in two ways, the dearer counts. */
static void note_count(struct view value, struct answer_head *head) {
  int64_t count;
  if (num_integer(value, &count) && count > head->results_count)
    head->results_count = count;
}

static void note_status(struct view value, struct answer_head *head) {
  head->is_error = head->is_error || num_same_word(value, VIEW("error"));
}

static void note_type(struct view value, struct answer_head *head) {
  struct view cut = view_first(value, sizeof head->content_type - 1);
  for (size_t i = 0; i < cut.length; i++)
    if ((unsigned char)cut.at[i] < 0x20 || cut.at[i] == 0x7f)
      cut.length = i;
  memcpy(head->content_type, cut.at, cut.length);
  head->content_type[cut.length] = '\0';
}

/* "Name: value". False: it is none. */
static bool split_header(struct view line, struct view *name, struct view *value) {
  const char *colon = memchr(line.at, ':', line.length);
  if (!colon)
    return false;
  *name = view_first(line, (size_t)(colon - line.at));
  *value = view_trim(view_from(line, name->length + 1));
  return true;
}

void v2_header(struct view line, struct answer_head *head) {
  static const struct {
    struct view name;
    void (*note)(struct view value, struct answer_head *head);
  } headers[] = {
      {VIEW("X-Results-Count"), note_count},
      {VIEW("X-Status"), note_status},
      {VIEW("Content-Type"), note_type},
  };
  struct view name, value;
  if (!split_header(line, &name, &value))
    return;
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    if (num_same_word(name, headers[i].name))
      headers[i].note(value, head);
}

void v2_location(struct view line, struct view token, char location[LOCATION_SIZE]) {
  struct view name, value;
  if (split_header(line, &name, &value) && num_same_word(name, VIEW("Location")))
    location_show(value, token, location);
}

bool v2_is_redirect(unsigned status) {
  return status >= 300 && status < 400;
}

static struct answer_verdict broken(enum answer_charge charge, int64_t results,
                                    const struct fault *fault) {
  return (struct answer_verdict){
      .outcome = ANSWER_BROKEN, .charge = charge, .results = results, .fault = *fault};
}

static int64_t greater(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* What X-Results-Count says, also where that is more than was asked for; -1 where it was not sent,
 * or is more than any answer can have, was asked for, and has come: such nonsense must not reach an
 * account. */
static int64_t announced_of(const struct answer_evidence *e) {
  int64_t most = greater(V2_RESULTS_MOST, greater(e->limit, e->counted));
  return e->head.results_count > most ? -1 : e->head.results_count;
}

/* The most results that may have been charged: what was announced or has come, whichever is more;
 * where nothing was announced and the answer was not read to its end, as many as were asked for
 * (-1), unless more have come. */
static int64_t at_most(const struct answer_evidence *e) {
  if (announced_of(e) >= 0 || (e->read && e->head.results_count < 0))
    return greater(e->head.results_count, e->counted);
  return e->counted > e->limit ? e->counted : -1;
}

/* A client that is told to go elsewhere would take its token there. */
static struct answer_verdict redirected(const struct answer_evidence *e) {
  struct fault fault;
  if (*e->location)
    fault_set(&fault, FAULT_UPSTREAM,
              "upstream answers with a redirect (status %u) to %s, and redirects are not followed: "
              "is upstream.url right?",
              e->head.status, e->location);
  else
    fault_set(
        &fault, FAULT_UPSTREAM,
        "upstream answers with status %u, a redirect, but names no location that can be shown",
        e->head.status);
  return broken(ANSWER_FREE, 0, &fault);
}

/* Upstream said "error" with status 200. A refusal comes before any result and costs nothing. */
static struct answer_verdict refused(const struct answer_evidence *e) {
  struct answer_verdict verdict = {.outcome = e->clean ? ANSWER_REFUSED : ANSWER_BROKEN,
                                   .charge = ANSWER_FREE,
                                   .fault = e->transport};
  if (e->kind == QUESTION_SUBSCRIPTION || (e->counted == 0 && e->head.results_count <= 0))
    return verdict;
  verdict.charge = ANSWER_AT_MOST;
  verdict.results = at_most(e);
  return verdict;
}

static struct answer_verdict whole(const struct answer_evidence *e) {
  int64_t announced = announced_of(e);
  if (e->kind == QUESTION_RESULTS && e->head.results_count >= 0 &&
      e->head.results_count != e->counted) {
    struct fault fault;
    fault_set(&fault, FAULT_UPSTREAM,
              "upstream's answer is broken: it has %" PRId64 " results, its X-Results-Count says "
              "%" PRId64,
              e->counted, e->head.results_count);
    return broken(ANSWER_AT_MOST, at_most(e), &fault);
  }
  bool by_reading = e->kind == QUESTION_RESULTS || (announced < 0 && e->read);
  int64_t results = by_reading ? e->counted : announced;
  bool is_known = results >= 0 && e->kind != QUESTION_UNKNOWN;
  return (struct answer_verdict){.outcome = ANSWER_COMPLETE,
                                 .charge = is_known ? ANSWER_KNOWN : ANSWER_AT_MOST,
                                 .results = results,
                                 .read = e->read};
}

struct answer_verdict v2_judge(const struct answer_evidence *e) {
  bool free = e->kind == QUESTION_SUBSCRIPTION || !e->sent;
  if (e->head.status == 0)
    return broken(free ? ANSWER_FREE : ANSWER_AT_MOST, -1, &e->transport);
  if (v2_is_redirect(e->head.status))
    return redirected(e);
  if (e->head.status != 200)
    return e->clean ? (struct answer_verdict){.outcome = ANSWER_REFUSED, .charge = ANSWER_FREE}
                    : broken(ANSWER_FREE, 0, &e->transport);
  if (e->head.is_error || e->error)
    return refused(e);
  if (!e->clean)
    return broken(free ? ANSWER_FREE : ANSWER_AT_MOST, at_most(e), &e->transport);
  if (e->kind == QUESTION_SUBSCRIPTION)
    return (struct answer_verdict){
        .outcome = ANSWER_COMPLETE, .charge = ANSWER_FREE, .read = e->read};
  if (e->kind == QUESTION_RESULTS && !e->read)
    return broken(ANSWER_AT_MOST, at_most(e), &e->reading);
  return whole(e);
}
