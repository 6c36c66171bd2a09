#include "base/thread.h"

#include <signal.h>
#include <string.h>

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct fault *fault) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error)
    return fault_set(fault, FAULT_INTERNAL, "cannot start thread '%s': %s", name, strerror(error));
  pthread_setname_np(*thread, name);
  return true;
}
