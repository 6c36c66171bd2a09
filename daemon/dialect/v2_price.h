/* The price list of v2 (reference, "Price"), with the amounts of the configuration. Pure; see
 * struct dialect. */
#pragma once

#include "dialect/dialect.h"

struct tariff v2_price(const struct settings *settings, const struct question *question);
