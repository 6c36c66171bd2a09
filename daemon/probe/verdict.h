/* What the answers to check-upstream's requests say, in words. Pure. */
#pragma once

#include "dialect/dialect.h"
#include "probe/ask.h"

/* What is found out: tables/probes.def. */
enum probe {
#define PROBE(name, word, api, need, statement) PROBE_##name,
#include "tables/probes.def"
#undef PROBE
  PROBES
};

struct probe_row {
  const char *word, *statement;
  enum { PROBE_ANY, PROBE_V2, PROBE_V3 } api; /* where it is a question */
  enum { PROBE_OPEN, PROBE_REQUIRED } need;
};
extern const struct probe_row probe_rows[PROBES];

struct verdict_facts {
  struct reading readings[ASKS];
  enum dialect_token standing; /* of the token or key */
  bool has_account;            /* and: */
  struct dialect_subscription account;
  int32_t today;        /* day since 1970-01-01, UTC */
  int64_t max_rows;     /* upstream.max_rows */
  bool is_tls;          /* upstream.url is https */
  bool is_exposed;      /* settings_upstream_is_exposed() */
  bool is_discontinued; /* by upstream's word */
  const char *why;      /* why the run ended before its end */
};

struct verdict {
  enum verdict_kind { VERDICT_YES, VERDICT_NO, VERDICT_UNCLEAR, VERDICT_UNASKED } kind;
  char words[FAULT_TEXT_SIZE];
};

/* Whether the statement of a probe holds. */
struct verdict verdict_of(enum probe probe, const struct verdict_facts *facts);
/* True if the name of a plan says that it is not paid for: its free targets are not free. */
bool verdict_is_free_plan(const struct verdict_facts *facts);
