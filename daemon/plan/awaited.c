#include "plan/awaited.h"

/* True if the answer may be an error for another token. Nobody else sees such an error: it may be
 * about the token, and name it. */
static bool may_be_said_to_another(const struct awaited_facts *facts) {
  return !facts->leads && (facts->status != 200 || facts->is_error);
}

static enum awaited_action stale_or(const struct awaited_facts *facts, enum awaited_action else_) {
  return facts->has_stale ? AWAITED_STALE : else_;
}

/* Two requests wait for the end of the answer before they reply: an HTTP/1.0 client's, as its
 * answer ends with the connection and a broken one would look whole; and one that has joined a
 * flight whose answer may be an error for another token. */
static enum awaited_action decide_flowing(const struct awaited_facts *facts) {
  bool is_doubtful = may_be_said_to_another(facts);
  bool needs_end = !facts->can_break_off || (is_doubtful && facts->is_being_stored);
  if (needs_end && !facts->end_was_awaited)
    return AWAITED_AWAIT_END;
  return is_doubtful ? AWAITED_WITHHOLD : AWAITED_RELAY;
}

/* If the error is meant for another token, this request asks for itself. If upstream itself fails
 * (5xx, 429), it fails for every token. */
static enum awaited_action decide_error(const struct awaited_facts *facts) {
  bool is_said_to_another = !facts->leads && !facts->has_same_upstream;
  bool upstream_is_ill = facts->status >= 500 || facts->status == 429;
  if (is_said_to_another && facts->status < 500)
    return AWAITED_PLAN_AGAIN;
  enum awaited_action action = is_said_to_another ? AWAITED_WITHHOLD : AWAITED_RELAY;
  return upstream_is_ill ? stale_or(facts, action) : action;
}

/* Where upstream's error is told as rowcache's own, its text is meant for one token as well. */
static enum awaited_action decide_broken(const struct awaited_facts *facts) {
  bool is_error = facts->status >= 400;
  if (!is_error || facts->leads || facts->has_same_upstream)
    return stale_or(facts, AWAITED_FAIL);
  return decide_error(facts);
}

static enum awaited_action decide_over(const struct awaited_facts *facts) {
  switch (facts->end) {
  case AWAITED_WITHDRAWN:
    return AWAITED_PLAN_AGAIN;
  case AWAITED_HELD_BACK:
    if (!facts->leads && !facts->has_same_token)
      return AWAITED_PLAN_AGAIN;
    return stale_or(facts, AWAITED_REFUSE);
  case AWAITED_NOT_SENT:
    return stale_or(facts, AWAITED_REFUSE);
  case AWAITED_BROKEN:
    return decide_broken(facts);
  case AWAITED_ERROR:
    return decide_error(facts);
  case AWAITED_COMPLETE:
    break;
  }
  return AWAITED_RELAY;
}

enum awaited_action awaited_decide(const struct awaited_facts *facts) {
  switch (facts->phase) {
  case AWAITED_SILENT:
    return stale_or(facts, AWAITED_TIMEOUT);
  case AWAITED_FLOWING:
    return decide_flowing(facts);
  case AWAITED_OVER:
    break;
  }
  return decide_over(facts);
}
