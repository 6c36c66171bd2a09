#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

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

void thread_become(enum thread_kind kind) {
  int policy;
  struct sched_param param;
  if (kind == THREAD_BATCH && pthread_getschedparam(pthread_self(), &policy, &param) == 0 &&
      policy == SCHED_OTHER)
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &param);
}
