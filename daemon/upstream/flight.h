/* One answer on its way: one writer, many readers.
 *
 *   WAITING ----> FLOWING ----> CONCLUDED
 *      '-------------------------^
 *                ended, refused or withdrawn
 *
 * WAITING    nothing may be sent to a client yet: the first FLIGHT_CHUNK_SIZE bytes are held back,
 * so that a broken small answer becomes a clean fault. FLOWING    more than that has come: readers
 * may send the head and what is released. CONCLUDED  the account is settled: the outcome is final,
 * the last bytes are released. The phase only moves forward.
 *
 * The writer (the transfer thread) feeds bytes. They are cut into chunks; the newest FLIGHT_WINDOW
 * of them are in memory. Where the answer is being stored, every full chunk is handed to the owner,
 * and may leave memory once flight_chunk_saved() was called: a slow reader then reads it from the
 * store. Where it is not, a chunk stays until the slowest reader is past it, and the writer has to
 * wait. Either way memory is bounded.
 *
 * A chunk is released to readers when the next one has begun, and all when CONCLUDED: so nobody has
 * the last byte before the account is settled.
 *
 * Any thread may call, except where it says otherwise. The lock is never held while an owner, a
 * writer or a reader is called, and nothing blocks on more than it; only flight_leave() may wait
 * for one call of the reader's `wake` to return.
 *
 * A reader may leave at any time, also while it waits:
 *
 *   not waiting ---> waiting ---> to be woken ---> `wake` is being called ---> not waiting
 *        |              |              |                    |
 *   flight_leave(): at once       taken out of the     waits until the call
 *                                 queue, not called    has returned
 *
 * All but the call itself happens under the lock. So once flight_leave() has returned, `wake` is
 * not running and will not be called: its context may go. A reader that is asked again before its
 * wake has come stays where it is in the queue.
 *
 * A flight is sent for its readers. While it has not departed, the writer may give it up when
 * nobody waits for it: it is lost then, in the same look under the lock, so that nobody joins what
 * will not be sent. A reader in doubt is one whose client may have gone: enough of a reason to send
 * what is ready to be sent, none to send what had to wait its turn. */
#pragma once

#include "base/view.h"
#include "dialect/answer.h"

#include <stdint.h>

#define FLIGHT_CHUNK_SIZE ((size_t)64 * 1024)
#define FLIGHT_WINDOW 16 /* chunks in memory: 1 MiB */
#define FLIGHT_KEPT 4    /* chunks that stay in memory for late readers of what is stored whole */

enum flight_phase { FLIGHT_WAITING, FLIGHT_FLOWING, FLIGHT_CONCLUDED };

struct flight;
struct flight_reader;

/* What the owner of a flight wants to know. */
struct flight_owner {
  /* The next chunk is full, or is the last. Called only while storing, for every chunk in order, so
   * the owner can number them from 0. `bytes` hold until flight_chunk_saved() for this chunk. On the
   * writer's thread. */
  void (*chunk)(void *context, struct view bytes);
  /* Upstream has ended, or was never asked; the outcome is set. The owner settles and then calls
   * flight_conclude(). On the writer's thread. */
  void (*ended)(void *context);
  /* The last reference is gone; the flight itself is freed after this. */
  void (*released)(void *context);
};

/* A flight with one reference, in phase WAITING; NULL: no memory. */
struct flight *flight_create(const struct flight_owner *owner, void *context,
                             bool storing) MUST_CHECK;
struct flight *flight_hold(struct flight *flight);
void flight_release(struct flight **flight);
void *flight_context(const struct flight *flight);

/* --- the writer --- */

/* What the writer wants to know; called on any thread. */
struct flight_writer {
  /* A writer that was told to wait may go on. */
  void (*room)(void *context, struct flight *flight);
  /* Its last reader has left, or is in doubt, before it departed: flight_give_up() may succeed. Not
   * called for what happened before flight_set_writer(). */
  void (*deserted)(void *context, struct flight *flight);
};
/* `writer` must outlive the flight. */
void flight_set_writer(struct flight *flight, const struct flight_writer *writer, void *context);

/* Whether nobody waits for it: then it is lost, and the writer ends it without having sent it. It
 * had a reader and has none, and flight_keep() was not called; `has_waited`: it had to wait its
 * turn, so that readers in doubt do not count. False once it has departed. */
bool flight_give_up(struct flight *flight, bool has_waited) MUST_CHECK;
/* When it was made; clock_monotonic(). */
int64_t flight_since(const struct flight *flight);
/* Whether somebody who waits for it began to do so after `since` (clock_monotonic()); where it has
 * no reader, whether it was made after that. */
