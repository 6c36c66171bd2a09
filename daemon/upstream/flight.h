/* One answer on its way: one writer, many readers.
 *
 *   WAITING ----> FLOWING ----> CONCLUDED
 *      '-------------------------^
 *                ended, refused or withdrawn
 *
 *   WAITING    the first FLIGHT_CHUNK_SIZE bytes are held back, so that a short broken answer
 *              becomes a fault and no client sees a part of it
 *   FLOWING    more than that has come: readers may send the head and the released bytes
 *   CONCLUDED  the account is settled: the outcome is final, and the last bytes are released
 *
 * The phase only moves forward.
 *
 * The writer (the transfer thread, or the one that computes or translates the answer) feeds bytes.
 * They are cut into chunks, and the newest FLIGHT_WINDOW chunks are in memory. If the answer is
 * being stored, every full chunk is handed to the owner, and may leave memory once
 * flight_chunk_saved() was called: a slow reader then reads it from the store. If it is not stored,
 * a chunk stays until the slowest reader is past it, and the writer has to wait. In both cases
 * memory is bounded.
 *
 * A chunk is released to readers when the next one has begun, and the last one when the flight is
 * CONCLUDED: so nobody has the last byte before the account is settled.
 *
 * Any thread may call these functions, unless they say otherwise. No owner, writer or reader is
 * called under the flight's lock. No function waits for anything else, except flight_leave(), which
 * may wait for one call of the reader's `wake` to return.
 *
 * A reader may leave at any time, also while it waits:
 *
 *   not waiting ---> waiting ---> to be woken ---> `wake` is being called ---> not waiting
 *        |              |              |                    |
 *   flight_leave(): at once       taken out of the     waits until the call
 *                                 queue, not called    has returned
 *
 * All but the call itself happens under the lock. So once flight_leave() has returned, `wake` is
 * not running and will not be called: its context may go.
 *
 * A flight is sent for its readers. Until it has departed, the writer may give it up when it has no
 * readers. Under the same lock the flight is then lost, so that nobody joins a flight that is never
 * sent. A reader is in doubt when its client may have gone. Readers in doubt count for a flight
 * that is sent at once, and not for one that had to wait for a place. */
#pragma once

#include "base/view.h"
#include "dialect/answer.h"

#include <stdint.h>

#define FLIGHT_CHUNK_SIZE ((size_t)64 * 1024)
#define FLIGHT_WINDOW 16 /* chunks in memory: 1 MiB */
#define FLIGHT_KEPT 4    /* chunks in memory for each reader of an answer that is stored whole */

enum flight_phase { FLIGHT_WAITING, FLIGHT_FLOWING, FLIGHT_CONCLUDED };

struct flight;
struct flight_reader;

/* The owner of a flight: called as its answer arrives. */
struct flight_owner {
  /* The next chunk is full, or is the last. Called only while storing, for every chunk in order, so
   * the owner can number them from 0. `bytes` hold until the owner returns the chunk, by
   * flight_chunk_saved() or flight_chunk_lost(), which it does for each. On the writer's thread. */
  void (*chunk)(void *context, struct view bytes);
  /* flight_end() was called, and the verdict is set. The owner settles, and then calls
   * flight_conclude(). On the writer's thread. */
  void (*ended)(void *context);
  /* The last reference is gone; the flight is freed after this call. On any thread. */
  void (*released)(void *context);
};

/* Bytes that the windows of all flights take in memory. Any thread; takes no lock. */
size_t flight_memory(void);

/* A flight with one reference, the caller's, in phase WAITING. `storing`: its chunks go to the
 * owner. `owner` must outlive the flight. NULL: no memory. */
struct flight *flight_create(const struct flight_owner *owner, void *context,
                             bool storing) MUST_CHECK;
/* Another reference; returns `flight`. */
struct flight *flight_hold(struct flight *flight);
/* Gives up a reference and leaves NULL; NULL is allowed. */
void flight_release(struct flight **flight);
/* The context of flight_create(). */
void *flight_context(const struct flight *flight);

/* --- the writer --- */

/* The writer of a flight; called on any thread. */
struct flight_writer {
  /* flight_feed() has returned false, and may succeed now. */
  void (*room)(void *context, struct flight *flight);
  /* The last reader has left, or is in doubt, before the flight departed: flight_give_up() may
   * succeed. Not called for readers that left before flight_set_writer(). */
  void (*deserted)(void *context, struct flight *flight);
};
/* `writer` must outlive the flight. NULL: the present one lets go of it; a call of it that is under
 * way may still come. */
void flight_set_writer(struct flight *flight, const struct flight_writer *writer, void *context);

/* Gives the flight up if it had readers and has none now. True: it is lost, and the writer ends it
 * unsent. False: it has readers, flight_keep() was called, or it has departed. `has_waited`: it had
 * to wait for a place, so readers in doubt do not count. */
bool flight_give_up(struct flight *flight, bool has_waited) MUST_CHECK;
/* True if flight_give_up() would be true for a flight that has waited: its readers have left, or
 * seem to have. */
bool flight_is_deserted(struct flight *flight) MUST_CHECK;
/* The time of flight_create(); clock_monotonic(). */
int64_t flight_since(const struct flight *flight);
/* True if one of its readers joined after `since` (clock_monotonic()); without readers, if it was
 * made after that. */
bool flight_is_awaited(struct flight *flight, int64_t since) MUST_CHECK;
/* No byte has come for too long: from now on flight_await() returns true for readers that joined at
 * or before `since`, although the flight is WAITING. */
