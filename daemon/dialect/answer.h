/* An answer of upstream, in words that all dialects share. Plain values; pure. */
#pragma once

#include "base/fault.h"
#include "dialect/location.h"
#include "dialect/tariff.h"
#include "query/question.h"

#include <stdint.h>

#define ANSWER_CONTENT_TYPE_SIZE 128

/* The outcome, at the end of an answer. */
enum answer_outcome {
  ANSWER_BROKEN,   /* no answer (yet), or a part of one: `fault` gives the reason */
  ANSWER_REFUSED,  /* upstream answered with an error of its own, which is relayed */
  ANSWER_COMPLETE, /* whole and sound */
};

struct answer_verdict {
  enum answer_outcome outcome;
  int64_t results; /* that may be charged; -1: as many as were asked for */
  bool read;       /* the body is JSON, and was read to its end */
  struct answer_cost cost;
  struct fault fault; /* if BROKEN */
};

struct answer_head {
  unsigned status;       /* of HTTP; 0: none has come */
  int64_t results_count; /* as announced; -1: it was not */
  int64_t retry_after;   /* seconds; 0: not sent */
  int64_t answered_at;   /* seconds since 1970 */
  bool is_error;         /* the head marks the answer as an error, whatever the status */
  char content_type[ANSWER_CONTENT_TYPE_SIZE];
  struct answer_cost
      cost; /* as the head alone tells it; nothing, and not known, where it does not */
};

/* All that is known of a request and its answer, so far or at the end. */
struct answer_evidence {
  enum question_kind kind;
  struct tariff tariff;
  int64_t sends; /* times that at least a part of the request left this machine */
  bool clean;    /* the answer ended where its framing ends it */
  struct answer_head head;
  char location[LOCATION_SIZE]; /* of a redirect, as it may be shown; empty: it cannot be shown */
  bool read;                    /* JSON was read to its end and found whole */
  bool error;                   /* an error stands at the top level */
  int64_t counted;              /* results read so far */
  struct fault transport;       /* if not clean */
  struct fault reading;         /* if not read */
};

/* True if `status` is that of a redirect (RFC 9110 15.4). Redirects are no answers, and are never
 * followed. */
bool answer_is_redirect(unsigned status);

/* What is charged for one send, as far as an answer tells. */
enum answer_charge {
  ANSWER_FREE,    /* certainly nothing: a refusal, or nothing was sent */
  ANSWER_KNOWN,   /* for that many results */
  ANSWER_AT_MOST, /* at the most for that many results, or, -1, for as many as were asked for */
};

/* The cost by the evidence's tariff. Each send but the last may have been charged at the most. */
struct answer_cost answer_cost(const struct answer_evidence *evidence, enum answer_charge charge,
                               int64_t results);

/* Verdicts that every dialect gives. */
struct answer_verdict answer_broken(const struct answer_evidence *evidence,
                                    enum answer_charge charge, int64_t results,
                                    const struct fault *fault);
struct answer_verdict answer_redirected(const struct answer_evidence *evidence);
