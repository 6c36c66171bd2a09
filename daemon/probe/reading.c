#include "probe/reading.h"

#include "base/num.h"
#include "base/scope.h"

#include <stdlib.h>

/* --- taking an answer --- */

/* The first array in the answer. */
static yajl_val find_rows(yajl_val tree) {
  for (size_t i = 0; YAJL_IS_OBJECT(tree) && i < YAJL_GET_OBJECT(tree)->len; i++)
    if (YAJL_IS_ARRAY(YAJL_GET_OBJECT(tree)->values[i]))
      return YAJL_GET_OBJECT(tree)->values[i];
  return NULL;
}

void reading_take(struct reading *reading, bool is_sound, char *body) {
  reading->body = body;
  reading->state = is_sound ? READING_SOUND : READING_REFUSED;
  reading->tree = is_sound ? yajl_tree_parse(body, NULL, 0) : NULL;
  reading->rows = find_rows(reading->tree);
}

void reading_free(struct reading *reading) {
  yajl_tree_free(reading->tree);
  free(reading->body);
  *reading = (struct reading){0};
}

/* --- rows --- */

int64_t reading_count(const struct reading *reading) {
  return reading->rows ? (int64_t)YAJL_GET_ARRAY(reading->rows)->len : -1;
}

yajl_val reading_value(const struct reading *reading, int64_t row, const char *column) {
  if (row < 0 || row >= reading_count(reading))
    return NULL;
  return yajl_tree_get(YAJL_GET_ARRAY(reading->rows)->values[row], (const char *[]){column, NULL},
                       yajl_t_any);
}

static const char *string_of(yajl_val value) {
  return value && YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : NULL;
}

const char *reading_string(const struct reading *reading, int64_t row, const char *column) {
  return string_of(reading_value(reading, row, column));
}

const char *reading_account(const struct reading *reading, const char *member) {
  return string_of(
      yajl_tree_get(reading->tree, (const char *[]){"limits_and_usage", member, NULL}, yajl_t_any));
}

/* --- words and times --- */

static bool is_inside(char byte) {
  return num_is_alpha(byte) || num_is_digit(byte) || byte == '_';
}

bool reading_names(const struct reading *reading, struct view name) {
  const char *at = reading->body ? reading->body : "";
  while (*at) {
    const char *end = at;
    while (is_inside(*end))
      end++;
    if (view_equal((struct view){at, (size_t)(end - at)}, name))
      return true;
    at = end + (*end != '\0');
  }
  return false;
}

bool reading_is_time(const char *text) {
  static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
  int32_t day;
  if (strlen(text) != sizeof form - 1)
    return false;
  for (size_t i = 0; i < sizeof form - 1; i++)
    if (form[i] == 'd' ? !num_is_digit(text[i]) : text[i] != form[i])
      return false;
  return num_date((struct view){text, READING_DAY}, &day);
}
