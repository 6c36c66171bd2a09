#include "query/wish.h"

#include "base/num.h"

/* Whole seconds, clamped. A quoted string counts as its content. */
static bool read_seconds(struct view text, int64_t *seconds) {
  bool quoted = text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"';
  if (quoted)
    text = (struct view){text.at + 1, text.length - 2};
  int64_t sum = 0;
  size_t digits = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (quoted && text.at[i] == '\\' && i + 1 < text.length)
      i++;
    if (!num_is_digit(text.at[i]))
      return false;
    sum = sum * 10 + (text.at[i] - '0');
    if (sum > WISH_SECONDS_MAX)
      sum = WISH_SECONDS_MAX;
    digits++;
  }
  *seconds = sum;
  return digits > 0;
}

static int64_t lesser(int64_t a, int64_t b) {
  return a == WISH_ABSENT || b < a ? b : a;
}

static void wish_no_cache(struct wish *wish, struct view argument) {
  (void)argument;
  wish->no_cache = true;
}

static void wish_no_store(struct wish *wish, struct view argument) {
  (void)argument;
  wish->no_store = true;
}

static void wish_only_if_cached(struct wish *wish, struct view argument) {
  (void)argument;
  wish->only_if_cached = true;
}

static void wish_max_age(struct wish *wish, struct view argument) {
  int64_t seconds;
  if (!read_seconds(argument, &seconds))
    seconds = 0;
  wish->max_age = lesser(wish->max_age, seconds);
}

static void wish_min_fresh(struct wish *wish, struct view argument) {
  int64_t seconds;
  if (read_seconds(argument, &seconds) && seconds > wish->min_fresh)
    wish->min_fresh = seconds;
}

static void wish_max_stale(struct wish *wish, struct view argument) {
  int64_t seconds = WISH_ANY;
  if (!argument.at || read_seconds(argument, &seconds))
    wish->max_stale = lesser(wish->max_stale, seconds);
}

static const struct {
  struct view name;
  void (*apply)(struct wish *wish, struct view argument); /* argument.at NULL: none was given */
} directives[] = {
    {VIEW("no-cache"), wish_no_cache},   {VIEW("no-store"), wish_no_store},
    {VIEW("max-age"), wish_max_age},     {VIEW("min-fresh"), wish_min_fresh},
    {VIEW("max-stale"), wish_max_stale}, {VIEW("only-if-cached"), wish_only_if_cached},
};

static void apply(struct wish *wish, struct view directive) {
  struct view name, argument = directive;
  if (!view_split(&argument, '=', &name))
    return;
  if (argument.at)
    argument = view_trim(argument);
  name = view_trim(name);
  for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
    if (num_same_word(directives[i].name, name))
      directives[i].apply(wish, argument);
}

/* The length of the first element of the list: up to a comma outside quotes. */
static size_t element(struct view list) {
  bool quoted = false;
  for (size_t i = 0; i < list.length; i++) {
    if (list.at[i] == ',' && !quoted)
      return i;
    if (list.at[i] == '"')
      quoted = !quoted;
    else if (list.at[i] == '\\' && quoted)
      i++;
  }
  return list.length;
}

void wish_parse(struct wish *wish, struct view header_value) {
  while (header_value.length) {
    size_t length = element(header_value);
    apply(wish, view_first(header_value, length));
    header_value = view_from(header_value, length + 1);
  }
}

void wish_forgo(struct wish *wish) {
  wish->no_cache = wish->no_store = false;
  wish->max_age = wish->min_fresh = WISH_ABSENT;
}
