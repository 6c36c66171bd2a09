/* The requests of v2 (reference, "Request"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

bool v2_write(const struct question *question, const struct settings *settings, struct view token,
              struct dialect_request *request, struct fault *fault) MUST_CHECK;
