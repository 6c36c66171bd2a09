/* rowcached's command line. */
#pragma once

#include "settings/settings.h"

struct options {
  const char *file; /* of -c; NULL: defaults only */
  struct settings_override *overrides;
  size_t override_count;
  bool check_only; /* -t */
};

/* Reads the arguments, and prints for -h, -V and wrong usage. False: the process ends with
 * `*status`. True: the caller releases `options`, which point into `argv`. */
bool options_read(int argc, char **argv, struct options *options, int *status) MUST_CHECK;
/* Frees the overrides. */
void options_release(struct options *options);
