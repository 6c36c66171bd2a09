/* The impure half: reads the file, and the environment for state.directory. */
#include "settings/settings.h"

#include "base/scope.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void close_file(FILE **file) {
  if (*file)
    fclose(*file);
}

static bool refuse_file(const char *name, struct fault *fault) {
  return fault_set(fault, FAULT_MALFORMED, "%s: cannot be read: %s", name, strerror(errno));
}

/* Reads all of it, or enough for settings_parse() to see that it is too large. */
static bool read_file(const char *name, struct text *text, struct fault *fault) {
  __attribute__((cleanup(close_file))) FILE *file = fopen(name, "re");
  if (!file)
    return refuse_file(name, fault);
  char part[4096];
  size_t length;
  while (text->length <= SETTINGS_TEXT_LIMIT && (length = fread(part, 1, sizeof part, file)) > 0)
    text_add(text, (struct view){part, length});
  if (ferror(file))
    return refuse_file(name, fault);
  return text_ok(text) || fault_no_memory(fault);
}

/* The default places of state.directory; the first whose variable is set decides. systemd may list
 * several directories, separated by colons; rowcache uses the first. */
static const struct place {
  const char *variable;
  char end; /* what ends the directory in the variable */
  const char *below;
} places[] = {
    {"STATE_DIRECTORY", ':', ""},
    {"XDG_STATE_HOME", '\0', "/rowcache"},
    {"HOME", '\0', "/.local/state/rowcache"},
};

/* The XDG specification ignores a relative directory; the others are never relative. */
static struct view directory_in(const struct place *place) {
  struct view rest = view_of(getenv(place->variable)), first;
  if (!view_split(&rest, place->end, &first) || first.length == 0 || first.at[0] != '/')
    return (struct view){0};
  return first;
}

static bool resolve_directory(char **directory, struct fault *fault) {
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct view above = directory_in(&places[i]);
    if (above.length == 0)
      continue;
    scope_text struct text path = {0};
    text_printf(&path, "%.*s%s", VIEW_ARGS(above), places[i].below);
    free(*directory);
    *directory = text_steal(&path);
    return *directory || fault_no_memory(fault);
  }
  return fault_set(fault, FAULT_MALFORMED,
                   "state.directory: is not set, and neither $STATE_DIRECTORY nor $XDG_STATE_HOME "
                   "nor $HOME holds an absolute path to take its place");
}

bool settings_load(const char *file, const struct settings_override *overrides, size_t count,
                   struct settings **out, struct fault *fault) {
  scope_text struct text text = {0};
  *out = NULL;
  if (file && !read_file(file, &text, fault))
    return false;
  if (!settings_parse(file ? file : "", text_view(&text), overrides, count, out, fault))
    return false;
  if ((*out)->state_directory[0] || resolve_directory(&(*out)->state_directory, fault))
    return true;
  settings_release(out);
  return false;
}
