#include "http/watch.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#define MAX_EVENTS 64

struct watch {
  watch_notify *notify;
  int set, bell; /* epoll; an eventfd in it, to wake the thread */
  pthread_t thread;

  pthread_mutex_t lock; /* everything below, and all watched connections */
  struct watched **by_socket;
  size_t sockets;         /* room in by_socket */
  uint32_t last_number;   /* never 0 in use */
  struct watched *graces; /* connections in doubt, ordered by deadline */
  bool stopping;
};

/* --- the connection of an event, which may be late: the socket may be another's by now --- */

static uint64_t name_of(const struct watched *watched) {
  return (uint64_t)watched->own.number << 32 | (uint32_t)watched->own.socket;
}

static struct watched *find(const struct watch *watch, uint64_t name) {
  size_t socket = (uint32_t)name;
  struct watched *watched = socket < watch->sockets ? watch->by_socket[socket] : NULL;
  return watched && name_of(watched) == name ? watched : NULL;
}

static bool make_room(struct watch *watch, size_t socket) {
  if (socket < watch->sockets)
    return true;
  size_t sockets = 2 * socket + 64;
  struct watched **grown = realloc(watch->by_socket, sockets * sizeof *grown);
  if (!grown)
    return false;
  memset(grown + watch->sockets, 0, (sockets - watch->sockets) * sizeof *grown);
  watch->by_socket = grown;
  watch->sockets = sockets;
  return true;
}

/* --- the thread --- */

static void remove_grace(struct watch *watch, struct watched *watched) {
  if (watched->own.deadline)
    DL_DELETE2(watch->graces, watched, own.prev, own.next);
  watched->own.deadline = 0;
}

static void see(struct watch *watch, const struct epoll_event *event) {
  struct watched *watched = find(watch, event->data.u64);
  if (!watched)
    return;
  remove_grace(watch, watched);
  watch->notify(watched, event->events & (EPOLLHUP | EPOLLERR) ? WATCH_GONE : WATCH_IN_DOUBT);
}

static void end_graces(struct watch *watch) {
  int64_t now = clock_monotonic();
  struct watched *watched;
  while ((watched = watch->graces) && watched->own.deadline <= now) {
    remove_grace(watch, watched);
    watch->notify(watched, WATCH_GONE);
  }
}

static void *run(void *context) {
  struct watch *watch = context;
  struct epoll_event events[MAX_EVENTS];
  pthread_mutex_lock(&watch->lock);
  while (!watch->stopping) {
    int64_t until = watch->graces ? watch->graces->own.deadline : CLOCK_NEVER;
    pthread_mutex_unlock(&watch->lock);
    int count = epoll_wait(watch->set, events, MAX_EVENTS, clock_timeout(until));
    CHECK(count >= 0 || errno == EINTR);
    pthread_mutex_lock(&watch->lock);
    for (int i = 0; i < count; i++)
      see(watch, &events[i]);
    end_graces(watch);
  }
  pthread_mutex_unlock(&watch->lock);
  return NULL;
}

/* Fails only after 2^64 rings. */
static void ring(struct watch *watch) {
  (void)eventfd_write(watch->bell, 1);
}

/* --- life --- */

static bool open_set(struct watch *watch, struct fault *fault) {
  /* Edge-triggered: each write wakes the thread, and nobody needs to read. The number is no
   * connection's. */
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = UINT32_MAX};
  watch->set = epoll_create1(EPOLL_CLOEXEC);
  watch->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return (watch->set >= 0 && watch->bell >= 0 &&
          epoll_ctl(watch->set, EPOLL_CTL_ADD, watch->bell, &event) == 0) ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot watch connections: %s", strerror(errno));
}

static void release(struct watch *watch) {
  if (watch->set >= 0)
    close(watch->set);
  if (watch->bell >= 0)
    close(watch->bell);
  pthread_mutex_destroy(&watch->lock);
  free(watch->by_socket);
  free(watch);
}

bool watch_open(watch_notify *notify, struct watch **out, struct fault *fault) {
  struct watch *watch = calloc(1, sizeof *watch);
  if (!watch)
    return fault_no_memory(fault);
  watch->notify = notify;
  watch->bell = -1;
  pthread_mutex_init(&watch->lock, NULL);
  if (open_set(watch, fault) && thread_start(&watch->thread, "watch", run, watch, fault)) {
    *out = watch;
    return true;
  }
  release(watch);
  return false;
}

void watch_close(struct watch **address) {
  struct watch *watch = steal(*address);
  if (!watch)
    return;
  pthread_mutex_lock(&watch->lock);
  watch->stopping = true;
  pthread_mutex_unlock(&watch->lock);
  ring(watch);
  pthread_join(watch->thread, NULL);
  release(watch);
}

/* --- watched connections --- */

static void enter(struct watch *watch, struct watched *watched, int socket) {
  watch->last_number += watch->last_number == UINT32_MAX ? 2 : 1;
  watched->own.number = watch->last_number;
  watched->own.socket = socket;
  watched->own.deadline = 0;
  watch->by_socket[socket] = watched;
}

static void begin_grace(struct watch *watch, struct watched *watched) {
  watched->own.deadline = clock_monotonic() + WATCH_GRACE_MS * CLOCK_MILLISECOND;
  bool is_first = !watch->graces;
  DL_APPEND2(watch->graces, watched, own.prev, own.next);
  if (is_first) /* the thread waits without a timeout */
    ring(watch);
}

void watch_begin(struct watch *watch, struct watched *watched, int socket, bool in_doubt) {
  pthread_mutex_lock(&watch->lock);
  if (make_room(watch, (size_t)socket)) {
    enter(watch, watched, socket);
    /* ERR and HUP are always reported. A state that already holds is reported at once. */
    struct epoll_event event = {.events = EPOLLONESHOT | (in_doubt ? 0 : EPOLLRDHUP),
                                .data.u64 = name_of(watched)};
    /* Without memory for it only the grace period is left. */
    (void)epoll_ctl(watch->set, EPOLL_CTL_ADD, socket, &event);
    if (in_doubt)
      begin_grace(watch, watched);
  }
  pthread_mutex_unlock(&watch->lock);
}

void watch_end(struct watch *watch, struct watched *watched) {
  if (!watched->own.number)
    return;
  pthread_mutex_lock(&watch->lock);
  remove_grace(watch, watched);
  watch->by_socket[watched->own.socket] = NULL;
  (void)epoll_ctl(watch->set, EPOLL_CTL_DEL, watched->own.socket, NULL);
  watched->own.number = 0;
  pthread_mutex_unlock(&watch->lock);
}
