/* A question: what is asked of upstream. Pure. */
#pragma once

/* What a question is about, as far as it decides what an answer means. */
enum question_kind {
  QUESTION_RESULTS,      /* backlinks_new_lost as JSON: read, counted, may be stored */
  QUESTION_OPAQUE,       /* backlinks_new_lost in another form: counted as upstream announces */
  QUESTION_OTHER,        /* another table: passed on untouched */
  QUESTION_SUBSCRIPTION, /* upstream's own count for the token; free */
  QUESTION_UNKNOWN,      /* with a body of unknown meaning: only upstream knows what it asks for and
                            costs; counted as upstream announces, never certain and never free */
};
