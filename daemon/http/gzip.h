/* A body, or a text, as gzip (RFC 9110 8.4.1.3). */
#pragma once

#include "base/check.h"
#include "base/text.h"
#include "http/body.h"

#include <stdint.h>

/* Bytes of a body's own, at most, with which it is worth while to know the length of its gzip
 * before the head goes out. */
#define GZIP_SHORT ((int64_t)64 * 1024)

/* A body that gives `*inner` as gzip. Before it asks to wait, or breaks as the inner body does, it
 * gives all that came so far, so that a client can unpack it. Takes over `*inner` and leaves NULL,
 * even if it returns NULL (no memory). `length`: of `*inner` in bytes; negative: not known. Reading
 * takes memory once it begins, 117 KiB in all for a long body, until the inner body has ended. */
struct body *gzip_body(struct body **inner, int64_t length) MUST_CHECK;
/* Compresses what is left of a gzip_body() at once. True: `out`, which is empty, has it, and nothing
 * is left. False: it would have had to wait, or broke, and can be read as before. To be called
 * before the first read. Blocks as the inner body does. */
bool gzip_take_all(struct body *body, struct text *out) MUST_CHECK;

/* Appends `bytes` as gzip. The text fails without memory, or at its limit. */
void gzip_text(struct view bytes, struct text *out);
