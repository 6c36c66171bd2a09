#include "ctl/command.h"

#include <getopt.h>
#include <stddef.h>

const struct command commands[] = {
#define COMMAND(function, words, arguments, options, usage, help) \
  {words, command_##function, arguments, options, usage, help},
#include "tables/commands.def"
#undef COMMAND
    {.words = NULL},
};

/* The number of words of `argv` that name the command; 0: they name another one. */
static int match_words(const struct command *command, int argc, char **argv) {
  struct view words = view_of(command->words), word;
  int count = 0;
  while (view_split(&words, ' ', &word)) {
    if (count == argc || !view_is(word, argv[count]))
      return 0;
    count++;
  }
  return count;
}

const struct command *command_find(int argc, char **argv, int *count) {
  for (const struct command *command = commands; command->words; command++)
    if ((*count = match_words(command, argc, argv)) > 0)
      return command;
  return NULL;
}

/* --- options --- */

static const struct {
  const char *word;
  bool is_flag;
  size_t offset;
} known_options[] = {
#define OPTION(field, word) {word, false, offsetof(struct command_call, field)},
    COMMAND_TEXT_OPTIONS(OPTION)
#undef OPTION
#define OPTION(field, word) {word, true, offsetof(struct command_call, field)},
        COMMAND_FLAG_OPTIONS(OPTION)
#undef OPTION
};
#define OPTIONS ((int)(sizeof known_options / sizeof *known_options))

#define HELP_VALUE OPTIONS

/* Lists the options that the command takes, so that getopt refuses the others. The last is empty. */
static void list_options(const struct command *command, struct option *list) {
  for (int i = 0; i < OPTIONS; i++)
    if (view_has_word(view_of(command->options), view_of(known_options[i].word)))
      *list++ =
          (struct option){known_options[i].word,
                          known_options[i].is_flag ? no_argument : required_argument, NULL, i};
  *list++ = (struct option){"help", no_argument, NULL, HELP_VALUE};
  *list = (struct option){0};
}

/* Refuses an option that is given twice with different values. */
static bool set_option(int index, struct command_call *call, struct fault *fault) {
  char *field = (char *)call + known_options[index].offset;
  if (known_options[index].is_flag) {
    *(bool *)field = true;
    return true;
  }
  const char **text = (const char **)field;
  if (*text && strcmp(*text, optarg) != 0)
    return fault_set(fault, FAULT_MALFORMED, "--%s is given twice", known_options[index].word);
  *text = optarg;
  return true;
}

static bool read_options(int argc, char **argv, const struct option *list,
                         struct command_call *call, bool *wants_help, struct fault *fault) {
  int value;
  optind = 0; /* restarts getopt, for another argv */
  opterr = 0;
  while ((value = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
    if (value == ':')
      return fault_set(fault, FAULT_MALFORMED, "'%.200s' needs a value", argv[optind - 1]);
    if (value == '?') /* the text after '=' may be a token */
      return fault_set(fault, FAULT_MALFORMED, "'%.*s' is no option of this command",
                       (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
    if (value == 'h' || value == HELP_VALUE)
      *wants_help = true;
    else if (!set_option(value, call, fault))
      return false;
  }
  return true;
}

bool command_read(const struct command *command, int argc, char **argv, struct command_call *call,
                  bool *wants_help, struct fault *fault) {
  struct option list[OPTIONS + 2];
  *wants_help = false;
  list_options(command, list);
  if (!read_options(argc, argv, list, call, wants_help, fault))
    return false;
  int given = argc - optind;
  call->command = command;
  for (int i = 0; i < given && i < command->arguments; i++)
    call->arguments[i] = argv[optind + i];
  if (*wants_help || given == command->arguments)
    return true;
  /* The fault does not repeat them: one of them may be a token. */
  return fault_set(fault, FAULT_MALFORMED, "'%s' takes %d argument%s, and %d came", command->words,
                   command->arguments, command->arguments == 1 ? "" : "s", given);
}
