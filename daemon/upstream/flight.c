#include "upstream/flight.h"

#include "base/clock.h"
#include "base/scope.h"

#include <pthread.h>
#include <stdatomic.h>
#include <utlist.h>

#define CHUNK ((int64_t)FLIGHT_CHUNK_SIZE)

enum reader_wait { NOT_WAITING, WAIT_FLOWING, WAIT_BYTES, WAIT_END };

struct flight_reader {
  struct flight *flight;
  void (*wake)(void *context);
  void *context;
  int64_t offset;           /* under the flight's lock */
  enum reader_wait waiting; /* likewise, as all that follows */
  int64_t since;            /* clock_monotonic() */
  bool in_doubt;
  bool impatient;                                /* no byte came for too long */
  bool to_wake;                                  /* is in the flight's queue */
  int calls;                                     /* of `wake` under way */
  struct flight_reader *next, *prev;             /* the flight's list */
  struct flight_reader *next_woken, *prev_woken; /* its queue */
};

struct slot {
  char *bytes; /* FLIGHT_CHUNK_SIZE; NULL when not in memory */
  bool saved;
};

struct flight {
  atomic_int references;
  const struct flight_owner *owner;
  void *context;
  int64_t since; /* clock_monotonic() */

  pthread_mutex_t lock; /* all below */
  struct flight_state state;
  bool ended;
  struct slot window[FLIGHT_WINDOW]; /* chunk n lives in window[n % FLIGHT_WINDOW] */
  int64_t first;                     /* the oldest chunk in memory */
  int64_t lent;                      /* chunks that the owner has and has not returned */
  bool lost; /* given up, or a chunk has left memory and is not in the store */
  bool kept, departed, was_read;
  struct flight_reader *readers;
  int64_t firm;                /* the number of readers that are not in doubt */
  struct flight_reader *woken; /* a queue: readers whose `wake` is to be called */
  pthread_cond_t called;       /* a call of `wake` has returned */
  const struct flight_writer *writer;
  void *writer_context;
  bool writer_waits;
};

/* --- memory --- */

static atomic_size_t memory; /* bytes of all slots */

size_t flight_memory(void) {
  return atomic_load_explicit(&memory, memory_order_relaxed);
}

static bool fill_slot(struct slot *slot) {
  if (slot->bytes)
    return true;
  slot->bytes = malloc(FLIGHT_CHUNK_SIZE);
  if (slot->bytes)
    atomic_fetch_add_explicit(&memory, FLIGHT_CHUNK_SIZE, memory_order_relaxed);
  return slot->bytes != NULL;
}

static void empty_slot(struct slot *slot) {
  if (slot->bytes)
    atomic_fetch_sub_explicit(&memory, FLIGHT_CHUNK_SIZE, memory_order_relaxed);
  free(steal(slot->bytes));
}

/* --- life --- */

struct flight *flight_create(const struct flight_owner *owner, void *context, bool storing) {
  struct flight *flight = calloc(1, sizeof *flight);
  if (!flight)
    return NULL;
  atomic_init(&flight->references, 1);
  flight->owner = owner;
  flight->context = context;
  flight->since = clock_monotonic();
  flight->state.storing = storing;
  flight->state.head.results_count = -1;
  pthread_mutex_init(&flight->lock, NULL);
  pthread_cond_init(&flight->called, NULL);
  return flight;
}

struct flight *flight_hold(struct flight *flight) {
  atomic_fetch_add(&flight->references, 1);
  return flight;
}

void flight_release(struct flight **address) {
  struct flight *flight = steal(*address);
  if (!flight || atomic_fetch_sub(&flight->references, 1) > 1)
    return;
  CHECK(!flight->readers);
  flight->owner->released(flight->context);
  for (int i = 0; i < FLIGHT_WINDOW; i++)
    empty_slot(&flight->window[i]);
  pthread_cond_destroy(&flight->called);
  pthread_mutex_destroy(&flight->lock);
  free(flight);
}

void *flight_context(const struct flight *flight) {
  return flight->context;
}

void flight_peek(struct flight *flight, struct flight_state *state) {
  pthread_mutex_lock(&flight->lock);
  *state = flight->state;
  pthread_mutex_unlock(&flight->lock);
}

/* --- waking: collected under the lock, called after it --- */

/* True if upstream's answer has ended and is whole. */
static bool is_whole(const struct flight_state *state) {
  return state->end == FLIGHT_ENDED && state->verdict.outcome != ANSWER_BROKEN;
}

