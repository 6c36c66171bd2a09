/* Figures of the kernel about this process, for /metrics. */
#pragma once

#include "base/view.h"

#include <stdint.h>

#define PROCESS_UNKNOWN (-1)

/* Each member is PROCESS_UNKNOWN if /proc does not give it. */
struct process {
  double cpu_seconds; /* user and system */
  double start_time;  /* seconds since 1970 */
  int64_t resident_bytes, virtual_bytes;
  int64_t open_fds, max_fds;
};

/* Reads /proc. Any thread. */
void process_read(struct process *process);

/* Fields of /proc/PID/stat, in the units that they have there. */
struct process_stat {
  int64_t user_ticks, system_ticks, start_ticks, virtual_bytes, resident_pages;
};
/* Pure. */
bool process_parse_stat(struct view text, struct process_stat *out);
/* Reads the value of "btime" in /proc/stat: when the machine was booted. Pure. */
bool process_parse_boot(struct view text, int64_t *seconds);
