/* rowcachectl: reads the options before the command, then runs the command. */
#include "ctl/command.h"
#include "ctl/print.h"

#include "base/dump.h"
#include "base/scope.h"
#include "base/visible.h"

#include <curl/curl.h>
#include <getopt.h>
#include <unistd.h>

#define USAGE "usage: rowcachectl [-c FILE] [-o section.key=value]... COMMAND\n"

/* The options before the command, which all commands share. */
struct common_options {
  const char *file; /* NULL: the defaults */
  struct settings_override *overrides;
  size_t override_count;
};

/* --- messages --- */

static void print_usage(FILE *out, const struct command *command) {
  fprintf(out, "  %s%s%s\n      %s\n", command->words, *command->usage ? " " : "", command->usage,
          command->help);
}

static void print_help(FILE *out) {
  fputs(USAGE "\n"
              "Inspects and administers rowcached.\n"
              "\n"
              "  -c FILE               read this configuration; without it " ROWCACHE_CONF "\n"
              "                        where that exists, else the defaults\n"
              "  -o section.key=value  override one key; may be repeated\n"
              "  -V                    print the version and exit\n"
              "  -h                    print this and exit\n"
              "\n"
              "commands:\n",
        out);
  for (const struct command *command = commands; command->words; command++)
    print_usage(out, command);
  fputs("  help [COMMAND]\n      prints this, or the usage of a command\n", out);
}

/* Prints the usage of all commands that begin with this word; returns their number. */
static int print_group(FILE *out, const char *word) {
  int count = 0;
  for (const struct command *command = commands; command->words; command++) {
    struct view words = view_of(command->words), first;
    if (!view_split(&words, ' ', &first) || !view_is(first, word))
      continue;
    print_usage(out, command);
    count++;
  }
  return count;
}

static enum ending unknown_command(char **argv) {
  if (!argv[0])
    fputs(USAGE "see rowcachectl help\n", stderr);
  else if (print_group(stderr, argv[0]) == 0)
    fprintf(stderr, "rowcachectl: there is no command '%s'; see rowcachectl help\n", argv[0]);
  return ENDING_MISUSED;
}

static enum ending help(char **argv) {
  if (!argv[0]) {
    print_help(stdout);
    return ENDING_GOOD;
  }
  return print_group(stdout, argv[0]) ? ENDING_GOOD : unknown_command(argv);
}

static void complain(const struct command *command, enum ending ending, const struct fault *fault) {
  if (ending == ENDING_GOOD)
    return;
  scope_text struct text safe = {0}; /* the text may quote the daemon */
  visible_add(&safe, view_of(fault->text));
  fprintf(stderr, "rowcachectl: %s: %s\n", command->words, text_string(&safe));
  if (ending == ENDING_MISUSED)
    print_usage(stderr, command);
}

/* --- options before the command --- */

static bool read_option(int option, struct common_options *options, enum ending *ending) {
  switch (option) {
  case 'c':
    options->file = optarg;
    return true;
  case 'o':
    options->overrides[options->override_count++] = (struct settings_override){optarg};
    return true;
  case 'V':
    puts("rowcachectl " ROWCACHE_VERSION);
    *ending = ENDING_GOOD;
    return false;
  case 'h':
    print_help(stdout);
    *ending = ENDING_GOOD;
    return false;
  default: /* getopt has printed a message */
    *ending = ENDING_MISUSED;
    return false;
  }
}

/* False: the process ends with `*ending`. */
static bool read_options(int argc, char **argv, struct common_options *options,
                         enum ending *ending) {
  static const struct option words[] = {
      {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
  int option;
  bool go_on = true;
  while (go_on && (option = getopt_long(argc, argv, "+c:o:Vh", words, NULL)) != -1)
    go_on = read_option(option, options, ending);
  if (go_on && !options->file && access(ROWCACHE_CONF, F_OK) == 0)
    options->file = ROWCACHE_CONF;
  return go_on;
}

/* --- the command --- */

static enum ending run(const struct command *command, struct command_call *call,
                       const struct common_options *options, struct fault *fault) {
  struct settings *settings = NULL;
  enum ending ending = ENDING_FAILED;
  if (settings_load(options->file, options->overrides, options->override_count, &settings, fault)) {
    call->settings = settings;
    ending = command->function(call, fault);
  }
  settings_release(&settings);
  return ending;
}

static enum ending dispatch(int argc, char **argv, const struct common_options *options) {
  int words;
  bool wants_help;
  struct command_call call = {.settings = NULL};
  struct fault fault = {0};
  if (argc > 0 && strcmp(argv[0], "help") == 0)
    return help(argv + 1);
  const struct command *command = command_find(argc, argv, &words);
  if (!command)
    return unknown_command(argv);
  enum ending ending = ENDING_MISUSED;
  if (command_read(command, argc - words + 1, argv + words - 1, &call, &wants_help, &fault)) {
    if (wants_help) {
      print_usage(stdout, command);
      return ENDING_GOOD;
    }
    ending = run(command, &call, options, &fault);
  }
  complain(command, ending, &fault);
  return ending;
}

int main(int argc, char **argv) {
  dump_forbid();
  /* There are no more overrides than arguments. */
  scope_free struct settings_override *overrides = calloc((size_t)argc + 1, sizeof *overrides);
  struct common_options options = {.overrides = overrides};
  enum ending ending = ENDING_FAILED;
  if (!overrides || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
    fputs("rowcachectl: no memory\n", stderr);
    return ENDING_FAILED;
  }
  if (read_options(argc, argv, &options, &ending))
    ending = dispatch(argc - optind, argv + optind, &options);
  curl_global_cleanup();
  return ending;
}
