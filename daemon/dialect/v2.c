#include "dialect/v2.h"

#include "dialect/v2_answer.h"
#include "dialect/v2_subscription.h"

const struct dialect dialect_v2 = {
    .shape = v2_shape,
    .header = v2_header,
    .judge = v2_judge,
    .read_subscription = v2_read_subscription,
    .judge_token = v2_judge_token,
};
