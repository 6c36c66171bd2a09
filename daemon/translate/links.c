#include "translate/links.h"

#include "base/num.h"
#include "translate/scalar.h"

#include <inttypes.h>
#include <stdio.h>

/* --- reading a link --- */

static bool refuse(struct fault *fault, const char *problem, enum mapping_source source) {
  return fault_set(fault, FAULT_UPSTREAM, "a row of upstream's answer %s '%.*s'", problem,
                   VIEW_ARGS(mapping_name(source)));
}

/* The members most likely come in the order in which they were selected. */
static int next_of(uint32_t sources, int source) {
  do
    source++;
  while (source < MAPPING_SOURCES && !(sources >> source & 1));
  return source;
}

bool links_read(const struct row *row, uint32_t sources, struct link *link, struct fault *fault) {
  int source = -1;
  *link = (struct link){0};
  for (size_t i = 0; i < row->count; i++) {
    source = (int)mapping_find(row->members[i].name, next_of(sources, source));
    if (source < MAPPING_SOURCES)
      link->values[source] = &row->members[i].value;
  }
  for (int i = 0; i < MAPPING_SOURCES; i++)
    if ((sources >> i & 1) && !link->values[i])
      return refuse(fault, "has no", (enum mapping_source)i);
  return true;
}

bool links_scalar(const struct link *link, enum mapping_source source, int64_t *scalar,
                  struct fault *fault) {
  return scalar_read(mapping_type(source), link->values[source], scalar) ||
         refuse(fault, "has a value of another form in", source);
}

bool links_day(const struct link *link, enum change change, bool *happened, int32_t *day,
               struct fault *fault) {
  enum mapping_source source = mapping_of(SCHEMA_date)->from[change];
  int64_t time;
  *happened = link->values[source]->kind != VALUE_NULL;
  if (!*happened)
    return true;
  if (!links_scalar(link, source, &time, fault))
    return false;
  *day = (int32_t)scalar_floor(time, SCALAR_DAY);
  return true;
}

/* --- values of v2, one function for each way --- */

struct made {
  enum change change;
  enum mapping_source source;
  const struct value *from;
  char *number; /* LINKS_NUMBER_SIZE */
  char *date;
};

/* `raw` is a text in quotes without escapes. */
static struct value text_value(struct view raw) {
  return (struct value){VALUE_STRING, raw, view_first(view_from(raw, 1), raw.length - 2)};
}

static struct value number_value(struct view raw) {
  return (struct value){VALUE_NUMBER, raw, raw};
}

struct value links_type(enum change change) {
  return text_value(change == CHANGE_NEW ? VIEW("\"new\"") : VIEW("\"lost\""));
}

static bool make_same(const struct made *made, struct value *out) {
  *out = *made->from;
  return true;
}

static bool make_rounded(const struct made *made, struct value *out) {
  int64_t rating;
  if (made->from->kind == VALUE_NULL)
    return make_same(made, out);
  if (!scalar_read(mapping_type(made->source), made->from, &rating))
    return false;
  snprintf(made->number, LINKS_NUMBER_SIZE, "%" PRId64,
           scalar_floor(rating + SCALAR_ONE / 2, SCALAR_ONE));
  *out = number_value(view_of(made->number));
  return true;
}

static bool make_or_zero(const struct made *made, struct value *out) {
  *out = made->from->kind == VALUE_NULL ? number_value(VIEW("0")) : *made->from;
  return true;
}

static bool make_or_empty(const struct made *made, struct value *out) {
  *out = made->from->kind == VALUE_NULL ? text_value(VIEW("\"\"")) : *made->from;
  return true;
}

static bool make_pagefound(const struct made *made, struct value *out) {
  bool is_so = made->from->kind == VALUE_STRING && view_is(made->from->text, "pagefound");
  *out = (struct value){is_so ? VALUE_TRUE : VALUE_FALSE, is_so ? VIEW("true") : VIEW("false"),
                        VIEW("")};
  return true;
}

static bool make_link_type(const struct made *made, struct value *out) {
  bool is_href =
      made->from->kind == VALUE_STRING && view_has_word(VIEW("text image"), made->from->text);
  *out = is_href ? text_value(VIEW("\"href\"")) : *made->from;
  return true;
}

static bool make_day(const struct made *made, struct value *out) {
  int64_t time;
  char date[NUM_DATE_SIZE];
  if (!scalar_read(ENDPOINT_TIME, made->from, &time))
    return false;
  num_print_date((int32_t)scalar_floor(time, SCALAR_DAY), date);
  snprintf(made->date, sizeof((struct link_row *)0)->date, "\"%s\"", date);
  *out = text_value(view_of(made->date));
  return true;
}

static bool make_type(const struct made *made, struct value *out) {
  *out = links_type(made->change);
  return true;
}

/* v3 does not know when the page was visited before. */
static bool make_never(const struct made *made, struct value *out) {
  (void)made;
  *out = text_value(VIEW("\"1970-01-01T00:00:00Z\""));
  return true;
}

static bool (*const ways[])(const struct made *made, struct value *out) = {
    [WAY_SAME] = make_same,
    [WAY_ROUNDED] = make_rounded,
    [WAY_OR_ZERO] = make_or_zero,
    [WAY_OR_EMPTY] = make_or_empty,
    [WAY_PAGEFOUND] = make_pagefound,
    [WAY_LINK_TYPE] = make_link_type,
    [WAY_DAY] = make_day,
    [WAY_TYPE] = make_type,
    [WAY_NEVER] = make_never,
};

bool links_make(const struct link *link, enum change change, uint32_t columns, struct link_row *out,
                struct fault *fault) {
  for (unsigned i = 0; i < SCHEMA_COLUMNS; i++) {
    const struct mapping *mapping = mapping_of(i);
    enum mapping_source source = mapping->from[change];
    struct made made = {change, source, link->values[source], out->rounded[i], out->date};
    if ((columns >> i & 1) && !ways[mapping->way](&made, &out->row.values[i]))
      return refuse(fault, "has a value of another form in", source);
  }
  return true;
}
