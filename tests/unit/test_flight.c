/* Flights: one writer, many readers. First step by step on one thread, then with a writer, an owner
 * that saves late, and readers, each on a thread of its own. */
#include "unit/fixture/unit.h"

#include "base/clock.h"
#include "upstream/flights.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#define CHUNK ((int64_t)FLIGHT_CHUNK_SIZE)
#define WINDOW ((int64_t)FLIGHT_WINDOW)

/* The body: what byte stands at an offset. */
static char byte_at(int64_t offset) {
  return (char)(offset * 31 + (offset >> 8) * 7 + (offset >> 16) * 3);
}

static void fill(char *bytes, int64_t from, size_t count) {
  for (size_t i = 0; i < count; i++)
    bytes[i] = byte_at(from + (int64_t)i);
}

static bool is_body(const char *bytes, int64_t from, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes[i] != byte_at(from + (int64_t)i))
      return false;
  return true;
}

/* --- step by step --- */

/* An owner that writes down what it is told. */
struct notes {
  struct flight *flight;
  int64_t chunks, last_length;
  bool sound; /* the chunks came in their order, with their bytes */
  int ended, released, rooms, deserted;
};

static void note_chunk(void *context, struct view bytes) {
  struct notes *notes = context;
  notes->sound &= is_body(bytes.at, notes->chunks * CHUNK, bytes.length);
  notes->chunks++;
  notes->last_length = (int64_t)bytes.length;
}

static void note_ended(void *context) {
  struct notes *notes = context;
  notes->ended++;
}

static void note_released(void *context) {
  struct notes *notes = context;
  notes->released++;
}

static void note_room(void *context, struct flight *flight) {
  struct notes *notes = context;
  CHECK(flight == notes->flight);
  notes->rooms++;
}

static void note_deserted(void *context, struct flight *flight) {
  struct notes *notes = context;
  CHECK(flight == notes->flight);
  notes->deserted++;
}

static const struct flight_writer note_writer = {note_room, note_deserted};
static const struct flight_owner note_owner = {note_chunk, note_ended, note_released};

static struct flight *begin(struct notes *notes, bool storing) {
  *notes = (struct notes){.sound = true};
  notes->flight = flight_create(&note_owner, notes, storing);
  assert_non_null(notes->flight);
  assert_ptr_equal(flight_context(notes->flight), notes);
  flight_set_writer(notes->flight, &note_writer, notes);
  return notes->flight;
}

static struct flight_state look(struct flight *flight) {
  struct flight_state state;
  flight_peek(flight, &state);
  return state;
}

/* The next `count` bytes of the body. */
static bool feed(struct flight *flight, int64_t count) {
  static char bytes[FLIGHT_CHUNK_SIZE];
  fill(bytes, look(flight).length, (size_t)count);
  bool taken = flight_feed(flight, (struct view){bytes, (size_t)count});
  memset(bytes, 0, sizeof bytes); /* what was taken was copied */
  return taken;
}

/* Feeds whole chunks until it is told to wait; how many were taken. */
static int64_t feed_chunks(struct flight *flight, int64_t most) {
  int64_t taken = 0;
  while (taken < most && feed(flight, CHUNK))
    taken++;
  return taken;
}

static void end(struct flight *flight, enum answer_outcome outcome) {
  struct answer_verdict verdict = {.outcome = outcome};
  flight_end(flight, &verdict);
}

static void count_wake(void *context) {
  ++*(int *)context;
}

/* Reads what there is; how much it was. `*last`: why there is no more. */
static int64_t drain(struct flight_reader *reader, enum flight_read *last) {
  static char bytes[FLIGHT_CHUNK_SIZE];
  int64_t total = 0;
  size_t count;
  while ((*last = flight_read(reader, bytes, sizeof bytes, &count)) == FLIGHT_READ_BYTES) {
    assert_true(is_body(bytes, flight_offset(reader) - (int64_t)count, count));
    total += (int64_t)count;
  }
  return total;
}

static void assert_drained(struct flight_reader *reader, int64_t expected, enum flight_read why) {
  enum flight_read last;
  int64_t found = drain(reader, &last);
  assert_int_equal(found, expected);
  assert_int_equal(last, why);
}

/* Ends all that a test began. */
static void finish(struct notes *notes, struct flight_reader **reader) {
  flight_leave(reader);
  assert_null(*reader);
  flight_leave(reader);
  assert_int_equal(notes->released, 0);
  flight_release(&notes->flight);
  assert_null(notes->flight);
  assert_int_equal(notes->released, 1);
  assert_true(notes->sound);
  assert_int_equal(flight_memory(), 0);
}

/* For answers of these lengths: when they begin to flow, what is released before the end is
 * settled, and what after it. */
static const struct life {
  int64_t length;
  enum flight_phase phase; /* before the end */
  int64_t released;        /* likewise */
} lives[] = {
    {0, FLIGHT_WAITING, 0},
    {1, FLIGHT_WAITING, 0},
    {CHUNK - 1, FLIGHT_WAITING, 0},
    {CHUNK, FLIGHT_WAITING, 0},
    {CHUNK + 1, FLIGHT_FLOWING, CHUNK},
    {2 * CHUNK - 1, FLIGHT_FLOWING, CHUNK},
    {2 * CHUNK, FLIGHT_FLOWING, CHUNK},
    {2 * CHUNK + 1, FLIGHT_FLOWING, 2 * CHUNK},
    {WINDOW * CHUNK, FLIGHT_FLOWING, (WINDOW - 1) * CHUNK},
};

static void live(const struct life *life, bool storing, enum answer_outcome outcome) {
  struct notes notes;
  struct flight *flight = begin(&notes, storing);
  int wakes = 0;
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  assert_ptr_equal(flight_of(reader), flight);
  for (int64_t left = life->length; left > 0; left -= CHUNK)
    assert_true(feed(flight, left < CHUNK ? left : CHUNK));
  assert_int_equal(look(flight).phase, life->phase);
  assert_int_equal(look(flight).length, life->length);
  assert_int_equal(notes.chunks, storing ? life->length / CHUNK : 0);
  assert_drained(reader, life->released, FLIGHT_READ_WAIT);

  end(flight, outcome);
  assert_int_equal(notes.ended, 1);
  bool rest = storing && outcome == ANSWER_COMPLETE && life->length % CHUNK;
  assert_int_equal(notes.chunks, (storing ? life->length / CHUNK : 0) + rest);
  if (rest)
    assert_int_equal(notes.last_length, life->length % CHUNK);
  assert_int_equal(look(flight).phase, life->phase);
  assert_int_equal(look(flight).verdict.outcome, outcome);
  assert_int_equal(wakes, 0);

  flight_conclude(flight);
  assert_int_equal(look(flight).phase, FLIGHT_CONCLUDED);
  assert_int_equal(wakes, 1);
  bool broken = outcome == ANSWER_BROKEN;
  assert_drained(reader, broken ? 0 : life->length - life->released,
                 broken ? FLIGHT_READ_BROKEN : FLIGHT_READ_END);
  assert_true(flight_await(reader) && flight_await_end(reader));

  /* Who comes after the end reads the same. */
  struct flight_reader *late = flight_join(flight, count_wake, &wakes);
  assert_drained(late, broken ? life->released : life->length,
                 broken ? FLIGHT_READ_BROKEN : FLIGHT_READ_END);
  flight_leave(&late);
  assert_int_equal(wakes, 1);
  finish(&notes, &reader);
}

