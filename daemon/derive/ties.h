/* Rows in their order, of which some may stand in another order in another answer. Pure. Only for
 * the files of derive, and its tests.
 *
 * Upstream has sorted them by a call's `order_by`. Rows with equal keys may stand in another order
 * for each question, and whether a second column counts is not known. So two neighbours keep their
 * places only if the first column certainly tells them apart, or if the client sees the same bytes
 * of both. */
#pragma once

#include "base/check.h"
#include "base/digest.h"
#include "query/columns.h"
#include "query/endpoint.h"
#include "rows/value.h"

struct ties;

/* `by` (a call's order; without items nothing tells rows apart) and `endpoint` must outlive it.
 * NULL: no memory. */
struct ties *ties_create(const struct columns *by, const struct endpoint *endpoint) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void ties_release(struct ties **ties);

/* The relation of a row to the last one that was kept. */
enum tie {
  TIE_NONE, /* certainly behind it */
  TIE_SAME, /* perhaps in its place, and nobody can tell the two apart */
  TIE_OPEN  /* perhaps before it */
};
/* `shown`: of what the client sees of the row. NONE if none was kept. */
enum tie ties_find(const struct ties *ties, const struct row *row, const struct digest *shown);

/* Keeps a row as the last one. False: no memory. */
bool ties_keep(struct ties *ties, const struct row *row, const struct digest *shown) MUST_CHECK;
