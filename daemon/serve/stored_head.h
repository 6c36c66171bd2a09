/* The headers of an answer from the store that follow from the stored result alone: for a reply that
 * is made for one request (serve/stored.c), and for one that many requests share (serve/ready.c).
 * Pure. */
#pragma once

#include "cache/cache.h"
#include "query/output.h"

struct stored_facts {
  const struct cache_entry *entry;
  const char *cache_status;   /* the header's value */
  int64_t age;                /* seconds since upstream answered; less than 0 is shown as 0 */
  const struct amount *spent; /* what the request has spent; NULL: not known */
  struct amount saved;
  enum query_output output; /* the form that was asked for */
  bool is_call;             /* of the v3 front */
  bool is_gzip;             /* the client gets gzip */
  bool not_modified;        /* 304: the client has the bytes, and what was said of them */
};

#define STORED_LINES 12

struct stored_head {
  size_t count;
  struct stored_line {
    const char *name; /* a constant */
    char value[CACHE_CONTENT_TYPE_SIZE];
  } lines[STORED_LINES];
};

/* Fills `head`. */
void stored_head(const struct stored_facts *facts, struct stored_head *head);
