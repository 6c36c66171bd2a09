/* The desk: counts the paid requests under way, and ends the making of new ones. */
#include "paid/life.h"

#include "base/scope.h"

struct paid_desk *paid_desk_create(const struct paid_rooms *rooms) {
  struct paid_desk *desk = calloc(1, sizeof *desk);
  if (!desk)
    return NULL;
  desk->rooms = *rooms;
  desk->caps = caps_create();
  desk->queue = queue_create(rooms->translators, translated_run);
  if (!desk->caps || !desk->queue)
    paid_desk_release(&desk);
  return desk;
}

void paid_desk_release(struct paid_desk **address) {
  struct paid_desk *desk = steal(*address);
  if (!desk)
    return;
  CHECK(atomic_load(&desk->busy) == 0);
  queue_release(&desk->queue);
  caps_release(&desk->caps);
  free(desk);
}

void paid_desk_stop(struct paid_desk *desk) {
  atomic_store(&desk->stopped, true);
}

void paid_desk_abort(struct paid_desk *desk) {
  atomic_store(&desk->aborted, true);
  queue_call_all(desk->queue);
}

int64_t paid_desk_busy(const struct paid_desk *desk) {
  return atomic_load(&desk->busy);
}

/* Counts first and checks then: when paid_desk_busy() is 0 after paid_desk_stop(), it stays 0. While
 * there are pages, their request counts, too. */
bool paid_desk_begin(struct paid_desk *desk, bool is_page, struct fault *fault) {
  atomic_fetch_add(&desk->busy, 1);
  if (is_page || !atomic_load(&desk->stopped))
    return true;
  paid_desk_end(desk);
  return fault_set(fault, FAULT_UNAVAILABLE, "rowcache is stopping; try again");
}

void paid_desk_end(struct paid_desk *desk) {
  atomic_fetch_sub(&desk->busy, 1);
}
