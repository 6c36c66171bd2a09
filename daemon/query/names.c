#include "query/names.h"

#include "base/num.h"

struct words {
  const struct view *items;
  size_t count;
};
#define WORDS(list)                  \
  (struct words) {                   \
    list, sizeof list / sizeof *list \
  }

static const struct view of_query[] = {
    VIEW("token"),  VIEW("from"),     VIEW("target"), VIEW("mode"),   VIEW("select"), VIEW("where"),
    VIEW("having"), VIEW("order_by"), VIEW("limit"),  VIEW("offset"), VIEW("output"),
};
static const struct view of_call[] = {
    VIEW("token"),   VIEW("target"),   VIEW("mode"),    VIEW("select"),
    VIEW("where"),   VIEW("order_by"), VIEW("limit"),   VIEW("aggregation"),
    VIEW("history"), VIEW("protocol"), VIEW("timeout"), VIEW("output"),
};

/* Two letters beyond ASCII are case variants of ASCII letters: the Kelvin sign and the long s. */
static const struct {
  struct view letter;
  char plain;
} letters[] = {{VIEW("\xe2\x84\xaa"), 'k'}, {VIEW("\xc5\xbf"), 's'}};

/* Takes the next letter off `rest` (not empty), in lower case. */
static char take_letter(struct view *rest) {
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    if (view_starts(*rest, letters[i].letter)) {
      *rest = view_from(*rest, letters[i].letter.length);
      return letters[i].plain;
    }
  char c = num_lower(rest->at[0]);
  *rest = view_from(*rest, 1);
  return c;
}

static bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

static struct view skip_invisible(struct view text) {
  for (struct view rest = text; rest.length; text = rest)
    if (is_visible(take_letter(&rest)))
      break;
  return text;
}

/* As PHP does (main/php_variables.c). */
static char variable_char(char c) {
  return c == '.' || c == ' ' || c == '[' ? '_' : c;
}

/* True if `text` is `word`, apart from case and from invisible characters at its ends. `is_name`:
 * also apart from the characters that PHP turns into `_`. */
static bool is_like(struct view text, struct view word, bool is_name) {
  text = skip_invisible(text);
  for (size_t i = 0; i < word.length; i++) {
    if (!text.length)
      return false;
    char c = take_letter(&text);
    if ((is_name ? variable_char(c) : c) != word.at[i])
      return false;
  }
  return skip_invisible(text).length == 0;
}

bool names_is_nearly(struct view text, struct view word) {
  return !view_equal(text, word) && is_like(text, word, false);
}

static bool is_taken_for(struct view name, struct view word) {
  const char *bracket = memchr(name.at, '[', name.length);
  struct view before = bracket ? view_first(name, (size_t)(bracket - name.at)) : name;
  return is_like(name, word, true) || is_like(before, word, true);
}

static bool check(struct view name, struct words words, struct fault *fault) {
  for (size_t i = 0; i < words.count; i++)
    if (view_equal(name, words.items[i]))
      return true;
  for (size_t i = 0; name.length && i < words.count; i++)
    if (is_taken_for(name, words.items[i]))
      return fault_set(fault, FAULT_MALFORMED,
                       "a parameter's name is nearly '%.*s', and upstream may take it for that: "
                       "write '%.*s'",
                       VIEW_ARGS(words.items[i]), VIEW_ARGS(words.items[i]));
  return true;
}

bool names_check(struct view name, struct fault *fault) {
  return check(name, WORDS(of_query), fault);
}

bool names_check_call(struct view name, struct fault *fault) {
  return check(name, WORDS(of_call), fault);
}
