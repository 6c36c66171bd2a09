/* The requests of v3 (v3's reference, "Requests"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

/* Only calls and QUESTION_SUBSCRIPTION can be asked: FAULT_INTERNAL for anything else. */
bool v3_write(const struct question *question, const struct settings *settings, struct view token,
              struct dialect_request *request, struct fault *fault) MUST_CHECK;
