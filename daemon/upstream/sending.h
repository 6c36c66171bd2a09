/* One request to upstream on libcurl, from its options to its verdict; of the upstream room only.
 * Apart from its making, it belongs to the transfer thread. */
#pragma once

#include "rows/reader.h"
#include "upstream/sockets.h"
#include "upstream/transfer.h"

#include <curl/curl.h>

/* What is sent: all that the caller decides. */
struct transfer_ask {
  const struct dialect *dialect;
  struct dialect_request request;
  char *token;               /* in the request; wiped; NULL: not known, the body may have others */
  bool send_once;            /* transfer_ask_once() */
  struct settings *settings; /* one reference: timeouts, depth, TLS */
};

struct sending {
  struct transfer_ask ask; /* first: making an ask makes all of this */
  struct flight *flight;   /* one reference, from transfer_submit() on */
  struct sockets *sockets;
  CURL *easy;
  struct curl_slist *headers;
  const struct reader_shape *shape; /* NULL: the body is not read */
  struct reader *reader;
  bool reading; /* the reader still accepts */
  bool paused, stalled, aborted;
  bool kept_back;  /* it would have been sent again */
  bool has_waited; /* for its turn */
  bool deserted;   /* nobody waited for it any more: it was not sent */
  bool lost;       /* the connection that it was to be sent on had ended */
  bool late;       /* it waited for its turn for too long: it was not sent */
  bool heard;      /* a byte has come */
  bool head_complete;
  int64_t restarts; /* after a connection that had ended */
  int64_t sends; /* libcurl sends again by itself where a kept connection turns out to be closed */
  int64_t last_byte; /* clock_monotonic() */
  curl_off_t received;
  struct answer_evidence evidence;
  char error[CURL_ERROR_SIZE]; /* libcurl's words, for the log */
  struct sending *next, *prev;
};

/* Who began to wait for it by then, and has heard nothing, has waited for too long: now less
 * upstream.stall_timeout; clock_monotonic(). */
int64_t sending_patience(const struct sending *request, int64_t now);
/* Makes the libcurl handle with all options. False: no memory. Does not block. */
bool sending_prepare(struct sending *request, struct sockets *sockets) MUST_CHECK;
/* Whether libcurl's end with `code` is none, as nothing was sent for want of a connection that is
 * alive: it is ready for another try then, on a new one. */
bool sending_may_restart(struct sending *request, CURLcode code);
/* What it has come to, when libcurl has ended with `code`. */
struct answer_verdict sending_judge(struct sending *request, CURLcode code);
/* Frees all that it holds. */
void sending_release(struct sending *request);
