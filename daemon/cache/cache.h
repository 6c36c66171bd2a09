/* Stored results, in cache.db.
 *
 * A result is the body of one answer, byte for byte as upstream sent it, or derived: computed from
 * another stored result, its source. The body is cut into chunks of CACHE_CHUNK_SIZE (the last one
 * shorter) that are compressed one by one. A cache_writer writes it while it arrives. It becomes
 * visible as a whole when cache_publish() is done; until then nobody finds it by its key. The next
 * start sweeps a result that was left unfinished.
 *
 *   cache_begin -> cache_append ... -> cache_publish    visible, replaces an older one of its key
 *                                   -> cache_abandon    swept away
 *
 * A reader holds a result:
 *
 *   cache_find, cache_writer_hold, cache_hold_again -> cache_read ... -> cache_release
 *
 * A result that is replaced, evicted or purged becomes invisible at once; its chunks stay until the
 * last hold is released. The sweeper checks holds in a later transaction than the one that made the
 * result invisible, and cache_find() checks that the result is still visible after it has pinned
 * it. So nobody reads a result that is being swept.
 *
 * Writing happens on the cache's own keeper thread. Reading happens on the caller's thread, by a
 * read-only connection from a pool. cache_open() sets a damaged cache.db aside, with a log line. If
 * damage shows later, the file is not used any more (finding finds nothing, storing fails) and is
 * set aside at the next start. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/money.h"

#include <stdint.h>

#define CACHE_CHUNK_SIZE ((size_t)64 * 1024)
#define CACHE_CONTENT_TYPE_SIZE 128

struct cache;
struct cache_hold;

/* Of the configuration; both change with a reload. */
struct cache_bounds {
  int64_t max_size; /* cache.max_size, bytes */
  int64_t memory;   /* cache.memory, bytes: for results in memory (cache/hot.h) */
  int64_t ttl;      /* cache.ttl, seconds: an older result is of less use */
};

/* Opens or creates DIRECTORY/cache.db; the caller owns `*out`. `bounds` are copied. The caller
 * holds the directory's lock (directory_lock()) until cache_close(): the cache takes none of its
 * own. Blocks on the disk: checks the whole file after an unclean end, or if it is small.
 * DIRECTORY/cache.state records whether the last process ended cleanly. A newer schema and a file
 * that cannot be opened are faults, and no damage. */
bool cache_open(const char *directory, const struct cache_bounds *bounds, struct cache **out,
                struct fault *fault) MUST_CHECK;
/* Writes the hits that were counted, ends the keeper, and leaves NULL; NULL is allowed. No hold and
 * no writer may be left. Blocks on the disk. */
void cache_close(struct cache **cache);
/* Sets the bounds after a reload; they are copied. Any thread; does not block.
 *
 * max_size bounds the pages in use. The file may be larger: by condemned results that are still
 * held, and by the chunks that are stored during a few rounds of the sweeper (some MiB). The -wal
 * comes on top: some MiB, but up to max_size, or 32 MiB if that is more, while another process
 * reads an old snapshot; from that size on nothing is stored until that ends. Results that are
 * being stored count: if they alone are too large, one of their writers fails. */
void cache_set_bounds(struct cache *cache, const struct cache_bounds *bounds);

/* A random value that differs for every result that is or was stored, here or elsewhere. An ETag is
 * made of it. */
#define CACHE_VALIDATOR_SIZE 16
struct cache_validator {
  uint8_t bytes[CACHE_VALIDATOR_SIZE];
};

#define CACHE_NOT_LISTED (-1) /* upstream told no list price */

