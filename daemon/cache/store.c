/* The writer. Its first job inserts the row, one job follows for each chunk, and the last one
 * publishes or gives up. The row has the length that is stored so far. A job for a chunk adds to
 * it, and fails unless the chunk begins at that length. So when a transaction is rolled back, all
 * later jobs of the writer fail, even in the same batch, and no result with a hole is ever
 * published. */
#include "cache/chunk.h"
#include "cache/entry.h"
#include "cache/room.h"
#include "cache/row.h"
#include "cache/rowid.h"

#include "base/log.h"
#include "base/scope.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* The sweeper is woken each time so many chunks were stored, and after publishing. */
#define CHUNKS_A_LOOK 16
/* Bytes that an entry takes in its table and the indexes, without the texts. */
#define ENTRY_OVERHEAD 400

struct cache_writer {
  struct cache *cache;
  int64_t id;
  int64_t source; /* the id of the source; 0: the result is upstream's own */
  struct pin *pin;
  struct cache_validator validator;
  /* the caller's thread */
  int64_t appended; /* bytes */
  /* keeper */
  int64_t stored; /* bytes */
  bool failed;
  struct fault fault; /* why */
  struct cache_job begin;
  struct finish {
    struct cache_job job;
    struct cache_writer *writer;
    bool publish;
    bool published;  /* or not wanted any more */
    bool has_copies; /* published, and there were derived results of its subject */
    struct cache_result result;
    char content_type[CACHE_CONTENT_TYPE_SIZE];
    cache_done *done;
    void *context;
  } finish;
  struct cache_subject subject; /* its texts are in `texts`; without the hold of the source */
  char texts[];
};

struct append {
  struct cache_job job;
  struct cache_writer *writer;
  int64_t offset;
  struct view bytes;
  struct packing packing;
  bool refused;
  cache_done *done;
  void *context;
};

static void fail(struct cache_writer *writer, const struct fault *why) {
  if (!writer->failed)
    writer->fault = *why;
  writer->failed = true;
}

/* Beginning. */

/* True if other answers may be derived from the result. */
static bool has_subject(const struct cache_subject *subject) {
  return !digest_equal(&subject->subject, &(const struct digest){0});
}

static bool insert_entry(const struct cache_writer *writer, struct db *db, struct fault *fault) {
  const struct cache_subject *subject = &writer->subject;
  const struct view validator = {(const char *)writer->validator.bytes, CACHE_VALIDATOR_SIZE};
  return db_do(db, CACHE_SQL_INSERT_ENTRY,
               DB_VALUES(DB_INT(writer->id), row_digest(&subject->key), DB_TEXT(subject->normal),
                         DB_TEXT(subject->target), DB_INT(writer->stored), DB_BLOB(validator),
                         has_subject(subject) ? row_digest(&subject->subject) : DB_NULL,
                         DB_INT(subject->conditions),
                         writer->source ? DB_INT(writer->source) : DB_NULL),
               fault);
}

static bool begin_work(struct cache_job *job, struct db *db, struct fault *fault) {
  struct cache_writer *writer =
      (struct cache_writer *)((char *)job - offsetof(struct cache_writer, begin));
  const struct cache_subject *subject = &writer->subject;
  if (!cache_has_room(job->cache, db, fault))
    return false;
  writer->stored = (int64_t)(ENTRY_OVERHEAD + subject->normal.length + 2 * subject->target.length);
  return insert_entry(writer, db, fault);
}

static void begin_done(struct cache_job *job, bool ok, const struct fault *fault) {
  struct cache_writer *writer =
      (struct cache_writer *)((char *)job - offsetof(struct cache_writer, begin));
  if (!ok)
    fail(writer, fault);
}

static struct view copy(char *to, struct view text) {
  if (text.length)
    memcpy(to, text.at, text.length);
  return (struct view){to, text.length};
}

static struct cache_writer *make(struct cache *cache, const struct cache_subject *subject) {
  struct cache_writer *writer =
      calloc(1, sizeof *writer + subject->normal.length + subject->target.length);
  if (!writer)
    return NULL;
  writer->cache = cache;
  /* Cannot fail or return fewer bytes: getrandom(2), up to 256 bytes. */
  CHECK(getrandom(&writer->validator, sizeof writer->validator, 0) == sizeof writer->validator);
  writer->subject = *subject;
  writer->subject.source = NULL;
  writer->source = subject->source ? hold_source(subject->source) : 0;
  writer->subject.normal = copy(writer->texts, subject->normal);
  writer->subject.target = copy(writer->texts + subject->normal.length, subject->target);
  writer->begin.work = begin_work;
  writer->begin.done = begin_done;
  return writer;
}

