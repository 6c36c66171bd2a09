/* Suggestions for misspelt names. Private to the settings room. Pure. */
#pragma once

#include "base/view.h"

/* The known key closest to the unknown name `given`; NULL if nothing is close. */
const char *nearest_key(struct view given);

/* The known section closest to the unknown name `given`; NULL if nothing is close. */
const char *nearest_section(struct view given);
