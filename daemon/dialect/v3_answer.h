/* The answers of v3 (v3's reference, "Price" and "Errors and limits"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

/* A number in a header above this is nonsense, which must not reach the account. */
#define V3_NUMBER_MOST INT64_C(1000000000000)

/* A call in JSON is read, and so is the account of a key. Answers in other forms, and those to
 * other methods, are judged by the framing of HTTP alone. */
const struct reader_shape *v3_shape(const struct question *question);

/* A value that is no whole number is as good as absent. Of two the greater counts. */
void v3_header(struct view name, struct view value, struct answer_head *head);

struct answer_cost v3_quote(const struct answer_evidence *evidence);

/* The charge is what the head says, be it more than was reserved. If the head does not say it, an
 * answer with status 200 costs at most what was reserved, and any other nothing. An error in an
 * answer with status 200 is a refusal, in whatever form the answer was asked for; a web page in
 * place of a form that is not read is broken. */
struct answer_verdict v3_judge(const struct answer_evidence *evidence);