bool flight_is_awaited(struct flight *flight, int64_t since) MUST_CHECK;
/* Ends the patience of its readers that joined at or before `since`, as no byte has come: while it
 * is WAITING, flight_await() holds them no longer. */
void flight_lose_patience(struct flight *flight, int64_t since);
/* As flight_give_up(), at the moment of sending; false: given up. Otherwise it has departed, and is
 * finished whoever reads it. */
bool flight_depart(struct flight *flight, bool has_waited) MUST_CHECK;

void flight_set_head(struct flight *flight, const struct answer_head *head);
/* Takes all of `bytes` (at most FLIGHT_CHUNK_SIZE), or, false, none: wait for `room`. */
bool flight_feed(struct flight *flight, struct view bytes) MUST_CHECK;
/* No more will come. Once. Calls the owner's `ended`. */
void flight_end(struct flight *flight, const struct answer_verdict *verdict);

/* --- the owner --- */

/* It is wanted although nobody reads it, and is never given up. Before anybody else has it. */
void flight_keep(struct flight *flight);
/* Rowcache itself refuses to send it (budget, revoked token, ledger), as `fault` says: instead of
 * handing it to a writer, and so without `ended`. The owner calls flight_conclude() after it. */
void flight_refuse(struct flight *flight, const struct fault *fault);
/* It turned out not to be needed, before it was handed to a writer: its readers look again at what
 * is stored. Without `ended`; the owner calls flight_conclude() after it. */
void flight_withdraw(struct flight *flight);
/* Chunk `number` is in the store. */
void flight_chunk_saved(struct flight *flight, int64_t number);
/* Storing has failed, and stops. The first chunk in memory may be lost for late readers. */
void flight_storing_failed(struct flight *flight);
/* Everything is settled; wakes all readers. Once. */
void flight_conclude(struct flight *flight);

/* --- everybody --- */

/* How a flight came to its end. */
enum flight_end {
  FLIGHT_ENDED,     /* upstream ended: the verdict is of its answer, or of the want of one */
  FLIGHT_REFUSED,   /* rowcache did not send it: `refusal` says why; there is no verdict */
  FLIGHT_WITHDRAWN, /* it was not needed; there is no verdict */
};

struct flight_state {
  enum flight_phase phase;
  struct answer_head head;
  enum flight_end end;           /* when CONCLUDED */
  struct answer_verdict verdict; /* from flight_end() on */
  struct fault refusal;          /* where REFUSED */
  int64_t length;                /* bytes so far */
  bool storing;                  /* false also after storing has failed */
};
void flight_peek(struct flight *flight, struct flight_state *state);

/* --- readers --- */

/* Joins at the beginning; holds a reference. `wake` is called at least once for each time that one
 * of the functions below said to wait, unless the reader leaves before. NULL: no memory, or the
 * flight is lost. */
struct flight_reader *flight_join(struct flight *flight, void (*wake)(void *context),
                                  void *context) MUST_CHECK;
/* Whether nobody can join any more, for good: its beginning is gone (storing has failed), or it was
 * given up. */
bool flight_is_lost(struct flight *flight);
/* Leaves and leaves NULL; NULL is allowed. Waits for a call of its `wake` that is under way, so it
 * must not be called inside one; afterwards there is none, and none will come. */
void flight_leave(struct flight_reader **reader);
/* Its client may have gone; it goes on reading. */
void flight_doubt(struct flight_reader *reader);
struct flight *flight_of(const struct flight_reader *reader);

/* Whether the phase is past WAITING, or the reader's patience has ended (the phase tells which); if
 * not, `wake` will be called. */
bool flight_await(struct flight_reader *reader) MUST_CHECK;
/* The same for CONCLUDED, or, where nothing is stored (any more), for when the window is full and
 * the writer waits for its readers. */
bool flight_await_end(struct flight_reader *reader) MUST_CHECK;

enum flight_read {
  FLIGHT_READ_BYTES,  /* `*count` bytes were copied, and the reader moved on */
  FLIGHT_READ_WAIT,   /* nothing new: `wake` will be called */
  FLIGHT_READ_STORED, /* the bytes at flight_offset() are in the store only: read them there, then
                         flight_skip() */
  FLIGHT_READ_END,
  FLIGHT_READ_BROKEN, /* the rest will not come */
};
enum flight_read flight_read(struct flight_reader *reader, char *buffer, size_t size,
                             size_t *count) MUST_CHECK;
/* Where the reader stands, in bytes from the beginning, and how it moves on without flight_read().
 */
int64_t flight_offset(const struct flight_reader *reader);
void flight_skip(struct flight_reader *reader, size_t bytes);
