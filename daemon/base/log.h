/* One event, one line, to standard error.
 *
 * A line is `level event key=value ...`; under systemd (JOURNAL_STREAM set) the level also stands
 * as the journal's <N> prefix. Values are quoted where they hold a space, and what cannot be seen
 * is escaped (base/visible.h), so that no input can forge a line. No value is ever a token. A line
 * goes out in one write(2).
 *
 * Between log_start() and log_stop() a thread writes, out of a buffer of LOG_BUFFER_SIZE bytes, and
 * no caller waits for standard error: a pipe that nobody reads, a slow journal. Lines that find no
 * room are dropped and counted; `log_dropped lines=N` stands in their place once half of the buffer
 * is free. The last to be dropped are errors and what is about money. Before and after that, a line
 * is written by its caller, who waits as long as standard error does. (A thread, since O_NONBLOCK
 * would be set for all processes that share the pipe.) */
#pragma once

#include "base/check.h"
#include "base/fault.h"

#define LOG_BUFFER_SIZE ((size_t)256 * 1024)

enum log_level {
  LOG_LEVEL_ERROR,
  LOG_LEVEL_WARNING,
  LOG_LEVEL_INFO,
  LOG_LEVEL_MINOR, /* shown as "info"; the first to be dropped: requests that spent nothing */
};

enum log_event {
#define EVENT(name, levels, meaning) EVENT_##name,
#include "tables/events.def"
#undef EVENT
};

/* Logs one line: the level, the name of the event, and `format`, "key=%s ..." with LOG_VALUE() around
 * every text from outside. Any thread, but no signal handler. */
void log_event(enum log_level level, enum log_event event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Starts the thread that writes. From now on, what is buffered is also written when the process
 * dies of a signal such as SIGSEGV or SIGABRT (not SIGKILL), unless somebody else handles that. No
 * fork() without exec() while it runs. From the main thread. */
bool log_start(struct fault *fault) MUST_CHECK;
/* Writes what is buffered and ends the thread. Blocks; gives up, and loses the rest, when no line
 * has gone out for `seconds`. Does nothing where log_start() failed. From the main
 * thread. */
void log_stop(int seconds);

#define LOG_VALUE_SIZE 600
/* `value` made safe for a line, cut to LOG_VALUE_SIZE; returns `out`. NULL prints as "-". */
const char *log_value(const char *value, char out[LOG_VALUE_SIZE]);
#define LOG_VALUE(value) log_value((value), (char[LOG_VALUE_SIZE]){0})

#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
