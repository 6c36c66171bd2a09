/* One request to upstream on libcurl, from its options to its verdict; of the upstream room only.
 * From transfer_submit() on it belongs to the transfer thread. */
#pragma once

#include "base/digest.h"
#include "rows/reader.h"
#include "upstream/keys.h"
#include "upstream/sockets.h"
#include "upstream/transfer.h"

#include <curl/curl.h>

/* A connection is not used again after it was idle for so many seconds. Upstream may close an idle
 * connection just as a request is sent, and then nobody knows whether the request was charged. */
#define SENDING_KEEP 15

/* The part of a request that its caller decides. */
struct transfer_ask {
  const struct dialect *dialect;
  struct dialect_request request;
  char *token;               /* owned, wiped; NULL: not known, as the body may hold another */
  struct digest key;         /* of the token's text; whose pace it keeps */
  bool send_once;            /* transfer_ask_once() */
  struct settings *settings; /* one reference: timeouts, depth, TLS */
};

struct sending {
  struct transfer_ask ask; /* first: transfer_ask_create() makes all of this */
  struct flight *flight;   /* one reference, from transfer_submit() on */
  struct pacing *pacing;   /* held while under way; NULL: the dialect has none */
  struct pacing_turn turn;
  struct sockets *sockets;
  CURL *easy; /* NULL while it waits */
  struct curl_slist *headers;
  const struct reader_shape *shape; /* NULL: the body is not read */
  struct reader *reader;
  bool reading; /* there is a reader, and it has found no fault yet */
  bool paused, stalled, aborted;
  bool kept_back;  /* not sent again: send_once */
  bool has_waited; /* it had to wait for a place */
  bool deserted;   /* not sent: the flight was given up */
  bool lost;       /* not sent: the connection had ended */
  bool late;       /* not sent: it waited for a place, or for its turn, for too long */
  bool too_many;   /* not sent: too many wait */
  bool closed;     /* not sent: upstream throttles its key for longer than its readers wait */
  bool is_paced;   /* it had to wait for its turn */
  bool again;      /* upstream throttled it, and it is sent once more */
  bool heard;      /* a byte of the answer has come */
  bool head_complete;
  int64_t restarts;  /* tries on a new connection, as a kept one had ended */
  int64_t sends;     /* libcurl sends again by itself if a kept connection was closed */
  int64_t last_byte; /* clock_monotonic() */
  curl_off_t received;
  size_t skipped; /* bytes of an answer that nobody is to see */
  struct answer_evidence evidence;
  char error[CURL_ERROR_SIZE]; /* libcurl's own text, for the log */
  struct sending *next, *prev;
};

/* The time (clock_monotonic()) that is upstream.stall_timeout before `now`: readers that joined at
 * or before it, and have had no byte, have waited for too long. */
int64_t sending_patience(const struct sending *request, int64_t now);
/* True if a reader will still wait for the request at the time `then`, with more than a tenth of its
 * patience left. */
bool sending_is_awaited(const struct sending *request, int64_t then);
/* Makes the libcurl handle with all options. False: no memory. Does not block. Transfer thread. */
bool sending_prepare(struct sending *request, struct sockets *sockets) MUST_CHECK;
/* True if libcurl ended with `code` because a kept connection had ended before anything was sent:
 * the request is ready for another try, on a new connection. */
bool sending_may_restart(struct sending *request, CURLcode code);
/* True if upstream has throttled the request, which costs nothing, and it can wait for another turn:
 * it is as if it had not been sent. */
bool sending_may_wait(struct sending *request);
/* The verdict, after libcurl has ended with `code`. */
struct answer_verdict sending_judge(struct sending *request, CURLcode code);
/* Wipes and frees the request with all that it holds. Any thread that owns it. */
void sending_release(struct sending *request);
