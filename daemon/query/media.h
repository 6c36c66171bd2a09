/* What a request's header fields say of its body (RFC 9110 8.3, 8.4). Pure. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

enum media {
  MEDIA_FORM,      /* application/x-www-form-urlencoded, with any parameters */
  MEDIA_OTHER,     /* another type, or none */
  MEDIA_MALFORMED, /* no media type: recipients may read it in different ways */
};

/* The kind of `value`, a Content-Type (any bytes; empty: the field is absent). */
enum media media_of(struct view value);

/* The fields that describe a body. */
struct media_fields {
  struct view type;   /* Content-Type: the first one; empty: absent */
  size_t types;       /* how many Content-Types there are */
  struct view coding; /* Content-Encoding; empty: absent */
};

/* Decides whether a body is a form, and sets *is_form. FAULT_MALFORMED: upstream may see another
 * type than rowcache, as the Content-Type is malformed or there are several. FAULT_BODY_UNKNOWN:
 * the body is encoded. */
bool media_judge(const struct media_fields *fields, bool *is_form, struct fault *fault) MUST_CHECK;
