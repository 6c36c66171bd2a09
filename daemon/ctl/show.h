/* Prints an answer to standard output: the last step of a command. */
#pragma once

#include "ctl/command.h"
#include "ctl/print.h"

/* Formats an answer for people. */
typedef void show_print(struct text *out, yajl_val answer);

/* Asks the daemon, and prints its answer: as JSON with --json, else by `print`. Blocks. */
enum ending show_remote(const struct command_call *call, const char *method, const char *path,
                        show_print *print, struct fault *fault);

/* The same for an answer that has arrived: `body` is JSON, followed by a NUL. */
enum ending show_answer(const struct command_call *call, struct view body, show_print *print,
                        struct fault *fault);

/* Prints JSON, or a part of it that ends outside its strings, as --json does. Blocks. */
bool show_json(struct view part, struct fault *fault) MUST_CHECK;
