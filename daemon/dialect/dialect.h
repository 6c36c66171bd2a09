/* A dialect: how one version of Ahrefs' API speaks. A constant struct of functions, which the rooms
 * below use without knowing which dialect it is. All of them are pure and may be called on any
 * thread.
 *
 *   dialect_for(settings) -> price ----> what a question costs at the most
 *                            write ----> the request that asks it
 *                            shape ----> the reader of the body, if it is read
 *                            header ---> what a header of the answer says
 *                            quote ----> what the head says of the cost
 *                            judge ----> what the whole answer means, and what it costs
 *
 * Another dialect is files of its own beside v2's, and a row in the table of dialect.c. */
#pragma once

#include "base/money.h"
#include "base/view.h"
#include "dialect/answer.h"
#include "dialect/request.h"
#include "dialect/tariff.h"
#include "query/question.h"
#include "rows/reader.h"
#include "settings/settings.h"

/* Upstream's own count for a token, in upstream's currency. */
struct dialect_subscription {
  struct amount left, limit;
};

/* What an answer says of the token that it was asked with. */
enum dialect_token { DIALECT_TOKEN_UNJUDGED, DIALECT_TOKEN_ACCEPTED, DIALECT_TOKEN_REFUSED };

struct dialect {
  /* The price of `question`. */
  struct tariff (*price)(const struct settings *settings, const struct question *question);

  /* Writes into `request`, which the caller releases in any case, the request that asks `question`
   * with `token` (empty: with none) at the upstream that `settings` name. False: no memory. */
  bool (*write)(const struct question *question, const struct settings *settings, struct view token,
                struct dialect_request *request, struct fault *fault) MUST_CHECK;

  /* What to read of the body of an answer to such a question; NULL: the body is not read. Lives
   * forever. */
  const struct reader_shape *(*shape)(enum question_kind kind);

  /* Notes one header of the answer in `head`. Called for each header. */
  void (*header)(struct view name, struct view value, struct answer_head *head);

  /* The cost that the head of an answer tells, when all of it has come: nothing, and not known,
   * where it tells none. */
  struct answer_cost (*quote)(const struct answer_evidence *evidence);

  /* The meaning and the cost of an answer, at its end. */
  struct answer_verdict (*judge)(const struct answer_evidence *evidence);

  /* Reads `body`, the whole answer to a QUESTION_SUBSCRIPTION, which the reader has found sound.
   * FAULT_UPSTREAM where it does not hold the figures. */
  bool (*read_subscription)(struct view body, struct dialect_subscription *subscription,
                            struct fault *fault) MUST_CHECK;

  /* Whether upstream accepts the token, by the answer to a QUESTION_SUBSCRIPTION without further
   * parameters. UNJUDGED where something on the way answered, such as a proxy or a limit. */
  enum dialect_token (*judge_token)(const struct answer_head *head,
                                    const struct answer_verdict *verdict);
};

/* The dialect of the upstream that `settings` name. Lives forever. Never NULL. */
const struct dialect *dialect_for(const struct settings *settings);

/* Notes one header of an answer, "Name: value" without the end of the line: the dialect's own, and
 * those of HTTP. A Location is noted as it may be shown (dialect/location.h), without `token`, the
 * token that was sent (empty: not known). */
void dialect_read_header(const struct dialect *dialect, struct view line, struct view token,
                         struct answer_evidence *evidence);
