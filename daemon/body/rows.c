#include "body/rows.h"

#include "base/log.h"

#include <stdlib.h>

/* Bytes of the inner body that are read at once. */
#define PIECE ((size_t)16 * 1024)

struct rows {
  struct body body;
  struct body *inner;
  struct rows_recipe recipe;
  struct writer *writer;
  const char *request;
  bool inner_has_ended;
  char piece[PIECE];
};

static enum body_read checked(const struct rows *rows, bool ok, const struct fault *fault) {
  if (ok)
    return BODY_BYTES;
  log_warning(EVENT_convert, "request=%s reason=%s", rows->request, LOG_VALUE(fault->text));
  return BODY_BROKEN;
}

/* Gives the writer more of the inner body. BODY_BYTES: it may have something to say now. */
static enum body_read feed(struct rows *rows) {
  struct fault fault;
  size_t count = 0;
  if (rows->inner_has_ended)
    return BODY_END;
  enum body_read read = body_read(rows->inner, rows->piece, PIECE, &count);
  if (read == BODY_BYTES)
    return checked(rows, writer_feed(rows->writer, (struct view){rows->piece, count}, &fault),
                   &fault);
  if (read != BODY_END)
    return read;
  rows->inner_has_ended = true;
  return checked(rows, writer_finish(rows->writer, &fault), &fault);
}

static enum body_read read_rows(struct body *body, char *buffer, size_t size, size_t *count) {
  struct rows *rows = (struct rows *)body;
  enum body_read read = BODY_BYTES;
  while (read == BODY_BYTES && !(*count = writer_pull(rows->writer, buffer, size)))
    read = feed(rows);
  return read;
}

static void release_rows(struct body *body) {
  struct rows *rows = (struct rows *)body;
  body_release(&rows->inner);
  writer_release(&rows->writer);
  free(rows);
}

static const struct body_kind kind = {read_rows, release_rows};

static struct rows *make(const struct body_rows_order *order) {
  struct rows *rows = malloc(sizeof *rows);
  if (!rows)
    return NULL;
  rows->body.kind = &kind;
  rows->recipe = order->recipe;
  rows->request = order->request;
  rows->inner_has_ended = false;
  rows->writer =
      writer_create(order->shape, order->max_depth, &rows->recipe, order->form, order->count);
  if (rows->writer)
    return rows;
  free(rows);
  return NULL;
}

struct body *body_rows(struct body **inner, const struct body_rows_order *order) {
  struct rows *rows = *inner ? make(order) : NULL;
  if (!rows) {
    body_release(inner);
    return NULL;
  }
  rows->inner = steal(*inner);
  return &rows->body;
}
