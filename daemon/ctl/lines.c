#include "ctl/lines.h"

#include "base/utf8.h"

#define MARK VIEW("\xef\xbb\xbf") /* U+FEFF, which some editors put before a text */

static void begin(struct lines *lines) {
  text_clear(&lines->line);
  lines->number++;
  lines->is_whole = lines->is_too_long = false;
}

static void add(struct lines *lines, struct view bytes) {
  size_t room = LINES_MOST - lines->line.length;
  lines->is_too_long = lines->is_too_long || bytes.length > room;
  text_add(&lines->line, view_first(bytes, room));
}

bool lines_take(struct lines *lines, struct view *rest) {
  if (!rest->length)
    return false;
  if (lines->number == 0 || lines->is_whole)
    begin(lines);
  const char *end = memchr(rest->at, '\n', rest->length);
  size_t length = end ? (size_t)(end - rest->at) : rest->length;
  add(lines, view_first(*rest, length));
  *rest = view_from(*rest, length + (end != NULL));
  lines->is_whole = end != NULL;
  return lines->is_whole;
}

bool lines_end(struct lines *lines) {
  bool is_last = lines->number > 0 && !lines->is_whole;
  lines->is_whole = true;
  return is_last;
}

/* Lines of other systems end with "\r\n". */
static struct view trim(struct view line) {
  line = view_trim(line);
  if (line.length && line.at[line.length - 1] == '\r')
    line = view_trim(view_first(line, line.length - 1));
  return line;
}

bool lines_read(const struct lines *lines, struct view *query, struct fault *fault) {
  struct view line = text_view(&lines->line);
  if (lines->number == 1 && view_starts(line, MARK))
    line = view_from(line, MARK.length);
  line = trim(line);
  *query = view_starts(line, VIEW("#")) ? VIEW("") : line;
  if (!text_ok(&lines->line))
    return fault_no_memory(fault);
  if (!query->length)
    return true;
  if (lines->is_too_long)
    return fault_set(fault, FAULT_MALFORMED, "the line has more than %zu bytes", LINES_MOST);
  return utf8_is(line) || fault_set(fault, FAULT_MALFORMED, "the line is not UTF-8");
}

void lines_free(struct lines *lines) {
  text_free(&lines->line);
}
