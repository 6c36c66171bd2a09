/* A body that makes another answer of the rows of an inner body: other columns, another form. */
#pragma once

#include "base/check.h"
#include "http/body.h"
#include "rows/writer.h"

struct body_rows_order {
  const struct reader_shape *shape; /* of the inner body; lives as long as the body */
  int64_t max_depth;                /* of nesting in it: reader_create() */
  struct rows_recipe recipe;        /* copied */
  const struct writer_form *form;
  int64_t count;       /* of the rows of the answer; -1: not known, which a form may forbid */
  const char *request; /* X-Request-Id, for the log; the caller keeps it as long as the body */
};

/* Takes over `*inner` and leaves NULL, even if it returns NULL (no memory, or `*inner` was NULL).
 * The caller releases the body. If the answer cannot be made, reading gives BODY_BROKEN, and the
 * log has the reason. Reading blocks as the inner body does. */
struct body *body_rows(struct body **inner, const struct body_rows_order *order) MUST_CHECK;
