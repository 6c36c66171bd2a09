/* A snapshot that is being built. Private to the settings room. */
#pragma once

#include "settings/settings.h"

enum key {
#define SETTING(section, key, type, field, initial, least, most, reload, help) KEY_##field,
#include "tables/settings.def"
#undef SETTING
  KEYS
};

/* The source of a key's value; a positive number is a line of the text. */
enum { FROM_DEFAULT = 0, FROM_OVERRIDE = -1 };

struct build {
  const char *name; /* of the text */
  struct settings *settings;
  int from[KEYS];
};

#define SHOWN 80 /* bytes of a wrong name or value that a fault repeats */

/* Sets a fault about the key's value, which begins with the source of that value. */
bool build_refuse(const struct build *build, enum key key, struct fault *fault, const char *format,
                  ...) PRINTF_LIKE(4, 5);

/* Checks the rules for the whole. Every value has the form of its type already. */
bool rules_keep(const struct build *build, struct fault *fault) MUST_CHECK;
