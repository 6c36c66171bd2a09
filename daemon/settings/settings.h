/* The configuration as one value that never changes.
 *
 * settings_load() builds a whole snapshot and checks it; after that it never changes, so every
 * thread may read it. Snapshots are reference-counted: a request keeps the snapshot that it began
 * with, and a reload puts another in its place. The keys are declared in tables/settings.def.
 *
 * A snapshot's life, with the calls allowed in each phase:
 *
 *   being built ---> handed out, 1 reference ---> shared, n references ---> freed
 *   (this room)      settings_hold, _release      settings_hold, _release
 *                    any field is read            any field is read
 *
 * upstream_url is the one in force: its default depends on upstream_api.
 *
 * `none` and an empty value both give the empty list. The addresses in server_listen and
 * admin_listen have passed address_parse() (settings/address.h). */
#pragma once

#include "base/fault.h"
#include "base/money.h"
#include "base/view.h"

#include <stdint.h>

/* The words of every CHOICE (tables/choices.def). */
enum choice {
#define CHOICE(field, name, word) name,
#include "tables/choices.def"
#undef CHOICE
};

struct settings_list {
  char **items; /* NUL-terminated */
  size_t count;
};

/* The C type behind each type of the table. */
#define SETTINGS_LIST struct settings_list
#define SETTINGS_TEXT char * /* never NULL; "" for none */
#define SETTINGS_INTEGER int64_t
#define SETTINGS_DURATION int64_t /* seconds */
#define SETTINGS_SIZE int64_t     /* bytes */
#define SETTINGS_ROWS struct rows
#define SETTINGS_UNITS struct units
#define SETTINGS_CHOICE enum choice

struct settings {
  int references; /* used by settings_hold() and settings_release() only */
#define SETTING(section, key, type, field, initial, least, most, reload, help) \
  SETTINGS_##type field;
#include "tables/settings.def"
#undef SETTING
};

/* One `-o section.key=value`, as given. */
struct settings_override {
  const char *text;
};

/* Reads defaults, then `file` (NULL: none), then the overrides, and checks the whole. `*out` has
 * one reference, which the caller owns. On failure the fault's text begins with "FILE:LINE:
 * section.key:" (or "-o section.key:") of the first fault. The last of several overrides of one key
 * wins. state.directory is never empty in `*out`: where it is not set, the environment decides.
 * Reads a file; may block; any thread. */
bool settings_load(const char *file, const struct settings_override *overrides, size_t count,
                   struct settings **out, struct fault *fault) MUST_CHECK;

/* The greatest size of a configuration file. */
#define SETTINGS_TEXT_LIMIT ((size_t)1024 * 1024)

/* The pure half of settings_load(): the configuration is `text`, `name` is what faults call it, and
 * an unset state.directory stays "". Any thread. */
bool settings_parse(const char *name, struct view text, const struct settings_override *overrides,
                    size_t count, struct settings **out, struct fault *fault) MUST_CHECK;

/* One more reference. Any thread. */
struct settings *settings_hold(struct settings *settings);

/* Releases one reference and leaves NULL. The last one frees. Any thread. */
void settings_release(struct settings **settings);

/* What the upstream of these settings charges in. Pure. */
static inline enum currency settings_currency(const struct settings *settings) {
  return settings->upstream_api == UPSTREAM_API_V3 ? CURRENCY_UNITS : CURRENCY_ROWS;
}

/* True if the admin side may listen for other machines: it has TLS and asks for a token. */
bool settings_admin_is_guarded(const struct settings *settings);

/* True if tokens cross a network in the clear on their way upstream: upstream.url is http, and its
 * host is neither localhost nor a loopback address. */
bool settings_upstream_is_exposed(const struct settings *settings);

/* Appends to `names`, for a log, the keys that differ between the two and need a restart; false if
 * there are none. */
struct text;
bool settings_need_restart(const struct settings *from, const struct settings *to,
                           struct text *names);

/* Appends the table as text for -h: each key with its default and its meaning. `out` remembers a
 * lack of memory (text_ok()). Pure. */
void settings_describe(struct text *out);
