/* The decision about a request that waits for a flight: relay the answer, serve the stored result
 * instead, plan again, or fail. Facts in, decision out. Pure. */
#pragma once

#include <stdbool.h>

enum awaited_phase {
  AWAITED_SILENT,  /* no byte came within upstream.stall_timeout */
  AWAITED_FLOWING, /* the answer has begun */
  AWAITED_OVER,    /* the flight has ended, as `end` says */
};

enum awaited_end {
  AWAITED_WITHDRAWN, /* the flight was not needed: another one has stored a result */
  AWAITED_HELD_BACK, /* rowcache did not send it, because of its token: budget, or revoked */
  AWAITED_NOT_SENT,  /* rowcache did not send it, for another reason */
  AWAITED_BROKEN,    /* upstream gave no answer, or only a part of one */
  AWAITED_ERROR,     /* upstream answered with an error of its own */
  AWAITED_COMPLETE,  /* upstream's answer is whole */
};

struct awaited_facts {
  enum awaited_phase phase;
  enum awaited_end end;   /* with OVER */
  unsigned status;        /* HTTP status of upstream's answer; 0 while none has come */
  bool is_error;          /* upstream's head says that the answer is an error */
  bool is_being_stored;   /* the answer is stored, so a request can wait for its end */
  bool end_was_awaited;   /* if still FLOWING: as much was awaited as memory holds */
  bool leads;             /* the request began the flight */
  bool has_same_token;    /* a request with the same token began the flight */
  bool has_same_upstream; /* this request would go upstream with the flight's token */
  bool can_break_off;     /* the client can tell a broken answer from a whole one (HTTP/1.1) */
  bool has_stale;         /* a stored result may be served if upstream fails */
};

enum awaited_action {
  AWAITED_AWAIT_END,  /* wait for the end, or for as much of the answer as memory holds */
  AWAITED_PLAN_AGAIN, /* leave the flight and plan as if the request had just come */
  AWAITED_STALE,      /* serve the stored result */
  AWAITED_RELAY,      /* relay the answer */
  AWAITED_TIMEOUT,    /* fail: upstream sent nothing for too long */
  AWAITED_REFUSE,     /* fail with the flight's refusal */
  AWAITED_FAIL,       /* fail with the verdict's fault */
  AWAITED_WITHHOLD,   /* fail with upstream's status alone: its answer is meant for another token */
};

/* The decision about a request with these facts. */
enum awaited_action awaited_decide(const struct awaited_facts *facts);
