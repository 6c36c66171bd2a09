/* The price list of v3 (v3's reference, "Price"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

#define V3_LEAST UNITS(50) /* a request that is charged costs no less */

/* A call of an endpoint in the table costs, for each row, the sum of the columns that it names
 * anywhere. A name that the table does not know counts as the dearest column, and a text that is
 * not understood as every column that it may name; the price is then estimated. The price of
 * anything else is not known, and estimated as tariff.other_units.
 *
 * The price of a query of v2 is that of the pages that answer it, if no row of them is dropped and
 * none is cut: an estimate, as each page has a price of its own. */
struct tariff v3_price(const struct settings *settings, const struct question *question);

/* The rows that upstream is asked for in a call of an endpoint in the table; -1: as the call has
 * it, which is no number. */
int64_t v3_limit(const struct settings *settings, const struct call *call);