bool cache_begin(struct cache *cache, const struct cache_subject *subject,
                 struct cache_writer **out, struct fault *fault) {
  if (!cache_is_usable(cache, fault))
    return false;
  scope_free struct cache_writer *writer = make(cache, subject);
  if (!writer)
    return fault_no_memory(fault);
  writer->id = atomic_fetch_add(&cache->last_id, 1) + 1;
  if (!rowid_is_valid(writer->id))
    return fault_set(fault, FAULT_UNAVAILABLE, "%s has no room for more results", cache->disk.path);
  writer->pin = pins_add(&cache->pins, writer->id);
  if (!writer->pin)
    return fault_no_memory(fault);
  cache_job_give(cache, &writer->begin);
  *out = steal(writer);
  return true;
}

struct cache_hold *cache_writer_hold(const struct cache_writer *writer) {
  return hold_create(writer->cache, writer->pin);
}

struct cache_validator cache_writer_validator(const struct cache_writer *writer) {
  return writer->validator;
}

/* Appending. */

static bool extend(struct append *append, struct view packed, struct db *db, struct fault *fault) {
  int64_t taken = (int64_t)packed.length + CHUNK_OVERHEAD;
  if (!db_do(db, CACHE_SQL_EXTEND_ENTRY,
             DB_VALUES(DB_INT(append->writer->id), DB_INT((int64_t)append->bytes.length),
                       DB_INT(taken), DB_INT(append->offset)),
             fault))
    return false;
  return db_changes(db) == 1 ||
         fault_set(fault, FAULT_UNAVAILABLE, "an earlier part of the result was not stored");
}

static bool insert(struct append *append, struct view packed, struct db *db, struct fault *fault) {
  int64_t number = append->offset / (int64_t)CACHE_CHUNK_SIZE;
  return db_do(db, CACHE_SQL_INSERT_CHUNK,
               DB_VALUES(DB_INT(rowid_of_chunk(append->writer->id, number)),
                         DB_INT((int64_t)append->bytes.length), DB_BLOB(packed)),
               fault);
}

static bool condemn(const struct cache_writer *writer, struct db *db, struct fault *fault) {
  return db_do(db, CACHE_SQL_CONDEMN_FILLING_ENTRY, DB_VALUES(DB_INT(writer->id)), fault);
}

/* The reason for which there is no place for this chunk; NULL: there is. */
static const char *no_place(struct cache_writer *writer, int64_t size, int64_t offset) {
  struct cache *cache = writer->cache;
  if (writer->stored + size > atomic_load(&cache->max_size))
    return "the result alone is larger than cache.max_size";
  if (!rowid_has_chunk(offset / (int64_t)CACHE_CHUNK_SIZE))
    return "the result is too long to be stored";
  if (cache->store.crowded)
    return "cache.max_size is taken up by results that are being stored or read";
  return NULL;
}

/* The writer gives up, and its chunks are condemned at once, to make room for others. That must be
 * committed, so the job succeeds; append_done() reports the failure. */
static bool refuse(struct append *append, const char *why, struct db *db, struct fault *fault) {
  struct cache_writer *writer = append->writer;
  struct fault refusal;
  fault_set(&refusal, FAULT_UNAVAILABLE, "%s", why);
  fail(writer, &refusal);
  append->refused = true;
  writer->cache->store.crowded = false;
  return condemn(writer, db, fault);
}

static bool append_chunk(struct append *append, struct db *db, struct fault *fault) {
  struct cache_writer *writer = append->writer;
  struct view packed;
  if (!cache_has_room(writer->cache, db, fault) ||
      !packers_take(&writer->cache->packers, &append->packing, &packed, fault))
    return false;
  int64_t size = (int64_t)packed.length + CHUNK_OVERHEAD;
  const char *why = no_place(writer, size, append->offset);
  if (why)
    return refuse(append, why, db, fault);
  if (!extend(append, packed, db, fault) || !insert(append, packed, db, fault))
    return false;
  writer->stored += size;
  return true;
}

