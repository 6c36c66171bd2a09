/* A body that masks a secret in another body. Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"
#include "http/body.h"

/* Takes over `*inner` (NULL is allowed, and returned) and leaves NULL, also when there is no memory
 * (then returns NULL). `secret`: at most TOKEN_TEXT_MOST bytes, which the caller keeps as long as the
 * body; if it is empty, there is nothing to mask, and the inner body itself is returned. */
struct body *body_masked(struct body **inner, struct view secret) MUST_CHECK;
