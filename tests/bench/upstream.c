/* An upstream that is faster than what is measured in front of it.
 *
 *     build/tests/bench_upstream PORT     listens at 127.0.0.1
 *
 * Every question of a table is answered with as many rows as its `limit`, chunked, from memory; the
 * answer begins after N milliseconds if the target has `silence-N-` in it. subscription_info is
 * answered, so that tokens can be checked. GET /count tells how many questions of tables have come.
 * A thread for each connection. */
#include "rows.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_ROWS 100
#define CHUNKS_AT_ONCE 16
#define REQUEST_MOST 65536
#define SUBSCRIPTION                                              \
  "{\"info\":{\"rows_left\":900000000,\"rows_limit\":1000000000," \
  "\"subscription\":\"Enterprise Subscription\"}}"

static const struct bench_block *block;
static atomic_long questions;

/* What goes out with one system call: as many pieces as fit, then the next. */
struct out {
  int fd;
  bool broken;
  int count;
  struct iovec pieces[CHUNKS_AT_ONCE * 3];
  char sizes[CHUNKS_AT_ONCE][24];
  int chunks;
};

static void flush(struct out *out) {
  struct iovec *piece = out->pieces;
  while (out->count && !out->broken) {
    ssize_t sent = writev(out->fd, piece, out->count);
    out->broken = sent < 0;
    for (; sent > 0 && out->count && (size_t)sent >= piece->iov_len; piece++, out->count--)
      sent -= (ssize_t)piece->iov_len;
    if (sent > 0) {
      piece->iov_base = (char *)piece->iov_base + sent;
      piece->iov_len -= (size_t)sent;
    }
  }
  out->count = out->chunks = 0;
}

static void add(struct out *out, const char *bytes, size_t length) {
  out->pieces[out->count++] = (struct iovec){.iov_base = (char *)bytes, .iov_len = length};
}

static void add_chunk(struct out *out, const char *bytes, size_t length) {
  char *size = out->sizes[out->chunks++];
  add(out, size, (size_t)snprintf(size, sizeof *out->sizes, "%zx\r\n", length));
  add(out, bytes, length);
  add(out, "\r\n", 2);
  if (out->chunks == CHUNKS_AT_ONCE)
    flush(out);
}

static void write_head(struct out *out, long results) {
  char head[512], date[64];
  time_t now = time(NULL);
  struct tm parts;
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: %s\r\n"
                        "Content-Type: application/json; charset=utf-8\r\n"
                        "X-Results-Count: %ld\r\nTransfer-Encoding: chunked\r\n\r\n",
                        date, results);
  out->broken = send(out->fd, head, (size_t)length, MSG_MORE) < 0;
}

static void write_rows(struct out *out, long count) {
  add_chunk(out, BENCH_HEAD, strlen(BENCH_HEAD));
  for (long at = 0; at < count && !out->broken; at += CHUNK_ROWS) {
    long from = at % BENCH_BLOCK_ROWS, rows = count - at < CHUNK_ROWS ? count - at : CHUNK_ROWS;
    size_t begin = block->begins[from] + (at == 0); /* no comma before the first */
    add_chunk(out, block->bytes + begin, block->begins[from + rows] - begin);
  }
  add_chunk(out, BENCH_TAIL, strlen(BENCH_TAIL));
}

static void be_silent(const char *request) {
  long ms = bench_number_behind(request, "silence-", 0);
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void answer(struct out *out, const char *request) {
  char told[32];
  if (strstr(request, "from=subscription_info")) {
    write_head(out, 1);
    add_chunk(out, SUBSCRIPTION, strlen(SUBSCRIPTION));
  } else if (strncmp(request, "GET /count ", 11) == 0) {
    write_head(out, 0);
    add_chunk(out, told, (size_t)snprintf(told, sizeof told, "%ld", questions));
  } else {
    long results = bench_number_behind(request, "limit=", 1000);
    questions++;
    be_silent(request);
    write_head(out, results);
    write_rows(out, results);
  }
  add(out, "0\r\n\r\n", 5);
  flush(out);
}

static void *serve(void *argument) {
  struct out out = {.fd = (int)(long)argument};
  char *request = malloc(REQUEST_MOST);
  size_t length = 0;
  ssize_t more = 1;
  while (request && !out.broken && more > 0) {
    more = recv(out.fd, request + length, REQUEST_MOST - 1 - length, 0);
    length += more > 0 ? (size_t)more : 0;
    request[length] = 0;
    if (!strstr(request, "\r\n\r\n"))
      continue;
    answer(&out, request);
    if (strcasestr(request, "\r\nConnection: close"))
      break;
    length = 0; /* no client of a measurement sends the next one before it has the answer */
  }
  free(request);
  close(out.fd);
  return NULL;
}

static int listen_at(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
    perror("bench_upstream");
    exit(1);
  }
  return fd;
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: bench_upstream PORT\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  block = bench_block_make();
  int listener = listen_at(atoi(arguments[1]));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  for (;;) {
    pthread_t thread;
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && pthread_create(&thread, &attributes, serve, (void *)(long)fd) != 0)
      close(fd);
  }
}