static void phases(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(lives); i++)
    for (int storing = 0; storing <= 1; storing++)
      for (int outcome = ANSWER_COMPLETE; outcome <= ANSWER_BROKEN; outcome++)
        live(&lives[i], storing, (enum answer_outcome)outcome);
}

static void the_head_is_kept(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  assert_int_equal(look(flight).head.results_count, -1);
  assert_int_equal(look(flight).head.status, 0);
  flight_set_head(flight, &(struct answer_head){.status = 200, .results_count = 7});
  assert_int_equal(look(flight).head.status, 200);
  assert_int_equal(look(flight).head.results_count, 7);
  flight_release(&notes.flight);
  flight_release(&notes.flight);
  assert_int_equal(notes.released, 1);
}

/* One wake for each time that somebody was told to wait, and none else. */
static void wakes_are_paired(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  int flowing = 0, ending = 0, reading = 0;
  struct flight_reader *one = flight_join(flight, count_wake, &flowing);
  struct flight_reader *two = flight_join(flight, count_wake, &ending);
  struct flight_reader *three = flight_join(flight, count_wake, &reading);
  assert_false(flight_await(one));
  assert_false(flight_await_end(two));
  assert_drained(three, 0, FLIGHT_READ_WAIT);
  assert_true(feed(flight, CHUNK));
  assert_int_equal(flowing + ending + reading, 0);
  assert_true(feed(flight, 1));
  assert_int_equal(flowing, 1);
  assert_int_equal(reading, 1);
  assert_int_equal(ending, 0);
  assert_true(feed(flight, CHUNK)); /* nobody asked again */
  assert_int_equal(flowing + reading, 2);
  assert_true(flight_await(one));
  assert_drained(three, 2 * CHUNK, FLIGHT_READ_WAIT);
  end(flight, ANSWER_COMPLETE);
  assert_int_equal(ending, 0);
  flight_conclude(flight);
  assert_int_equal(flowing, 1);
  assert_int_equal(ending, 1);
  assert_int_equal(reading, 2);
  flight_leave(&one);
  flight_leave(&two);
  finish(&notes, &three);
}

/* Who waits for the end of what is not stored waits for a full window at most, and the writer then
 * for him. */
static void the_end_of_what_is_not_stored(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, false);
  int wakes = 0;
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  assert_false(flight_await_end(reader));
  assert_int_equal(feed_chunks(flight, WINDOW), WINDOW);
  assert_int_equal(wakes, 0);
  assert_false(feed(flight, 1));
  assert_int_equal(wakes, 1);
  assert_true(flight_await_end(reader));
  assert_int_equal(notes.rooms, 0);
  assert_drained(reader, (WINDOW - 1) * CHUNK, FLIGHT_READ_WAIT);
  assert_int_equal(notes.rooms, 1);
  assert_true(feed(flight, 1));
  end(flight, ANSWER_BROKEN);
  flight_conclude(flight);
  assert_drained(reader, CHUNK, FLIGHT_READ_BROKEN);
  finish(&notes, &reader);
}

/* Small buffers and small pieces. */
static void any_cut(void **state) {
  (void)state;
  static const int64_t cuts[] = {1000, 4095, 4096, 65535};
  for (size_t i = 0; i < COUNT(cuts); i++) {
    struct notes notes;
    struct flight *flight = begin(&notes, true);
    int wakes = 0;
    struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
    while (look(flight).length + cuts[i] < 5 * CHUNK)
      assert_true(feed(flight, cuts[i]));
    end(flight, ANSWER_COMPLETE);
    flight_conclude(flight);
    char bytes[777];
    size_t count;
    enum flight_read got;
    while ((got = flight_read(reader, bytes, sizeof bytes, &count)) == FLIGHT_READ_BYTES) {
      assert_in_range(count, 1, sizeof bytes);
      assert_true(is_body(bytes, flight_offset(reader) - (int64_t)count, count));
    }
    assert_int_equal(got, FLIGHT_READ_END);
    assert_int_equal(flight_offset(reader), look(flight).length);
    finish(&notes, &reader);
  }
}

/* --- the window --- */

static void what_is_not_saved_holds_back_the_writer(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  struct flight_reader *reader = NULL;
  assert_int_equal(feed_chunks(flight, 100), WINDOW);
  assert_int_equal(flight_memory(), WINDOW * CHUNK);
  assert_int_equal(notes.chunks, WINDOW);
  assert_false(feed(flight, 1));
  assert_int_equal(look(flight).length, WINDOW * CHUNK); /* all or nothing */
  flight_chunk_saved(flight, 1);
  flight_chunk_saved(flight, 15);
  assert_int_equal(notes.rooms, 0);
  flight_chunk_saved(flight, 0);
  assert_int_equal(notes.rooms, 1);
  assert_int_equal(feed_chunks(flight, 100), 2); /* 0 and 1 are saved */
  flight_chunk_saved(flight, 2);
  assert_int_equal(notes.rooms, 2);
  flight_chunk_saved(flight, 3);
  assert_int_equal(notes.rooms, 2); /* told once */
  finish(&notes, &reader);
}

/* A piece over the end of the window is not taken in part. */
static void pieces_are_taken_whole(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  struct flight_reader *reader = NULL;
  assert_int_equal(feed_chunks(flight, WINDOW - 1), WINDOW - 1);
  assert_true(feed(flight, CHUNK - 10));
  int64_t length = look(flight).length;
  assert_false(feed(flight, 11));
  assert_int_equal(look(flight).length, length);
  assert_true(feed(flight, 10));
  assert_true(feed(flight, 0));
  assert_false(feed(flight, 1));
  finish(&notes, &reader);
}

