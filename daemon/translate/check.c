#include "query/form.h"
#include "query/query.h"
#include "translate/conditions.h"
#include "translate/streams.h"
#include "translate/translate.h"

static bool refuse(struct fault *fault, const char *what, struct view value, const char *why) {
  return fault_set(fault, FAULT_UNTRANSLATABLE, "Ahrefs API v3 cannot be asked for %s '%s': %s",
                   what, FORM_SHOWN(value), why);
}

static bool check_parameters(const struct query *query, struct fault *fault) {
  const struct form_pair *rest[QUERY_PARAMETERS_MAX];
  if (query_rest(query, rest) > 0)
    return refuse(fault, "the parameter", rest[0]->name,
                  "its meaning is not known, and v3 ignores what it does not know");
  return true;
}

bool translate_check(const struct query *query, struct fault *fault) {
  enum query_output output = query_output(query);
  if (query_table(query) != QUERY_BACKLINKS_NEW_LOST)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "Ahrefs API v3 cannot be asked for this table: of v2's, only "
                     "backlinks_new_lost is translated");
  if (query_mode(query) == QUERY_MODE_UNKNOWN)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "Ahrefs API v3 cannot be asked in this mode: use exact, domain, subdomains or "
                     "prefix");
  if (output != QUERY_JSON && output != QUERY_PHP)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "how v2 laid out its rows in this output is not documented: use json or php");
  if (query_limit(query) == 0)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "what v2 meant by limit=0 is not documented: give a limit, or leave it out");
  return check_parameters(query, fault) && conditions_check(query, fault) &&
         streams_check(query, fault);
}

struct translate_price translate_price(const struct query *query) {
  struct streams streams = streams_of(query, conditions_changes(query));
  int64_t end = query_offset(query) + query_limit(query);
  struct translate_price price = {0, 0};
  for (size_t i = 0; i < streams.count; i++) {
    int64_t cost = mapping_price(streams.items[i].sources);
    int64_t rows = end * streams_in_phase(&streams, streams.items[i].phase);
    price.row_cost = cost > price.row_cost ? cost : price.row_cost;
    price.rows = rows > price.rows ? rows : price.rows;
  }
  return price;
}
