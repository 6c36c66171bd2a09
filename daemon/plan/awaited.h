/* The decision about a request that waits for a flight: relay the answer, serve what is stored
 * instead, ask for itself, or fail. Facts in, decision out. Pure. */
#pragma once

#include <stdbool.h>

enum awaited_phase {
  AWAITED_SILENT,  /* no byte came for as long as upstream may take */
  AWAITED_FLOWING, /* the answer has begun */
  AWAITED_OVER,    /* the flight has come to its end, as `end` says */
};

enum awaited_end {
  AWAITED_WITHDRAWN, /* the flight was not needed: look again at what is stored */
  AWAITED_HELD_BACK, /* rowcache did not send it, for its token's sake: budget, or revoked */
  AWAITED_NOT_SENT,  /* rowcache did not send it, for another reason */
  AWAITED_BROKEN,    /* no answer of upstream, or not a whole one */
  AWAITED_ERROR,     /* upstream answered with an error of its own */
  AWAITED_COMPLETE,
};

struct awaited_facts {
  enum awaited_phase phase;
  enum awaited_end end;   /* with OVER */
  unsigned status;        /* HTTP status of upstream's answer; 0 while none has come */
  bool is_error;          /* upstream's head says that the answer is an error */
  bool is_being_stored;   /* the answer is kept, so that its end can be waited for */
  bool end_was_awaited;   /* as far as memory holds it, where the flight is still FLOWING */
  bool leads;             /* the request began the flight */
  bool has_same_token;    /* the flight was begun by a request with the same token */
  bool has_same_upstream; /* upstream saw the token that it would see of this request */
  bool can_break_off;     /* the client can tell a broken answer from a whole one (HTTP/1.1) */
  bool has_stale;         /* what is stored may be served if upstream fails */
};

enum awaited_action {
  AWAITED_AWAIT_END,  /* wait for the end, or as much of the answer as memory holds */
  AWAITED_PLAN_AGAIN, /* leave the flight and plan as if the request had just come */
  AWAITED_STALE,      /* serve what is stored */
  AWAITED_RELAY,      /* relay the answer */
  AWAITED_TIMEOUT,    /* fail: upstream sent nothing for too long */
  AWAITED_REFUSE,     /* fail with the flight's refusal */
  AWAITED_FAIL,       /* fail with the verdict's fault */
  AWAITED_WITHHOLD,   /* fail with upstream's status alone: its answer is meant for another token */
};

enum awaited_action awaited_decide(const struct awaited_facts *facts);
