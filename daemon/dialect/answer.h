/* An answer of upstream, in terms that all dialects share. Plain values; pure. */
#pragma once

#include "base/fault.h"
#include "dialect/location.h"
#include "dialect/tariff.h"
#include "query/question.h"

#include <stdint.h>

#define ANSWER_CONTENT_TYPE_SIZE 128
#define ANSWER_BEGINNING_SIZE 4096 /* more than an error needs */

/* The outcome of an answer, at its end. */
enum answer_outcome {
  ANSWER_BROKEN,   /* no answer, or only a part of one; `fault` gives the reason */
  ANSWER_REFUSED,  /* upstream answered with an error of its own, which is relayed */
  ANSWER_COMPLETE, /* whole and sound */
};

/* What a refusal for lack of units says of them. */
struct answer_shortage {
  int64_t expected; /* the most that the request could have cost; -1: not said */
  int64_t left;     /* -1: not said */
};

struct answer_verdict {
  enum answer_outcome outcome;
  int64_t results; /* results that may be charged; -1: as many as were asked for */
  bool read;       /* the body was read to its end, and is whole */
  struct answer_cost cost;
  struct fault fault; /* if BROKEN; if REFUSED, the error, where the dialect reads it (else NONE) */
  struct answer_shortage shortage; /* if REFUSED with FAULT_OVER_BUDGET */
  bool tells_cap; /* of a subscription: its plan is known, and gives so many rows at once: */
  int64_t cap;    /* rows; 0: any number */
};

/* The costs that a head of v3 states, in units; -1: it does not state them. */
struct v3_costs {
  int64_t rows;     /* in the answer */
  int64_t cost_row; /* of one row, by the list; on small answers not the price of a row */
  int64_t total;    /* by the list */
  int64_t actual;   /* charged */
  char cache[16];   /* the state of upstream's own cache: hit, miss, no_cache; empty: not stated */
};

struct answer_head {
  unsigned status;       /* of HTTP; 0: none has come */
  int64_t results_count; /* as announced; -1: it was not */
  int64_t retry_after;   /* seconds; 0: not sent */
  int64_t answered_at;   /* seconds since 1970 */
  bool is_error;         /* the head marks the answer as an error, whatever the status */
  char content_type[ANSWER_CONTENT_TYPE_SIZE];
  struct v3_costs costs;
  struct answer_cost cost; /* by struct dialect's quote() */
};

/* A head of which nothing has come yet. */
struct answer_head answer_head_empty(void);

/* All that is known of a request and its answer, so far or at the end. */
struct answer_evidence {
  enum question_kind kind;
  struct tariff tariff;
  int64_t sends; /* the number of times that the request was sent, whole or in part */
  bool clean;    /* the answer ended where HTTP's framing ends it */
  struct answer_head head;
  char location[LOCATION_SIZE]; /* of a redirect, as it may be shown; empty: it cannot be shown */
  bool reads;                   /* the question has a shape: the body is read */
  bool read;                    /* the body was read to its end and found whole */
  bool agrees;                  /* read, and it can have the announced number of results */
  bool error;                   /* there is an error at the top level */
  int64_t counted;              /* results read so far; -1: the form does not tell */
  struct fault transport;       /* if not clean */
  struct fault reading;         /* if not read */
  int64_t body_length;          /* bytes of the body so far */
  char beginning[ANSWER_BEGINNING_SIZE]; /* the first of them */
};

/* The first bytes of the body, as many as have come and are kept. */
struct view answer_beginning(const struct answer_evidence *evidence);

/* The body, if it has ended and is short enough for an error; otherwise empty. */
struct view answer_short_body(const struct answer_evidence *evidence);

/* True if `text` has `words` (ASCII) in it, in any case of letters. */
bool answer_says(struct view text, struct view words);

/* True if `status` is a redirect's (RFC 9110 15.4). A redirect is no answer, and is never
 * followed. */
bool answer_is_redirect(unsigned status);

/* The charge for one send, as far as the answer shows. */
enum answer_charge {
  ANSWER_FREE,    /* certainly nothing: a refusal, or nothing was sent */
  ANSWER_KNOWN,   /* for so many results */
  ANSWER_AT_MOST, /* at most for so many results; -1: for as many as were asked for */
};

/* The cost by the evidence's tariff. Each send but the last counts with the most that it can
 * cost. */
struct answer_cost answer_cost(const struct answer_evidence *evidence, enum answer_charge charge,
                               int64_t results);

/* Verdicts of every dialect: BROKEN for the reason `fault`, or because it is a redirect. */
struct answer_verdict answer_broken(const struct answer_evidence *evidence,
                                    enum answer_charge charge, int64_t results,
                                    const struct fault *fault);
struct answer_verdict answer_redirected(const struct answer_evidence *evidence);
