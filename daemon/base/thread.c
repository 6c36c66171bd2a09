#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct fault *fault) {
  static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
  sigset_t most, before;
  sigfillset(&most);
  /* A blocked signal of these kills the process without calling its handler. */
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    sigdelset(&most, faults[i]);
  pthread_sigmask(SIG_SETMASK, &most, &before);
  int error = pthread_create(thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error)
    return fault_set(fault, FAULT_INTERNAL, "cannot start thread '%s': %s", name, strerror(error));
  pthread_setname_np(*thread, name);
  return true;
}

static void become_batch(void) {
  int policy;
  struct sched_param param;
  if (pthread_getschedparam(pthread_self(), &policy, &param) == 0 && policy == SCHED_OTHER)
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
}

/* The shortest turn that the kernel gives, in nanoseconds. A hit takes a tenth of it. */
#define SHORT_TURN 100000

/* That of sched_setattr(2), which glibc 2.36 does not have. */
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period; /* runtime: the length of a turn */
};

static void become_prompt(void) {
  struct attributes own;
  if (syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) != 0 || own.policy != SCHED_OTHER)
    return;
  own.runtime = SHORT_TURN;
  (void)syscall(SYS_sched_setattr, 0, &own, 0);
}

void thread_become(enum thread_kind kind) {
  switch (kind) {
  case THREAD_ORDINARY:
    break;
  case THREAD_BATCH:
    become_batch();
    break;
  case THREAD_PROMPT:
    become_prompt();
    break;
  }
}
