/* The steps of a translated request; only for the files of translated.
 *
 *   translated.c         its life, its end, the loop
 *   translated_cap.c     the cap of the plan
 *   translated_ask.c     the next page, from the store or from upstream
 *   translated_read.c    a page's bytes, and what became of it
 *   translated_answer.c  the answer
 *
 * One thread at a time has a request (paid/queue.h). */
#pragma once

#include "paid/life.h"

#include "base/text.h"
#include "http/body.h"
#include "query/query.h"
#include "translate/translate.h"

/* Pages that were asked for again: another request's page was refused, or a smaller one may do. */
#define TRANSLATED_TRIES_MOST 8
/* A page with fewer rows is not worth what it costs: it is hardly ever all there is. */
#define TRANSLATED_LESS_LEAST 25
#define TRANSLATED_PIECE ((size_t)16 * 1024) /* bytes that are read at a time */

enum translated_step {
  TRANSLATED_CAP,
  TRANSLATED_CHOOSE,
  TRANSLATED_READ,
  TRANSLATED_ANSWER,
  TRANSLATED_OVER
};

struct translated {
  struct queue_job job; /* first */
  struct paid *paid;
  struct settings *settings;       /* one reference */
  struct query *query;             /* what is translated, without a token */
  struct translation *translation; /* of `query` */
  int64_t row_cost;                /* units for one row of a page */
  char *token;                     /* owned, wiped */
  int64_t fresh;                   /* seconds: an older page is asked for again; -1: each page is */
  bool store;

  enum translated_step step;
  size_t counted;        /* bytes of `translation`, among those of the desk */
  int64_t affordable;    /* rows of the next page at most; -1: no bound */
  bool has_asked_less;   /* a smaller page was tried */
  unsigned tries, asked; /* pages that reserved or tried to */

  /* The present page. */
  struct query *page;
  struct flight *flight; /* one reference; NULL: it is stored */
  bool leads;            /* this request began `flight` */
  bool doubts;           /* its own clients seemed to have gone while it waited for `flight` */
  struct flight_reader *reader; /* of `flight`, until `body` reads it */
  struct body *body;            /* its bytes */
  bool is_read;                 /* they are rows, not an error */
  struct amount price;          /* if it is stored: what it cost; likewise: */
  int64_t stored_at;
  struct fault fault; /* the rows cannot be used: the page is read to its end all the same */

  /* All pages so far. */
  struct amount spent, once;
  bool is_known, is_booked, has_asked;
  bool is_masked;      /* one of them may have had another client's token in it */
  int64_t answered_at; /* of the oldest page; 0: none yet */
  size_t fed;          /* bytes of the answer */
};

/* Each step goes on with the request, and sets the next step. False: it waits for a call. */
typedef bool translated_function(struct translated *self);
translated_function translated_find_cap, translated_choose, translated_read,
    translated_write_answer;

/* Ends the flight with this verdict; returns true. */
bool translated_end(struct translated *self, const struct answer_verdict *verdict);
/* Ends it as broken, for this reason; returns true. */
bool translated_fail(struct translated *self, const struct fault *fault);
/* Ends it as refused by rowcache itself, as a request of one page would be; returns true. */
bool translated_refuse(struct translated *self, const struct fault *fault);
/* What is known of the plan's cap, the configured one included. */
struct cap translated_known_cap(const struct translated *self);
/* What it has cost so far. */
struct answer_cost translated_cost(const struct translated *self);

/* Calls the request from any thread: the `wake` of flight_join(). */
void translated_wake(void *context);
/* What all orders on its behalf have in common. All that it points to is borrowed. */
struct paid_order translated_order(struct translated *self, const struct question *question,
                                   const char *id);
/* The page is read from the flight of `*reader`, which it takes over. */
void translated_read_flight(struct translated *self, struct flight_reader **reader, bool leads);
/* Leaves the present page's flight or stored result. */
void translated_leave_page(struct translated *self);
