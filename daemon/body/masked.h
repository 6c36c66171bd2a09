/* A body that masks a secret in another body. Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"
#include "http/body.h"

/* Takes over `*inner` and leaves NULL, even if it returns NULL (no memory; or `*inner` was NULL).
 * `secret`: at most TOKEN_TEXT_MOST bytes, which the caller keeps as long as the body. If it is
 * empty, the inner body itself is returned. */
struct body *body_masked(struct body **inner, struct view secret) MUST_CHECK;
