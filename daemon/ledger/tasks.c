#include "ledger/room.h"

#include "base/log.h"

void tasks_note_write(struct ledger *ledger, bool ok, const struct fault *fault) {
  if (!ok && fault->kind != FAULT_UNAVAILABLE)
    return; /* a refusal, which says nothing about the file */
  bool was_ok = !atomic_exchange(&ledger->broken, !ok);
  if (was_ok && !ok)
    log_error(EVENT_ledger_broken, "spending=stopped reason=%s", LOG_VALUE(fault->text));
  if (!was_ok && ok)
    log_info(EVENT_ledger_mended, "spending=on file=%s", LOG_VALUE(ledger->path));
}

static void task_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  tasks_note_write(((struct ledger_task *)job)->ledger, ok, fault);
}

bool tasks_run(struct ledger *ledger, struct ledger_task *task, struct fault *fault) {
  CHECK(ledger->keeper);
  task->ledger = ledger;
  if (!task->job.done)
    task->job.done = task_done;
  return keeper_run(ledger->keeper, &task->job, fault);
}

bool ledger_is_broken(struct ledger *ledger) {
  return atomic_load(&ledger->broken);
}
