/* Stored results, in cache.db.
 *
 * A result is the body of one answer, byte for byte as upstream sent it, cut into chunks of
 * CACHE_CHUNK_SIZE (the last one shorter) that are compressed one by one. It is written by a
 * cache_writer while it arrives and becomes visible at once, when cache_publish() is done: until
 * then nobody finds it by its key. The next start sweeps a result that was left unfinished.
 *
 *   cache_begin -> cache_append ... -> cache_publish    visible, replaces an older one of its key
 *                                   -> cache_abandon    swept away
 *
 * A reader holds a result:
 *
 *   cache_find, cache_writer_hold, cache_hold_again -> cache_read ... -> cache_release
 *
 * A result that was replaced, evicted or purged is invisible at once; its chunks stay until the
 * last hold is released. The sweeper checks the holds in a later transaction than the one that made
 * the result invisible, and cache_find() looks again after it has pinned what it found: so nobody
 * reads what is being swept.
 *
 * Writing happens on the cache's own keeper thread. Reading happens on the caller's thread, by a
 * read-only connection from a pool. A cache.db that is damaged is set aside with a log line, at
 * cache_open(); one that turns out to be damaged later is not used any more (finding finds nothing,
 * storing fails) and is set aside at the next start. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/money.h"

#include <stdint.h>

#define CACHE_CHUNK_SIZE ((size_t)64 * 1024)
#define CACHE_CONTENT_TYPE_SIZE 128

struct cache;
struct cache_hold;

/* Opens or creates DIRECTORY/cache.db. The caller holds the directory's lock (directory_lock())
 * until cache_close(): the cache takes none of its own. Blocks (a check of the whole file after an
 * unclean end, or when it is small). DIRECTORY/cache.state remembers how the last user ended. A
 * newer schema, or a file that may not be opened, is a fault and no damage. */
bool cache_open(const char *directory, int64_t max_size, struct cache **out,
                struct fault *fault) MUST_CHECK;
/* Writes what was counted, ends the keeper, leaves NULL. Nothing may be held or being written. */
void cache_close(struct cache **cache);
/* cache.max_size after a reload, in bytes. Any thread; does not block.
 *
 * It bounds the pages in use. The file may be larger by what is condemned and still held, and by
 * what is stored while the sweeper makes a few rounds (some MiB); the -wal comes on top (some MiB,
 * but while another process reads an old state as much again as max_size, 32 MiB at least: then
 * nothing is stored until that ends). Results that are being stored count: if they alone are too
 * much, one of their writers fails. */
void cache_set_max_size(struct cache *cache, int64_t bytes);

/* Tells one result from every other that is or was stored, here or elsewhere: random. What an ETag
 * is made of. */
#define CACHE_VALIDATOR_SIZE 16
struct cache_validator {
  uint8_t bytes[CACHE_VALIDATOR_SIZE];
};

/* The facts about a stored result, beside its chunks. */
struct cache_entry {
  struct digest key;
  int64_t results;      /* rows in the answer */
  int64_t body_length;  /* bytes, as upstream sent them (decoded) */
  int64_t stored_bytes; /* on disk, compressed */
  struct amount cost;   /* what it cost, and what each hit saves */
  int64_t answered_at;  /* seconds since 1970: when upstream answered */
  int64_t hits;         /* without the last ones, which are not written yet */
  char content_type[CACHE_CONTENT_TYPE_SIZE];
  struct cache_validator validator;
};

/* Holding. A hold belongs to one thread at a time; different holds on one result are
 * independent. */

/* The published result with this key, held: the caller releases it. NULL where there is none, and
 * where the cache cannot be read (which is logged). Blocks on the disk; any thread. */
struct cache_hold *cache_find(struct cache *cache, const struct digest *key) MUST_CHECK;
/* The entry that cache_find() found; as long as the hold. */
const struct cache_entry *cache_hold_entry(const struct cache_hold *hold);
/* A second hold on the same result, to be read and released by itself. NULL for lack of memory.
 * Any thread, several at once; does not block. */
struct cache_hold *cache_hold_again(const struct cache_hold *hold) MUST_CHECK;
/* Leaves NULL; NULL is allowed. Any thread; does not block. */
void cache_release(struct cache_hold **hold);

/* Chunk `number` (from 0) of a result that is published, or of one that is being written and whose
 * chunk is appended. The view ends with the next call for this hold, or with its release. Reading
 * the same chunk again costs nothing. Blocks on the disk. A chunk that is missing or damaged is a
 * fault, and its result is made invisible. A number beyond the end of what is stored is only a
 * fault (an empty body has no chunk 0). */
