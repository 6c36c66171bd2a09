/* Writes each event as one line to standard error.
 *
 * A line is `level event key=value ...`. Under systemd (JOURNAL_STREAM set) the level also comes
 * first as the journal's <N> prefix. Values with a space are quoted, and invisible characters are
 * escaped (base/visible.h), so that no input can forge a line. No value is ever a token. One
 * write(2) writes a line.
 *
 * Between log_start() and log_stop() a thread writes the lines from a buffer of LOG_BUFFER_SIZE
 * bytes, and no caller waits for standard error (a pipe without a reader, a slow journal). Lines
 * without room are dropped and counted; once half of the buffer is free, `log_dropped lines=N` is
 * written in their place. Errors and lines about money are dropped last. Before log_start() and
 * after log_stop() the caller writes its line itself, and waits as long as standard error does.
 * (O_NONBLOCK instead of a thread would hold for all processes that share the pipe.) */
#pragma once

#include "base/check.h"
#include "base/fault.h"

#define LOG_BUFFER_SIZE ((size_t)256 * 1024)

enum log_level {
  LOG_LEVEL_ERROR,
  LOG_LEVEL_WARNING,
  LOG_LEVEL_INFO,
  LOG_LEVEL_MINOR, /* shown as "info", dropped first: requests that spent nothing */
};

enum log_event {
#define EVENT(name, levels, meaning) EVENT_##name,
#include "tables/events.def"
#undef EVENT
};

/* Logs one line: the level, the name of the event, and `format`, "key=%s ..." with LOG_VALUE()
 * around every text from outside. Any thread; not in a signal handler. */
void log_event(enum log_level level, enum log_event event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Starts the writing thread. From now on a crash of the process (SIGSEGV, SIGABRT and the like, not
 * SIGKILL) also writes the buffered lines, unless another handler is installed. No fork() without
 * exec() while the thread runs. From the main thread. */
bool log_start(struct fault *fault) MUST_CHECK;
/* Writes the buffered lines and ends the thread. Blocks; gives up, and loses the rest, if no line
 * could be written for `seconds`. Does nothing if log_start() failed. From the main thread. */
void log_stop(int seconds);

#define LOG_VALUE_SIZE 600
/* Makes `value` safe for a line and cuts it to LOG_VALUE_SIZE; returns `out`. NULL prints as
 * "-". */
const char *log_value(const char *value, char out[LOG_VALUE_SIZE]);
#define LOG_VALUE(value) log_value((value), (char[LOG_VALUE_SIZE]){0})

#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
