/* An answer of upstream, in words that all dialects share. Plain values; pure. */
#pragma once

#include "base/fault.h"
#include "dialect/location.h"
#include "query/question.h"

#include <stdint.h>

#define ANSWER_CONTENT_TYPE_SIZE 128

/* What the answer turned out to be, at its end. */
enum answer_outcome {
  ANSWER_BROKEN,   /* no answer (yet), or not a whole one: `fault` says which */
  ANSWER_REFUSED,  /* upstream answered with an error of its own: relayed, costs nothing */
  ANSWER_COMPLETE, /* whole and sound */
};

/* What Ahrefs charges for it, as far as the answer tells. */
enum answer_charge {
  ANSWER_FREE,    /* certainly nothing: a refusal, or nothing was sent */
  ANSWER_KNOWN,   /* for `results` results */
  ANSWER_AT_MOST, /* not known: at the most for `results`, or, -1, for as many as were asked for */
};

struct answer_verdict {
  enum answer_outcome outcome;
  enum answer_charge charge;
  int64_t results;     /* what `charge` says */
  bool read;           /* it is JSON, read to its end */
  int64_t extra_sends; /* times that it was sent again: each may have been charged at the most */
  struct fault fault;  /* where BROKEN */
};

struct answer_head {
  unsigned status;       /* HTTP; 0 while none has come */
  int64_t results_count; /* as announced; -1 where it was not */
  int64_t retry_after;   /* seconds; 0 where it was not sent */
  int64_t answered_at;   /* seconds since 1970 */
  bool is_error;         /* the head says so, whatever the status */
  bool sent_again;       /* the request was sent more than once, each of which may have cost */
  char content_type[ANSWER_CONTENT_TYPE_SIZE];
};

/* All that is known at the end of a request. */
struct answer_evidence {
  enum question_kind kind;
  bool sent;     /* at least a part of the request left this machine */
  bool clean;    /* the answer ended as its framing says */
  int64_t limit; /* the most results that can have been asked for */
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

/* Verdicts that every dialect gives. */
struct answer_verdict answer_broken(enum answer_charge charge, int64_t results,
                                    const struct fault *fault);
struct answer_verdict answer_redirected(const struct answer_evidence *evidence);