/* The number of bytes that readers may have. A chunk is released when the next one has begun. */
static int64_t released(const struct flight *flight) {
  const struct flight_state *state = &flight->state;
  if (state->phase == FLIGHT_CONCLUDED && is_whole(state))
    return state->length;
  return state->length ? (state->length - 1) / CHUNK * CHUNK : 0;
}

static bool is_over(const struct flight *flight, const struct flight_reader *reader) {
  enum flight_phase phase = flight->state.phase;
  switch (reader->waiting) {
  case WAIT_FLOWING:
    return phase != FLIGHT_WAITING || reader->impatient;
  case WAIT_BYTES:
    return phase == FLIGHT_CONCLUDED || reader->offset < released(flight);
  case WAIT_END: /* not while the writer waits for its readers: the end would never come */
    return phase == FLIGHT_CONCLUDED || (flight->writer_waits && !flight->state.storing);
  case NOT_WAITING:
    return false;
  }
  return false;
}

/* Queues the readers whose wait is over. A reader that is in the queue keeps its place. */
static void collect(struct flight *flight) {
  struct flight_reader *reader;
  DL_FOREACH(flight->readers, reader) {
    if (!is_over(flight, reader))
      continue;
    reader->waiting = NOT_WAITING;
    if (!reader->to_wake)
      DL_APPEND2(flight->woken, reader, prev_woken, next_woken);
    reader->to_wake = true;
  }
}

static void unqueue(struct flight *flight, struct flight_reader *reader) {
  if (reader->to_wake)
    DL_DELETE2(flight->woken, reader, prev_woken, next_woken);
  reader->to_wake = false;
}

/* Calls `wake` until the queue is empty. Several threads may do so, each for another reader. The
 * caller has a reference to the flight. */
static void wake(struct flight *flight) {
  struct flight_reader *reader;
  pthread_mutex_lock(&flight->lock);
  while ((reader = flight->woken)) {
    unqueue(flight, reader);
    reader->calls++;
    pthread_mutex_unlock(&flight->lock);
    reader->wake(reader->context);
    pthread_mutex_lock(&flight->lock);
    reader->calls--;
    pthread_cond_broadcast(
        &flight->called); /* a reader that leaves may be freed after the unlock */
  }
  pthread_mutex_unlock(&flight->lock);
}

/* --- the window --- */

static int64_t chunks_begun(const struct flight *flight) {
  return (flight->state.length + CHUNK - 1) / CHUNK;
}

/* True if chunk `number` is full and may leave memory. */
static bool may_go(const struct flight *flight, int64_t number) {
  if ((number + 1) * CHUNK > flight->state.length)
    return false;
  if (flight->window[number % FLIGHT_WINDOW].saved)
    return true;
  if (flight->state.storing || flight->lent > 0)
    return false;
  const struct flight_reader *reader;
  DL_FOREACH(flight->readers, reader) {
    if (reader->offset < (number + 1) * CHUNK)
      return false;
  }
  return true;
}

/* Makes room for chunk `number` at the end of the window. False: none now, or no memory. */
static bool open_slot(struct flight *flight, int64_t number) {
  struct slot *slot = &flight->window[number % FLIGHT_WINDOW];
  if (number - flight->first >= FLIGHT_WINDOW) {
    if (!may_go(flight, flight->first))
      return false;
    flight->lost |= !slot->saved;
    flight->first++;
  }
  slot->saved = false;
  return fill_slot(slot);
}

/* Copies as many bytes as fit into the present chunk, whose slot is open; returns their number. */
static size_t fill(struct flight *flight, struct view bytes) {
  size_t at = (size_t)(flight->state.length % CHUNK);
  size_t count = FLIGHT_CHUNK_SIZE - at;
  if (count > bytes.length)
    count = bytes.length;
  int64_t number = flight->state.length / CHUNK;
  memcpy(flight->window[number % FLIGHT_WINDOW].bytes + at, bytes.at, count);
  flight->state.length += (int64_t)count;
  return count;
}

/* Takes all of `bytes` or none. At most one new chunk begins, as `bytes` are no longer than a
 * chunk. */
static bool take(struct flight *flight, struct view bytes) {
  int64_t begun = chunks_begun(flight);
  int64_t needed = (flight->state.length + (int64_t)bytes.length + CHUNK - 1) / CHUNK;
  if (needed > begun && !open_slot(flight, begun))
    return false;
  while (bytes.length)
    bytes = view_from(bytes, fill(flight, bytes));
  return true;
}

