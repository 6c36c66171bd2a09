/* Builds a checked snapshot from text.
 *
 * The steps are the table's defaults, the pairs of the text, the overrides, the default that
 * depends on another key, and the rules for the whole (rules.c); each ends at its first fault. The
 * parsers of the user's values also read defaults and bounds, so a mistake in the table fails every
 * test. */
#include "settings/settings.h"

#include "base/num.h"
#include "base/text.h"
#include "settings/build.h"
#include "settings/nearest.h"
#include "settings/pairs.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum type {
  TYPE_LIST,
  TYPE_TEXT,
  TYPE_INTEGER,
  TYPE_DURATION,
  TYPE_SIZE,
  TYPE_ROWS,
  TYPE_UNITS,
  TYPE_CHOICE,
  TYPES
};

enum reload { RELOAD_NOW, RELOAD_RESTART };

struct declaration {
  const char *section, *key;
  const char *name; /* section.key */
  enum type type;
  enum reload reload;
  size_t offset; /* of the field in struct settings */
  const char *initial, *least, *most;
};

static const struct declaration declarations[KEYS] = {
#define SETTING(section, key, type, field, initial, least, most, reload, help) \
  {#section,                                                                   \
   #key,                                                                       \
   #section "." #key,                                                          \
   TYPE_##type,                                                                \
   RELOAD_##reload,                                                            \
   offsetof(struct settings, field),                                           \
   initial,                                                                    \
   least,                                                                      \
   most},
#include "tables/settings.def"
#undef SETTING
};

