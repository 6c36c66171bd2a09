/* Numbers with a fraction, as text. Pure. Only for the files of derive. */
#pragma once

#include "base/view.h"
#include "derive/truth.h"

/* True if `text` is a number from 0 to 9999 with at most two digits behind the point, which every
 * type that upstream may hold it in tells apart from every other such number. */
bool decimal_is(struct view text);

/* The relation of two such numbers. UNKNOWN: they are equal, and no binary fraction, so that they
 * may differ by how upstream rounds them. */
enum order decimal_order(struct view a, struct view b);
