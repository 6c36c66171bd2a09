/* Asks the running daemon as a client does, through its client listener (ctl/link.h). */
#pragma once

#include "base/money.h"
#include "base/text.h"
#include "ctl/argument.h"
#include "observe/outcome.h"
#include "settings/settings.h"

#define CLIENT_ID_SIZE 64 /* of an X-Request-Id, and NUL */

struct client_question {
  const struct argument *argument; /* its own token is not looked at */
  struct view token;               /* visible ASCII if it is for a call; empty: none */
  bool only_if_cached;
};

struct client_answer {
  bool was_sent;        /* the daemon may have got the question; always, if there is a status */
  long status;          /* HTTP; 0: nothing came */
  bool is_good;         /* a result, and all of it */
  enum outcome outcome; /* OUTCOME_ERROR unless it is good */
  bool knows_spent;     /* its head tells what it cost: */
  struct amount spent;
  char id[CLIENT_ID_SIZE]; /* X-Request-Id; "": it has none */
  struct text error;       /* why it is not good, without the token; any bytes; may be empty */
};

/* Sends one question to the first address of server.listen; reads its answer, and keeps none of it.
 * True: there was an answer, good or not. The caller frees `answer->error` in both cases. Blocks
 * until the daemon has answered, however long upstream takes. */
bool client_ask(const struct settings *settings, const struct client_question *question,
                struct client_answer *answer, struct fault *fault) MUST_CHECK;
