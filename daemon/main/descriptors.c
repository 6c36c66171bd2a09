#include "main/descriptors.h"

#include "base/log.h"

#include <sys/resource.h>

static int64_t raise_limit(int64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return wanted;
  if (limit.rlim_cur >= (rlim_t)wanted)
    return wanted;
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    limit.rlim_cur = before;
  return (int64_t)limit.rlim_cur;
}

int64_t descriptors_make_room(int64_t connections, int64_t others) {
  int64_t wanted = connections + others, had = raise_limit(wanted);
  if (had >= wanted)
    return connections;
  int64_t fit = had > others ? had - others : 1;
  log_warning(EVENT_descriptors,
              "wanted=%lld limit=%lld server.max_connections=%lld now=%lld reason=%s",
              (long long)wanted, (long long)had, (long long)connections, (long long)fit,
              LOG_VALUE("the hard limit of open files (ulimit -Hn, LimitNOFILE=) is too low"));
  return fit;
}