static struct view chunk_bytes(const struct flight *flight, int64_t number) {
  int64_t length = flight->state.length - number * CHUNK;
  return (struct view){flight->window[number % FLIGHT_WINDOW].bytes,
                       (size_t)(length < CHUNK ? length : CHUNK)};
}

/* --- the writer --- */

void flight_set_writer(struct flight *flight, const struct flight_writer *writer, void *context) {
  pthread_mutex_lock(&flight->lock);
  flight->writer = writer;
  flight->writer_context = context;
  pthread_mutex_unlock(&flight->lock);
}

/* --- giving up --- */

static bool is_deserted(const struct flight *flight, bool has_waited) {
  bool is_read = has_waited ? flight->firm > 0 : flight->readers != NULL;
  return flight->was_read && !is_read && !flight->kept && !flight->departed && !flight->ended;
}

static bool give_up_locked(struct flight *flight, bool has_waited) {
  bool deserted = is_deserted(flight, has_waited);
  flight->lost |= deserted;
  return deserted;
}

bool flight_give_up(struct flight *flight, bool has_waited) {
  pthread_mutex_lock(&flight->lock);
  bool given_up = give_up_locked(flight, has_waited);
  pthread_mutex_unlock(&flight->lock);
  return given_up;
}

bool flight_is_deserted(struct flight *flight) {
  pthread_mutex_lock(&flight->lock);
  bool deserted = is_deserted(flight, true);
  pthread_mutex_unlock(&flight->lock);
  return deserted;
}

bool flight_depart(struct flight *flight, bool has_waited) {
  pthread_mutex_lock(&flight->lock);
  bool given_up = give_up_locked(flight, has_waited);
  flight->departed |= !given_up;
  pthread_mutex_unlock(&flight->lock);
  return !given_up;
}

void flight_return(struct flight *flight) {
  pthread_mutex_lock(&flight->lock);
  flight->departed = false;
  pthread_mutex_unlock(&flight->lock);
}

int64_t flight_since(const struct flight *flight) {
  return flight->since;
}

static bool is_awaited(const struct flight *flight, int64_t since) {
  const struct flight_reader *reader;
  DL_FOREACH(flight->readers, reader) {
    if (reader->since > since)
      return true;
  }
  return !flight->readers && flight->since > since;
}

bool flight_is_awaited(struct flight *flight, int64_t since) {
  pthread_mutex_lock(&flight->lock);
  bool awaited = is_awaited(flight, since);
  pthread_mutex_unlock(&flight->lock);
  return awaited;
}

void flight_lose_patience(struct flight *flight, int64_t since) {
  struct flight_reader *reader;
  pthread_mutex_lock(&flight->lock);
  DL_FOREACH(flight->readers, reader) {
    reader->impatient = reader->impatient || reader->since <= since;
  }
  collect(flight);
  pthread_mutex_unlock(&flight->lock);
  wake(flight);
}

void flight_keep(struct flight *flight) {
  pthread_mutex_lock(&flight->lock);
  flight->kept = true;
  pthread_mutex_unlock(&flight->lock);
}

/* --- the writer goes on --- */

void flight_set_head(struct flight *flight, const struct answer_head *head) {
  pthread_mutex_lock(&flight->lock);
  flight->state.head = *head;
  pthread_mutex_unlock(&flight->lock);
}

bool flight_feed(struct flight *flight, struct view bytes) {
  CHECK(bytes.length <= FLIGHT_CHUNK_SIZE);
  pthread_mutex_lock(&flight->lock);
  int64_t full_before = flight->state.length / CHUNK;
  bool taken = take(flight, bytes);
  flight->writer_waits = !taken;
  if (flight->state.phase == FLIGHT_WAITING && released(flight) > 0)
    flight->state.phase = FLIGHT_FLOWING;
  bool full = flight->state.storing && flight->state.length / CHUNK > full_before;
  struct view chunk = full ? chunk_bytes(flight, full_before) : (struct view){0};
  flight->lent += full;
  collect(flight);
  pthread_mutex_unlock(&flight->lock);
  wake(flight); /* first: clients wait for this, and nobody for the storing of this chunk */
  if (full)
    flight->owner->chunk(flight->context, chunk);
  return taken;
}

