/* rowcached's command line. */
#pragma once

#include "settings/settings.h"

struct options {
  const char *file; /* of -c; NULL: defaults only */
  struct settings_override *overrides;
  size_t override_count;
  bool check_only; /* -t */
};

/* Reads the arguments. False when there is nothing more to do (-h, -V, or wrong usage): the process
 * ends with `*status`. Prints. The options hold pointers into `argv`. */
bool options_read(int argc, char **argv, struct options *options, int *status) MUST_CHECK;
void options_release(struct options *options);
