/* One client request on its way; of the serve room only. It belongs to its exchange, and is touched by
 * no other thread than the one that runs the exchange's step or read.
 *
 *   check -> plan -> hit ----------------------------> replied
 *              ^  '-> forward (join or begin) -> await --'
 *              '------- the leader's own refusal ---'           */
#pragma once

#include "serve/inside.h"

struct request {
  struct serve *serve;
  struct exchange *exchange;
  struct settings *settings; /* one reference: those it began with */
  char id[REQUEST_ID_SIZE];
  int64_t at; /* milliseconds since 1970 */

  struct query *query; /* NULL until it could be parsed */
  struct wish wish;
  struct digest fingerprint; /* of the token, where there was one */
  bool has_token;
  enum v2_kind kind;
  bool has_foreign_body;

  bool has_stored; /* `stored` is there, pinned */
  struct cache_entry stored;
  struct plan plan;

  struct flight_reader *reader;
  bool leads;          /* began the flight, and pays */
  bool waits_for_end;  /* wants nothing of the flight before it has ended */

  /* Where chunks are read from the store: the one at `chunk_number`. */
  char *chunk;
  size_t chunk_length;
  int64_t chunk_number; /* -1: none */
  int64_t position;     /* in bytes, of a reply from `stored` */

  enum serve_outcome outcome;
  unsigned status;
  struct rows spent, saved;
  bool cost_is_known;
};

/* --- serve/reply.c: how a request is answered --- */

void reply_fault(struct request *request, const struct fault *fault);
/* From what is stored, with this freshness. */
void reply_stored(struct request *request, int64_t freshness);
/* From the flight that the request reads, as it stands. */
void reply_flight(struct request *request, const struct flight_state *state);
