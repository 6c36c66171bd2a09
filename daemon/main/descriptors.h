/* The limit of open files of the process. */
#pragma once

#include <stdint.h>

/* Raises the soft limit (getrlimit(2)) for `connections` clients beside `others` descriptors, as
 * far as the hard limit permits. Returns the number of clients that fit, 1 to `connections`; logs a
 * warning if that is fewer. Call it once, at the start. */
int64_t descriptors_make_room(int64_t connections, int64_t others);
