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

struct memo_meaning *memo_find(struct memo *memo, const struct spelling *spelling) {
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

static size_t size_of(const struct spelling *spelling, const struct memo_meaning *meaning) {
  return sizeof(struct memo_entry) + spelling->before.length + spelling->after.length +
         meaning->target.length;
}

static struct memo_entry *make(const struct spelling *spelling,
                               const struct memo_meaning *meaning) {
  struct memo_entry *entry = malloc(size_of(spelling, meaning));
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

static void forget(struct memo *memo, struct memo_entry **place) {
  struct memo_entry *entry = *place;
  if (entry)
    memo->bytes -= size_of(&entry->spelling, &entry->meaning);
  free(entry);
  *place = NULL;
}

void memo_learn(struct memo *memo, const struct spelling *spelling,
                const struct memo_meaning *meaning) {
  struct memo_entry **set = set_of(memo, spelling), **last = &set[MEMO_WAYS - 1];
  size_t size = size_of(spelling, meaning);
  if (memo_find(memo, spelling))
    return;
  forget(memo, last);
  if (memo->bytes + size > MEMO_BYTES || !(*last = make(spelling, meaning)))
    return;
  memo->bytes += size;
  bring_forward(set, MEMO_WAYS - 1);
}

void memo_clear(struct memo *memo) {
  for (int set = 0; set < MEMO_SETS; set++)
    for (int way = 0; way < MEMO_WAYS; way++)
      forget(memo, &memo->entries[set][way]);
}
