/* What libmicrohttpd alone can do: a server whose responses are ready before they are asked for.
 *
 *     build/tests/bench_ready PORT     listens at 127.0.0.1
 *
 * A request is answered with as many rows as its `limit`. A target with `-N.` in it has a body of
 * its own (N below 10,000), so that distinct targets take memory as they do in a cache; it is made
 * by the first request. One thread for each processor, epoll, no state for a request. */
#include "rows.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODIES_MOST 10000

static const struct bench_block *block;
static const long limits[] = {10, 100, 1000};
static struct MHD_Response *_Atomic responses[sizeof limits / sizeof *limits][BODIES_MOST];

static struct MHD_Response *make(long count) {
  char results[32];
  size_t rows = block->begins[count] - 1, length = strlen(BENCH_HEAD) + rows + strlen(BENCH_TAIL);
  char *body = malloc(length), *end = body;
  if (!body)
    exit(1);
  end = mempcpy(end, BENCH_HEAD, strlen(BENCH_HEAD));
  end = mempcpy(end, block->bytes + 1, rows);
  memcpy(end, BENCH_TAIL, strlen(BENCH_TAIL));
  struct MHD_Response *response =
      MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
  snprintf(results, sizeof results, "%ld", count);
  MHD_add_response_header(response, "Content-Type", "application/json; charset=utf-8");
  MHD_add_response_header(response, "X-Results-Count", results);
  MHD_add_response_header(response, "Cache-Status", "rowcache; hit; ttl=86000");
  MHD_add_response_header(response, "Age", "400");
  return response;
}

/* The one that stays where two threads make it is the first. */
static struct MHD_Response *response_for(size_t kind, long number) {
  struct MHD_Response *made, *there = responses[kind][number];
  if (there)
    return there;
  made = make(limits[kind]);
  if (atomic_compare_exchange_strong(&responses[kind][number], &there, made))
    return made;
  MHD_destroy_response(made);
  return there;
}

static enum MHD_Result answer(void *, struct MHD_Connection *connection, const char *, const char *,
                              const char *, const char *, size_t *, void **request) {
  static int head_seen;
  const char *limit = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "limit");
  const char *target = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "target");
  long count = limit ? atol(limit) : 1000,
       number = bench_number_behind(target ? target : "", "-", 0);
  size_t kind = 0;
  if (!*request) {
    *request = &head_seen;
    return MHD_YES;
  }
  while (kind + 1 < sizeof limits / sizeof *limits && limits[kind] < count)
    kind++;
  if (number < 0 || number >= BODIES_MOST)
    return MHD_NO;
  return MHD_queue_response(connection, MHD_HTTP_OK, response_for(kind, number));
}

int main(int count, char **arguments) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (count != 2) {
    fprintf(stderr, "usage: bench_ready PORT\n");
    return 2;
  }
  block = bench_block_make();
  address.sin_port = htons((uint16_t)atoi(arguments[1]));
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer,
      NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE,
      (unsigned)sysconf(_SC_NPROCESSORS_ONLN), MHD_OPTION_END);
  if (!daemon) {
    fprintf(stderr, "bench_ready: cannot listen\n");
    return 1;
  }
  pause();
  return 0;
}