bool build_refuse(const struct build *build, enum key key, struct fault *fault, const char *format,
                  ...) {
  char what[FAULT_TEXT_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  const char *name = declarations[key].name;
  int from = build->from[key];
  if (from > 0)
    return fault_set(fault, FAULT_MALFORMED, "%s:%d: %s: %s", build->name, from, name, what);
  return fault_set(fault, FAULT_MALFORMED, "%s %s: %s",
                   from == FROM_OVERRIDE ? "-o" : "the default of", name, what);
}

static bool read_rows(struct view text, int64_t *tenths) {
  struct rows rows;
  if (!rows_parse(text, &rows))
    return false;
  *tenths = rows.tenths;
  return true;
}

/* The differences between the numeric types; `advice` continues "write a whole number". */
static const struct numeric {
  bool (*read)(struct view text, int64_t *value);
  const char *noun, *advice;
} numerics[TYPES] = {
    [TYPE_INTEGER] = {num_integer, "whole number", ", such as 64"},
    [TYPE_DURATION] = {num_duration, "duration", " and one of s, m, h, d, such as 24h"},
    [TYPE_SIZE] = {num_size, "size", " and one of B, KiB, MiB, GiB, TiB, such as 64MiB"},
    [TYPE_ROWS] = {read_rows, "number of rows", ", or one with one decimal, such as 0.2"},
    [TYPE_UNITS] = {num_integer, "number of units", ", such as 5000"},
};

static bool set_number(const struct build *build, enum key key, struct view value,
                       struct fault *fault) {
  const struct declaration *declared = &declarations[key];
  const struct numeric *numeric = &numerics[declared->type];
  struct view shown = view_first(value, SHOWN);
  int64_t number, least, most;
  if (!numeric->read(value, &number))
    return build_refuse(build, key, fault, "'%.*s' is no %s; write a whole number%s",
                        VIEW_ARGS(shown), numeric->noun, numeric->advice);
  if (!numeric->read(view_of(declared->least), &least) ||
      !numeric->read(view_of(declared->most), &most))
    return fault_set(fault, FAULT_INTERNAL, "tables/settings.def: %s: broken bounds",
                     declared->name);
  if (number < least)
    return build_refuse(build, key, fault, "'%.*s' is less than the least, %s", VIEW_ARGS(shown),
                        declared->least);
  if (number > most)
    return build_refuse(build, key, fault, "'%.*s' is more than the most, %s", VIEW_ARGS(shown),
                        declared->most);
  /* struct rows and struct units have the layout of their one member. */
  *(int64_t *)((char *)build->settings + declared->offset) = number;
  return true;
}

static const struct choice_word {
  enum key key;
  enum choice choice;
  const char *word;
} choice_words[] = {
#define CHOICE(field, name, word) {KEY_##field, name, word},
#include "tables/choices.def"
#undef CHOICE
};
#define CHOICE_WORDS (sizeof choice_words / sizeof *choice_words)

/* "'a', 'b'" */
static void list_words(enum key key, struct text *out) {
  for (size_t i = 0; i < CHOICE_WORDS; i++)
    if (choice_words[i].key == key)
      text_printf(out, "%s'%s'", out->length ? ", " : "", choice_words[i].word);
}

static bool set_choice(const struct build *build, enum key key, struct view value,
                       struct fault *fault) {
  struct view shown = view_first(value, SHOWN);
  scope_text struct text words = {0};
  for (size_t i = 0; i < CHOICE_WORDS; i++)
    if (choice_words[i].key == key && view_is(value, choice_words[i].word)) {
      *(enum choice *)((char *)build->settings + declarations[key].offset) = choice_words[i].choice;
      return true;
    }
  list_words(key, &words);
  return build_refuse(build, key, fault, "'%.*s' is none of %s", VIEW_ARGS(shown),
                      text_string(&words));
}

static char **text_field(struct settings *settings, enum key key) {
  return (char **)((char *)settings + declarations[key].offset);
}

static bool set_text(const struct build *build, enum key key, struct view value,
                     struct fault *fault) {
  char *copy = strndup(value.at, value.length);
  if (!copy)
    return fault_no_memory(fault);
  char **field = text_field(build->settings, key);
  free(*field);
  *field = copy;
  return true;
}

static struct settings_list *list_field(struct settings *settings, enum key key) {
  return (struct settings_list *)((char *)settings + declarations[key].offset);
}

static void list_clear(struct settings_list *list) {
  for (size_t i = 0; i < list->count; i++)
    free(list->items[i]);
  free(list->items);
  *list = (struct settings_list){0};
}

static bool list_add(struct settings_list *list, struct view item, struct fault *fault) {
  char **grown = reallocarray(list->items, list->count + 1, sizeof *grown);
  if (!grown)
    return fault_no_memory(fault);
  list->items = grown;
  grown[list->count] = strndup(item.at, item.length);
  if (!grown[list->count])
    return fault_no_memory(fault);
  list->count++;
  return true;
}

/* A comma at the end is allowed: it is natural if the list continues in the next line. */
static bool extend_list(const struct build *build, enum key key, struct view value,
                        struct fault *fault) {
  struct settings_list *list = list_field(build->settings, key);
  struct view rest = value, item;
  for (size_t nth = 0; view_split(&rest, ',', &item); nth++) {
    item = view_trim(item);
    if (item.length == 0 && !rest.at && (nth > 0 || value.length == 0))
      break;
    if (item.length == 0)
      return build_refuse(build, key, fault,
                          "the list has an empty entry; write one comma between two");
    if (!list_add(list, item, fault))
      return false;
  }
  return true;
}

static bool set_list(const struct build *build, enum key key, struct view value,
                     struct fault *fault) {
  list_clear(list_field(build->settings, key));
  return extend_list(build, key, value, fault);
}

static bool (*const setters[TYPES])(const struct build *build, enum key key, struct view value,
                                    struct fault *fault) = {
    [TYPE_LIST] = set_list,       [TYPE_TEXT] = set_text,     [TYPE_INTEGER] = set_number,
    [TYPE_DURATION] = set_number, [TYPE_SIZE] = set_number,   [TYPE_ROWS] = set_number,
    [TYPE_UNITS] = set_number,    [TYPE_CHOICE] = set_choice,
};

/* Notes the source of the value before reading it, so that a fault can name it. */
static bool set(struct build *build, enum key key, struct view value, int from,
                struct fault *fault) {
  build->from[key] = from;
  return setters[declarations[key].type](build, key, value, fault);
}

/* The key with this name, or KEYS. */
static enum key find_key(struct view name) {
  enum key key = 0;
  while (key < KEYS && !view_is(name, declarations[key].name))
    key++;
  return key;
}

/* `place` is "FILE:LINE:" or "-o". */
static bool refuse_name(const char *place, struct view name, struct fault *fault) {
  struct view shown = view_first(name, SHOWN);
  const char *nearest = nearest_key(name);
  return fault_set(fault, FAULT_MALFORMED, "%s %.*s: there is no such key%s%s%s", place,
                   VIEW_ARGS(shown), nearest ? "; did you mean " : "", nearest ? nearest : "",
                   nearest ? "?" : "");
}

static bool set_defaults(struct build *build, struct fault *fault) {
  for (enum key key = 0; key < KEYS; key++)
    if (!set(build, key, view_of(declarations[key].initial), FROM_DEFAULT, fault))
      return false;
  return true;
}

static bool refuse_section(const struct build *build, struct view name, int line,
                           struct fault *fault) {
  struct view shown = view_first(name, SHOWN);
  const char *nearest = nearest_section(name);
  return fault_set(fault, FAULT_MALFORMED, "%s:%d: [%.*s]: there is no such section%s%s%s",
                   build->name, line, VIEW_ARGS(shown), nearest ? "; did you mean [" : "",
                   nearest ? nearest : "", nearest ? "]?" : "");
}

static bool take_section(void *context, struct view name, int line, struct fault *fault) {
  for (enum key key = 0; key < KEYS; key++)
    if (view_is(name, declarations[key].section))
      return true;
  return refuse_section(context, name, line, fault);
}

static bool refuse_pair(const struct build *build, const struct pair *pair, struct view name,
                        struct fault *fault) {
  scope_text struct text place = {0};
  if (!pair->section[0])
    return fault_set(fault, FAULT_MALFORMED,
                     "%s:%d: %.*s: stands before any section; write [server] or another above it",
                     build->name, pair->line, SHOWN, pair->key);
  text_printf(&place, "%s:%d:", build->name, pair->line);
  return refuse_name(text_string(&place), name, fault);
}

/* An indented line. After any value but a list it is more likely a key of its own. */
static bool continue_value(const struct build *build, enum key key, const struct pair *pair,
                           struct fault *fault) {
  struct build here = *build;
  here.from[key] = pair->line; /* for the fault only: the list's own line stays its first */
  if (declarations[key].type == TYPE_LIST)
    return extend_list(&here, key, view_of(pair->value), fault);
  return build_refuse(
      &here, key, fault,
      "an indented line goes on with the value above it, and only a list can; begin "
      "it in the first column");
}

static bool take_pair(void *context, const struct pair *pair, struct fault *fault) {
  struct build *build = context;
  scope_text struct text name = {0};
  text_printf(&name, "%s.%s", pair->section, pair->key);
  if (!text_ok(&name))
    return fault_no_memory(fault);
  enum key key = find_key(text_view(&name));
  if (key == KEYS)
    return refuse_pair(build, pair, text_view(&name), fault);
  if (pair->continued)
    return continue_value(build, key, pair, fault);
  if (build->from[key] > 0)
    return fault_set(fault, FAULT_MALFORMED, "%s:%d: %s: is given twice; the first is in line %d",
                     build->name, pair->line, declarations[key].name, build->from[key]);
  return set(build, key, view_of(pair->value), pair->line, fault);
}

static bool set_text_of_file(struct build *build, struct view text, struct fault *fault) {
  static const struct pairs_calls calls = {take_section, take_pair};
  if (text.length > SETTINGS_TEXT_LIMIT)
    return fault_set(fault, FAULT_MALFORMED, "%s: is larger than a configuration can be, %zu bytes",
                     build->name, SETTINGS_TEXT_LIMIT);
  return pairs_read(build->name, text, &calls, build, fault);
}

static bool set_override(struct build *build, struct view text, struct fault *fault) {
  struct view rest = text, name, shown = view_first(text, SHOWN);
  if (!pairs_printable(text))
    return fault_set(fault, FAULT_MALFORMED, "-o: holds a control character");
  if (!view_split(&rest, '=', &name) || !rest.at || !memchr(name.at, '.', name.length))
    return fault_set(fault, FAULT_MALFORMED, "-o %.*s: write -o section.key=value",
                     VIEW_ARGS(shown));
  name = view_trim(name);
  enum key key = find_key(name);
  if (key == KEYS)
    return refuse_name("-o", name, fault);
  return set(build, key, view_trim(rest), FROM_OVERRIDE, fault);
}

static bool set_overrides(struct build *build, const struct settings_override *overrides,
                          size_t count, struct fault *fault) {
  for (size_t i = 0; i < count; i++)
    if (!set_override(build, view_of(overrides[i].text), fault))
      return false;
  return true;
}

/* `none` alone is the empty list, which shows only when the list is complete. Beside other entries
 * it has no meaning, and the rules refuse it. */
static void empty_lists(const struct build *build) {
  for (enum key key = 0; key < KEYS; key++) {
    if (declarations[key].type != TYPE_LIST)
      continue;
    struct settings_list *list = list_field(build->settings, key);
    if (list->count == 1 && strcmp(list->items[0], "none") == 0)
      list_clear(list);
  }
}

/* The default of upstream.url is the table's for v2 only. */
static bool set_default_url(struct build *build, struct fault *fault) {
  bool is_due = build->from[KEY_upstream_url] == FROM_DEFAULT &&
                build->settings->upstream_api == UPSTREAM_API_V3;
  return !is_due ||
         set(build, KEY_upstream_url, VIEW("https://api.ahrefs.com/v3"), FROM_DEFAULT, fault);
}

static bool keep_rules(const struct build *build, struct fault *fault) {
  empty_lists(build);
  return rules_keep(build, fault);
}

bool settings_parse(const char *name, struct view text, const struct settings_override *overrides,
                    size_t count, struct settings **out, struct fault *fault) {
  struct build build = {.name = name, .settings = calloc(1, sizeof *build.settings)};
  *out = NULL;
  if (!build.settings)
    return fault_no_memory(fault);
  build.settings->references = 1;
  if (set_defaults(&build, fault) && set_text_of_file(&build, text, fault) &&
      set_overrides(&build, overrides, count, fault) && set_default_url(&build, fault) &&
      keep_rules(&build, fault)) {
    *out = build.settings;
    return true;
  }
  settings_release(&build.settings);
  return false;
}

struct settings *settings_hold(struct settings *settings) {
  int before = __atomic_fetch_add(&settings->references, 1, __ATOMIC_RELAXED);
  CHECK(before > 0);
  return settings;
}

static void settings_free(struct settings *settings) {
  for (enum key key = 0; key < KEYS; key++) {
    if (declarations[key].type == TYPE_LIST)
      list_clear(list_field(settings, key));
    if (declarations[key].type == TYPE_TEXT)
      free(*text_field(settings, key));
  }
  free(settings);
}

void settings_release(struct settings **address) {
  struct settings *settings = *address;
  *address = NULL;
  if (!settings)
    return;
  /* Acquire: the thread that frees sees everything that the others did before they released. */
  int before = __atomic_fetch_sub(&settings->references, 1, __ATOMIC_ACQ_REL);
  CHECK(before > 0);
  if (before == 1)
    settings_free(settings);
}

static bool same_list(const struct settings_list *a, const struct settings_list *b) {
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i], b->items[i]) != 0)
      return false;
  return true;
}

static bool same_value(enum key key, const struct settings *a, const struct settings *b) {
  size_t offset = declarations[key].offset;
  const void *in_a = (const char *)a + offset, *in_b = (const char *)b + offset;
  switch (declarations[key].type) {
  case TYPE_LIST:
    return same_list(in_a, in_b);
  case TYPE_TEXT:
    return strcmp(*(char *const *)in_a, *(char *const *)in_b) == 0;
  case TYPE_CHOICE:
    return *(const enum choice *)in_a == *(const enum choice *)in_b;
  default:
    return *(const int64_t *)in_a == *(const int64_t *)in_b;
  }
}

bool settings_need_restart(const struct settings *from, const struct settings *to,
                           struct text *names) {
  bool any = false;
  for (enum key key = 0; key < KEYS; key++) {
    if (declarations[key].reload == RELOAD_NOW || same_value(key, from, to))
      continue;
    text_printf(names, "%s%s", any ? ", " : "", declarations[key].name);
    any = true;
  }
  return any;
}
