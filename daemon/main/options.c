#include "main/options.h"

#include "base/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE_STATUS 2

static void print_help(void) {
  scope_text struct text keys = {0};
  puts("usage: rowcached [-c FILE] [-o section.key=value]... [-t] [-V] [-h]\n"
       "\n"
       "Answers Ahrefs API v2 from a local cache and forwards what it has not got.\n"
       "Stays in the foreground and logs to standard error.\n"
       "\n"
       "  -c FILE               read this configuration; without it the defaults hold\n"
       "  -o section.key=value  override one key; may be repeated\n"
       "  -t                    check the configuration and exit: 0 good, 1 not\n"
       "  -V                    print the version and exit\n"
       "  -h                    print this and exit\n"
       "\n"
       "keys:");
  settings_describe(&keys);
  fputs(text_string(&keys), stdout);
}

static void add_override(struct options *options, const char *text) {
  options->overrides[options->override_count++] = (struct settings_override){text};
}

bool options_read(int argc, char **argv, struct options *options, int *status) {
  *options = (struct options){0};
  *status = 0;
  /* No more overrides than arguments. */
  options->overrides = calloc((size_t)argc + 1, sizeof *options->overrides);
  if (!options->overrides) {
    fputs("rowcached: out of memory\n", stderr);
    *status = 1;
    return false;
  }
  bool go_on = true;
  int option;
  while (go_on && (option = getopt(argc, argv, "c:o:tVh")) != -1) {
    switch (option) {
    case 'c':
      options->file = optarg;
      break;
    case 'o':
      add_override(options, optarg);
      break;
    case 't':
      options->check_only = true;
      break;
    case 'V':
      puts("rowcached " ROWCACHE_VERSION);
      go_on = false;
      break;
    case 'h':
      print_help();
      go_on = false;
      break;
    default:
      *status = USAGE_STATUS;
      go_on = false;
    }
  }
  if (go_on && optind < argc) {
    fprintf(stderr, "rowcached: '%s': no argument is expected; see rowcached -h\n", argv[optind]);
    *status = USAGE_STATUS;
    go_on = false;
  }
  if (!go_on)
    options_release(options);
  return go_on;
}

void options_release(struct options *options) {
  free(options->overrides);
  options->overrides = NULL;
}