void flight_end(struct flight *flight, const struct answer_verdict *verdict) {
  pthread_mutex_lock(&flight->lock);
  CHECK(!flight->ended);
  flight->ended = true;
  flight->writer_waits = false;
  flight->state.verdict = *verdict;
  bool rest =
      flight->state.storing && verdict->outcome == ANSWER_COMPLETE && flight->state.length % CHUNK;
  struct view chunk = rest ? chunk_bytes(flight, flight->state.length / CHUNK) : (struct view){0};
  flight->lent += rest;
  pthread_mutex_unlock(&flight->lock);
  if (rest)
    flight->owner->chunk(flight->context, chunk);
  flight->owner->ended(flight->context);
}

/* --- the owner --- */

/* Ends a flight that has no writer. */
static void end_unsent(struct flight *flight, enum flight_end end, const struct fault *refusal) {
  pthread_mutex_lock(&flight->lock);
  CHECK(!flight->ended && !flight->writer);
  flight->ended = true;
  flight->writer_waits = false;
  flight->state.end = end;
  if (refusal)
    flight->state.refusal = *refusal;
  pthread_mutex_unlock(&flight->lock);
}

void flight_refuse(struct flight *flight, const struct fault *fault) {
  end_unsent(flight, FLIGHT_REFUSED, fault);
}

void flight_withdraw(struct flight *flight) {
  end_unsent(flight, FLIGHT_WITHDRAWN, NULL);
}

/* Calls `room` of a waiting writer if there may be room now. If there is none, it will wait
 * again. */
static void tell_writer(struct flight *flight) {
  pthread_mutex_lock(&flight->lock);
  bool waits = flight->writer_waits && may_go(flight, flight->first);
  if (waits)
    flight->writer_waits = false;
  const struct flight_writer *writer = flight->writer;
  void *context = flight->writer_context;
  pthread_mutex_unlock(&flight->lock);
  if (waits)
    writer->room(context, flight);
}

void flight_chunk_saved(struct flight *flight, int64_t number) {
  pthread_mutex_lock(&flight->lock);
  flight->window[number % FLIGHT_WINDOW].saved = true;
  flight->lent--;
  pthread_mutex_unlock(&flight->lock);
  tell_writer(flight);
}

static void fail_storing(struct flight *flight, int64_t returned) {
  pthread_mutex_lock(&flight->lock);
  flight->state.storing = false;
  flight->lent -= returned;
  collect(flight);
  pthread_mutex_unlock(&flight->lock);
  wake(flight);
  tell_writer(flight);
}

void flight_chunk_lost(struct flight *flight) {
  fail_storing(flight, 1);
}

void flight_storing_failed(struct flight *flight) {
  fail_storing(flight, 0);
}

/* Once an answer is stored whole, slow readers read the store, and only its newest chunks stay in
 * memory: a few for each reader, so that those who wait for the end, many of them perhaps, need not
 * unpack it each. */
static void shrink_window(struct flight *flight) {
  if (flight->state.phase != FLIGHT_CONCLUDED || !flight->state.storing ||
      flight->state.verdict.outcome != ANSWER_COMPLETE)
    return;
  int64_t readers;
  struct flight_reader *reader;
  DL_COUNT(flight->readers, reader, readers);
  int64_t first = chunks_begun(flight) - FLIGHT_KEPT * readers;
  for (; flight->first < first; flight->first++) {
    struct slot *slot = &flight->window[flight->first % FLIGHT_WINDOW];
    if (!slot->saved)
      return;
    empty_slot(slot);
  }
}

void flight_conclude(struct flight *flight) {
  pthread_mutex_lock(&flight->lock);
  CHECK(flight->ended && flight->state.phase != FLIGHT_CONCLUDED);
  flight->state.phase = FLIGHT_CONCLUDED;
  shrink_window(flight);
  collect(flight);
  pthread_mutex_unlock(&flight->lock);
  wake(flight);
}

/* --- readers --- */

struct flight_reader *flight_join(struct flight *flight, void (*wake_reader)(void *context),
                                  void *context) {
  struct flight_reader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return NULL;
  reader->flight = flight_hold(flight);
  reader->wake = wake_reader;
  reader->context = context;
  reader->since = clock_monotonic();
  pthread_mutex_lock(&flight->lock);
  bool in_time = !flight->lost;
  if (in_time) {
    DL_APPEND(flight->readers, reader);
    flight->firm++;
    flight->was_read = true;
  }
  pthread_mutex_unlock(&flight->lock);
  if (in_time)
    return reader;
  flight_release(&reader->flight);
  free(reader);
  return NULL;
}