static void a_slow_reader_reads_from_the_store(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  int wakes = 0;
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  for (int64_t number = 0; number < 3 * WINDOW; number++) {
    assert_true(feed(flight, CHUNK));
    flight_chunk_saved(flight, number);
  }
  struct flight_reader *late = flight_join(flight, count_wake, &wakes);
  assert_non_null(late);
  char byte;
  size_t count;
  for (int64_t expected = 0; expected < 2 * WINDOW; expected++) {
    assert_int_equal(flight_read(reader, &byte, 1, &count), FLIGHT_READ_STORED);
    assert_int_equal(flight_offset(reader), expected * CHUNK);
    flight_skip(reader, 100);
    assert_int_equal(flight_read(reader, &byte, 1, &count), FLIGHT_READ_STORED);
    assert_int_equal(flight_offset(reader), expected * CHUNK + 100);
    flight_skip(reader, FLIGHT_CHUNK_SIZE - 100);
  }
  assert_drained(reader, (WINDOW - 1) * CHUNK, FLIGHT_READ_WAIT);
  assert_int_equal(flight_read(late, &byte, 1, &count), FLIGHT_READ_STORED);
  assert_int_equal(flight_offset(late), 0);
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_int_equal(wakes, 1);
  assert_drained(reader, CHUNK, FLIGHT_READ_END);
  flight_leave(&late);
  finish(&notes, &reader);
}

/* Of what is stored whole a few chunks stay in memory for each reader. */
static void what_is_stored_leaves_memory_with_its_readers(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  struct flight_reader *readers[3];
  int wakes = 0;
  char byte;
  size_t count;
  for (int i = 0; i < 3; i++)
    readers[i] = flight_join(flight, count_wake, &wakes);
  for (int64_t number = 0; number < WINDOW; number++) {
    assert_true(feed(flight, CHUNK));
    flight_chunk_saved(flight, number);
  }
  assert_drained(readers[2], (WINDOW - 1) * CHUNK, FLIGHT_READ_WAIT);
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_drained(readers[2], CHUNK, FLIGHT_READ_END);

  int64_t left = WINDOW - 3 * FLIGHT_KEPT;
  flight_skip(readers[0], (size_t)((left - 1) * CHUNK));
  assert_int_equal(flight_read(readers[0], &byte, 1, &count), FLIGHT_READ_STORED);
  flight_skip(readers[0], FLIGHT_CHUNK_SIZE);
  assert_drained(readers[0], (WINDOW - left) * CHUNK, FLIGHT_READ_END);

  flight_leave(&readers[2]);
  flight_leave(&readers[0]);
  left = WINDOW - FLIGHT_KEPT;
  flight_skip(readers[1], (size_t)((left - 1) * CHUNK));
  assert_int_equal(flight_read(readers[1], &byte, 1, &count), FLIGHT_READ_STORED);
  flight_skip(readers[1], FLIGHT_CHUNK_SIZE);
  assert_drained(readers[1], (WINDOW - left) * CHUNK, FLIGHT_READ_END);
  finish(&notes, &readers[1]);
}

static void without_store_the_slowest_reader_holds_back_the_writer(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, false);
  int wakes = 0;
  char bytes[FLIGHT_CHUNK_SIZE];
  size_t count;
  struct flight_reader *slow = flight_join(flight, count_wake, &wakes);
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  assert_int_equal(feed_chunks(flight, 100), WINDOW);
  assert_drained(reader, (WINDOW - 1) * CHUNK, FLIGHT_READ_WAIT);
  assert_int_equal(notes.rooms, 0);
  /* One byte short of the chunk is not past it. */
  assert_int_equal(flight_read(slow, bytes, sizeof bytes - 1, &count), FLIGHT_READ_BYTES);
  assert_int_equal(notes.rooms, 0);
  assert_int_equal(flight_read(slow, bytes, sizeof bytes, &count), FLIGHT_READ_BYTES);
  assert_int_equal(count, 1);
  assert_int_equal(notes.rooms, 1);
  assert_int_equal(feed_chunks(flight, 100), 1);
  /* The beginning is gone: nobody may join any more. */
  assert_null(flight_join(flight, count_wake, &wakes));
  flight_leave(&slow);
  assert_int_equal(notes.rooms, 2);
  assert_int_equal(feed_chunks(flight, 100), WINDOW - 2);
  assert_int_equal(notes.chunks, 0);
  end(flight, ANSWER_BROKEN);
  flight_conclude(flight);
  assert_drained(reader, (WINDOW - 1) * CHUNK, FLIGHT_READ_BROKEN);
  finish(&notes, &reader);
}

/* What is paid for is taken to its end. */
static void without_store_and_readers_nothing_holds_back_the_writer(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, false);
  struct flight_reader *reader = NULL;
  assert_int_equal(feed_chunks(flight, 5 * WINDOW), 5 * WINDOW);
  assert_null(flight_join(flight, count_wake, NULL));
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_null(flight_join(flight, count_wake, NULL));
  finish(&notes, &reader);
}

/* Chunks 0 to 3 were stored, then it failed: who has joined reads all, and who comes may join until
 * a chunk is lost. */
static void storing_fails(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  int wakes = 0;
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  assert_int_equal(feed_chunks(flight, 100), WINDOW);
  for (int64_t number = 0; number < 4; number++)
    flight_chunk_saved(flight, number);
  assert_int_equal(feed_chunks(flight, 100), 4);
  flight_storing_failed(flight);
  assert_false(look(flight).storing);
  assert_int_equal(feed_chunks(flight, 100), 0); /* the owner still reads what it was given */
  for (int64_t number = 4; number < WINDOW + 4; number++)
    flight_chunk_lost(flight);
  assert_false(look(flight).storing);
  assert_int_equal(feed_chunks(flight, 100), 0); /* for the reader */
  int64_t chunks = notes.chunks;
  struct flight_reader *late = flight_join(flight, count_wake, &wakes);
  assert_non_null(late);
  for (int64_t number = 0; number < 4; number++) {
    size_t count;
    char byte;
    assert_int_equal(flight_read(reader, &byte, 1, &count), FLIGHT_READ_STORED);
    assert_int_equal(flight_offset(reader), number * CHUNK);
    flight_skip(reader, FLIGHT_CHUNK_SIZE);
  }
  assert_drained(reader, (WINDOW - 1) * CHUNK, FLIGHT_READ_WAIT);
  assert_int_equal(notes.rooms, 1); /* for the first four; the late one is at the beginning yet */
  flight_leave(&late);
  assert_int_equal(notes.rooms, 2);
  assert_true(feed(flight, CHUNK));
  assert_null(flight_join(flight, count_wake, &wakes));
  assert_int_equal(notes.chunks, chunks); /* nothing more to store */
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_int_equal(notes.chunks, chunks);
  assert_drained(reader, 2 * CHUNK, FLIGHT_READ_END);
  finish(&notes, &reader);
}

/* A reader outlives the caller's reference. */
static void readers_hold_the_flight(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, false);
  struct flight_reader *reader = flight_join(flight, count_wake, NULL);
  struct flight *other = flight_hold(flight);
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  flight_release(&notes.flight);
  flight_release(&other);
  assert_int_equal(notes.released, 0);
  assert_drained(reader, 0, FLIGHT_READ_END);
  flight_leave(&reader);
  assert_int_equal(notes.released, 1);
}

/* --- readers that leave while they wait, and flights that nobody waits for --- */

