#include "db/directory.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

bool directory_make(const char *path, struct fault *fault) {
  scope_free char *copy = strdup(path);
  if (!copy)
    return fault_no_memory(fault);
  for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(copy, 0700); /* what is wrong here shows below */
    *slash = '/';
  }
  return mkdir(copy, 0700) == 0 || errno == EEXIST ||
         fault_set(fault, FAULT_UNAVAILABLE, "state.directory: cannot make '%s': %s", path,
                   strerror(errno));
}

/* Shorter waits would find a busy directory as busy, longer ones would keep a user waiting. */
#define PATIENCE_STEP_NS 10000000
#define PATIENCE_STEPS 100

static bool lock_patiently(int fd) {
  const struct timespec step = {.tv_nsec = PATIENCE_STEP_NS};
  for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
    if (i == PATIENCE_STEPS || (errno != EWOULDBLOCK && errno != EINTR))
      return false;
    nanosleep(&step, NULL);
  }
  return true;
}

bool directory_lock(const char *directory, int *lock, struct fault *fault) {
  scope_free char *path = NULL;
  if (asprintf(&path, "%s/lock", directory) < 0)
    return fault_no_memory(fault);
  *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (*lock < 0)
    return fault_set(fault, FAULT_UNAVAILABLE, "cannot open '%s': %s", path, strerror(errno));
  if (lock_patiently(*lock))
    return true;
  close(*lock);
  *lock = -1;
  return fault_set(
      fault, FAULT_UNAVAILABLE,
      "state.directory '%s' is in use by another process (rowcached, or rowcachectl at "
      "work in it); stop it, or name another directory",
      directory);
}

enum directory_use directory_look(const char *directory) {
  scope_free char *path = NULL;
  if (asprintf(&path, "%s/lock", directory) < 0)
    return DIRECTORY_HIDDEN;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR ? DIRECTORY_UNUSED : DIRECTORY_HIDDEN;
  bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
  close(fd);
  return is_free ? DIRECTORY_FREE : DIRECTORY_BUSY;
}

bool directory_stat(const char *directory, struct stat *status) {
  scope_free char *path = strdup(directory);
  while (path && stat(path, status) != 0) {
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
      return false;
    *slash = '\0';
  }
  return path != NULL;
}
