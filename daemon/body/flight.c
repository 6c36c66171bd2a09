#include "body/flight.h"

#include "body/chunk.h"

#include <stdlib.h>

/* The offset of a byte is the same in the flight and in the store. */
_Static_assert(FLIGHT_CHUNK_SIZE == CACHE_CHUNK_SIZE, "a flight's chunks are stored as they are");

struct from_flight {
  struct body body;
  struct flight_reader *reader;
  const struct cache_hold *stored; /* the flight's */
  struct cache_hold *lagging;      /* this body's own, once its reader has lagged */
  const char *request;
};

static enum body_read read_lagging(struct from_flight *from, char *buffer, size_t size,
                                   size_t *count) {
  if (!from->lagging)
    from->lagging = cache_hold_again(from->stored);
  *count = body_chunk_copy(from->lagging, flight_offset(from->reader), buffer, size, from->request);
  flight_skip(from->reader, *count);
  return *count ? BODY_BYTES : BODY_BROKEN;
}

static enum body_read read_flight(struct body *body, char *buffer, size_t size, size_t *count) {
  struct from_flight *from = (struct from_flight *)body;
  switch (flight_read(from->reader, buffer, size, count)) {
  case FLIGHT_READ_BYTES:
    return BODY_BYTES;
  case FLIGHT_READ_WAIT:
    return BODY_WAIT;
  case FLIGHT_READ_STORED:
    return read_lagging(from, buffer, size, count);
  case FLIGHT_READ_END:
    return BODY_END;
  case FLIGHT_READ_BROKEN:
    break;
  }
  return BODY_BROKEN;
}

static void release_flight(struct body *body) {
  struct from_flight *from = (struct from_flight *)body;
  cache_release(&from->lagging);
  flight_leave(&from->reader);
  free(from);
}

static const struct body_kind kind = {read_flight, release_flight};

struct body *body_flight(struct flight_reader **reader, const struct cache_hold *stored,
                         const char *request) {
  struct from_flight *from = calloc(1, sizeof *from);
  if (!from) {
    flight_leave(reader);
    return NULL;
  }
  from->body.kind = &kind;
  from->reader = steal(*reader);
  from->stored = stored;
  from->request = request;
  return &from->body;
}
