/* The requests of v2 (reference, "Request"). Pure; see struct dialect. */
#pragma once

#include "base/text.h"

/* Appends the URL to ask: `base` (upstream.url) with `args`, the encoded parameters. */
void v2_url(struct view base, struct view args, struct text *url);
