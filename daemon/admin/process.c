#include "admin/process.h"

#include "base/num.h"
#include "base/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

/* Bytes: enough for /proc/self/stat, and for the lines before "btime" on machines with hundreds of
 * CPUs or interrupts. */
#define FILE_SIZE ((size_t)256 * 1024)

/* proc(5) counts fields from 1; parsing begins at the third, the first after the name. */
#define FIRST_FIELD 3
static const struct {
  int field;
  size_t offset;
} stat_fields[] = {
    {14, offsetof(struct process_stat, user_ticks)},
    {15, offsetof(struct process_stat, system_ticks)},
    {22, offsetof(struct process_stat, start_ticks)},
    {23, offsetof(struct process_stat, virtual_bytes)},
    {24, offsetof(struct process_stat, resident_pages)},
};
#define STAT_FIELDS (sizeof stat_fields / sizeof *stat_fields)

bool process_parse_stat(struct view text, struct process_stat *out) {
  /* The name is in parentheses and may contain anything, even spaces and parentheses. */
  const char *end_of_name = text.length ? memrchr(text.at, ')', text.length) : NULL;
  if (!end_of_name)
    return false;
  struct view rest = view_from(text, (size_t)(end_of_name - text.at) + 2), part;
  size_t found = 0;
  for (int field = FIRST_FIELD; found < STAT_FIELDS && view_split(&rest, ' ', &part); field++) {
    if (field != stat_fields[found].field)
      continue;
    if (!num_integer(part, (int64_t *)((char *)out + stat_fields[found].offset)))
      return false;
    found++;
  }
  return found == STAT_FIELDS;
}

bool process_parse_boot(struct view text, int64_t *seconds) {
  static const struct view word = VIEW("btime ");
  struct view line;
  while (view_split(&text, '\n', &line))
    if (view_starts(line, word))
      return num_integer(view_from(line, word.length), seconds);
  return false;
}

/* Reads into `buffer` of FILE_SIZE; empty on failure. */
static struct view read_file(const char *path, char *buffer) {
  size_t length = 0;
  ssize_t count = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return VIEW("");
  while (length < FILE_SIZE && (count = read(fd, buffer + length, FILE_SIZE - length)) > 0)
    length += (size_t)count;
  close(fd);
  return count < 0 ? VIEW("") : (struct view){buffer, length};
}

static int64_t count_open_fds(void) {
  int64_t count = 0;
  DIR *directory = opendir("/proc/self/fd");
  if (!directory)
    return PROCESS_UNKNOWN;
  for (const struct dirent *entry; (entry = readdir(directory));)
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count - 1; /* without the one of `directory` */
}

static int64_t find_max_fds(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT64_MAX)
    return PROCESS_UNKNOWN;
  return (int64_t)limit.rlim_cur;
}

static void read_stat(struct process *process, char *buffer) {
  struct process_stat stat;
  int64_t booted;
  double ticks = (double)sysconf(_SC_CLK_TCK);
  if (!process_parse_stat(read_file("/proc/self/stat", buffer), &stat))
    return;
  process->cpu_seconds = (double)(stat.user_ticks + stat.system_ticks) / ticks;
  process->virtual_bytes = stat.virtual_bytes;
  process->resident_bytes = stat.resident_pages * sysconf(_SC_PAGESIZE);
  if (process_parse_boot(read_file("/proc/stat", buffer), &booted))
    process->start_time = (double)booted + (double)stat.start_ticks / ticks;
}

void process_read(struct process *process) {
  *process = (struct process){PROCESS_UNKNOWN, PROCESS_UNKNOWN,  PROCESS_UNKNOWN,
                              PROCESS_UNKNOWN, count_open_fds(), find_max_fds()};
  scope_free char *buffer = malloc(FILE_SIZE);
  if (buffer)
    read_stat(process, buffer);
}
