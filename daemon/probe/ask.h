/* What check-upstream asks, one request after the other. Pure.
 *
 * Calls are for a free target, with a limit up to which it is free. Rows that an answer has shown
 * are asked for again, each pinned by the very value that it has, under a condition whose reading is
 * not known: it comes or it does not. A control asks for the same row without that condition. */
#pragma once

#include "base/text.h"
#include "probe/reading.h"

struct query;
struct translation;

/* In this order. The first calls cost the least, should the targets not be free. */
enum ask {
  ASK_ACCOUNT, /* of the token or key; not a call, and the only one under v2 */
  ASK_CANARY,  /* one row of one column; with the nonce, so that upstream's own cache has it not */
  ASK_COLUMNS, /* a column that does not exist: the error lists those that do */
  ASK_SAMPLE,  /* all columns of the mapping that the plan has */
  ASK_PAGE,    /* the first page to which a query of v2 is translated */
  ASK_LOST,    /* lost links */
  ASK_EMPTY,
  ASK_SINCE_CONTROL, /* the link that was lost the latest in its day */
  ASK_SINCE_EARLY,   /* since its day, the one that was lost the earliest in its day */
  ASK_SINCE_LATE,    /* the same of the one that was lost the latest */
  ASK_SINCE_NEXT,    /* that one, since the day after */
  ASK_DAY_CONTROL,   /* the link that was found the earliest in its day */
  ASK_DAY_FROM,      /* the same, from its day on */
  ASK_DAY_BEFORE,    /* the one that was found the latest in its day, from the day after on */
  ASK_DAY_TO,        /* the earliest behind midnight, up to its day */
  ASK_NULLS_UP,
  ASK_NULLS_DOWN,
  ASK_SECOND_UP, /* a second column of order_by, up and down */
  ASK_SECOND_DOWN,
  ASK_TIES, /* the same order twice, with other columns */
  ASK_TIES_AGAIN,
  ASK_CASE_CONTROL, /* a link whose anchor has letters, by its anchor */
  ASK_EQ,           /* by its anchor in the other case */
  ASK_SUBSTRING,
  ASK_ISUBSTRING,
  ASK_PHRASE_CONTROL,
  ASK_PHRASE,
  ASKS
};

#define ASK_TARGET "ahrefs.com"
#define ASK_ENDPOINT "site-explorer/all-backlinks"
#define ASK_ROWS 100 /* up to so many are free */

/* What a call follows on. */
struct ask_sources {
  const struct reading *readings; /* ASKS of them */
  const char *nonce;              /* letters and digits that no request had before */
  int32_t today;                  /* day since 1970-01-01, UTC */
};

/* Appends the parameters of a call (not of ASK_ACCOUNT), encoded. False: the readings have no rows
 * that it could ask about. */
bool ask_write(enum ask ask, const struct ask_sources *sources, struct text *out) MUST_CHECK;

/* The query of v2 whose first page ASK_PAGE asks for, and its translation. */
struct ask_translation {
  struct query *query, *page;
  struct translation *translation;
};
/* Fills `made`, which the caller gives up in any case. False: there is no page. */
bool ask_translate(int32_t today, struct ask_translation *made) MUST_CHECK;
void ask_end_translation(struct ask_translation *made);

/* The columns of v3 that the translation of v2 queries uses. Ends with NULL. */
extern const char *const ask_mapping[];
/* True if the error that lists the columns lists this one, or lists none. */
bool ask_has_column(const struct reading readings[ASKS], const char *column);

/* Rows of the samples that others ask about; -1: there is none. */
int64_t ask_earliest(const struct reading *sample, const char *column, bool behind_midnight);
int64_t ask_latest(const struct reading *sample, const char *column);
/* A row whose anchor has a letter in it, and can be asked for. */
int64_t ask_lettered(const struct reading *sample);
