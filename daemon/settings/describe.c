/* The table as text. */
#include "settings/settings.h"

#include "base/text.h"

#define WIDTH 78
#define INDENT 6

static const struct line {
  const char *name, *initial, *help;
} lines[] = {
#define SETTING(section, key, type, field, initial, least, most, reload, help) \
  {#section "." #key, initial, help},
#include "tables/settings.def"
#undef SETTING
};

/* Appends words in lines of at most WIDTH columns. */
static void add_wrapped(struct text *out, const char *words) {
  struct view rest = view_of(words), word;
  size_t column = 0;
  while (view_split(&rest, ' ', &word)) {
    bool fits = column && column + 1 + word.length <= WIDTH;
    if (column && !fits)
      text_add_char(out, '\n');
    text_printf(out, "%*s%.*s", fits ? 1 : INDENT, "", VIEW_ARGS(word));
    column = (fits ? column + 1 : INDENT) + word.length;
  }
  text_add_char(out, '\n');
}

static size_t widest_name(void) {
  size_t widest = 0;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (strlen(lines[i].name) > widest)
      widest = strlen(lines[i].name);
  return widest;
}

void settings_describe(struct text *out) {
  int width = (int)widest_name();
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    text_printf(out, "  %-*s  %s\n", width, lines[i].name,
                lines[i].initial[0] ? lines[i].initial : "none");
    add_wrapped(out, lines[i].help);
  }
}
