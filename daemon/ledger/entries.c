#include "ledger/room.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

void entries_add(struct ledger_entry *entry) {
  struct ledger *ledger = entry->ledger;
  entry->is_listed = true;
  pthread_mutex_lock(&ledger->lock);
  DL_APPEND(ledger->open, entry);
  pthread_mutex_unlock(&ledger->lock);
}

void entries_end(struct ledger_entry *entry) {
  struct ledger *ledger = entry->ledger;
  if (entry->is_listed) {
    pthread_mutex_lock(&ledger->lock);
    DL_DELETE(ledger->open, entry);
    pthread_mutex_unlock(&ledger->lock);
  }
  free(entry);
}

void entries_fail(struct ledger_entry *entry) {
  CHECK(entry->is_listed);
  pthread_mutex_lock(&entry->ledger->lock);
  entry->failed = true;
  entry->given = false;
  pthread_mutex_unlock(&entry->ledger->lock);
}

/* A chain of all that failed and wait. */
static struct ledger_entry *take_due(struct ledger *ledger) {
  struct ledger_entry *entry, *due = NULL;
  pthread_mutex_lock(&ledger->lock);
  DL_FOREACH(ledger->open, entry) {
    if (!entry->failed || entry->given)
      continue;
    entry->given = true;
    entry->due = due;
    due = entry;
  }
  pthread_mutex_unlock(&ledger->lock);
  return due;
}

void entries_retry(struct ledger *ledger) {
  struct ledger_entry *next;
  for (struct ledger_entry *entry = take_due(ledger); entry; entry = next) {
    next = entry->due;
    keeper_give(ledger->keeper, &entry->job);
  }
}

int entries_drop(struct ledger *ledger) {
  int unsettled = 0;
  struct ledger_entry *entry, *next;
  DL_FOREACH_SAFE(ledger->open, entry, next) {
    DL_DELETE(ledger->open, entry);
    unsettled += entry->failed;
    free(entry);
  }
  return unsettled;
}

bool entries_list_unsettled(struct ledger *ledger, struct text *ids, struct fault *fault) {
  struct ledger_entry *entry;
  text_clear(ids);
  if (ledger->is_left)
    text_add(ids, VIEW("*"));
  pthread_mutex_lock(&ledger->lock);
  DL_FOREACH(ledger->open, entry) {
    if (entry->failed)
      text_printf(ids, "%s%s ", ids->length ? "" : " ", entry->request.id);
  }
  pthread_mutex_unlock(&ledger->lock);
  return text_ok(ids) || fault_no_memory(fault);
}

bool entries_has_unsettled(struct ledger *ledger, const char *request) {
  struct ledger_entry *entry;
  bool found = ledger->is_left;
  pthread_mutex_lock(&ledger->lock);
  DL_FOREACH(ledger->open, entry) {
    found = found || (entry->failed && strcmp(entry->request.id, request) == 0);
  }
  pthread_mutex_unlock(&ledger->lock);
  return found;
}
