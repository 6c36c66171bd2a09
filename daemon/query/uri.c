#include "query/uri.h"

#include "query/form.h"

static size_t length_until(struct view text, const char *stops) {
  size_t length = 0;
  while (length < text.length && (text.at[length] == '\0' || !strchr(stops, text.at[length])))
    length++;
  return length;
}

/* The length of scheme and authority in front of the path; 0 in the origin form. */
static size_t origin_length(struct view target) {
  if (!target.length || target.at[0] == '/')
    return 0;
  const char *mark = memmem(target.at, target.length, "://", 3);
  if (!mark)
    return 0;
  size_t scheme = (size_t)(mark - target.at) + 3;
  return scheme + length_until(view_from(target, scheme), "/?");
}

struct uri uri_split(struct view target) {
  struct uri uri = {.origin = view_first(target, origin_length(target))};
  struct view rest = view_from(target, uri.origin.length);
  uri.path = view_first(rest, length_until(rest, "?"));
  uri.args = view_from(rest, uri.path.length + 1);
  return uri;
}

static enum query_output output_meant(struct view value) {
  enum query_output output = 0;
  while (output < QUERY_OUTPUT_UNKNOWN && !form_means(value, output_word(output)))
    output++;
  return output;
}

enum query_output uri_output(struct view target) {
  struct view rest = uri_split(target).args, value, name;
  enum query_output first = QUERY_JSON;
  bool found = false;
  while (view_split(&rest, '&', &value)) {
    if (!view_split(&value, '=', &name) || !form_means(name, VIEW("output")))
      continue;
    enum query_output output = output_meant(value);
    if (output != QUERY_JSON && output != QUERY_OUTPUT_UNKNOWN)
      return output;
    first = found ? first : output;
    found = true;
  }
  return first;
}
