#include "body/chunk.h"

#include "base/log.h"

size_t body_chunk_copy(struct cache_hold *hold, int64_t position, char *buffer, size_t size,
                       const char *request) {
  const int64_t chunk_size = CACHE_CHUNK_SIZE;
  struct fault fault;
  struct view chunk;
  if (!(hold ? cache_read(hold, position / chunk_size, &chunk, &fault) : fault_no_memory(&fault))) {
    log_error(EVENT_read, "request=%s reason=%s", request, LOG_VALUE(fault.text));
    return 0;
  }
  struct view bytes = view_first(view_from(chunk, (size_t)(position % chunk_size)), size);
  memcpy(buffer, bytes.at, bytes.length);
  return bytes.length;
}
