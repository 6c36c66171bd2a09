/* Adds up what the queries of `rowcachectl warm` came to, and writes it. Pure. */
#pragma once

#include "base/json.h"
#include "observe/outcome.h"

/* One query. */
struct tally_query {
  int64_t line;         /* its number in the file */
  enum outcome outcome; /* OUTCOME_ERROR: it failed */
  long status;          /* HTTP; 0: it was not asked, or not answered */
  bool has_spent;       /* something is known of its cost: */
  bool is_exact;        /* `spent` is the true cost; else the most that it can be */
  struct amount spent;
  struct view error; /* of one that failed */
};

/* Begins as {0}, but for the limit and the currency of the amounts. */
struct tally {
  int64_t asked, hits, misses, failed; /* asked: the sum of the others */
  int64_t unknown;                     /* queries of which the true cost is not known */
  struct amount spent;
  bool has_limit;
  struct amount limit;
};

/* The query's amount must have the tally's currency. */
void tally_add(struct tally *tally, const struct tally_query *query);

/* What is left of the limit, which there must be; not negative. */
struct amount tally_left(const struct tally *tally);

/* Appends a line for people: "line 3: miss, 201.0 rows; 799.0 left". */
void tally_show(const struct tally *tally, const struct tally_query *query, struct text *out);

/* Writes an element of a list. */
void tally_write_query(const struct tally_query *query, struct json *json);
/* Writes the sums, as members. */
void tally_write(const struct tally *tally, struct json *json);
