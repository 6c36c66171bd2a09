/* Ahrefs switched v2 off on 2025-11-01. What it answers since then is not documented. Pure; see
 * struct dialect. */
#pragma once

#include "dialect/dialect.h"

/* An error, by its status or with status 200, whose text says that the API is gone, or names
 * v3. */
bool v2_is_discontinued(const struct answer_evidence *evidence);
