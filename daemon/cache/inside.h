/* The inside of the room: what its files share. Nobody else includes it.
 *
 *   cache.c    opening and closing, jobs, what is done about damage
 *   hold.c     finding, holding, reading
 *   disk.c     the files: lock, clean or unclean end, setting aside
 *   readers.c  the pool of read-only connections
 *   pins.c     who must not be swept
 *   hits.c     hits that are not written yet
 *   store.c    the writer
 *   sweep.c    eviction, sweeping, giving space back
 *   admin.c    listing and purging
 *
 * Locks: each is taken alone, and nothing is called while one is held. What is marked "keeper" is
 * touched by jobs only, that is on the keeper's thread. */
#pragma once

#include "cache/cache.h"
#include "db/keeper.h"
#include "sql_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <zstd.h>

/* A chunk's rowid is id << CHUNK_BITS | number. */
#define CHUNK_BITS 24
#define CHUNKS_MAX ((int64_t)1 << CHUNK_BITS)
#define ID_MAX (((int64_t)1 << 39) - 1)
#define CHUNK_BOUND ZSTD_COMPRESSBOUND(CACHE_CHUNK_SIZE)
/* What a chunk takes in the file beside its data: its cell, and its share of half-filled pages.
 * With pages of 4096 bytes, measured on JSON rows, the file is 2 to 4 % larger than the data. */
#define CHUNK_OVERHEAD 400

/* pins.c: the results that must not be swept, by id, with a count each. */
struct pin;
struct pins {
  pthread_mutex_t lock;
  struct pin *map;
};
void pins_open(struct pins *pins);
/* CHECKs that nothing is pinned. */
void pins_close(struct pins *pins);
/* Pins a result; NULL for lack of memory. */
struct pin *pins_add(struct pins *pins, int64_t id) MUST_CHECK;
/* One more of what is pinned already. */
struct pin *pins_add_again(struct pins *pins, struct pin *pin) MUST_CHECK;
/* One less, leaves NULL. True if it was the last one and pins_await() was asked about it. */
bool pins_drop(struct pins *pins, struct pin **pin) MUST_CHECK;
/* True if the result is pinned; then the last pins_drop() will say that somebody waits for it. */
bool pins_await(struct pins *pins, int64_t id) MUST_CHECK;
int64_t pin_id(const struct pin *pin);

/* readers.c: connections with what reading needs; at most READERS_MAX, further callers wait. */
#define READERS_MAX 16
struct reader {
  struct db *db;
  ZSTD_DCtx *context;
  struct reader *next;
};
struct readers {
  pthread_mutex_t lock;
  pthread_cond_t given;
  struct reader *idle;
  int open; /* idle or lent */
  const char *path;
};
void readers_open(struct readers *readers, const char *path);
void readers_close(struct readers *readers);
struct reader *readers_take(struct readers *readers, struct fault *fault) MUST_CHECK;
void readers_give(struct readers *readers, struct reader *reader);

/* disk.c */
struct disk {
  char *path;     /* cache.db */
  int state_file; /* locked as long as the cache is open */
  int64_t last_id;
  int64_t live;
};
/* Opens what is to be used: the old cache.db if it is whole, else a new one. Fills `disk`, which
 * disk_close() empties in any case. */
bool disk_open(struct disk *disk, const char *directory, struct db **db,
               struct fault *fault) MUST_CHECK;
/* For the next disk_open(). Any thread. */
void disk_mark_damaged(const struct disk *disk);
void disk_mark_clean(const struct disk *disk);
void disk_close(struct disk *disk);

/* The size that a -wal file ordinarily has (it is cut to that when it is begun anew), which goes
 * for nothing in cache_totals; and the least at which nothing more is stored while a reader of
 * another process holds it (it is cache.max_size where that is more). */
#define WAL_ORDINARY (INT64_C(4) * 1024 * 1024)
#define WAL_MOST_AT_LEAST (INT64_C(32) * 1024 * 1024)

