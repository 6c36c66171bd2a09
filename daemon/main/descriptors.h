/* The limit of open files of the process. */
#pragma once

#include <stdint.h>

/* Raises the soft limit (getrlimit(2)) so that `connections` clients fit beside `others`
 * descriptors, as far as the hard limit permits. Returns how many clients fit, 1 to `connections`:
 * where that is fewer, a warning says so. Once, at the start. */
int64_t descriptors_make_room(int64_t connections, int64_t others);
