/* A question: what is asked of upstream, in the words of no dialect.
 *
 *   struct query (what a client asks) -> question_of() -> struct question -> dialect -> upstream
 *
 * A question is a value, which may be changed before it is asked: other columns, fewer conditions,
 * another limit. A dialect (dialect/dialect.h) writes the request. Everything in a question is
 * borrowed, from the query where not said otherwise. Pure. */
#pragma once

#include "base/view.h"
#include "query/limits.h"
#include "query/output.h"

#include <stdint.h>

struct call;
struct columns;
struct conditions;
struct form_pair;
struct query;

/* The kind decides how a question is written, and the meaning of its answer. */
enum question_kind {
  QUESTION_RESULTS,      /* backlinks_new_lost in a known form: read and judged, may be stored */
  QUESTION_OPAQUE,       /* backlinks_new_lost in an unknown form: counted as upstream announces */
  QUESTION_OTHER,        /* another table: passed on untouched */
  QUESTION_SUBSCRIPTION, /* upstream's own count for the token, in either dialect; free */
  QUESTION_UNKNOWN,      /* with a body of unknown meaning: only upstream knows what it asks for and
                            costs; counted as upstream announces, never certain and never free */
  QUESTION_CALL,         /* GET of an endpoint of v3: judged, may be stored */
  QUESTION_CALL_OTHER,   /* another method there: passed on untouched */
};

struct question {
  enum question_kind kind;
  const struct query *query; /* whose question it is; NULL: rowcache's own */
  struct view table;  /* `from`; of a call its path behind "/v3/"; empty: a QUESTION_SUBSCRIPTION of
                         rowcache's own */
  struct view target; /* in its one spelling, or, if it has none, as it came; empty: none */
  struct view host;   /* query_target_host() */

  /* Of RESULTS and OPAQUE only: */
  struct view mode;
  const struct columns *select;    /* NULL: all columns */
  const struct conditions *where;  /* NULL: none */
  const struct conditions *having; /* NULL: none */
  const struct columns *order;     /* NULL: none */
  int64_t offset;
  enum query_output form; /* UNKNOWN with OPAQUE, and only then */
  struct view output;     /* of OPAQUE only: the unknown word as it came, if only empty */

  int64_t limit;     /* results; -1: of OTHER, what came is no number; of a call see struct call */
  bool states_limit; /* of OTHER: the limit is sent also where the client left it out */

  /* Sent as they are here: of RESULTS and OPAQUE those of unknown meaning, by name; of CALL those of
   * struct call; else all but the token as they came, in the client's order. */
  const struct form_pair *parameters[QUERY_PARAMETERS_MAX];
  size_t parameter_count;

  const struct call *call; /* of a query that is one: CALL, CALL_OTHER, perhaps SUBSCRIPTION */

  /* Of UNKNOWN and CALL_OTHER only, and borrowed from the caller: */
  struct view body, body_type; /* type empty: it came without */
  struct view method;          /* of CALL_OTHER only */
};

/* A body of unknown meaning; with a call, a method other than GET and HEAD, and its body, which may
 * be empty. */
struct question_body {
  struct view bytes, type;
  struct view method; /* counts with a call only */
};

/* The question that a query asks, with `body`, or without (NULL). */
struct question question_of(const struct query *query, const struct question_body *body);
/* The kind that it would have. */
enum question_kind question_kind_of(const struct query *query, bool has_body);

/* The question for upstream's own count for a token. */
struct question question_of_subscription(void);