static void who_leaves_is_not_woken(void **state) {
  (void)state;
  struct notes notes;
  int left = 0, stayed = 0;
  struct flight *flight = begin(&notes, true);
  struct flight_reader *one = flight_join(flight, count_wake, &left);
  struct flight_reader *two = flight_join(flight, count_wake, &stayed);
  assert_false(flight_await(one));
  assert_false(flight_await(two));
  flight_leave(&one);
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_int_equal(left, 0);
  assert_int_equal(stayed, 1);
  finish(&notes, &two);
}

/* The first one's wake takes the second one's reader out of the queue. */
struct pusher {
  struct flight_reader *other;
  int wakes;
};

static void push_out(void *context) {
  struct pusher *pusher = context;
  pusher->wakes++;
  flight_leave(&pusher->other);
}

static void who_leaves_before_the_turn_to_be_woken_is_not_woken(void **state) {
  (void)state;
  struct notes notes;
  struct pusher pusher = {0};
  int wakes = 0;
  struct flight *flight = begin(&notes, true);
  struct flight_reader *one = flight_join(flight, push_out, &pusher);
  pusher.other = flight_join(flight, count_wake, &wakes);
  assert_false(flight_await(one));
  assert_false(flight_await(pusher.other));
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_int_equal(pusher.wakes, 1);
  assert_int_equal(wakes, 0);
  finish(&notes, &one);
}

struct sleeper {
  sem_t called, go_on;
  atomic_bool returned;
};

static void wake_slowly(void *context) {
  struct sleeper *sleeper = context;
  sem_post(&sleeper->called);
  while (sem_wait(&sleeper->go_on) != 0)
    ;
  usleep(20000); /* what leaves without waiting has left by now */
  atomic_store(&sleeper->returned, true);
}

static void *run_conclude(void *context) {
  flight_conclude(context);
  return NULL;
}

/* After that the context of its wake may be freed. */
static void who_leaves_while_being_woken_leaves_after_it(void **state) {
  (void)state;
  struct notes notes;
  struct sleeper sleeper = {0};
  pthread_t thread;
  sem_init(&sleeper.called, 0, 0);
  sem_init(&sleeper.go_on, 0, 0);
  struct flight *flight = begin(&notes, true);
  struct flight_reader *reader = flight_join(flight, wake_slowly, &sleeper);
  assert_false(flight_await(reader));
  end(flight, ANSWER_COMPLETE);
  assert_int_equal(pthread_create(&thread, NULL, run_conclude, flight), 0);
  while (sem_wait(&sleeper.called) != 0)
    ;
  sem_post(&sleeper.go_on);
  flight_leave(&reader);
  assert_true(atomic_load(&sleeper.returned));
  pthread_join(thread, NULL);
  finish(&notes, &reader);
  sem_destroy(&sleeper.called);
  sem_destroy(&sleeper.go_on);
}

/* What becomes of a flight with so many readers, of whom so many are in doubt or have left. */
static const struct desertion {
  int readers, leave, doubt;
  bool has_waited, kept;
  bool given_up;
  int deserted; /* the writer is told at least that often */
} desertions[] = {
    {.readers = 0, .has_waited = true}, /* nobody has come yet */
    {.readers = 1, .has_waited = true},
    {.readers = 1, .leave = 1, .has_waited = true, .given_up = true, .deserted = 1},
    {.readers = 1, .leave = 1, .has_waited = false, .given_up = true, .deserted = 1},
    {.readers = 2, .leave = 1, .has_waited = true},
    {.readers = 2, .leave = 2, .has_waited = true, .given_up = true, .deserted = 1},
    {.readers = 1, .doubt = 1, .has_waited = true, .given_up = true, .deserted = 1},
    {.readers = 1, .doubt = 1, .has_waited = false, .deserted = 1},
    {.readers = 3, .leave = 1, .doubt = 2, .has_waited = true, .given_up = true, .deserted = 1},
    {.readers = 3, .leave = 1, .doubt = 1, .has_waited = true},
    {.readers = 1, .leave = 1, .has_waited = true, .kept = true},
    {.readers = 1, .doubt = 1, .has_waited = true, .kept = true},
};

static void desert(const struct desertion *desertion, bool is_sent) {
  struct notes notes;
  int wakes = 0;
  struct flight_reader *readers[3] = {0};
  struct flight *flight = begin(&notes, true);
  if (desertion->kept)
    flight_keep(flight);
  for (int i = 0; i < desertion->readers; i++)
    readers[i] = flight_join(flight, count_wake, &wakes);
  for (int i = 0; i < desertion->leave; i++)
    flight_leave(&readers[i]);
  for (int i = desertion->leave; i < desertion->leave + desertion->doubt; i++) {
    flight_doubt(readers[i]);
    flight_doubt(readers[i]);
  }
  assert_true(desertion->deserted ? notes.deserted >= desertion->deserted : notes.deserted == 0);
  bool given_up = is_sent ? !flight_depart(flight, desertion->has_waited)
                          : flight_give_up(flight, desertion->has_waited);
  assert_int_equal(given_up, desertion->given_up);
  assert_int_equal(flight_is_lost(flight), desertion->given_up);
  struct flight_reader *late = flight_join(flight, count_wake, &wakes);
  assert_int_equal(late != NULL, !desertion->given_up);
  flight_leave(&late);
  for (int i = 0; i < desertion->readers; i++)
    flight_leave(&readers[i]);
  if (is_sent && !given_up) /* it has departed */
    assert_false(flight_give_up(flight, true));
  finish(&notes, &readers[0]);
}

static void what_nobody_waits_for_is_given_up(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(desertions); i++) {
    desert(&desertions[i], false);
    desert(&desertions[i], true);
  }
}

/* --- patience --- */

/* The clock has moved on when this returns. */
static int64_t next_moment(void) {
  int64_t now = clock_monotonic(), next;
  do
    next = clock_monotonic();
  while (next == now);
  return next;
}

/* Each reader has its own, from when it joined. */
static void patience_ends_for_those_that_came_first(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, false);
  int early = 0, late = 0;
  assert_true(flight_is_awaited(flight, flight_since(flight) - 1));
  assert_false(flight_is_awaited(flight, flight_since(flight)));
  struct flight_reader *first = flight_join(flight, count_wake, &early);
  int64_t between = next_moment();
  (void)next_moment();
  struct flight_reader *second = flight_join(flight, count_wake, &late);
  assert_false(flight_await(first));
  assert_false(flight_await(second));
  flight_lose_patience(flight, flight_since(flight) - 1);
  assert_int_equal(early + late, 0);
  flight_lose_patience(flight, between);
  assert_int_equal(early, 1);
  assert_int_equal(late, 0);
  assert_true(flight_await(first));
  assert_false(flight_await(second));
  assert_int_equal(look(flight).phase, FLIGHT_WAITING);
  assert_true(flight_is_awaited(flight, between));
  assert_false(flight_is_awaited(flight, clock_monotonic()));
  flight_leave(&first);
  assert_true(flight_is_awaited(flight, between));
  /* Also one that does not wait at this moment. */
  flight_lose_patience(flight, clock_monotonic());
  assert_int_equal(late, 1);
  struct flight_reader *third = flight_join(flight, count_wake, &late);
  flight_lose_patience(flight, clock_monotonic());
  assert_true(flight_await(third));
  flight_leave(&third);
  end(flight, ANSWER_BROKEN);
  flight_conclude(flight);
  finish(&notes, &second);
}

