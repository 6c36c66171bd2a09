#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...) {
  if (!fault)
    return false;
  fault->kind = kind;
  fault->retry_after = 0;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fault->text, sizeof fault->text, format, arguments);
  va_end(arguments);
  return false;
}

bool fault_no_memory(struct fault *fault) {
  return fault_set(fault, FAULT_INTERNAL, "out of memory");
}

unsigned fault_status(enum fault_kind kind) {
  static const unsigned statuses[] = {
#define FAULT(name, status, help) [FAULT_##name] = status,
#include "tables/faults.def"
#undef FAULT
  };
  CHECK(kind < FAULT_KINDS);
  return statuses[kind];
}