/* A job of this room; first member of what its owner allocates. */
struct cache_job {
  struct keeper_job keeper;
  struct cache *cache;
  bool (*work)(struct cache_job *job, struct db *db, struct fault *fault);
  void (*done)(struct cache_job *job, bool ok, const struct fault *fault); /* may be NULL */
  int64_t
      live; /* what work() adds to the number of published results; counts if it was committed */
};
void cache_job_give(struct cache *cache, struct cache_job *job);
/* Blocks. */
bool cache_job_run(struct cache *cache, struct cache_job *job, struct fault *fault) MUST_CHECK;

/* hits.c */
struct hits_job {
  struct cache_job job;
  struct hit *taken; /* keeper */
};
struct hits {
  struct hits_job own;
  pthread_mutex_t lock;
  struct hit *map; /* counted since the last job took them */
  int64_t pending;
  bool given; /* `own` is given */
};
void hits_open(struct hits *hits);
void hits_close(struct hits *hits);
void hits_count(struct cache *cache, int64_t id);
/* Has what was counted written soon. Does not block. */
void hits_flush(struct cache *cache);
/* The same, and waits for it. */
bool hits_write(struct cache *cache, struct fault *fault) MUST_CHECK;

/* store.c */
struct store {
  ZSTD_CCtx *context; /* keeper */
  char *packed;       /* keeper; CHUNK_BOUND bytes */
  int chunks;         /* keeper: stored since the sweeper was woken */
  bool crowded; /* keeper: over max_size, and nothing is left to evict: one writer must give up */
};
bool store_open(struct store *store, struct fault *fault) MUST_CHECK;
void store_close(struct store *store);

/* sweep.c: one job that gives itself again as long as there is something to do. */
#define SWEEP_CANDIDATES 64
struct sweep {
  struct cache_job job;
  pthread_mutex_t lock;
  bool running; /* the job is given */
  bool again;   /* woken since the pass began */
  bool closing; /* what is left is for the next start */
  /* keeper */
  int64_t candidates[SWEEP_CANDIDATES]; /* were not live in a transaction that is committed */
  int count;
  int64_t after; /* candidates up to this id were looked at in this pass */
  int64_t used;  /* bytes of pages in use */
  bool more;
};
void sweep_open(struct sweep *sweep);
void sweep_close(struct sweep *sweep);
/* Any thread; does not block. */
void sweep_wake(struct cache *cache);
/* No new rounds: for closing. */
void sweep_end(struct cache *cache);

struct cache {
  struct disk disk;
  struct keeper *keeper;
  struct pins pins;
  struct readers readers;
  struct hits hits;
  struct store store;
  struct sweep sweep;
  _Atomic int64_t max_size;
  _Atomic int64_t last_id;
  _Atomic int64_t live;
  _Atomic int64_t used;
  atomic_bool unusable; /* the file turned out to be damaged */
};

/* False with a fault if the file turned out to be damaged. */
bool cache_is_usable(struct cache *cache, struct fault *fault) MUST_CHECK;
/* Not while a reader of another process holds a -wal that has become too large: asked by what is
 * not worth more of it. In a job. */
bool cache_has_room(struct cache *cache, struct db *db, struct fault *fault) MUST_CHECK;
/* After a failure of `db`: if it says that the file is damaged, the cache is not used any more. */
void cache_note_failure(struct cache *cache, struct db *db);
/* A digest as a value. */
static inline struct db_value cache_digest(const struct digest *digest) {
  return DB_BLOB(((struct view){(const char *)digest->bytes, DIGEST_SIZE}));
}
/* Has a result that cannot be read condemned, soon. For lack of memory it stays visible, and the
 * next reader tries again. Any thread; does not block. */
void cache_kill(struct cache *cache, int64_t id);
/* Drops a pin, and wakes the sweeper where it waits for that. Leaves NULL. */
void cache_unpin(struct cache *cache, struct pin **pin);
/* One more hold, of what is pinned. NULL for lack of memory. */
struct cache_hold *cache_hold_pin(struct cache *cache, struct pin *pin) MUST_CHECK;
/* The columns of find_entry, list_entries and show_entries; false when they cannot be right. */
bool cache_read_entry(struct db_statement *statement, int64_t *id,
                      struct cache_entry *entry) MUST_CHECK;
/* It becomes a header of a reply: false for what is too long, or could end the line. */
bool cache_read_content_type(struct view text, char out[CACHE_CONTENT_TYPE_SIZE]) MUST_CHECK;
