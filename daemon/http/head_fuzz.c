/* Fuzz target: heads, parsed as libmicrohttpd 0.9.75 does. An accepted head has no bytes but those
 * that were reported. */
#include "base/check.h"
#include "base/num.h"
#include "http/head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line without its end; the bytes of the end become NUL. */
static char *take_line(char **rest, char *end) {
  char *line = *rest, *lf = memchr(line, '\n', (size_t)(end - line));
  if (!lf)
    return NULL;
  *lf = '\0';
  if (lf > line && lf[-1] == '\r')
    lf[-1] = '\0';
  *rest = lf + 1;
  return line;
}

static bool take_request_line(char **rest, char *end, struct head_line *line) {
  char *text = take_line(rest, end);
  size_t length = text ? strlen(text) : 0;
  char *target = length ? memchr(text, ' ', length) : NULL;
  if (!target)
    return false;
  *target++ = '\0';
  while (*target == ' ')
    target++;
  char *version = strrchr(target, ' ');
  if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0 || strlen(version + 1) != 8 ||
      !num_is_digit(version[8]))
    return false;
  *version++ = '\0';
  *line = (struct head_line){view_of(text), view_of(version), view_of(target), target};
  return true;
}

/* The memory behind the head, which names are moved to. */
struct room {
  char *at, *end;
};

/* Moves a name and its continuation there; NULL: no room. */
static char *fold(char *name, const char *more, struct room *room) {
  more += strspn(more, " \t");
  size_t length = strlen(name), further = strlen(more);
  char *place = room->at;
  if ((size_t)(room->end - place) <= length + further)
    return NULL;
  memcpy(place, name, length);
  memcpy(place + length, more, further + 1);
  room->at += length + further + 1;
  return place;
}

/* False: libmicrohttpd refuses it, or waits for more. */
static bool take_fields(char **rest, char *end, struct room room, struct head *head) {
  char *name = NULL, *value = NULL, *line;
  while ((line = take_line(rest, end))) {
    if (name && (*line == ' ' || *line == '\t')) {
      if (!(name = fold(name, line, &room)))
        return false;
      continue;
    }
    if (name)
      head_add(head, view_of(name), view_of(value));
    if (!*line)
      return true;
    name = line;
    value = strchr(line, ':');
    if (!value)
      return false;
    *value++ = '\0';
    value += strspn(value, " \t");
  }
  return false;
}

/* Checks the bytes themselves: no NUL but one for a CR, no continuation line, no space in front of
 * a colon. (Two line ends look like a line end and a line of one NUL.) */
static void check_bytes(const char *bytes, size_t length) {
  while (length && memchr("\r\n", bytes[length - 1], 3))
    length--;
  struct view rest = {bytes, length}, line;
  CHECK(view_split(&rest, '\n', &line) && !memchr(line.at, '\0', line.length - 1));
  while (view_split(&rest, '\n', &line)) {
    if (line.length && (line.at[line.length - 1] == '\r' || line.at[line.length - 1] == '\0'))
      line.length--;
    if (!line.length)
      continue;
    const char *colon = memchr(line.at, ':', line.length);
    CHECK(!memchr(line.at, '\0', line.length));
    CHECK(colon && colon > line.at && colon[-1] > ' ' && line.at[0] > ' ');
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct head_limits limits = {1024, 1024, 32};
  struct head_line line;
  struct head head;
  struct fault fault;
  char *copy = malloc(4 * size + 1), *rest = copy;
  CHECK(copy);
  struct room room = {copy + size, copy + 4 * size + 1};
  if (size)
    memcpy(copy, data, size);
  if (take_request_line(&rest, copy + size, &line)) {
    head_begin(&head, &limits, &line, true);
    if (take_fields(&rest, copy + size, room, &head)) {
      size_t length = (size_t)(rest - copy);
      if (head_end(&head, length, &fault))
        check_bytes((const char *)data, length);
      else
        CHECK(fault.kind != FAULT_NONE && fault.text[0]);
    }
  }
  free(copy);
  return 0;
}
