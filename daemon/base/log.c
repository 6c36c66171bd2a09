#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 2048

static const struct {
  const char *name;
  const char *journal; /* sd-daemon(3), SD_ERR and so on */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
    [LOG_LEVEL_WARNING] = {"warning", "<4>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
};

void log_event(enum log_level level, const char *event, const char *format, ...) {
  char line[LINE_SIZE];
  int start =
      snprintf(line, sizeof line, "%s%s %s ", getenv("JOURNAL_STREAM") ? levels[level].journal : "",
               levels[level].name, event);
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line + start, sizeof line - (size_t)start, format, arguments);
  va_end(arguments);
  if (length < 0)
    return;
  size_t end = (size_t)start + (size_t)length;
  if (end > sizeof line - 2)
    end = sizeof line - 2;
  line[end++] = '\n';
  /* Nothing can be done where even standard error cannot be written. */
  ssize_t written = write(STDERR_FILENO, line, end);
  (void)written;
}

const char *log_value(const char *value, char out[LOG_VALUE_SIZE]) {
  if (!value)
    return strcpy(out, "-");
  int quoted = *value == '\0' || strpbrk(value, " \"=") != NULL;
  size_t at = 0;
  if (quoted)
    out[at++] = '"';
  for (const unsigned char *c = (const unsigned char *)value; *c && at < LOG_VALUE_SIZE - 8; c++) {
    if (*c < 0x20 || *c == 0x7f)
      at += (size_t)snprintf(out + at, 5, "\\x%02x", *c);
    else if (*c == '"' || *c == '\\')
      out[at++] = '\\', out[at++] = (char)*c;
    else
      out[at++] = (char)*c;
  }
  if (quoted)
    out[at++] = '"';
  out[at] = '\0';
  return out;
}
