#include "settings/pairs.h"

#include <ini.h>

struct reading {
  const char *name;
  struct view rest; /* not handed to inih yet */
  int line;         /* number of the line that inih got last */
  bool indented;    /* that line is indented */
  bool key_above;   /* the section has a key that an indented line would continue */
  bool failed;      /* `fault` is set, for `line`; nothing more is read */
  const struct pairs_calls *calls;
  void *context;
  struct fault *fault;
};

bool pairs_printable(struct view text) {
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if ((c < ' ' && c != '\t') || c == 0x7f)
      return false;
  }
  return true;
}

static bool refuse(struct reading *reading, const char *what) {
  return fault_set(reading->fault, FAULT_MALFORMED, "%s:%d: %s", reading->name, reading->line,
                   what);
}

/* `line` begins with '['. inih would ignore text after the ']'. */
static bool check_section(struct reading *reading, struct view line) {
  const char *end = memchr(line.at, ']', line.length);
  if (!end)
    return refuse(reading, "a section without ']'; write [section]");
  struct view name = {line.at + 1, (size_t)(end - line.at) - 1};
  struct view behind = view_trim(view_from(line, name.length + 2));
  if (behind.length && behind.at[0] != ';')
    return refuse(reading, "something stands behind [section]; write it on a line of its own");
  reading->key_above = false;
  return reading->calls->section(reading->context, name, reading->line, reading->fault);
}

/* `size`: of inih's buffer, which also holds a line feed and a NUL. */
static bool check_line(struct reading *reading, struct view line, int size) {
  if (!pairs_printable(line))
    return refuse(reading, "the line holds a control character");
  if (line.length + 2 > (size_t)size)
    return fault_set(reading->fault, FAULT_MALFORMED,
                     "%s:%d: the line has %zu bytes, and %d is the most; a list may go on in the "
                     "next line, indented",
                     reading->name, reading->line, line.length, size - 2);
  struct view inner = view_trim(line);
  if (inner.length == 0 || inner.at[0] == ';' || inner.at[0] == '#')
    return true;
  reading->indented = inner.at != line.at;
  if (reading->indented && !reading->key_above)
    return refuse(reading, "the line is indented, as if it went on with a value, and none stands "
                           "above it; begin it in the first column");
  return reading->indented || inner.at[0] != '[' || check_section(reading, inner);
}

/* Takes the next line off the rest, without its line end. */
static bool take_line(struct reading *reading, struct view *line) {
  if (!view_split(&reading->rest, '\n', line))
    return false;
  reading->line++;
  if (line->length && line->at[line->length - 1] == '\r')
    line->length--;
  return true;
}

/* An ini_reader: fgets() over memory, which checks each line first. */
static char *next_line(char *out, int size, void *stream) {
  struct reading *reading = stream;
  struct view line;
  if (reading->failed || !take_line(reading, &line))
    return NULL;
  reading->failed = !check_line(reading, line, size);
  if (reading->failed)
    return NULL;
  memcpy(out, line.at, line.length);
  memcpy(out + line.length, "\n", 2);
  return out;
}

/* An ini_handler. */
static int take_pair(void *user, const char *section, const char *key, const char *value) {
  struct reading *reading = user;
  struct pair pair = {section, key, value ? value : "", reading->line, reading->indented};
  reading->key_above = true;
  reading->failed = !reading->calls->pair(reading->context, &pair, reading->fault);
  return !reading->failed;
}

static struct view without_byte_order_mark(struct view text) {
  struct view mark = VIEW("\xef\xbb\xbf");
  return text.length && view_starts(text, mark) ? view_from(text, mark.length) : text;
}

bool pairs_read(const char *name, struct view text, const struct pairs_calls *calls, void *context,
                struct fault *fault) {
  struct reading reading = {.name = name,
                            .rest = without_byte_order_mark(text),
                            .calls = calls,
                            .context = context,
                            .fault = fault};
  int result = ini_parse_stream(next_line, &reading, take_pair, &reading);
  if (result < 0)
    return fault_no_memory(fault);
  /* inih continues after a line that it cannot read, so a later line may have failed, too. */
  if (result > 0 && (!reading.failed || result < reading.line)) {
    reading.line = result;
    return refuse(&reading, "neither [section] nor key = value nor a comment");
  }
  return !reading.failed;
}