/* Whoever waits for the end, or for more bytes, has heard something. */
static void patience_is_for_the_first_byte(void **state) {
  (void)state;
  struct notes notes;
  struct flight *flight = begin(&notes, true);
  int wakes = 0;
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  assert_false(flight_await_end(reader));
  flight_lose_patience(flight, clock_monotonic());
  assert_int_equal(wakes, 0);
  end(flight, ANSWER_COMPLETE);
  flight_conclude(flight);
  assert_int_equal(wakes, 1);
  finish(&notes, &reader);
}

/* --- many threads --- */

/* What a thread does now and then; its own state, so that a run can be repeated. */
static unsigned next_random(unsigned *random) {
  *random = *random * 1664525 + 1013904223;
  return *random >> 8;
}

static void dawdle(unsigned *random) {
  unsigned chance = next_random(random) % 16;
  if (chance == 0)
    usleep(next_random(random) % 300);
  else if (chance < 4)
    sched_yield();
}

struct saved {
  struct view bytes; /* .at NULL: the end */
  struct saved *next;
};

/* An owner that stores in memory, on a thread of its own, and fails where it is told to. */
struct store {
  struct flight *flight;
  int64_t fails_at; /* chunk; -1: never */
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t given;
  struct saved *first, **last;
  char **chunks; /* what is saved; the size of each is FLIGHT_CHUNK_SIZE */
  atomic_bool settled, released;
  sem_t room;
};

static void store_give(struct store *store, struct view bytes) {
  struct saved *saved = malloc(sizeof *saved);
  CHECK(saved);
  *saved = (struct saved){bytes, NULL};
  pthread_mutex_lock(&store->lock);
  *store->last = saved;
  store->last = &saved->next;
  pthread_cond_signal(&store->given);
  pthread_mutex_unlock(&store->lock);
}

static void store_chunk(void *context, struct view bytes) {
  CHECK(bytes.at);
  store_give(context, bytes);
}

static void store_ended(void *context) {
  store_give(context, (struct view){0});
}

static void store_released(void *context) {
  struct store *store = context;
  CHECK(!atomic_exchange(&store->released, true));
}

static void store_room(void *context, struct flight *flight) {
  struct store *store = context;
  CHECK(flight == store->flight);
  sem_post(&store->room);
}

static void store_deserted(void *context, struct flight *flight) {
  struct store *store = context;
  CHECK(flight == store->flight);
}

static const struct flight_writer store_writer = {store_room, store_deserted};
static const struct flight_owner store_owner = {store_chunk, store_ended, store_released};

static struct saved *store_take(struct store *store) {
  pthread_mutex_lock(&store->lock);
  while (!store->first)
    pthread_cond_wait(&store->given, &store->lock);
  struct saved *saved = store->first;
  store->first = saved->next;
  if (!store->first)
    store->last = &store->first;
  pthread_mutex_unlock(&store->lock);
  return saved;
}

/* Looks at the bytes as late as it may. */
static void save(struct store *store, int64_t number, struct view bytes) {
  CHECK(is_body(bytes.at, number * CHUNK, bytes.length));
  char *copy = malloc(FLIGHT_CHUNK_SIZE);
  CHECK(copy);
  memcpy(copy, bytes.at, bytes.length);
  pthread_mutex_lock(&store->lock);
  CHECK(!store->chunks[number]);
  store->chunks[number] = copy;
  pthread_mutex_unlock(&store->lock);
}

static void *run_store(void *context) {
  struct store *store = context;
  unsigned random = 1;
  bool over = false;
  for (int64_t number = 0; !over; number++) {
    struct saved *saved = store_take(store);
    over = !saved->bytes.at;
    dawdle(&random);
    bool ok = store->fails_at < 0 || number < store->fails_at;
    if (!over && ok)
      save(store, number, saved->bytes);
    if (!over && ok)
      flight_chunk_saved(store->flight, number);
    else if (!over)
      flight_chunk_lost(store->flight);
    free(saved);
  }
  dawdle(&random);
  atomic_store(&store->settled, true);
  flight_conclude(store->flight);
  flight_release(&store->flight);
  return NULL;
}

/* What a reader finds in the store. */
static size_t load(struct store *store, int64_t offset, char *bytes, size_t size) {
  size_t at = (size_t)(offset % CHUNK), count = FLIGHT_CHUNK_SIZE - at;
  count = count < size ? count : size;
  pthread_mutex_lock(&store->lock);
  CHECK(store->chunks[offset / CHUNK]);
  memcpy(bytes, store->chunks[offset / CHUNK] + at, count);
  pthread_mutex_unlock(&store->lock);
  return count;
}

static const struct storm {
  int64_t length;
  bool storing;
  int64_t fails_at;
  enum answer_outcome outcome;
  int readers;
} storms[] = {
    {100, true, -1, ANSWER_COMPLETE, 8},
    {CHUNK, true, -1, ANSWER_COMPLETE, 8},
    {CHUNK + 1, true, 0, ANSWER_REFUSED, 8},
    {60 * CHUNK + 5, true, -1, ANSWER_COMPLETE, 12},
    {60 * CHUNK, true, -1, ANSWER_BROKEN, 12},
    {60 * CHUNK + 5, false, -1, ANSWER_COMPLETE, 12},
    {60 * CHUNK + 5, false, -1, ANSWER_BROKEN, 12},
    {60 * CHUNK + 5, true, 0, ANSWER_COMPLETE, 12},
    {60 * CHUNK + 5, true, 20, ANSWER_COMPLETE, 12},
    {60 * CHUNK + 5, true, 45, ANSWER_BROKEN, 12},
    {40 * CHUNK + 5, true, 20, ANSWER_COMPLETE, 0},
};

struct gust {
  const struct storm *storm;
  struct store store;
  struct flight *flight;
  atomic_int whole, refused;
};

struct visitor {
  struct gust *gust;
  pthread_t thread;
  unsigned random;
  bool late, leaves;
  bool left_waiting;
  int posts; /* when it did */
  struct flight_reader *reader;
  sem_t awake;
};

static void wake_visitor(void *context) {
  sem_post((sem_t *)context);
}

static void wait_for(sem_t *semaphore) {
  while (sem_wait(semaphore) != 0)
    ;
}