/* The facts about a stored result, beside its chunks. */
struct cache_entry {
  struct digest key;
  struct digest subject; /* as in struct cache_subject */
  int64_t results;       /* rows in the answer */
  int64_t body_length;   /* bytes, as upstream sent them (decoded) */
  int64_t stored_bytes;  /* on disk, compressed */
  struct amount cost;    /* what it cost, and what each hit of its own key saves */
  int64_t listed;        /* the list price, in parts of the currency of `cost`; CACHE_NOT_LISTED */
  bool may_be_cut;       /* upstream may have left out rows for another reason than the limit */
  int64_t answered_at;   /* seconds since 1970: when upstream answered */
  int64_t hits;          /* hits that are written; the latest ones are counted in memory */
  struct amount saved;   /* by these hits */
  bool is_derived;       /* computed from another stored result; if not, upstream's own answer */
  char content_type[CACHE_CONTENT_TYPE_SIZE];
  struct cache_validator validator;
};

/* -- Holding --
 *
 * A hold belongs to one thread at a time. Different holds on one result are independent. */

/* A hold on the published result with this key, which the caller releases. NULL: there is none, or
 * the cache cannot be read (which is logged). Blocks on the disk; any thread. */
struct cache_hold *cache_find(struct cache *cache, const struct digest *key) MUST_CHECK;
/* The entry that cache_find() found; as long as the hold. */
const struct cache_entry *cache_hold_entry(const struct cache_hold *hold);
/* Another hold on the same result, which the caller releases. NULL: no memory. Does not block; any
 * thread, several at once. */
struct cache_hold *cache_hold_again(const struct cache_hold *hold) MUST_CHECK;
/* Releases a hold and leaves NULL; NULL is allowed. Any thread; does not block. */
void cache_release(struct cache_hold **hold);

/* Reads chunk `number` (from 0) of a published result, or an appended chunk of a result that is
 * being written. `*bytes` are valid until the next call for this hold, or its release. Reading the
 * same chunk again costs nothing. FAULT_UNAVAILABLE: the chunk is missing or damaged, and a damaged
 * result becomes invisible; or the result ends before it (an empty body has no chunk 0). Blocks on
 * the disk. */
bool cache_read(struct cache_hold *hold, int64_t number, struct view *bytes,
                struct fault *fault) MUST_CHECK;

/* Counts a hit that saved `saved`, in memory; hits are written in batches. An answer that is
 * computed from a result is a hit on that result. A hit on a derived result counts for its source,
 * too. A result that was paid in another currency (before upstream.api was changed) is hit, but
 * `saved` is not added to what its hits have saved. Any thread; does not block. */
void cache_count_hit(const struct cache_hold *hold, struct amount saved);

/* -- Storing --
 *
 * A writer belongs to one thread at a time. */
struct cache_writer;
/* Called on the keeper's thread when a step is done; must not block. `fault` is set if not `ok`. */
typedef void cache_done(void *context, bool ok, const struct fault *fault);

struct cache_subject {
  struct digest key;
  struct view normal; /* the normalized query, for people */
  struct view target; /* normalized, for purging by target */
  /* Of the question's table, target and mode. All zero: the result is no source of derived ones. A
   * derived result has the target and the subject of its source. */
  struct digest subject;
  int64_t conditions; /* how many the question has */
  /* The stored result from which this one is computed; NULL: it is upstream's own answer. */
  const struct cache_hold *source;
};

/* Begins a result, and copies `subject`; the source may be released afterwards. The caller owns
 * `*out` until cache_publish() or cache_abandon(). Faults: no memory, or the cache cannot be used.
 * Does not block; any thread. */
bool cache_begin(struct cache *cache, const struct cache_subject *subject,
                 struct cache_writer **out, struct fault *fault) MUST_CHECK;
/* A hold on the result, for reading appended chunks; it has no entry. It may outlive the writer;
 * the caller releases it. NULL: no memory. Does not block. */
struct cache_hold *cache_writer_hold(const struct cache_writer *writer) MUST_CHECK;
/* The validator that the result will have when it is published. */
struct cache_validator cache_writer_validator(const struct cache_writer *writer);

/* Appends the next chunk. `bytes` stay the caller's and must be valid until `done` was called.
 * Every chunk but the last is CACHE_CHUNK_SIZE long; none is empty. If one append fails (full disk;
 * the result alone is larger than cache.max_size; no room beside other results that are being
 * stored), every later append and publishing fail, too: the writer can only be abandoned. For lack
 * of memory `done` is called at once, on the caller's thread. Does not block. */
