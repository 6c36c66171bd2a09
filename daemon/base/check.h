/* Assertions that stay in release builds.
 *
 * They state what this program itself promises (an invariant, an order of calls). They never judge
 * input: what comes from the network, a file or a database is refused with a fault instead. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      fprintf(stderr, "rowcache: broken invariant at %s:%d: %s\n", __FILE__, __LINE__, \
              #condition);                                                             \
      abort();                                                                         \
    }                                                                                  \
  } while (0)

/* The compiler complains when nobody looks at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument) \
  __attribute__((format(printf, format_index, first_argument)))
