/* A dialect: one version of Ahrefs' API, as a constant struct of functions. Other rooms call them
 * without knowing the version. All are pure and may be called on any thread.
 *
 *   dialect_for(settings) -> price ----> the price of a question
 *                            write ----> the request that asks it
 *                            shape ----> the reader of the answer's body, if it is read
 *                            header ---> the meaning of a header
 *                            quote ----> the cost, by the head alone
 *                            judge ----> the meaning and the cost of the whole answer
 *
 * Another dialect is files of its own beside v2's and v3's, and a case in dialect_for(). */
#pragma once

#include "base/money.h"
#include "base/view.h"
#include "dialect/answer.h"
#include "dialect/request.h"
#include "dialect/tariff.h"
#include "query/question.h"
#include "rows/reader.h"
#include "settings/settings.h"

#define DIALECT_PLAN_SIZE 64

/* Upstream's own count for a token, in upstream's currency. */
struct dialect_subscription {
  bool has_left;                /* false: there is no limit, and both amounts are zero */
  struct amount left, limit;    /* if several limits hold, those of which the least is left */
  bool has_used;                /* upstream told: */
  struct amount used;           /* spent with this token in the present period; else zero */
  int64_t cap;                  /* rows at most in one answer, by the plan; 0: any; -1: not known */
  char plan[DIALECT_PLAN_SIZE]; /* its name, printable; empty: not told */
};

/* The standing of a token upstream, by an answer to a request with it. */
enum dialect_token { DIALECT_TOKEN_UNJUDGED, DIALECT_TOKEN_ACCEPTED, DIALECT_TOKEN_REFUSED };

struct dialect {
  enum currency currency; /* of every price and every answer */
  bool charges_columns;   /* a question costs more if it selects more columns */
  bool translates;        /* QUESTION_RESULTS is answered from calls; write() cannot ask it */
  bool paces;             /* upstream limits the requests in a minute */

  /* The price of `question`. */
  struct tariff (*price)(const struct settings *settings, const struct question *question);

  /* Writes into `request` the request that asks `question` with `token` (empty: with none) at the
   * upstream that `settings` name. The caller releases `request` in any case. False: no memory. */
  bool (*write)(const struct question *question, const struct settings *settings, struct view token,
                struct dialect_request *request, struct fault *fault) MUST_CHECK;

  /* The shape of the answer to `question`; NULL: its body is not read. Lives forever. */
  const struct reader_shape *(*shape)(const struct question *question);

  /* Notes in `head` one header that is the dialect's own, not HTTP's. */
  void (*header)(struct view name, struct view value, struct answer_head *head);

  /* The cost by the head alone, when all of it has come. Zero and not known if the head does not
   * show it. */
  struct answer_cost (*quote)(const struct answer_evidence *evidence);

  /* The meaning and the cost of an answer, at its end. */
  struct answer_verdict (*judge)(const struct answer_evidence *evidence);

  /* Reads `body`, the whole answer to a QUESTION_SUBSCRIPTION, which the reader has found sound.
   * FAULT_UPSTREAM: it does not hold the figures. */
  bool (*read_subscription)(struct view body, struct dialect_subscription *subscription,
                            struct fault *fault) MUST_CHECK;

  /* The standing of the token, by the answer to question_of_subscription(). UNJUDGED: the answer
   * comes from something else, such as a proxy or a rate limit. */
  enum dialect_token (*judge_token)(const struct answer_head *head,
                                    const struct answer_verdict *verdict);

  /* True if upstream says that this API is discontinued. NULL: it never does. */
  bool (*is_discontinued)(const struct answer_evidence *evidence);
};

/* The dialect of the upstream that `settings` name. Lives forever. Never NULL. */
const struct dialect *dialect_for(const struct settings *settings);

/* Notes one header of an answer, "Name: value" without the end of the line, whether the dialect's
 * own or HTTP's. A Location is noted as it may be shown (dialect/location.h), without `token`,
 * which was sent (empty: not known). */
void dialect_read_header(const struct dialect *dialect, struct view line, struct view token,
                         struct answer_evidence *evidence);