/* Instead of waiting; nothing wakes it after this. */
static void leave_waiting(struct visitor *visitor) {
  dawdle(&visitor->random);
  flight_leave(&visitor->reader);
  visitor->left_waiting = true;
  sem_getvalue(&visitor->awake, &visitor->posts);
}

/* One step of a reader; false at its end. `*offset` moves on. */
static bool visit(struct visitor *visitor, int64_t *offset) {
  char bytes[9000];
  struct gust *gust = visitor->gust;
  size_t size = 1 + next_random(&visitor->random) % sizeof bytes, count = 0;
  switch (flight_read(visitor->reader, bytes, size, &count)) {
  case FLIGHT_READ_WAIT:
    if (visitor->leaves && next_random(&visitor->random) % 4 == 0) {
      leave_waiting(visitor);
      return false;
    }
    wait_for(&visitor->awake);
    return true;
  case FLIGHT_READ_STORED:
    if ((int64_t)size > gust->storm->length - *offset) /* the last chunk is shorter */
      size = (size_t)(gust->storm->length - *offset);
    count = load(&gust->store, *offset, bytes, size);
    flight_skip(visitor->reader, count);
    break;
  case FLIGHT_READ_BYTES:
    break;
  case FLIGHT_READ_END:
    CHECK(*offset == gust->storm->length && gust->storm->outcome != ANSWER_BROKEN);
    atomic_fetch_add(&gust->whole, 1);
    return false;
  case FLIGHT_READ_BROKEN:
    CHECK(gust->storm->outcome == ANSWER_BROKEN && *offset < gust->storm->length);
    CHECK(atomic_load(&gust->store.settled));
    return false;
  }
  CHECK(count && count <= size && is_body(bytes, *offset, count));
  *offset += (int64_t)count;
  CHECK(*offset == flight_offset(visitor->reader));
  /* Nobody has the last byte before the end is settled. */
  CHECK(*offset < gust->storm->length || atomic_load(&gust->store.settled));
  return !(visitor->leaves && next_random(&visitor->random) % 64 == 0);
}

static void *run_visitor(void *context) {
  struct visitor *visitor = context;
  struct gust *gust = visitor->gust;
  if (visitor->late) {
    usleep(next_random(&visitor->random) % 20000);
    visitor->reader = flight_join(gust->flight, wake_visitor, &visitor->awake);
  }
  if (!visitor->reader) { /* the beginning is gone: only where something was not stored */
    CHECK(visitor->late && (!gust->storm->storing || gust->storm->fails_at >= 0));
    atomic_fetch_add(&gust->refused, 1);
    return NULL;
  }
  if (!flight_await(visitor->reader))
    wait_for(&visitor->awake);
  struct flight_state state = look(gust->flight);
  CHECK(state.phase != FLIGHT_WAITING);
  for (int64_t offset = 0; visit(visitor, &offset);)
    dawdle(&visitor->random);
  flight_leave(&visitor->reader);
  return NULL;
}

/* The writer: this thread. Phases only move forward. */
static void write_body(struct gust *gust) {
  static char bytes[FLIGHT_CHUNK_SIZE];
  unsigned random = 2;
  enum flight_phase phase = FLIGHT_WAITING;
  for (int64_t at = 0; at < gust->storm->length;) {
    int64_t left = gust->storm->length - at;
    int64_t count = 1 + next_random(&random) % CHUNK;
    count = count < left ? count : left;
    fill(bytes, at, (size_t)count);
    while (!flight_feed(gust->flight, (struct view){bytes, (size_t)count}))
      wait_for(&gust->store.room);
    at += count;
    struct flight_state state = look(gust->flight);
    assert_int_equal(state.length, at);
    assert_true(state.phase >= phase && state.phase != FLIGHT_CONCLUDED);
    assert_true(state.phase == FLIGHT_FLOWING || at <= CHUNK);
    phase = state.phase;
    dawdle(&random);
  }
  struct answer_verdict verdict = {.outcome = gust->storm->outcome};
  flight_end(gust->flight, &verdict);
}

static void store_begin(struct store *store, const struct storm *storm) {
  *store = (struct store){.fails_at = storm->fails_at};
  store->last = &store->first;
  store->chunks = calloc((size_t)(storm->length / CHUNK + 1), sizeof *store->chunks);
  assert_non_null(store->chunks);
  pthread_mutex_init(&store->lock, NULL);
  pthread_cond_init(&store->given, NULL);
  sem_init(&store->room, 0, 0);
  store->flight = flight_create(&store_owner, store, storm->storing);
  assert_non_null(store->flight);
  flight_set_writer(store->flight, &store_writer, store);
}

static void store_end(struct store *store, const struct storm *storm) {
  for (int64_t number = 0; number <= storm->length / CHUNK; number++)
    free(store->chunks[number]);
  free(store->chunks);
  sem_destroy(&store->room);
  pthread_cond_destroy(&store->given);
  pthread_mutex_destroy(&store->lock);
}

static void blow(const struct storm *storm, unsigned seed) {
  struct gust gust = {.storm = storm};
  struct visitor visitors[16] = {0};
  store_begin(&gust.store, storm);
  gust.flight = flight_hold(gust.store.flight);
  for (int i = 0; i < storm->readers; i++) {
    struct visitor *visitor = &visitors[i];
    *visitor = (struct visitor){.gust = &gust, .random = seed * 100 + (unsigned)i};
    visitor->late = i % 4 == 3;
    visitor->leaves = i % 4 == 2;
    sem_init(&visitor->awake, 0, 0);
    if (!visitor->late)
      visitor->reader = flight_join(gust.flight, wake_visitor, &visitor->awake);
  }
  assert_int_equal(pthread_create(&gust.store.thread, NULL, run_store, &gust.store), 0);
  for (int i = 0; i < storm->readers; i++)
    assert_int_equal(pthread_create(&visitors[i].thread, NULL, run_visitor, &visitors[i]), 0);
  write_body(&gust);
  pthread_join(gust.store.thread, NULL);
  for (int i = 0; i < storm->readers; i++) {
    pthread_join(visitors[i].thread, NULL);
    int posts;
    sem_getvalue(&visitors[i].awake, &posts);
    /* Woken as often as it waited; and not at all once it had left. */
    assert_int_equal(posts, visitors[i].left_waiting ? visitors[i].posts : 0);
    sem_destroy(&visitors[i].awake);
  }
  if (storm->outcome != ANSWER_BROKEN)
    assert_true(atomic_load(&gust.whole) >= storm->readers / 2);
  assert_false(atomic_load(&gust.store.released));
  flight_release(&gust.flight);
  assert_true(atomic_load(&gust.store.released));
  store_end(&gust.store, storm);
}

static void many_threads(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 3; seed++)
    for (size_t i = 0; i < COUNT(storms); i++)
      blow(&storms[i], seed);
}

