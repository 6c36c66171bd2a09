#include "dialect/v2.h"

#include "dialect/v2_answer.h"
#include "dialect/v2_notice.h"
#include "dialect/v2_price.h"
#include "dialect/v2_request.h"
#include "dialect/v2_subscription.h"

const struct dialect dialect_v2 = {
    .currency = CURRENCY_ROWS,
    .charges_columns = false,
    .translates = false,
    .paces = false,
    .price = v2_price,
    .write = v2_write,
    .shape = v2_shape,
    .header = v2_header,
    .quote = v2_quote,
    .judge = v2_judge,
    .read_subscription = v2_read_subscription,
    .judge_token = v2_judge_token,
    .is_discontinued = v2_is_discontinued,
};
