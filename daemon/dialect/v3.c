#include "dialect/v3.h"

#include "dialect/v3_answer.h"
#include "dialect/v3_price.h"
#include "dialect/v3_request.h"
#include "dialect/v3_subscription.h"

const struct dialect dialect_v3 = {
    .currency = CURRENCY_UNITS,
    .charges_columns = true,
    .translates = true,
    .paces = true,
    .price = v3_price,
    .write = v3_write,
    .shape = v3_shape,
    .header = v3_header,
    .quote = v3_quote,
    .judge = v3_judge,
    .read_subscription = v3_read_subscription,
    .judge_token = v3_judge_token,
};
