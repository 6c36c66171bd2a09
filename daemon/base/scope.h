/* Locals that clean up after themselves at the end of their scope, and the way to hand one on. */
#pragma once

#include <stdlib.h>

static inline void scope_free_(void *address) {
  free(*(void **)address);
}

/* `scope_free char *line = NULL;`: free(line) whichever way the scope is left. */
#define scope_free __attribute__((cleanup(scope_free_)))

/* `return steal(line);`: the value leaves, and the scope's clean-up finds NULL. */
#define steal(pointer)                       \
  __extension__({                            \
    __typeof__(pointer) stolen_ = (pointer); \
    (pointer) = NULL;                        \
    stolen_;                                 \
  })
