/* Collects one element of an answer's array of rows while its bytes come, in any split. Only for the
 * files of rows. Pure.
 *
 *     begin  { name  value }*  end
 *            pause  resume            between two pieces, anywhere
 *
 * An element that lies in one piece is not copied. A position is the number of bytes from the
 * beginning of the element's part in the present piece to the end of the token just read. */
#pragma once

#include "base/check.h"
#include "rows/value.h"

struct element;

/* NULL: no memory. */
struct element *element_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void element_release(struct element **element);

/* Begins with an opening brace in this piece, at `position` in the answer. */
void element_begin(struct element *element, struct view piece, int64_t position);
/* The piece ends; `part` is what the element has of it. */
void element_pause(struct element *element, struct view part);
void element_resume(struct element *element, struct view piece);

/* `name` and `text` are what the tokens decode to; they need not live longer than the call. */
void element_name(struct element *element, struct view name, size_t position);
void element_value(struct element *element, enum value_kind kind, struct view text,
                   size_t position);

/* The element has ended; `part` is what it has of this piece. Its row holds until the next call;
 * NULL: it cannot be read as a row. */
const struct row *element_end(struct element *element, struct view part);

/* Elements cannot be read as rows any more. Keeps the first reason, a constant. */
void element_refuse(struct element *element, const char *why);
/* The reason; NULL: none so far. */
const char *element_fault(const struct element *element);
