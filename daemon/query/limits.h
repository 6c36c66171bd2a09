/* Limits on one request. A request beyond a limit is refused where that is noted; otherwise that
 * part of the query is kept as the text it is. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define QUERY_BYTES_MAX ((size_t)1024 * 1024) /* of the query string, and of the body; refused */
#define QUERY_PARAMETERS_MAX 64               /* refused */
#define QUERY_NAME_MAX 64                     /* bytes of a parameter's name; refused */
#define QUERY_LIMIT_MAX INT64_C(5000000)      /* results (reference, "Request"); refused */
#define QUERY_OFFSET_MAX INT64_C(1000000000000000) /* refused */
#define QUERY_CONDITIONS_MAX 256                   /* in `where`, and in `having`; kept as text */
#define QUERY_COLUMNS_MAX 256 /* in `select`, and in `order_by`; kept as text */
#define QUERY_HOST_MAX 253    /* characters of a host (RFC 1035 2.3.4); kept */
#define QUERY_LABEL_MAX 63    /* of one label of it; kept as text */
#define QUERY_IDN_MAX 1024    /* bytes of a host before conversion; kept as text */

#define QUERY_LIMIT_DEFAULT 1000 /* results, if `limit` is absent (reference, "Request") */
