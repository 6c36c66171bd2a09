/* Locals that free themselves at the end of their scope, and a way to pass one on. */
#pragma once

#include <stdlib.h>

static inline void scope_free_(void *address) {
  free(*(void **)address);
}

/* `scope_free char *line = NULL;` calls free(line) at the end of the scope. */
#define scope_free __attribute__((cleanup(scope_free_)))

/* `return steal(line);` returns the value and leaves NULL for the clean-up. */
#define steal(pointer)                       \
  __extension__({                            \
    __typeof__(pointer) stolen_ = (pointer); \
    (pointer) = NULL;                        \
    stolen_;                                 \
  })