/* A failure is noted here, not in append_done(): the writer's next jobs in the batch must see
 * it. */
static bool append_work(struct cache_job *job, struct db *db, struct fault *fault) {
  struct append *append = (struct append *)job;
  struct cache_writer *writer = append->writer;
  if (writer->failed)
    *fault = writer->fault;
  else if (append_chunk(append, db, fault))
    return true;
  fail(writer, fault);
  return false;
}

static void append_done(struct cache_job *job, bool ok, const struct fault *fault) {
  struct append *append = (struct append *)job;
  struct cache_writer *writer = append->writer;
  struct store *store = &job->cache->store;
  packers_end(&job->cache->packers, &append->packing);
  if (!ok)
    fail(writer, fault);
  ok = ok && !append->refused;
  if (append->refused || ++store->chunks >= CHUNKS_A_LOOK) {
    store->chunks = 0;
    sweep_wake(job->cache);
  }
  append->done(append->context, ok, ok ? fault : &writer->fault);
  free(append);
}

void cache_append(struct cache_writer *writer, struct view bytes, cache_done *done, void *context) {
  CHECK(bytes.length > 0 && bytes.length <= CACHE_CHUNK_SIZE);
  CHECK(writer->appended % (int64_t)CACHE_CHUNK_SIZE == 0); /* the one before was not the last */
  int64_t offset = writer->appended;
  writer->appended += (int64_t)bytes.length;
  struct append *append = calloc(1, sizeof *append);
  if (!append) {
    /* The missing chunk makes all later appends fail. */
    struct fault fault;
    fault_no_memory(&fault);
    done(context, false, &fault);
    return;
  }
  append->job.work = append_work;
  append->job.done = append_done;
  append->writer = writer;
  append->offset = offset;
  append->bytes = bytes;
  append->done = done;
  append->context = context;
  packers_give(&writer->cache->packers, &append->packing, bytes);
  cache_job_give(writer->cache, &append->job);
}

/* Spoiling. */

struct spoil {
  struct cache_job job;
  struct cache_writer *writer;
  struct fault why;
  cache_done *done;
  void *context;
};

static bool spoil_work(struct cache_job *job, struct db *db, struct fault *fault) {
  (void)db;
  struct spoil *spoil = (struct spoil *)job;
  fail(spoil->writer, &spoil->why);
  *fault = spoil->why;
  return false;
}

static void spoil_done(struct cache_job *job, bool ok, const struct fault *fault) {
  (void)ok;
  struct spoil *spoil = (struct spoil *)job;
  fail(spoil->writer, &spoil->why); /* where the job did not run */
  spoil->done(spoil->context, false, fault);
  free(spoil);
}

void cache_spoil(struct cache_writer *writer, const struct fault *why, cache_done *done,
                 void *context) {
  struct spoil *spoil = calloc(1, sizeof *spoil);
  if (!spoil) {
    /* The missing chunk makes all later appends fail. */
    writer->appended += (int64_t)CACHE_CHUNK_SIZE;
    done(context, false, why);
    return;
  }
  spoil->job.work = spoil_work;
  spoil->job.done = spoil_done;
  spoil->writer = writer;
  spoil->why = *why;
  spoil->done = done;
  spoil->context = context;
  cache_job_give(writer->cache, &spoil->job);
}

/* Ending. */

/* Fills the entry. `*whole`: every chunk is stored. */
static bool complete(struct finish *finish, struct db *db, bool *whole, struct fault *fault) {
  const struct cache_result *result = &finish->result;
  bool ok = db_do(
      db, CACHE_SQL_COMPLETE_ENTRY,
      DB_VALUES(DB_INT(finish->writer->id), DB_INT(result->results), DB_INT(result->cost.parts),
                DB_INT(result->answered_at), DB_TEXT(view_of(finish->content_type)),
                DB_INT(result->body_length), DB_INT((int64_t)result->cost.currency),
                result->listed < 0 ? DB_NULL : DB_INT(result->listed), DB_INT(result->may_be_cut)),
      fault);
  *whole = ok && db_changes(db) == 1;
  return ok;
}

