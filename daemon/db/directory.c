#include "db/directory.h"

#include "base/clock.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

bool directory_make(const char *path, struct fault *fault) {
  scope_free char *copy = strdup(path);
  if (!copy)
    return fault_no_memory(fault);
  for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(copy, 0700); /* if it fails, the last mkdir() reports it */
    *slash = '/';
  }
  return mkdir(copy, 0700) == 0 || errno == EEXIST ||
         fault_set(fault, FAULT_UNAVAILABLE, "state.directory: cannot make '%s': %s", path,
                   strerror(errno));
}

/* --- trust --- */

static const char *user_name(uid_t user, char out[64]) {
  char space[1024];
  struct passwd entry, *found = NULL;
  if (getpwuid_r(user, &entry, space, sizeof space, &found) == 0 && found)
    snprintf(out, 64, "'%.40s'", found->pw_name);
  else
    snprintf(out, 64, "%u", (unsigned)user);
  return out;
}

static bool check_owner(const char *path, const struct stat *status, struct fault *fault) {
  char owner[64], self[64];
  return status->st_uid == geteuid() ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "'%.200s' belongs to user %s, and this runs as user %s: run it as that user, or "
                   "give the directory and all that is in it to this one (chown -R)",
                   path, user_name(status->st_uid, owner), user_name(geteuid(), self));
}

/* Write access gives control over the account and the owners of tokens. */
static bool check_mode(const char *path, const struct stat *status, struct fault *fault) {
  return !(status->st_mode & (S_IWGRP | S_IWOTH)) ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "'%.180s' can be written by others than its owner (mode %04o): look what they "
                   "have put there, then chmod go-w '%.180s'",
                   path, (unsigned)(status->st_mode & 07777), path);
}

static bool check_status(const char *path, const struct stat *status, mode_t type,
                         struct fault *fault) {
  if (S_ISLNK(status->st_mode))
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "'%.200s' is a symbolic link, which is not followed: put there what it points "
                     "to, or name that",
                     path);
  if ((status->st_mode & S_IFMT) != type)
    return fault_set(fault, FAULT_UNAVAILABLE, "cannot open '%.200s': it is no %s; move it away",
                     path, type == S_IFDIR ? "directory" : "regular file");
  return check_owner(path, status, fault) && check_mode(path, status, fault);
}

static bool check_path(const char *path, mode_t type, struct fault *fault) {
  struct stat status;
  if (lstat(path, &status) == 0)
    return check_status(path, &status, type, fault);
  return errno == ENOENT ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot look at '%.200s': %s", path, strerror(errno));
}

bool directory_check(const char *path, struct fault *fault) {
  scope_free char *copy = strdup(path);
  if (!copy)
    return fault_no_memory(fault);
  /* lstat() follows a link whose name ends in '/'. */
  for (size_t length = strlen(copy); length > 1 && copy[length - 1] == '/'; length--)
    copy[length - 1] = '\0';
  return check_path(copy, S_IFDIR, fault);
}

bool directory_check_file(const char *path, struct fault *fault) {
  return check_path(path, S_IFREG, fault);
}

bool directory_open_file(const char *path, int *file, struct fault *fault) {
  struct stat status;
  /* O_NONBLOCK: opening a FIFO or a device must not wait. */
  *file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (*file < 0) /* directory_check_file() has a better text for a link than ELOOP's */
    return directory_check_file(path, fault) &&
           fault_set(fault, FAULT_UNAVAILABLE, "cannot open '%.200s': %s", path, strerror(errno));
  if (fstat(*file, &status) == 0 && check_status(path, &status, S_IFREG, fault))
    return true;
  close(*file);
  *file = -1;
  return false;
}

/* --- the lock --- */

/* rowcachectl holds the lock for moments, which this outlasts; a user need not wait for longer. */
#define PATIENCE CLOCK_SECOND
#define PATIENCE_STEP (10 * CLOCK_MILLISECOND)

/* The clock is read before each try, so that one is made when the patience has ended. */
static bool lock_patiently(int fd) {
  const int64_t until = clock_monotonic() + PATIENCE;
  for (;;) {
    int64_t now = clock_monotonic();
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
      return true;
    bool is_busy = errno == EWOULDBLOCK || errno == EINTR;
    if (!is_busy || now >= until)
      return false;
    clock_sleep(now + PATIENCE_STEP);
  }
}

bool directory_lock(const char *directory, int *lock, struct fault *fault) {
  scope_free char *path = NULL;
  if (asprintf(&path, "%s/lock", directory) < 0)
    return fault_no_memory(fault);
  *lock = -1;
  if (!directory_check(directory, fault) || !directory_open_file(path, lock, fault))
    return false;
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

enum directory_use directory_use_of(const char *directory) {
  scope_free char *path = NULL;
  if (asprintf(&path, "%s/lock", directory) < 0)
    return DIRECTORY_HIDDEN;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
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