bool cache_read(struct cache_hold *hold, int64_t number, struct view *bytes,
                struct fault *fault) MUST_CHECK;

/* Counts a hit on a result, in memory; written in batches. Any thread; does not block. */
void cache_count_hit(const struct cache_hold *hold);

/* Storing. A writer belongs to one thread at a time; the callbacks run on the keeper's thread and
 * must not block. */
struct cache_writer;
typedef void cache_done(void *context, bool ok, const struct fault *fault);

struct cache_subject {
  struct digest key;
  struct view normal; /* the normalized query, for people */
  struct view target; /* normalized, for purging by target */
};

/* Begins a result; copies the subject. The result stays until the writer's end, and as long as
 * somebody holds it. Does not block; fails for lack of memory or when the cache cannot be used. */
bool cache_begin(struct cache *cache, const struct cache_subject *subject,
                 struct cache_writer **out, struct fault *fault) MUST_CHECK;
/* A hold on the result, for readers of what is appended; it has no entry. The caller releases it,
 * also after the writer's end. NULL for lack of memory. Does not block. */
struct cache_hold *cache_writer_hold(const struct cache_writer *writer) MUST_CHECK;
/* That of the result, should it be published. */
struct cache_validator cache_writer_validator(const struct cache_writer *writer);

/* Appends the next chunk; `bytes` stay the caller's and must live until `done` was called. Every
 * chunk but the last is CACHE_CHUNK_SIZE long, none is empty. After a failure (disk full; the
 * result alone larger than cache.max_size; no place beside others that are being stored) every
 * later append fails too and publishing fails: the writer can only be abandoned. Does not block.
 * For lack of memory alone `done` is called at once, on the caller's thread. */
void cache_append(struct cache_writer *writer, struct view bytes, cache_done *done, void *context);

struct cache_result {
  int64_t results;
  int64_t body_length; /* what was appended: else publishing fails, for a part is missing */
  struct amount cost;
  int64_t answered_at;
  const char *content_type; /* copied; NULL, or what cannot stand in a header, is stored as "" */
};

/* Ends the writer: the result becomes visible and takes the place of an older one of its key,
 * unless an append failed. Then evicts what is over cache.max_size. `done` may be NULL. Does not
 * block. */
void cache_publish(struct cache_writer **writer, const struct cache_result *result,
                   cache_done *done, void *context);
/* Ends the writer, throws away what was appended, leaves NULL. NULL is allowed. Does not block. */
void cache_abandon(struct cache_writer **writer);

/* For the admin side; these block until the keeper has done it. Any thread but the keeper's. */
struct cache_totals {
  int64_t entries;
  int64_t bytes; /* on disk: pages in use; while the -wal is larger than it ordinarily is (4 MiB),
                  * the files as they are */
};
/* Waits for nobody; asks the file system. Any thread. */
struct cache_totals cache_totals(struct cache *cache);

/* One row of a listing; the views hold during the call only. It must not call the cache, nor take
 * long: as long as it runs the WAL cannot be restarted. Texts are as the disk has them: not to be
 * trusted. */
typedef void cache_row(void *context, const struct cache_entry *entry, struct view normal,
                       struct view target);
/* Calls `row` for the published results, the newest first, `limit` at most; on the caller's thread,
 * which reads by itself: it waits for the keeper only until the hits are written. */
bool cache_list(struct cache *cache, int64_t limit, cache_row *row, void *context,
                struct fault *fault) MUST_CHECK;
/* Calls `row` for the results whose key begins with `prefix` (at least 4 hex digits). */
bool cache_show(struct cache *cache, struct view prefix, cache_row *row, void *context,
                struct fault *fault) MUST_CHECK;

enum cache_purge { CACHE_PURGE_ALL, CACHE_PURGE_TARGET, CACHE_PURGE_KEY, CACHE_PURGE_OLDER_THAN };
/* Makes results invisible and sweeps them; not those that are being stored. `text`: the target, or
 * the key (hex, as for cache_show(); one that stands for several is a fault). `before`: with
 * OLDER_THAN, answered before that time (seconds since 1970), or at one that has not come: the
 * clock was wrong then, and the age is not known. `*count`: how many. */
bool cache_purge(struct cache *cache, enum cache_purge what, struct view text, int64_t before,
                 int64_t *count, struct fault *fault) MUST_CHECK;
