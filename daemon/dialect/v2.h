/* How Ahrefs API v2 speaks: what is sent, and what an answer means. Pure.
 *
 * Another dialect (v3) will be a second file with these functions; nothing else knows a member's or
 * a header's name. Source: the reference page of v2, "Request", "Answer", "Price". */
#pragma once

#include "base/money.h"
#include "base/text.h"
#include "dialect/answer.h"
#include "dialect/location.h"

/* Appends the URL to ask: `base` (upstream.url) with `args`, the encoded parameters. */
void v2_url(struct view base, struct view args, struct text *url);

/* One header of the answer, as "Name: value" without the line's end: noted in `head` where it
 * matters. */
void v2_header(struct view line, struct answer_head *head);

/* The most results that one answer can have (reference, "Request"). A count above it is nonsense.
 */
#define V2_RESULTS_MOST INT64_C(5000000)

/* The same, where it is a Location: what may be shown of it (dialect/location.h). */
void v2_location(struct view line, struct view token, char location[LOCATION_SIZE]);

/* Whether a status is that of a redirect (RFC 9110 15.4): no answer, and never followed. */
bool v2_is_redirect(unsigned status);

/* What subscription_info tells (reference, "Answer"). */
struct v2_account {
  struct rows left, limit;
};
/* `body`: a whole answer to subscription_info, which the reader has found sound. FAULT_UPSTREAM
 * where it does not hold both numbers, as whole rows or with one decimal. */
bool v2_read_account(struct view body, struct v2_account *account, struct fault *fault) MUST_CHECK;

/* What an answer to a plain subscription_info says of the token that it was asked with. Upstream
 * accepts it: the answer was read. It refuses it: the answer is an error, which comes with status
 * 200 (reference, "Answer"). Any other status is of something on the way, such as a proxy or a
 * limit, and a page that is no JSON is no answer: they say neither. */
bool v2_accepts_token(const struct answer_head *head, const struct answer_verdict *verdict);
bool v2_refuses_token(const struct answer_head *head, const struct answer_verdict *verdict);

/* What an answer means, and what it costs. Results are charged as they are returned, whatever was
 * asked for (reference, "Price"): what was read to its end costs what stands in it; what was not,
 * at the most what was announced, has come, or was asked for, whichever is known and greatest. */
struct answer_verdict v2_judge(const struct answer_evidence *evidence);
