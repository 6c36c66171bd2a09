#include "settings/secret.h"

#include "base/log.h"
#include "base/scope.h"
#include "base/token_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct secret {
  int references; /* of secret_hold() and secret_release() only */
  size_t length;
  char text[TOKEN_TEXT_MOST + sizeof "\r\n"]; /* as it was read */
};

static bool cannot(const char *key, const char *file, struct fault *fault) {
  return fault_set(fault, FAULT_MALFORMED, "%s: '%.200s' cannot be read: %s", key, file,
                   strerror(errno));
}

/* A path, or the name of a systemd credential. */
static bool find(const char *key, const char *file, char **path, struct fault *fault) {
  const char *directory = getenv("CREDENTIALS_DIRECTORY");
  if (strchr(file, '/'))
    *path = strdup(file);
  else if (!directory)
    return fault_set(fault, FAULT_MALFORMED,
                     "%s: '%.200s' names a systemd credential, and this process has none "
                     "($CREDENTIALS_DIRECTORY); write a path with a '/'",
                     key, file);
  else if (asprintf(path, "%s/%s", directory, file) < 0)
    *path = NULL;
  return *path || fault_no_memory(fault);
}

/* Reads all of it, or enough to see that it is too long. */
static bool read_whole(int fd, struct secret *secret) {
  ssize_t count = 1;
  while (count > 0 && secret->length < sizeof secret->text) {
    count = read(fd, secret->text + secret->length, sizeof secret->text - secret->length);
    secret->length += count > 0 ? (size_t)count : 0;
  }
  return count >= 0;
}

static bool read_file(const char *key, const char *path, struct secret *secret,
                      struct fault *fault) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe might never have a writer */
  if (fd < 0)
    return cannot(key, path, fault);
  bool ok = fstat(fd, &status) == 0;
  if (ok && !S_ISREG(status.st_mode)) {
    close(fd);
    return fault_set(fault, FAULT_MALFORMED, "%s: '%.200s' is no regular file", key, path);
  }
  ok = ok && read_whole(fd, secret);
  if (!ok)
    cannot(key, path, fault);
  else if (status.st_mode & S_IROTH)
    log_warning(EVENT_secret, "key=%s file=%s problem=everybody-may-read-it", key, LOG_VALUE(path));
  close(fd);
  return ok;
}

static void drop_line_end(struct secret *secret) {
  if (secret->length && secret->text[secret->length - 1] == '\n')
    secret->length--;
  if (secret->length && secret->text[secret->length - 1] == '\r')
    secret->length--;
}

static bool check(const char *key, const char *path, const struct secret *secret, size_t least,
                  struct fault *fault) {
  bool ok = secret->length >= least && secret->length <= TOKEN_TEXT_MOST;
  for (size_t i = 0; ok && i < secret->length; i++)
    ok = secret->text[i] > ' ' && secret->text[i] < 0x7f;
  return ok || fault_set(fault, FAULT_MALFORMED,
                         "%s: '%.200s' does not hold a token: write one line of %zu to %d visible "
                         "ASCII characters, and nothing else",
                         key, path, least, TOKEN_TEXT_MOST);
}

bool secret_load(const char *key, const char *file, size_t least, struct secret **out,
                 struct fault *fault) {
  scope_free char *path = NULL;
  *out = NULL;
  if (!*file)
    return true;
  if (!find(key, file, &path, fault))
    return false;
  struct secret *secret = calloc(1, sizeof *secret);
  if (!secret)
    return fault_no_memory(fault);
  secret->references = 1;
  bool ok = read_file(key, path, secret, fault);
  drop_line_end(secret);
  if (ok && check(key, path, secret, least, fault)) {
    *out = secret;
    return true;
  }
  secret_release(&secret);
  return false;
}

struct secret *secret_hold(struct secret *secret) {
  if (secret)
    CHECK(__atomic_fetch_add(&secret->references, 1, __ATOMIC_RELAXED) > 0);
  return secret;
}

void secret_release(struct secret **address) {
  struct secret *secret = steal(*address);
  if (!secret)
    return;
  int before = __atomic_fetch_sub(&secret->references, 1, __ATOMIC_ACQ_REL);
  CHECK(before > 0);
  if (before > 1)
    return;
  explicit_bzero(secret, sizeof *secret);
  free(secret);
}

struct view secret_view(const struct secret *secret) {
  return secret ? (struct view){secret->text, secret->length} : VIEW("");
}
