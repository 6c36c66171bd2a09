/* The end of a command: an answer, in the form that was asked for, to standard output. */
#pragma once

#include "ctl/command.h"
#include "ctl/print.h"

/* Asks the daemon, and prints its answer: as JSON with --json, else by `print`. */
typedef void show_print(struct text *out, yajl_val answer);
enum ending show_remote(const struct command_call *call, const char *method, const char *path,
                        show_print *print, struct fault *fault);

/* Prints an answer that is there already. `body` is a text of JSON. */
enum ending show_answer(const struct command_call *call, struct view body, show_print *print,
                        struct fault *fault);
