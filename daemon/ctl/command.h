/* rowcachectl's commands: one function each, named in tables/commands.def. */
#pragma once

#include "base/fault.h"
#include "settings/settings.h"

/* OPTION(field, word): the options of commands; -c and -o come before the command. */
#define COMMAND_TEXT_OPTIONS(OPTION) \
  OPTION(by, "by")                   \
  OPTION(since, "since")             \
  OPTION(until, "until")             \
  OPTION(limit, "limit")             \
  OPTION(target, "target")           \
  OPTION(key, "key")                 \
  OPTION(older_than, "older-than")   \
  OPTION(budget, "budget")           \
  OPTION(per, "per")                 \
  OPTION(spent, "spent")             \
  OPTION(token, "token")             \
  OPTION(token_file, "token-file")   \
  OPTION(unknown, "unknown")         \
  OPTION(day, "day")                 \
  OPTION(reason, "reason")
#define COMMAND_FLAG_OPTIONS(OPTION) \
  OPTION(all, "all")                 \
  OPTION(csv, "csv")                 \
  OPTION(json, "json")

#define COMMAND_ARGUMENTS 2 /* the most that any command takes */

struct command;

/* A command with its arguments and options. */
struct command_call {
  const struct settings *settings;
  const struct command *command;
  const char *arguments[COMMAND_ARGUMENTS];   /* as many as the command takes */
#define FIELD(field, word) const char *field; /* NULL: not given */
  COMMAND_TEXT_OPTIONS(FIELD)
#undef FIELD
#define FIELD(field, word) bool field;
  COMMAND_FLAG_OPTIONS(FIELD)
#undef FIELD
};

/* The exit status. */
enum ending { ENDING_GOOD = 0, ENDING_FAILED = 1, ENDING_MISUSED = 2, ENDING_LIMITED = 3 };

/* Prints to standard output. Sets `fault` unless the ending is good. */
typedef enum ending command_function(const struct command_call *call, struct fault *fault);

struct command {
  const char *words;
  command_function *function;
  int arguments;
  const char *options, *usage, *help;
};

/* Ends with a command whose words are NULL. */
extern const struct command commands[];

/* The command whose words begin `argv`, or NULL; `*count`: the number of these words. Pure. */
const struct command *command_find(int argc, char **argv, int *count);
/* Reads the command's own arguments and options; argv[0] is its last word. On failure `fault` is
 * about them. Uses getopt. */
bool command_read(const struct command *command, int argc, char **argv, struct command_call *call,
                  bool *wants_help, struct fault *fault) MUST_CHECK;

#define COMMAND(function, words, arguments, options, usage, help) \
  command_function command_##function;
#include "tables/commands.def"
#undef COMMAND
