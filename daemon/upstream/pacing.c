#include "upstream/pacing.h"

#define SECOND INT64_C(1000000000)
#define BACKOFF_MOST 60 /* seconds: a limit of so many a minute has passed by then */

static int64_t later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

int64_t pacing_next(const struct pacing *pacing, int64_t most) {
  bool is_full = most && pacing->opening >= most;
  if (is_full || pacing->trials > 0)
    return INT64_MAX;
  if (!most)
    return pacing->closed_until;
  return later(pace_next(&pacing->sent, most - pacing->opening), pacing->closed_until);
}

void pacing_begin(struct pacing *pacing, struct pacing_turn *turn) {
  *turn = (struct pacing_turn){.phase = PACING_OPENING, .is_trial = pacing->refusals > 0};
  pacing->opening++;
  pacing->trials += turn->is_trial;
}

static void end_opening(struct pacing *pacing, struct pacing_turn *turn) {
  pacing->opening -= turn->phase == PACING_OPENING;
  turn->phase = PACING_SENT;
}

void pacing_send(struct pacing *pacing, struct pacing_turn *turn, int64_t now) {
  end_opening(pacing, turn);
  turn->sent_at = now;
  pace_begin(&pacing->sent, now);
}

void pacing_end(struct pacing *pacing, struct pacing_turn *turn) {
  end_opening(pacing, turn);
  pacing->trials -= turn->is_trial;
  *turn = (struct pacing_turn){.phase = PACING_IDLE};
}

/* The answer to a request that was sent before the last 429 does not say that it is over. */
void pacing_accept(struct pacing *pacing, struct pacing_turn *turn) {
  if (turn->sent_at >= pacing->refused_at)
    pacing->refusals = 0;
  pacing_end(pacing, turn);
}

/* In nanoseconds, as the header says. */
static int64_t backoff(int64_t refusals, uint32_t random) {
  int64_t seconds = refusals <= 6 ? INT64_C(1) << (refusals - 1) : BACKOFF_MOST;
  int64_t least = (seconds < BACKOFF_MOST ? seconds : BACKOFF_MOST) * SECOND;
  return least + least / 2 / 1000 * (random % 1000);
}

static int64_t asked_for(int64_t retry_after) {
  return (retry_after < PACING_CLOSED_MOST ? retry_after : PACING_CLOSED_MOST) * SECOND;
}

bool pacing_refuse(struct pacing *pacing, struct pacing_turn *turn, int64_t retry_after,
                   uint32_t random, int64_t now) {
  bool is_another = !pacing->refusals || turn->sent_at >= pacing->refused_at;
  int64_t wait = 0;
  if (is_another) {
    pacing->refusals++;
    pacing->refused_at = now;
    wait = backoff(pacing->refusals, random);
  }
  if (retry_after > 0)
    wait = asked_for(retry_after);
  pacing->closed_until = later(pacing->closed_until, now + wait);
  pacing_end(pacing, turn);
  return is_another;
}

bool pacing_is_idle(const struct pacing *pacing, int64_t now) {
  return !pacing->opening && !pacing->trials && pacing->closed_until <= now &&
         pace_next(&pacing->sent, 1) <= now;
}
