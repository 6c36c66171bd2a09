/* An answer of upstream, in words that all dialects share. Plain values; pure. */
#pragma once

#include "base/fault.h"
#include "dialect/location.h"
#include "dialect/tariff.h"
#include "query/question.h"

#include <stdint.h>

#define ANSWER_CONTENT_TYPE_SIZE 128

/* What the answer turned out to be, at its end. */
enum answer_outcome {
  ANSWER_BROKEN,   /* no answer (yet), or not a whole one: `fault` says which */
  ANSWER_REFUSED,  /* upstream answered with an error of its own: relayed, costs nothing */
  ANSWER_COMPLETE, /* whole and sound */
};

struct answer_verdict {
  enum answer_outcome outcome;
  int64_t results; /* that may be charged; -1: as many as were asked for */
  bool read;       /* it is JSON, read to its end */
  struct answer_cost cost;
  struct fault fault; /* where BROKEN */
};

struct answer_head {
  unsigned status;       /* HTTP; 0 while none has come */
  int64_t results_count; /* as announced; -1 where it was not */
  int64_t retry_after;   /* seconds; 0 where it was not sent */
  int64_t answered_at;   /* seconds since 1970 */
  bool is_error;         /* the head says so, whatever the status */
  char content_type[ANSWER_CONTENT_TYPE_SIZE];
  struct answer_cost
      cost; /* as the head alone tells it; nothing, and not known, where it does not */
};

/* All that is known at the end of a request. */
struct answer_evidence {
  enum question_kind kind;
  struct tariff tariff;
  int64_t sends; /* times that at least a part of the request left this machine */
  bool clean;    /* the answer ended as its framing says */
  struct answer_head head;
  char location[LOCATION_SIZE]; /* of a redirect, as it may be shown; empty: none */
  bool read;                    /* JSON was read to its end and found whole */
  bool error;                   /* an error stands at the top level */
  int64_t counted;              /* results read so far */
  struct fault transport;       /* where not clean */
  struct fault reading;         /* where not read */
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
