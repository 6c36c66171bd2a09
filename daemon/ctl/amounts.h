/* Prints answers with amounts of two currencies, as tables, lines and CSV. Pure.
 *
 * The columns of kind PRINT_ROWS and PRINT_UNITS are shown if upstream charges in their currency
 * (the answer's member `currency`), or if an amount in one of them is not zero. Their headings
 * begin with "rows " and "units "; that of rows is left out where no column of units is shown.
 * Lines have it behind the amount. */
#pragma once

#include "ctl/print.h"

/* The array `list` of the answer, and its `total` if it has one. Nothing if there is no such
 * list. */
void amounts_table(struct text *out, const struct print_column *columns, size_t count,
                   yajl_val answer, const char *list);

/* The same without the total, so that a column can be summed. Always has the columns of rows. */
void amounts_csv(struct text *out, const struct print_column *columns, size_t count,
                 yajl_val answer, const char *list);

/* Lines of the answer itself. */
void amounts_lines(struct text *out, const struct print_column *columns, size_t count,
                   yajl_val answer);
