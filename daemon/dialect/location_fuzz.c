/* Fuzz target: the target of a redirect. First line: the token; the rest: the value of Location. */
#include "base/check.h"
#include "dialect/location.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lacks(struct view text, struct view token) {
  for (size_t i = 0; token.length && i + token.length <= text.length; i++)
    CHECK(strncasecmp(text.at + i, token.at, token.length) != 0);
}

static void check_shown(const char *shown, struct view token) {
  const char *mark = strstr(shown, "//");
  /* In a path, which begins with one slash, "://" means nothing. */
  bool has_host = mark && (mark == shown || *shown != '/');
  const char *host = has_host ? mark + 2 : shown;
  const char *path = has_host ? host + strcspn(host, "/") : shown;
  CHECK(!*path || *path == '/');
  for (const char *c = shown; *c; c++)
    CHECK(*c > 0x20 && *c < 0x7f && !strchr("?#\\\"<>", *c) && (*c != '@' || c > path));
  check_lacks((struct view){host, (size_t)(path - host)}, token);
  if (strcmp(path, "/...") != 0)
    check_lacks(view_of(path), token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view rest = {size ? (const char *)data : "", size}, token = {"", 0};
  char shown[LOCATION_SIZE];
  view_split(&rest, '\n', &token);
  char *copy = malloc(rest.length + 1);
  CHECK(copy);
  if (rest.length)
    memcpy(copy, rest.at, rest.length);
  location_show((struct view){copy, rest.length}, token, shown);
  free(copy);
  CHECK(memchr(shown, '\0', sizeof shown));
  check_shown(shown, token);
  return 0;
}
