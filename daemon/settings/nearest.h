/* Which right name a wrong one may have been meant for. Of the settings room only. Pure. */
#pragma once

#include "base/view.h"

/* The name of the table's key nearest to `given`, which is none; NULL: none is near. */
const char *nearest_key(struct view given);

/* The same for a section. */
const char *nearest_section(struct view given);
