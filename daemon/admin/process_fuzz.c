/* Fuzz target: /proc/PID/stat and /proc/stat. */
#include "admin/process.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view text = {size ? (const char *)data : "", size};
  struct process_stat stat = {0};
  int64_t booted = 0;
  if (process_parse_stat(text, &stat))
    CHECK(stat.user_ticks >= 0 && stat.start_ticks >= 0 && stat.resident_pages >= 0);
  if (process_parse_boot(text, &booted))
    CHECK(booted >= 0);
  return 0;
}
