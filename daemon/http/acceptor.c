#include "http/acceptor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The wait after accept(2) lacked descriptors or memory. */
#define SHORT_WAIT (100 * CLOCK_MILLISECOND)

struct acceptor {
  pthread_t thread;
  int sockets; /* an epoll set: the listening sockets, and `stop` */
  int stop;    /* an eventfd */
  acceptor_take *take;
  void *context;
  bool is_short; /* the thread's: the last accept(2) lacked something, which is logged once */
};

static bool concerns_one_connection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO;
}

static void wait_for_resources(struct acceptor *acceptor, int error) {
  if (!acceptor->is_short)
    log_warning(EVENT_accept, "reason=%s", LOG_VALUE(strerror(error)));
  acceptor->is_short = true;
  clock_sleep(clock_monotonic() + SHORT_WAIT);
}

/* Accepts every connection that waits on one socket. */
static void take_all(struct acceptor *acceptor, int listening) {
  for (;;) {
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    int connection =
        accept4(listening, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0) {
      acceptor->is_short = false;
      acceptor->take(acceptor->context, connection, (struct sockaddr *)&peer, length);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (!concerns_one_connection(errno)) {
      wait_for_resources(acceptor, errno);
      return;
    }
  }
}

static void *run(void *context) {
  struct acceptor *acceptor = context;
  struct epoll_event event;
  for (;;) {
    if (epoll_wait(acceptor->sockets, &event, 1, clock_timeout(CLOCK_NEVER)) != 1)
      continue; /* a signal */
    if (event.data.fd == acceptor->stop)
      return NULL;
    take_all(acceptor, event.data.fd);
  }
}

static bool watch(struct acceptor *acceptor, int file) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = file};
  return epoll_ctl(acceptor->sockets, EPOLL_CTL_ADD, file, &event) == 0;
}

static void discard(struct acceptor *acceptor) {
  if (acceptor->sockets >= 0)
    close(acceptor->sockets);
  if (acceptor->stop >= 0)
    close(acceptor->stop);
  free(acceptor);
}

bool acceptor_start(acceptor_take *take, void *context, struct acceptor **out,
                    struct fault *fault) {
  struct acceptor *acceptor = calloc(1, sizeof *acceptor);
  if (!acceptor)
    return fault_no_memory(fault);
  acceptor->take = take;
  acceptor->context = context;
  acceptor->sockets = epoll_create1(EPOLL_CLOEXEC);
  acceptor->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  bool ok = acceptor->sockets >= 0 && acceptor->stop >= 0 && watch(acceptor, acceptor->stop);
  if (!ok)
    fault_set(fault, FAULT_UNAVAILABLE, "cannot wait for connections: %s", strerror(errno));
  if (ok && thread_start(&acceptor->thread, "acceptor", run, acceptor, fault)) {
    *out = acceptor;
    return true;
  }
  discard(acceptor);
  return false;
}

bool acceptor_add(struct acceptor *acceptor, int listening, struct fault *fault) {
  int flags = fcntl(listening, F_GETFL);
  return (flags >= 0 && fcntl(listening, F_SETFL, flags | O_NONBLOCK) == 0 &&
          watch(acceptor, listening)) ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot wait for connections: %s", strerror(errno));
}

void acceptor_stop(struct acceptor **address) {
  struct acceptor *acceptor = steal(*address);
  if (!acceptor)
    return;
  CHECK(write(acceptor->stop, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t));
  pthread_join(acceptor->thread, NULL);
  discard(acceptor);
}
