/* Ahrefs API v2 as a dialect. Source: the reference page of v2.
 *
 *   v2_price         the price list
 *   v2_request       the URL, and a body
 *   v2_answer        the headers, the body, and the meaning of an answer
 *   v2_notice        upstream says that v2 is discontinued
 *   v2_subscription  subscription_info: upstream's own count for a token */
#pragma once

#include "dialect/dialect.h"

extern const struct dialect dialect_v2;
