/* A snapshot being built. Of the settings room only. */
#pragma once

#include "settings/settings.h"

enum key {
#define SETTING(section, key, type, field, preset, least, most, reload, help) KEY_##field,
#include "tables/settings.def"
#undef SETTING
  KEYS
};

/* Where a key's value comes from; a positive number is a line of the text. */
enum { FROM_PRESET = 0, FROM_OVERRIDE = -1 };

struct build {
  const char *name; /* of the text */
  struct settings *settings;
  int from[KEYS];
};

#define SHOWN 80 /* how much of a wrong name or value a fault repeats */

/* Says what is wrong with the key's value, with the place that the value comes from before it. */
bool build_refuse(const struct build *build, enum key key, struct fault *fault, const char *format,
                  ...) PRINTF_LIKE(4, 5);

/* Whether the whole can be used; every value has the form of its type already. */
bool rules_keep(const struct build *build, struct fault *fault) MUST_CHECK;
