#include "http/coding.h"

#include "base/num.h"

#define MOST 1000 /* thousandths: a weight of 1 */

/* A weight (RFC 9110 12.4.2) in thousandths; 0 if it is malformed. */
static int weight_of(struct view text) {
  int weight = 0, digit = MOST;
  if (!text.length || text.length > sizeof "0.000" - 1 || (text.length > 1 && text.at[1] != '.'))
    return 0;
  for (size_t i = 0; i < text.length; i += i ? 1 : 2, digit /= 10) {
    if (!num_is_digit(text.at[i]))
      return 0;
    weight += (text.at[i] - '0') * digit;
  }
  return weight <= MOST ? weight : 0;
}

/* The weight of an element's parameters: none is 1. */
static int parameters_weight(struct view parameters) {
  struct view name;
  parameters = view_trim(parameters);
  if (!view_split(&parameters, '=', &name) || !parameters.at || !num_same_word(name, VIEW("q")))
    return 0;
  return weight_of(parameters);
}

static void note(int *known, int weight) {
  if (*known < 0 || weight < *known)
    *known = weight;
}

static void add_element(struct coding *coding, struct view element) {
  struct view rest = element, name;
  if (!view_split(&rest, ';', &name))
    return;
  int weight = rest.at ? parameters_weight(rest) : MOST;
  name = view_trim(name);
  if (num_same_word(name, VIEW("gzip")) || num_same_word(name, VIEW("x-gzip")))
    note(&coding->gzip, weight);
  else if (num_same_word(name, VIEW("identity")))
    note(&coding->identity, weight);
  else if (view_is(name, "*"))
    note(&coding->any, weight);
}

void coding_add(struct coding *coding, struct view value) {
  struct view element;
  while (view_split(&value, ',', &element))
    add_element(coding, element);
}

bool coding_takes_gzip(const struct coding *coding) {
  int gzip = coding->gzip >= 0 ? coding->gzip : coding->any;
  return gzip > 0 && gzip >= coding->identity;
}
