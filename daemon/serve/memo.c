#include "serve/memo.h"

#include <stdlib.h>

struct memo_entry {
  struct spelling spelling; /* its token is empty */
  struct memo_meaning meaning;
  char texts[];
};

static struct memo_entry **set_of(struct memo *memo, const struct spelling *spelling) {
  return memo->entries[spelling->hash % MEMO_SETS];
}

/* Moves the entry at `way` to the front. */
static void bring_forward(struct memo_entry **set, int way) {
  struct memo_entry *entry = set[way];
  for (; way > 0; way--)
    set[way] = set[way - 1];
  set[0] = entry;
}

const struct memo_meaning *memo_find(struct memo *memo, const struct spelling *spelling) {
  struct memo_entry **set = set_of(memo, spelling);
  for (int way = 0; way < MEMO_WAYS && set[way]; way++) {
    if (!spelling_equal(&set[way]->spelling, spelling))
      continue;
    bring_forward(set, way);
    return &set[0]->meaning;
  }
  return NULL;
}

static struct view copy(char **to, struct view text) {
  struct view copied = {*to, text.length};
  if (text.length)
    memcpy(*to, text.at, text.length);
  *to += text.length;
  return copied;
}

static struct memo_entry *make(const struct spelling *spelling,
                               const struct memo_meaning *meaning) {
  struct memo_entry *entry = malloc(sizeof *entry + spelling->before.length +
                                    spelling->after.length + meaning->target.length);
  if (!entry)
    return NULL;
  char *to = entry->texts;
  entry->spelling = (struct spelling){.hash = spelling->hash};
  entry->spelling.before = copy(&to, spelling->before);
  entry->spelling.after = copy(&to, spelling->after);
  entry->meaning = *meaning;
  entry->meaning.target = copy(&to, meaning->target);
  return entry;
}

void memo_learn(struct memo *memo, const struct spelling *spelling,
                const struct memo_meaning *meaning) {
  struct memo_entry **set = set_of(memo, spelling);
  if (memo_find(memo, spelling))
    return;
  struct memo_entry *entry = make(spelling, meaning);
  if (!entry)
    return;
  free(set[MEMO_WAYS - 1]);
  set[MEMO_WAYS - 1] = entry;
  bring_forward(set, MEMO_WAYS - 1);
}

void memo_clear(struct memo *memo) {
  for (int set = 0; set < MEMO_SETS; set++)
    for (int way = 0; way < MEMO_WAYS; way++) {
      free(memo->entries[set][way]);
      memo->entries[set][way] = NULL;
    }
}