void cache_append(struct cache_writer *writer, struct view bytes, cache_done *done, void *context);
/* Makes the result one that cannot be stored, for `why` (copied): from here on every append and
 * publishing fail. `done` comes after those of the earlier appends, whose bytes the cache no longer
 * reads then; for lack of memory at once. Does not block. */
void cache_spoil(struct cache_writer *writer, const struct fault *why, cache_done *done,
                 void *context);

struct cache_result {
  int64_t results;
  int64_t body_length; /* bytes; if fewer or more were stored, publishing fails */
  struct amount cost;
  int64_t listed;  /* as in struct cache_entry */
  bool may_be_cut; /* likewise */
  int64_t answered_at;
  const char *content_type; /* copied; a text that is too long or no header's is stored as "" */
};

/* Ends the writer and leaves NULL: the result becomes visible and replaces an older one of its key,
 * unless an append has failed. Eviction follows if cache.max_size is exceeded. `done` may be NULL.
 * Does not block.
 *
 * Upstream's own answer also removes all derived results of its subject, which are older: they can
 * be computed again at no cost. A derived result has its source's answered_at. It is discarded,
 * which is no failure, if its source is not visible any more, or if upstream's own answer is stored
 * under its key. */
void cache_publish(struct cache_writer **writer, const struct cache_result *result,
                   cache_done *done, void *context);
/* Ends the writer, discards the result and leaves NULL; NULL is allowed. Does not block. */
void cache_abandon(struct cache_writer **writer);

/* -- Listing and purging --
 *
 * Any thread but the keeper's. */
struct cache_totals {
  int64_t entries; /* published results */
  int64_t bytes;   /* on disk: pages in use; with a -wal over 8 MiB, the size of both files */
};
/* The present totals. Blocks on the file system only; any thread. */
struct cache_totals cache_totals(struct cache *cache);

/* Called for each row of a listing. The views are valid during the call only, and come from the
 * disk: do not trust them. It must not call the cache and must be quick: the WAL cannot be
 * restarted meanwhile. */
typedef void cache_row(void *context, const struct cache_entry *entry, struct view normal,
                       struct view target);
/* Calls `row` on the caller's thread for the published results, the newest first, at most `limit`.
 * Blocks on the disk, and until the keeper has written the hits. */
bool cache_list(struct cache *cache, int64_t limit, cache_row *row, void *context,
                struct fault *fault) MUST_CHECK;
/* The same for the results whose key begins with `prefix`. FAULT_MALFORMED: not 4 to 64 hex
 * digits. */
bool cache_show(struct cache *cache, struct view prefix, cache_row *row, void *context,
                struct fault *fault) MUST_CHECK;

/* The same for the results of a subject that are upstream's own and were answered from `since` to
 * `until` (seconds since 1970): those with the fewest conditions first, then the longest body; at
 * most `limit`. Looks them up in an index, and does not wait for the keeper: the latest hits may be
 * missing. */
bool cache_sources(struct cache *cache, const struct digest *subject, int64_t since, int64_t until,
                   int64_t limit, cache_row *row, void *context, struct fault *fault) MUST_CHECK;

enum cache_purge { CACHE_PURGE_ALL, CACHE_PURGE_TARGET, CACHE_PURGE_KEY, CACHE_PURGE_OLDER_THAN };
/* Makes published results invisible, and has them swept. `text`: the target; or the first digits of
 * the key, as for cache_show(), which must not match several results. `before`: with OLDER_THAN,
 * seconds since 1970; results answered before it are purged, and those answered in the future: the
 * clock was wrong, and their age is not known. What was derived from a purged result is purged with
 * it. `*count`: the number of purged results. Blocks until the keeper has done it. */
bool cache_purge(struct cache *cache, enum cache_purge what, struct view text, int64_t before,
                 int64_t *count, struct fault *fault) MUST_CHECK;