/* --- flights --- */

struct tower {
  struct flights *flights;
  atomic_int starts, joined, started, withdrawn, ended, released;
  struct flight *made; /* the last one */
  struct flight *sent; /* with a reference */
  atomic_bool stored;  /* what a look into the store finds */
  bool refuses;
};

static void tower_chunk(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

static void tower_ended(void *context) {
  atomic_fetch_add(&((struct tower *)context)->ended, 1);
}

static void tower_released(void *context) {
  atomic_fetch_add(&((struct tower *)context)->released, 1);
}

static const struct flight_owner tower_owner = {tower_chunk, tower_ended, tower_released};

static struct flight *tower_make(void *context, struct fault *fault) {
  struct tower *tower = context;
  atomic_fetch_add(&tower->starts, 1);
  if (tower->refuses) {
    fault_set(fault, FAULT_UNAVAILABLE, "not now");
    return NULL;
  }
  return tower->made = flight_create(&tower_owner, tower, true);
}

static struct flights_maker maker_of(struct tower *tower) {
  return (struct flights_maker){tower_make, tower};
}

static struct digest key_of(unsigned char first) {
  return (struct digest){.bytes = {first, 1, 2, 3}};
}

/* `reader` NULL: without reading. */
static enum flights_joined join(struct tower *tower, const struct digest *key,
                                struct flight_reader **reader) {
  static int wakes;
  struct fault fault = {0};
  struct flights_maker maker = maker_of(tower);
  struct flights_waker waker = {count_wake, &wakes};
  struct flights_place place;
  enum flights_joined joined =
      flights_join(tower->flights, key, &maker, reader ? &waker : NULL, &place, &fault);
  assert_int_equal(place.started != NULL, joined == FLIGHTS_STARTED);
  flight_release(&place.started);
  if (reader)
    *reader = place.reader;
  else
    assert_null(place.reader);
  if (joined == FLIGHTS_FAILED)
    assert_string_equal(fault.text, "not now");
  return joined;
}

static void one_key_one_flight(void **state) {
  (void)state;
  struct tower tower = {.flights = flights_create()};
  struct digest key = key_of(1), other = key_of(2);
  struct flight_reader *one = NULL, *two = NULL, *none = NULL;
  assert_int_equal(join(&tower, &key, &one), FLIGHTS_STARTED);
  assert_int_equal(join(&tower, &key, &two), FLIGHTS_JOINED);
  assert_int_equal(join(&tower, &key, NULL), FLIGHTS_JOINED);
  assert_ptr_equal(flight_of(one), flight_of(two));
  assert_int_equal(tower.starts, 1);
  assert_true(flights_have(tower.flights, &key));
  assert_false(flights_have(tower.flights, &other));
  tower.refuses = true;
  assert_int_equal(join(&tower, &other, &none), FLIGHTS_FAILED);
  assert_false(flights_have(tower.flights, &other));
  assert_null(none);
  /* Another's flight of the same key is left alone. */
  flights_remove(tower.flights, &other, flight_of(one));
  flights_remove(tower.flights, &key, NULL);
  assert_true(flights_have(tower.flights, &key));
  struct flight *flight = flight_of(one);
  flights_remove(tower.flights, &key, flight);
  assert_false(flights_have(tower.flights, &key));
  flights_remove(tower.flights, &key, flight);
  flight_leave(&one);
  assert_int_equal(tower.released, 0);
  flight_leave(&two); /* the table's reference is gone, and begin()'s was the table's */
  assert_int_equal(tower.released, 1);
  flights_release(&tower.flights);
  assert_null(tower.flights);
}

static void begun_for_nobody(void **state) {
  (void)state;
  struct tower tower = {.flights = flights_create()};
  struct digest key = key_of(1);
  assert_int_equal(join(&tower, &key, NULL), FLIGHTS_STARTED);
  assert_int_equal(tower.released, 0);
  flights_remove(tower.flights, &key, tower.made);
  assert_int_equal(tower.released, 1);
  flights_release(&tower.flights);
  flights_release(&tower.flights);
}

/* What rowcache does not send ends without its owner being told, and nothing of it can be read. */
static void ends_unsent(enum flight_end end) {
  struct tower tower = {0};
  struct fault fault;
  struct flight *flight = tower_make(&tower, &fault);
  int wakes = 0;
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  fault_set(&fault, FAULT_OVER_BUDGET, "too dear");
  assert_false(flight_await(reader));
  if (end == FLIGHT_REFUSED)
    flight_refuse(flight, &fault);
  else
    flight_withdraw(flight);
  assert_int_equal(wakes, 0);
  flight_conclude(flight);
  assert_int_equal(wakes, 1);
  assert_true(flight_await(reader));
  struct flight_state state;
  flight_peek(flight, &state);
  assert_int_equal(state.phase, FLIGHT_CONCLUDED);
  assert_int_equal(state.end, end);
  assert_string_equal(state.refusal.text, end == FLIGHT_REFUSED ? "too dear" : "");
  char buffer[8];
  size_t count;
  assert_int_equal(flight_read(reader, buffer, sizeof buffer, &count), FLIGHT_READ_BROKEN);
  assert_int_equal(tower.ended, 0);
  flight_leave(&reader);
  flight_release(&flight);
  assert_int_equal(tower.released, 1);
}

/* A writer that has begun lets go: no reader has a byte, and nobody calls the writer. */
static void withdrawn_by_its_writer(void **state) {
  struct notes notes;
  int wakes = 0;
  (void)state;
  struct flight *flight = begin(&notes, false);
  struct flight_reader *reader = flight_join(flight, count_wake, &wakes);
  assert_true(feed(flight, CHUNK));
  assert_int_equal(look(flight).phase, FLIGHT_WAITING);
  flight_set_writer(flight, NULL, NULL);
  flight_withdraw(flight);
  flight_conclude(flight);
  assert_drained(reader, 0, FLIGHT_READ_BROKEN);
  finish(&notes, &reader);
  assert_int_equal(notes.ended + notes.rooms + notes.deserted, 0);
}

static void refused_or_withdrawn(void **state) {
  (void)state;
  ends_unsent(FLIGHT_REFUSED);
  ends_unsent(FLIGHT_WITHDRAWN);
}

/* A flight whose beginning is gone helps nobody: another takes its place. */
static void lost_beginnings_are_replaced(void **state) {
  (void)state;
  struct tower tower = {.flights = flights_create()};
  struct digest key = key_of(1);
  struct flight_reader *one = NULL, *two = NULL;
  assert_int_equal(join(&tower, &key, &one), FLIGHTS_STARTED);
  struct flight *lost = flight_hold(flight_of(one));
  flight_leave(&one);
  assert_true(feed(lost, CHUNK));
  flight_chunk_lost(lost);
  assert_int_equal(feed_chunks(lost, 2 * WINDOW), 2 * WINDOW);
  assert_int_equal(join(&tower, &key, &two), FLIGHTS_STARTED);
  assert_ptr_not_equal(flight_of(two), lost);
  assert_int_equal(tower.starts, 2);
  /* Its own end does not take the new one out. */
  flights_remove(tower.flights, &key, lost);
  assert_true(flights_have(tower.flights, &key));
  flight_release(&lost);
  assert_int_equal(tower.released, 1);
  struct flight *second = flight_of(two);
  flights_remove(tower.flights, &key, second);
  flight_leave(&two);
  assert_int_equal(tower.released, 2);
  flights_release(&tower.flights);
}

/* So is one that was given up: who comes at that moment begins anew. */
static void what_was_given_up_is_replaced(void **state) {
  (void)state;
  struct tower tower = {.flights = flights_create()};
  struct digest key = key_of(1);
  struct flight_reader *one = NULL, *two = NULL;
  assert_int_equal(join(&tower, &key, &one), FLIGHTS_STARTED);
  struct flight *lost = flight_hold(flight_of(one));
  flight_leave(&one);
  assert_true(flight_give_up(lost, true));
  assert_int_equal(join(&tower, &key, &two), FLIGHTS_STARTED);
  assert_ptr_not_equal(flight_of(two), lost);
  flight_release(&lost);
  flights_remove(tower.flights, &key, flight_of(two));
  flight_leave(&two);
  assert_int_equal(tower.released, 2);
  flights_release(&tower.flights);
}

static void many_keys(void **state) {
  (void)state;
  struct tower towers[200];
  struct flights *flights = flights_create();
  for (size_t i = 0; i < COUNT(towers); i++) {
    struct digest key = key_of((unsigned char)i);
    towers[i] = (struct tower){.flights = flights};
    assert_int_equal(join(&towers[i], &key, NULL), FLIGHTS_STARTED);
  }
  for (size_t i = 0; i < COUNT(towers); i++) {
    struct digest key = key_of((unsigned char)i);
    assert_int_equal(join(&towers[i], &key, NULL), FLIGHTS_JOINED);
    flights_remove(flights, &key, towers[i].made);
    assert_false(flights_have(flights, &key));
    assert_int_equal(towers[i].released, 1);
  }
  flights_release(&flights);
}

#define CROWD 64

static pthread_barrier_t gate;

/* As a request does: joins or makes, looks once more, and sends or withdraws. */
static void *run_crowd(void *context) {
  struct tower *tower = context;
  struct digest key = key_of(1);
  struct flights_maker maker = maker_of(tower);
  struct flights_place place;
  struct fault fault;
  sem_t awake;
  sem_init(&awake, 0, 0);
  struct flights_waker waker = {wake_visitor, &awake};
  pthread_barrier_wait(&gate);
  enum flights_joined joined = flights_join(tower->flights, &key, &maker, &waker, &place, &fault);
  CHECK(joined != FLIGHTS_FAILED);
  if (joined == FLIGHTS_JOINED) {
    atomic_fetch_add(&tower->joined, 1);
  } else if (atomic_load(&tower->stored)) {
    flights_remove(tower->flights, &key, place.started);
    flight_withdraw(place.started);
    flight_conclude(place.started);
    atomic_fetch_add(&tower->withdrawn, 1);
  } else {
    tower->sent = flight_hold(place.started);
    atomic_fetch_add(&tower->started, 1);
  }
  if (place.reader && !flight_await_end(place.reader))
    wait_for(&awake);
  flight_leave(&place.reader);
  flight_release(&place.started);
  sem_destroy(&awake);
  return NULL;
}

/* 64 come at once, and the answer is there at once too, or only when all have joined: one flight is
 * sent. */
static void a_crowd(bool at_once) {
  struct tower tower = {.flights = flights_create()};
  struct digest key = key_of(1);
  pthread_t threads[CROWD];
  pthread_barrier_init(&gate, NULL, CROWD + 1);
  for (int i = 0; i < CROWD; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run_crowd, &tower), 0);
  pthread_barrier_wait(&gate);
  while (!atomic_load(&tower.started))
    sched_yield();
  while (!at_once && atomic_load(&tower.joined) + atomic_load(&tower.started) < CROWD)
    sched_yield();
  struct flight *flight = tower.sent;
  end(flight, ANSWER_COMPLETE);
  atomic_store(&tower.stored, true); /* first there, then out of the table */
  flights_remove(tower.flights, &key, flight);
  flight_conclude(flight);
  for (int i = 0; i < CROWD; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(tower.started, 1);
  assert_int_equal(tower.starts, 1 + tower.withdrawn);
  assert_int_equal(tower.joined + tower.withdrawn, CROWD - 1);
  if (!at_once)
    assert_int_equal(tower.withdrawn, 0);
  assert_int_equal(tower.released, tower.withdrawn);
  flight_release(&flight);
  assert_int_equal(tower.released, 1 + tower.withdrawn);
  flights_release(&tower.flights);
  pthread_barrier_destroy(&gate);
}

static void crowds_start_one_flight(void **state) {
  (void)state;
  for (int round = 0; round < 20; round++)
    a_crowd(round % 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(phases),
      cmocka_unit_test(the_head_is_kept),
      cmocka_unit_test(wakes_are_paired),
      cmocka_unit_test(the_end_of_what_is_not_stored),
      cmocka_unit_test(any_cut),
      cmocka_unit_test(what_is_not_saved_holds_back_the_writer),
      cmocka_unit_test(pieces_are_taken_whole),
      cmocka_unit_test(a_slow_reader_reads_from_the_store),
      cmocka_unit_test(what_is_stored_leaves_memory_with_its_readers),
      cmocka_unit_test(without_store_the_slowest_reader_holds_back_the_writer),
      cmocka_unit_test(without_store_and_readers_nothing_holds_back_the_writer),
      cmocka_unit_test(storing_fails),
      cmocka_unit_test(readers_hold_the_flight),
      cmocka_unit_test(patience_ends_for_those_that_came_first),
      cmocka_unit_test(patience_is_for_the_first_byte),
      cmocka_unit_test(who_leaves_is_not_woken),
      cmocka_unit_test(who_leaves_before_the_turn_to_be_woken_is_not_woken),
      cmocka_unit_test(who_leaves_while_being_woken_leaves_after_it),
      cmocka_unit_test(what_nobody_waits_for_is_given_up),
      cmocka_unit_test(many_threads),
      cmocka_unit_test(one_key_one_flight),
      cmocka_unit_test(begun_for_nobody),
      cmocka_unit_test(refused_or_withdrawn),
      cmocka_unit_test(withdrawn_by_its_writer),
      cmocka_unit_test(lost_beginnings_are_replaced),
      cmocka_unit_test(what_was_given_up_is_replaced),
      cmocka_unit_test(many_keys),
      cmocka_unit_test(crowds_start_one_flight),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
