/* From a row of v3, a link, to v2's row of one of its changes. Pure. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "rows/value.h"
#include "translate/mapping.h"

/* A link: its values by v3's column, NULL where the row has none. They point into the row. */
struct link {
  const struct value *values[MAPPING_SOURCES];
};

/* Fills `link`. False (FAULT_UPSTREAM): the row lacks one of `sources`. */
bool links_read(const struct row *row, uint32_t sources, struct link *link,
                struct fault *fault) MUST_CHECK;

/* Fills *scalar (translate/scalar.h) from a column of the link. False (FAULT_UPSTREAM): it is null,
 * or not of the column's type. */
bool links_scalar(const struct link *link, enum mapping_source source, int64_t *scalar,
                  struct fault *fault) MUST_CHECK;

/* The day of a change. *happened is false: the link has none, as it is live. */
bool links_day(const struct link *link, enum change change, bool *happened, int32_t *day,
               struct fault *fault) MUST_CHECK;

#define LINKS_NUMBER_SIZE 24

/* v2's row. Begins as {0}; its values point into the link's row and into itself. */
struct link_row {
  struct row row; /* only its values */
  char date[20];  /* in quotes */
  char rounded[SCHEMA_COLUMNS][LINKS_NUMBER_SIZE];
};

/* Fills the values of `columns`, a set of schema_bit(). False (FAULT_UPSTREAM): one cannot be made
 * of what the link has. */
bool links_make(const struct link *link, enum change change, uint32_t columns, struct link_row *out,
                struct fault *fault) MUST_CHECK;

/* The value of `type` in rows of a change. */
struct value links_type(enum change change);
