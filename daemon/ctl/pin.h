/* The public key of a certificate, in the form that libcurl pins. */
#pragma once

#include "base/fault.h"
#include "base/text.h"

/* Appends "sha256//BASE64" (CURLOPT_PINNEDPUBLICKEY) of the first certificate in `file` (PEM), the
 * value of `key`. Blocks on the disk. */
bool pin_read(const char *key, const char *file, struct text *out, struct fault *fault) MUST_CHECK;
