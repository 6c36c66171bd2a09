#include "derive/pattern.h"

#include "base/num.h"
#include "derive/letters.h"

#include <stdint.h>

/* A nondeterministic automaton in one word: bit j of its states says that the first j characters of
 * the pattern may have been read. */
#define PATTERN_MOST 63

struct pattern {
  uint64_t same[128];      /* by small ASCII character: bit j: it is the pattern's j-th */
  uint64_t letters, signs; /* bit j: the pattern's j-th is a letter; is neither letter nor digit */
  uint64_t whole;          /* the bit of the end */
};

static void compile(struct pattern *pattern, struct view text) {
  *pattern = (struct pattern){.whole = UINT64_C(1) << text.length};
  for (size_t j = 0; j < text.length; j++) {
    char small = num_lower(text.at[j]);
    pattern->same[(unsigned char)small] |= UINT64_C(1) << j;
    if (num_is_alpha(small))
      pattern->letters |= UINT64_C(1) << j;
    else if (!num_is_digit(small))
      pattern->signs |= UINT64_C(1) << j;
  }
}

static uint64_t over_signs(const struct pattern *pattern, uint64_t states) {
  for (uint64_t before = 0; before != states;) {
    before = states;
    states |= (states & pattern->signs) << 1;
  }
  return states;
}

/* The states after a character that is not DOUBTFUL. */
static uint64_t step(const struct pattern *pattern, uint64_t states, uint32_t character,
                     enum letter class_) {
  uint64_t one = (states & pattern->letters) << 1;
  switch (class_) {
  case LETTER_ASCII:
    return (states & pattern->same[(unsigned char)num_lower((char)character)]) << 1;
  case LETTER_LATIN:
    return one | (one & pattern->letters) << 1;
  case LETTER_SIGN:
    return over_signs(pattern, states);
  case LETTER_FOREIGN:
  case LETTER_DOUBTFUL:
    break;
  }
  return 0;
}

static bool may_occur(struct view part, struct view text) {
  struct pattern pattern;
  compile(&pattern, part);
  uint64_t states = 1;
  uint32_t character;
  enum letter class_;
  while (letters_take(&text, &character, &class_)) {
    if (class_ == LETTER_DOUBTFUL)
      return true;
    states = step(&pattern, states, character, class_) | 1;
    if (states & pattern.whole)
      return true;
  }
  return false;
}

/* A long pattern occurs only if each part of it does. */
bool pattern_may_occur(struct view pattern, struct view text) {
  while (pattern.length > 0) {
    if (!may_occur(view_first(pattern, PATTERN_MOST), text))
      return false;
    pattern = view_from(pattern, PATTERN_MOST);
  }
  return true;
}

/* Of a long pattern, the beginning. */
bool pattern_may_equal(struct view whole, struct view text) {
  bool is_cut = whole.length > PATTERN_MOST;
  struct pattern pattern;
  compile(&pattern, view_first(whole, PATTERN_MOST));
  uint64_t states = 1;
  uint32_t character;
  enum letter class_;
  while (letters_take(&text, &character, &class_)) {
    if (class_ == LETTER_DOUBTFUL)
      return true;
    states = step(&pattern, states, character, class_);
    if (is_cut && (states & pattern.whole))
      return true;
  }
  return (states & pattern.whole) != 0;
}
