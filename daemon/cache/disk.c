#include "cache/room.h"
#include "cache/rowid.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "db/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file up to this size is checked at every start: it takes a fraction of a second. */
#define ALWAYS_CHECKED ((int64_t)64 * 1024 * 1024)

enum ending { ENDED_CLEAN, ENDED_UNKNOWN, ENDED_DAMAGED };

static char *join(const char *a, const char *b, const char *c) {
  char *path = NULL;
  return asprintf(&path, "%s%s%s", a, b, c) < 0 ? NULL : path;
}

/* All words have one length, so that one can replace another on a full disk. */
#define STATE_LENGTH 8
#define STATE_OPEN "open   \n"
#define STATE_CLEAN "clean  \n"
#define STATE_DAMAGED "damaged\n"

static bool write_state(const struct disk *disk, const char *word) {
  return pwrite(disk->state_file, word, STATE_LENGTH, 0) == STATE_LENGTH &&
         fsync(disk->state_file) == 0;
}

static enum ending read_state(const struct disk *disk) {
  char word[STATE_LENGTH + 1] = "";
  if (pread(disk->state_file, word, STATE_LENGTH, 0) != STATE_LENGTH)
    return ENDED_UNKNOWN;
  return strcmp(word, STATE_CLEAN) == 0     ? ENDED_CLEAN
         : strcmp(word, STATE_DAMAGED) == 0 ? ENDED_DAMAGED
                                            : ENDED_UNKNOWN;
}

static bool open_state(struct disk *disk, const char *directory, struct fault *fault) {
  scope_free char *path = join(directory, "/cache.state", "");
  if (!path)
    return fault_no_memory(fault);
  return directory_open_file(path, &disk->state_file, fault);
}

static bool rename_part(const char *from, const char *to, const char *suffix, struct fault *fault) {
  scope_free char *old = join(from, suffix, "");
  scope_free char *new = join(to, suffix, "");
  if (!old || !new)
    return fault_no_memory(fault);
  return rename(old, new) == 0 || errno == ENOENT ||
         fault_set(fault, FAULT_UNAVAILABLE, "%s: cannot rename to %s: %s", old, new,
                   strerror(errno));
}

/* A free name: two files of one second get different ones. */
static char *name_damaged(const char *path) {
  for (time_t at = (time_t)clock_seconds();; at++) {
    char suffix[48];
    struct tm utc;
    strftime(suffix, sizeof suffix, ".damaged-%Y%m%dT%H%M%SZ", gmtime_r(&at, &utc));
    char *name = join(path, suffix, "");
    if (!name || access(name, F_OK) != 0)
      return name;
    free(name);
  }
}

static bool set_aside(const struct disk *disk, const char *why, struct fault *fault) {
  scope_free char *name = name_damaged(disk->path);
  if (!name)
    return fault_no_memory(fault);
  /* The database first: without it SQLite ignores a -wal that is left behind. */
  if (!rename_part(disk->path, name, "", fault) || !rename_part(disk->path, name, "-wal", fault) ||
      !rename_part(disk->path, name, "-shm", fault))
    return false;
  log_warning(EVENT_cache_damaged, "file=%s set_aside_as=%s reason=%s", LOG_VALUE(disk->path),
              LOG_VALUE(name), LOG_VALUE(why));
  return true;
}

static bool ask(struct db *db, int number, int64_t *value, struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, number, DB_VALUES(), &row, fault);
  *value = row ? db_integer(row, 0) : 0;
  db_done(row);
  return ok;
}

/* Condemns the results that the last process was writing when it died; the sweeper deletes them. */
static bool tidy(struct disk *disk, struct db *db, bool *damaged, struct fault *fault) {
  if (!db_do(db, CACHE_SQL_CONDEMN_FILLING, DB_VALUES(), fault) ||
      !ask(db, CACHE_SQL_LAST_ID, &disk->last_id, fault) ||
      !ask(db, CACHE_SQL_COUNT_LIVE, &disk->live, fault) ||
      !ask(db, CACHE_SQL_LEAST_RANK, &disk->rank, fault))
    return false;
  *damaged = disk->last_id < 0 || disk->last_id >= ROWID_MOST;
  return !*damaged ||
         fault_set(fault, FAULT_UNAVAILABLE, "%s is damaged: there is a result with id %lld",
                   disk->path, (long long)disk->last_id);
}

static bool open_whole(struct disk *disk, bool check, struct db **db, bool *damaged,
                       struct fault *fault) {
  if (!db_open(disk->path, &cache_schema, DB_WRITE, db, damaged, fault))
    return false;
  if ((!check || db_check(*db, fault)) && tidy(disk, *db, damaged, fault))
    return true;
  *damaged |= db_is_damaged(*db);
  db_close(db);
  return false;
}

static bool open_any(struct disk *disk, enum ending ending, struct db **db, struct fault *fault) {
  if (ending == ENDED_DAMAGED && !set_aside(disk, "it was found to be damaged in use", fault))
    return false;
  if (!write_state(disk, STATE_OPEN))
    return fault_set(fault, FAULT_UNAVAILABLE, "cache.state beside %s: cannot write: %s",
                     disk->path, strerror(errno));
  bool check = ending == ENDED_UNKNOWN || db_sizes(disk->path).file <= ALWAYS_CHECKED;
  bool damaged = false;
  struct fault why;
  if (open_whole(disk, check, db, &damaged, &why))
    return true;
  if (!damaged) {
    *fault = why;
    return false;
  }
  return set_aside(disk, why.text, fault) && open_whole(disk, false, db, &damaged, fault);
}

bool disk_open(struct disk *disk, const char *directory, struct db **db, struct fault *fault) {
  *disk = (struct disk){.state_file = -1};
  disk->path = join(directory, "/cache.db", "");
  if (!disk->path)
    return fault_no_memory(fault);
  return open_state(disk, directory, fault) && open_any(disk, read_state(disk), db, fault);
}

/* If this cannot be written, "open" stays, and the next start finds the damage by its check. */
void disk_mark_damaged(const struct disk *disk) {
  (void)!write_state(disk, STATE_DAMAGED);
}

void disk_mark_clean(const struct disk *disk) {
  (void)!write_state(disk, STATE_CLEAN);
}

void disk_close(struct disk *disk) {
  if (disk->state_file >= 0)
    close(disk->state_file);
  free(disk->path);
  *disk = (struct disk){.state_file = -1};
}
