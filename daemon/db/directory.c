#include "db/directory.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
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

bool directory_lock(const char *directory, int *lock, struct fault *fault) {
  scope_free char *path = NULL;
  if (asprintf(&path, "%s/lock", directory) < 0)
    return fault_no_memory(fault);
  *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (*lock < 0)
    return fault_set(fault, FAULT_UNAVAILABLE, "cannot open '%s': %s", path, strerror(errno));
  if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
    return true;
  close(*lock);
  *lock = -1;
  return fault_set(
      fault, FAULT_UNAVAILABLE,
      "state.directory '%s' is in use by another process (rowcached, or rowcachectl at "
      "work in it); stop it, or name another directory",
      directory);
}
