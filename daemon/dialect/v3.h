/* Ahrefs API v3 as a dialect. Source: the reference page of v3.
 *
 *   v3_price         the price list
 *   v3_request       the URL, the key, and a body
 *   v3_answer        the headers, the body, and the meaning of an answer
 *   v3_error         errors, in both their shapes
 *   v3_subscription  limits-and-usage: upstream's own count for a key */
#pragma once

#include "dialect/dialect.h"

extern const struct dialect dialect_v3;