/* Unlocks, and then tells the writer if it may give the flight up. */
static void unlock_and_tell(struct flight *flight) {
  const struct flight_writer *writer = flight->writer;
  bool deserted = writer && is_deserted(flight, true);
  void *context = flight->writer_context;
  pthread_mutex_unlock(&flight->lock);
  if (deserted)
    writer->deserted(context, flight);
}

void flight_leave(struct flight_reader **address) {
  struct flight_reader *reader = steal(*address);
  if (!reader)
    return;
  struct flight *flight = reader->flight;
  pthread_mutex_lock(&flight->lock);
  reader->waiting = NOT_WAITING;
  unqueue(flight, reader);
  while (reader->calls > 0)
    pthread_cond_wait(&flight->called, &flight->lock);
  DL_DELETE(flight->readers, reader);
  shrink_window(flight);
  flight->firm -= !reader->in_doubt;
  unlock_and_tell(flight);
  tell_writer(flight);
  free(reader);
  flight_release(&flight);
}

void flight_doubt(struct flight_reader *reader) {
  struct flight *flight = reader->flight;
  pthread_mutex_lock(&flight->lock);
  flight->firm -= !reader->in_doubt;
  reader->in_doubt = true;
  unlock_and_tell(flight);
}

bool flight_is_lost(struct flight *flight) {
  pthread_mutex_lock(&flight->lock);
  bool lost = flight->lost;
  pthread_mutex_unlock(&flight->lock);
  return lost;
}

struct flight *flight_of(const struct flight_reader *reader) {
  return reader->flight;
}

static bool await_or_wait(struct flight_reader *reader, enum reader_wait what) {
  pthread_mutex_lock(&reader->flight->lock);
  reader->waiting = what;
  bool over = is_over(reader->flight, reader);
  if (over)
    reader->waiting = NOT_WAITING;
  pthread_mutex_unlock(&reader->flight->lock);
  return over;
}

bool flight_await(struct flight_reader *reader) {
  return await_or_wait(reader, WAIT_FLOWING);
}

bool flight_await_end(struct flight_reader *reader) {
  return await_or_wait(reader, WAIT_END);
}

/* Copies bytes at the reader's offset, which are released, if they are in memory. */
static enum flight_read copy(struct flight *flight, struct flight_reader *reader, char *buffer,
                             size_t size, size_t *count) {
  int64_t number = reader->offset / CHUNK;
  if (number < flight->first)
    return FLIGHT_READ_STORED;
  struct view chunk = view_from(chunk_bytes(flight, number), (size_t)(reader->offset % CHUNK));
  *count = chunk.length < size ? chunk.length : size;
  memcpy(buffer, chunk.at, *count);
  reader->offset += (int64_t)*count;
  return FLIGHT_READ_BYTES;
}

static enum flight_read read_locked(struct flight *flight, struct flight_reader *reader,
                                    char *buffer, size_t size, size_t *count) {
  if (reader->offset < released(flight))
    return copy(flight, reader, buffer, size, count);
  if (flight->state.phase != FLIGHT_CONCLUDED) {
    reader->waiting = WAIT_BYTES;
    return FLIGHT_READ_WAIT;
  }
  return is_whole(&flight->state) ? FLIGHT_READ_END : FLIGHT_READ_BROKEN;
}

enum flight_read flight_read(struct flight_reader *reader, char *buffer, size_t size,
                             size_t *count) {
  struct flight *flight = reader->flight;
  pthread_mutex_lock(&flight->lock);
  enum flight_read result = read_locked(flight, reader, buffer, size, count);
  pthread_mutex_unlock(&flight->lock);
  if (result == FLIGHT_READ_BYTES)
    tell_writer(flight);
  return result;
}

int64_t flight_offset(const struct flight_reader *reader) {
  struct flight *flight = reader->flight;
  pthread_mutex_lock(&flight->lock);
  int64_t offset = reader->offset;
  pthread_mutex_unlock(&flight->lock);
  return offset;
}

void flight_skip(struct flight_reader *reader, size_t bytes) {
  struct flight *flight = reader->flight;
  pthread_mutex_lock(&flight->lock);
  reader->offset += (int64_t)bytes;
  pthread_mutex_unlock(&flight->lock);
  tell_writer(flight);
}
