#include "ledger/zone.h"

#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FARTHEST (26 * 3600) /* no zone has ever been farther from UTC */

/* UTC needs neither TZ nor the machine's tables. */
static struct {
  char name[ZONE_NAME_SIZE];
  bool is_local;
} zone = {"UTC", false};

/* -- Names -- */

static bool is_utc(const char *name) {
  return !name || !*name || strcmp(name, "UTC") == 0;
}

/* Without dots it cannot leave the folder of the zones. */
static bool is_name(struct view name) {
  if (name.length >= ZONE_NAME_SIZE || name.at[0] == '/')
    return false;
  for (size_t i = 0; i < name.length; i++)
    if (!num_is_alpha(name.at[i]) && !num_is_digit(name.at[i]) && !strchr("/_+-", name.at[i]))
      return false;
  return true;
}

/* The C library falls back to UTC for a name without a file, and does not report it. */
static bool has_file(const char *name) {
  char path[512], magic[4] = "";
  const char *folder = getenv("TZDIR");
  if (snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", name) >=
      (int)sizeof path)
    return false;
  FILE *file = fopen(path, "rbe");
  bool is_zone = file && fread(magic, sizeof magic, 1, file) == 1 && memcmp(magic, "TZif", 4) == 0;
  if (file)
    fclose(file);
  return is_zone;
}

bool zone_check(const char *name, struct fault *fault) {
  return is_utc(name) || (is_name(view_of(name)) && has_file(name)) ||
         fault_set(
             fault, FAULT_MALFORMED,
             "ledger.timezone: '%.64s' is no time zone that this machine knows: write one such as "
             "Europe/Berlin (see /usr/share/zoneinfo, of the package tzdata), or UTC",
             name);
}

bool zone_set(const char *name, struct fault *fault) {
  if (is_utc(name))
    name = "UTC";
  if (strcmp(name, zone.name) == 0)
    return true; /* no write to the environment, which others may read */
  if (!zone_check(name, fault))
    return false;
  zone.is_local = !is_utc(name);
  if (zone.is_local && setenv("TZ", name, 1) != 0)
    return fault_no_memory(fault);
  tzset();
  snprintf(zone.name, sizeof zone.name, "%s", name);
  return true;
}

const char *zone_name(void) {
  return zone.name;
}

/* -- Days -- */

static int64_t divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

static int64_t offset_at(int64_t seconds) {
  struct tm tm;
  time_t at = seconds;
  return zone.is_local && localtime_r(&at, &tm) ? tm.tm_gmtoff : 0;
}

static int64_t day_at(int64_t seconds) {
  return divide(seconds + offset_at(seconds), NUM_DAY);
}

int32_t zone_day(int64_t milliseconds) {
  int64_t day = day_at(divide(milliseconds, 1000));
  if (day < 0)
    return 0;
  return day > NUM_LAST_DAY ? NUM_LAST_DAY : (int32_t)day;
}

/* Searched for rather than computed: daylight saving may have skipped the midnight. */
int64_t zone_begins(int32_t day) {
  int64_t before = (int64_t)day * NUM_DAY - FARTHEST, from = before + 2 * FARTHEST;
  while (from - before > 1) {
    int64_t middle = before + (from - before) / 2;
    if (day_at(middle) < day)
      before = middle;
    else
      from = middle;
  }
  return from;
}

const char *zone_print(int64_t seconds, char out[ZONE_TIME_SIZE]) {
  char date[NUM_DATE_SIZE];
  int64_t offset = offset_at(seconds), local = seconds + offset;
  int64_t day = divide(local, NUM_DAY), second = local - day * NUM_DAY;
  int minutes = (int)(offset < 0 ? -offset : offset) / 60;
  num_print_date(day > NUM_LAST_DAY    ? NUM_LAST_DAY
                 : day < NUM_FIRST_DAY ? NUM_FIRST_DAY
                                       : (int32_t)day,
                 date);
  snprintf(out, ZONE_TIME_SIZE, "%.10sT%02d:%02d:%02d%c%02d:%02d", date, (int)(second / 3600),
           (int)(second / 60 % 60), (int)(second % 60), offset < 0 ? '-' : '+', minutes / 60 % 100,
           minutes % 60);
  return out;
}

int32_t zone_month(int32_t day) {
  char date[NUM_DATE_SIZE];
  int32_t first = day;
  num_print_date(day, date);
  memcpy(date + 8, "01", 2);
  CHECK(num_date(view_of(date), &first));
  return first;
}

/* The 32nd day from the first of a month is in the next month. */
int32_t zone_next_month(int32_t day) {
  return zone_month(zone_month(day) + 31);
}
