/* Assertions that stay in release builds.
 *
 * They state what this program itself promises: an invariant, an order of calls. They never judge
 * input: bad input from the network, a file or a database is refused with a fault. */
#pragma once

/* Prints the broken invariant to standard error and ends the process with SIGABRT. Any thread. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

#define CHECK(condition)                            \
  do {                                              \
    if (!(condition))                               \
      check_failed(__FILE__, __LINE__, #condition); \
  } while (0)

/* The compiler warns if a caller ignores the result. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument) \
  __attribute__((format(printf, format_index, first_argument)))
