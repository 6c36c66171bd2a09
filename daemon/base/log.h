/* One event, one line, to standard error.
 *
 * A line is `level event key=value ...`; under systemd (JOURNAL_STREAM set) the level also stands
 * as the journal's <N> prefix. Values are quoted where they hold a space, and control characters
 * are escaped, so that no input can forge a line. No value is ever a token. A line goes out in one
 * write(2). Any thread; blocks as long as standard error does. */
#pragma once

#include "base/check.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* `event` is a short fixed word; `format` makes the rest: "key=%s" with LOG_VALUE() around what
 * came from outside. */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#define LOG_VALUE_SIZE 600
/* `value` made safe for a line, cut to LOG_VALUE_SIZE; returns `out`. NULL prints as "-". */
const char *log_value(const char *value, char out[LOG_VALUE_SIZE]);
#define LOG_VALUE(value) log_value((value), (char[LOG_VALUE_SIZE]){0})

#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