/* Runs a statement that condemns published results. */
static bool replace(struct finish *finish, int number, const struct digest *digest, struct db *db,
                    struct fault *fault) {
  if (!db_do(db, number, DB_VALUES(row_digest(digest)), fault))
    return false;
  finish->job.live -= db_changes(db);
  return true;
}

/* A derived result must not outlive a newer answer or a purge. So it is not published if its source
 * is gone meanwhile, and upstream's own answer removes all derived results of its subject. */
static bool is_wanted(const struct cache_writer *writer, struct db *db, bool *yes,
                      struct fault *fault) {
  struct db_statement *row = NULL;
  bool ok =
      !writer->source ||
      db_find(db, CACHE_SQL_COPY_IS_WANTED,
              DB_VALUES(DB_INT(writer->source), row_digest(&writer->subject.key)), &row, fault);
  *yes = !writer->source || row;
  db_done(row);
  return ok;
}

static bool publish(struct finish *finish, struct db *db, struct fault *fault) {
  const struct cache_writer *writer = finish->writer;
  const struct cache_subject *subject = &writer->subject;
  bool wanted;
  if (!is_wanted(writer, db, &wanted, fault))
    return false;
  finish->published = true;
  if (!wanted)
    return condemn(writer, db, fault);
  if (!replace(finish, CACHE_SQL_CONDEMN_KEY, &subject->key, db, fault))
    return false;
  int64_t live = finish->job.live;
  if (!writer->source && has_subject(subject) &&
      !replace(finish, CACHE_SQL_CONDEMN_COPIES, &subject->subject, db, fault))
    return false;
  finish->has_copies = finish->job.live < live;
  finish->job.live++;
  return db_do(db, CACHE_SQL_PUBLISH_ENTRY,
               DB_VALUES(DB_INT(writer->id), DB_INT(writer->cache->sweep.inflation)), fault);
}

static bool finish_work(struct cache_job *job, struct db *db, struct fault *fault) {
  struct finish *finish = (struct finish *)job;
  struct cache_writer *writer = finish->writer;
  finish->published = finish->has_copies = false;
  if (!finish->publish || writer->failed)
    return condemn(writer, db, fault);
  bool whole;
  if (!complete(finish, db, &whole, fault))
    return false;
  if (whole)
    return publish(finish, db, fault);
  struct fault why;
  fault_set(&why, FAULT_UNAVAILABLE, "not all of the result was stored");
  fail(writer, &why);
  return condemn(writer, db, fault);
}

/* What the result has replaced is not found in memory either. */
static void forget_replaced(const struct finish *finish) {
  struct tier *tier = &finish->writer->cache->tier;
  tier_drop_key(tier, &finish->writer->subject.key);
  if (finish->has_copies)
    tier_drop_copies(tier, &finish->writer->subject.subject);
}

/* If condemning failed, too, the sweeper deletes the result: it is filling, and not pinned any
 * more. */
static void finish_done(struct cache_job *job, bool ok, const struct fault *fault) {
  struct finish *finish = (struct finish *)job;
  struct cache_writer *writer = finish->writer;
  struct cache *cache = writer->cache;
  if (!ok)
    fail(writer, fault);
  ok = ok && finish->published;
  if (ok && finish->publish)
    forget_replaced(finish);
  if (finish->done)
    finish->done(finish->context, ok, ok ? fault : &writer->fault);
  hold_unpin(cache, &writer->pin);
  free(writer);
  sweep_wake(cache);
}

static void end(struct cache_writer *writer) {
  writer->finish.writer = writer;
  writer->finish.job.work = finish_work;
  writer->finish.job.done = finish_done;
  cache_job_give(writer->cache, &writer->finish.job);
}

void cache_publish(struct cache_writer **address, const struct cache_result *result,
                   cache_done *done, void *context) {
  struct cache_writer *writer = steal(*address);
  struct finish *finish = &writer->finish;
  finish->publish = true;
  finish->result = *result;
  finish->result.content_type = NULL;
  if (!entry_read_content_type(view_of(result->content_type), finish->content_type))
    finish->content_type[0] = 0;
  finish->done = done;
  finish->context = context;
  hits_flush(writer->cache);
  end(writer);
}

void cache_abandon(struct cache_writer **address) {
  struct cache_writer *writer = steal(*address);
  if (writer)
    end(writer);
}