void flight_lose_patience(struct flight *flight, int64_t since);
/* Called at the moment of sending. True: it has departed, and will be finished even without
 * readers. False: it was given up, as by flight_give_up(). */
bool flight_depart(struct flight *flight, bool has_waited) MUST_CHECK;

/* Upstream has answered that it did nothing, and the flight is to be sent again: it has not
 * departed, as before. It is still WAITING. */
void flight_return(struct flight *flight);

/* Copies `head`, which is complete. */
void flight_set_head(struct flight *flight, const struct answer_head *head);
/* Copies all of `bytes` (at most FLIGHT_CHUNK_SIZE). False: it took none; wait for `room`. */
bool flight_feed(struct flight *flight, struct view bytes) MUST_CHECK;
/* Upstream has ended. Calls the owner's `ended`. Once. */
void flight_end(struct flight *flight, const struct answer_verdict *verdict);

/* --- the owner --- */

/* The flight is wanted even without readers: it is never given up. Call it before anybody else has
 * the flight. */
void flight_keep(struct flight *flight);
/* Ends a flight that rowcache itself refuses to send, with `fault` as the reason (budget, revoked
 * token, ledger). It was not handed to a writer, and `ended` is not called. The owner calls
 * flight_conclude() next. */
void flight_refuse(struct flight *flight, const struct fault *fault);
/* Ends a flight that is not needed: its readers plan again. It was not handed to a writer, or that
 * has let go of it while the phase was WAITING; `ended` is not called. The owner calls
 * flight_conclude() next. */
void flight_withdraw(struct flight *flight);
/* Chunk `number` is in the store; from 0, in order. */
void flight_chunk_saved(struct flight *flight, int64_t number);
/* A chunk is not in the store, and its bytes are not read for that any more: flight_storing_failed().
 * Chunks are counted only, so they may be returned in any order. */
void flight_chunk_lost(struct flight *flight);
/* Storing has failed, or the answer cannot be stored: no more chunks go to the owner. A flight whose
 * first chunk leaves memory after that is lost for new readers. */
void flight_storing_failed(struct flight *flight);
/* Everything is settled: the flight is CONCLUDED, and all readers are woken. Once. */
void flight_conclude(struct flight *flight);

/* --- everybody --- */

/* The end of a flight. */
enum flight_end {
  FLIGHT_ENDED,     /* by flight_end(): there is a verdict, even if no answer came */
  FLIGHT_REFUSED,   /* by flight_refuse(): `refusal` is the reason; there is no verdict */
  FLIGHT_WITHDRAWN, /* by flight_withdraw(); there is no verdict */
};

struct flight_state {
  enum flight_phase phase;
  struct answer_head head;
  enum flight_end end;           /* when CONCLUDED */
  struct answer_verdict verdict; /* from flight_end() on */
  struct fault refusal;          /* if REFUSED */
  int64_t length;                /* bytes so far */
  bool storing;                  /* false also after storing has failed */
};
/* Copies the present state. */
void flight_peek(struct flight *flight, struct flight_state *state);

/* --- readers --- */

/* A reader at the beginning of the answer, which holds a reference to the flight. After a function
 * below has returned false or FLIGHT_READ_WAIT, `wake` is called at least once, on any thread,
 * unless the reader leaves first. NULL: no memory, or the flight is lost. */
struct flight_reader *flight_join(struct flight *flight, void (*wake)(void *context),
                                  void *context) MUST_CHECK;
/* True if nobody can join any more: the flight was given up, or its beginning has left memory and
 * is not in the store. */
bool flight_is_lost(struct flight *flight);
/* Frees the reader and leaves NULL; NULL is allowed. Waits for a call of its `wake` that is under
 * way, so it must not be called inside one. Afterwards no call comes. */
void flight_leave(struct flight_reader **reader);
/* Puts the reader in doubt: its client may have gone. It may go on reading. */
void flight_doubt(struct flight_reader *reader);
/* The reader's flight; as long as the reader. */
struct flight *flight_of(const struct flight_reader *reader);

/* True if the phase is past WAITING, or if the flight has lost patience with this reader
 * (flight_lose_patience(); the phase is then WAITING). False: wait for `wake`. */
bool flight_await(struct flight_reader *reader) MUST_CHECK;
/* True if the phase is CONCLUDED, or if the window is full, nothing is stored (any more) and the
 * writer waits for its readers. False: wait for `wake`. */
bool flight_await_end(struct flight_reader *reader) MUST_CHECK;

enum flight_read {
  FLIGHT_READ_BYTES,  /* `*count` bytes were copied, and the reader moved on */
  FLIGHT_READ_WAIT,   /* nothing new: wait for `wake` */
  FLIGHT_READ_STORED, /* the bytes at flight_offset() are in the store only: read them there, then
                         flight_skip() */
  FLIGHT_READ_END,    /* the reader has had the whole answer */
  FLIGHT_READ_BROKEN, /* the answer broke off, or never came */
};
/* Copies at most `size` bytes. */
enum flight_read flight_read(struct flight_reader *reader, char *buffer, size_t size,
                             size_t *count) MUST_CHECK;
/* The reader's offset, in bytes from the beginning. */
int64_t flight_offset(const struct flight_reader *reader);
/* Moves the reader on by `bytes`, which it has read from the store. */
void flight_skip(struct flight_reader *reader, size_t bytes);
