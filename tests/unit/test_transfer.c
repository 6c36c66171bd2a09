/* Requests handed to the transfer thread, and the sockets that it sends on. */
#include "unit/fixture/unit.h"

#include "dialect/v2.h"
#include "upstream/flights.h"
#include "upstream/sockets.h"
#include "upstream/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- memory that runs out on one thread (the linker puts these in the place of the library's) ---
 */

static _Thread_local bool is_out_of_memory;

void *__real_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_calloc(size_t count, size_t size) {
  return is_out_of_memory ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size) {
  return is_out_of_memory ? NULL : __real_malloc(size);
}

/* --- handing over --- */

/* A flight whose owner takes it out of the table of flights when it has ended, as serve/paid does.
 */
struct owned {
  struct transfer *transfer;
  struct flights *flights;
  struct flight *flight;
  struct settings *settings;
  struct digest key;
  struct answer_verdict verdict;
  pthread_t ended_on;
  sem_t over;
};

static void take_chunk(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

static void take_out(void *context) {
  struct owned *owned = context;
  struct flight_state state;
  flight_peek(owned->flight, &state);
  owned->verdict = state.verdict;
  owned->ended_on = pthread_self();
  flights_remove(owned->flights, &owned->key, owned->flight);
  flight_conclude(owned->flight);
  flight_release(&owned->flight);
}

static void note_over(void *context) {
  struct owned *owned = context;
  sem_post(&owned->over);
}

static const struct flight_owner owner = {take_chunk, take_out, note_over};

#define NOBODY "upstream.url=http://127.0.0.1:1" /* nobody listens there */

static void start_transfer(struct owned *owned) {
  const struct transfer_bounds bounds = {.inflight = 64, .waiting = 1000, .pace = 60};
  struct fault fault;
  assert_true(transfer_start(&bounds, &owned->transfer, &fault));
}

static struct settings *settings_for(const char *url) {
  struct settings *settings;
  struct fault fault;
  const struct settings_override upstream = {url};
  assert_true(settings_parse("x.conf", VIEW(""), &upstream, 1, &settings, &fault));
  return settings;
}

static const struct tariff tariff = {.limit = 1000};
static const struct question subscription = {.kind = QUESTION_SUBSCRIPTION};

static struct transfer_ask *make_ask(const struct dialect *dialect, struct settings *settings) {
  struct fault fault;
  struct transfer_ask *ask =
      transfer_ask_create(dialect, &subscription, settings, VIEW("x"), &tariff, &fault);
  assert_non_null(ask);
  return ask;
}

static struct flight *make_flight(void *context, struct fault *fault) {
  (void)fault;
  struct owned *owned = context;
  owned->flight = flight_create(&owner, owned, false);
  return flight_hold(owned->flight);
}

static void submit(struct owned *owned) {
  struct transfer_ask *ask = make_ask(&dialect_v2, owned->settings);
  is_out_of_memory = true;
  transfer_submit(owned->transfer, owned->flight, &ask);
  is_out_of_memory = false;
  assert_null(ask);
}

/* A caller may hold locks that the flight's owner takes at its end: a failure that ended the flight
 * on the caller's thread would wait for itself for ever. */
static void without_memory_a_flight_ends_on_the_transfer_thread(void **state) {
  (void)state;
  struct owned owned = {.flights = flights_create(), .settings = settings_for(NOBODY)};
  struct flights_maker maker = {.make = make_flight, .context = &owned};
  struct flights_place place;
  struct fault fault;
  sem_init(&owned.over, 0, 0);
  start_transfer(&owned);
  alarm(60);
  assert_int_equal(flights_join(owned.flights, &owned.key, &maker, NULL, &place, &fault),
                   FLIGHTS_STARTED);
  submit(&owned);
  flight_release(&place.started);
  sem_wait(&owned.over);
  alarm(0);
  assert_false(pthread_equal(owned.ended_on, pthread_self()));
  assert_int_equal(owned.verdict.outcome, ANSWER_BROKEN);
  assert_true(owned.verdict.cost.is_known && amount_is_zero(owned.verdict.cost.spent));
  assert_int_equal(transfer_inflight(owned.transfer), 0);
  transfer_stop(&owned.transfer);
  flights_release(&owned.flights);
  settings_release(&owned.settings);
  sem_destroy(&owned.over);
}

static void what_was_not_submitted_is_released(void **state) {
  (void)state;
  struct settings *settings = settings_for(NOBODY);
  struct transfer_ask *ask = make_ask(&dialect_v2, settings);
  transfer_ask_release(&ask);
  assert_null(ask);
  transfer_ask_release(&ask);
  is_out_of_memory = true;
  struct fault fault;
  assert_null(
      transfer_ask_create(&dialect_v2, &subscription, settings, VIEW("x"), &tariff, &fault));
  is_out_of_memory = false;
  assert_int_equal(fault.kind, FAULT_INTERNAL);
  settings_release(&settings);
}

/* --- what is sent --- */

static int port_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *)) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  assert_int_equal(get(fd, (struct sockaddr *)&address, &length), 0);
  return ntohs(address.sin_port);
}

static int listen_here(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 8), 0);
  return listener;
}

static bool write_with_a_key(const struct question *question, const struct settings *settings,
                             struct view token, struct dialect_request *request,
                             struct fault *fault) {
  (void)question, (void)token, (void)fault;
  *request = (struct dialect_request){.method = strdup("PUT"),
                                      .authorization = strdup("Bearer key"),
                                      .body = strdup("{}"),
                                      .body_length = 2,
                                      .content_type = strdup("application/json")};
  assert_true(asprintf(&request->url, "%s/v3/x", settings->upstream_url) > 0);
  return true;
}

/* Answers one request on `listener`, of which it puts the first bytes into `said`. */
static void answer_one(int listener, char *said, size_t size) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  int fd = accept(listener, NULL, NULL);
  size_t length = 0;
  said[0] = '\0';
  while (!strstr(said, "\r\n\r\n{}")) {
    ssize_t count = recv(fd, said + length, size - 1 - length, 0);
    assert_true(count > 0);
    length += (size_t)count;
    said[length] = '\0';
  }
  assert_int_equal(send(fd, answer, sizeof answer - 1, 0), sizeof answer - 1);
  close(fd);
}

static void a_request_is_sent_as_the_dialect_writes_it(void **state) {
  (void)state;
  struct dialect dialect = dialect_v2;
  dialect.write = write_with_a_key;
  int listener = listen_here();
  char url[64], said[4096];
  snprintf(url, sizeof url, "upstream.url=http://127.0.0.1:%d", port_of(listener, getsockname));
  struct owned owned = {.flights = flights_create(), .settings = settings_for(url)};
  struct fault fault;
  sem_init(&owned.over, 0, 0);
  start_transfer(&owned);
  struct flight *flight = make_flight(&owned, &fault);
  struct transfer_ask *ask = make_ask(&dialect, owned.settings);
  transfer_submit(owned.transfer, flight, &ask);
  alarm(60);
  answer_one(listener, said, sizeof said);
  flight_release(&flight);
  sem_wait(&owned.over);
  alarm(0);
  assert_true(view_starts(view_of(said), VIEW("PUT /v3/x HTTP/1.1\r\n")));
  assert_non_null(strstr(said, "\r\nAuthorization: Bearer key\r\n"));
  assert_non_null(strstr(said, "\r\nContent-Type: application/json\r\n"));
  assert_null(strcasestr(said, "Expect:"));
  assert_int_equal(owned.verdict.outcome, ANSWER_COMPLETE);
  transfer_stop(&owned.transfer);
  flights_release(&owned.flights);
  settings_release(&owned.settings);
  sem_destroy(&owned.over);
  close(listener);
}

/* --- sockets --- */

struct connection {
  int here, there;
  char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
  struct socket_ends ends;
};

static struct connection connect_to(int listener) {
  struct connection connection = {.local = "127.0.0.1", .remote = "127.0.0.1"};
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
  connection.here = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(connection.here, (struct sockaddr *)&address, length), 0);
  connection.there = accept(listener, NULL, NULL);
  assert_true(connection.there >= 0);
  connection.ends.local_port = port_of(connection.here, getsockname);
  connection.ends.remote_port = port_of(connection.here, getpeername);
  return connection;
}

static bool use(struct sockets *sockets, struct connection *connection) {
  connection->ends.local = connection->local;
  connection->ends.remote = connection->remote;
  return sockets_use(sockets, &connection->ends);
}

/* Until what the other side has done has come. */
static void await(const struct connection *connection) {
  struct pollfd look = {.fd = connection->here, .events = POLLIN | POLLRDHUP};
  assert_int_equal(poll(&look, 1, 60000), 1);
}

static void hang_up(struct connection *connection) {
  close(connection->here);
  close(connection->there);
}

static void a_connection_is_used_while_it_is_quiet(void **state) {
  (void)state;
  struct sockets sockets = {.entries = NULL};
  int listener = listen_here();
  struct connection quiet = connect_to(listener), unlisted = connect_to(listener);
  assert_true(sockets_add(&sockets, quiet.here));
  assert_true(use(&sockets, &quiet));
  assert_true(use(&sockets, &quiet));
  assert_false(use(&sockets, &unlisted));
  /* All four of its ends count. */
  struct connection other = quiet;
  strcpy(other.remote, "127.0.0.2");
  assert_false(use(&sockets, &other));
  other = quiet;
  strcpy(other.local, "127.0.0.2");
  assert_false(use(&sockets, &other));
  sockets_remove(&sockets, unlisted.here);
  assert_true(use(&sockets, &quiet));
  sockets_remove(&sockets, quiet.here);
  assert_false(use(&sockets, &quiet));
  hang_up(&quiet);
  hang_up(&unlisted);
  close(listener);
  sockets_free(&sockets);
}

static void a_connection_that_was_closed_is_not_used(void **state) {
  (void)state;
  struct sockets sockets = {.entries = NULL};
  int listener = listen_here();
  struct connection fresh = connect_to(listener), used = connect_to(listener);
  assert_true(sockets_add(&sockets, fresh.here));
  assert_true(sockets_add(&sockets, used.here));
  assert_true(use(&sockets, &used));
  close(fresh.there);
  close(used.there);
  await(&fresh);
  await(&used);
  assert_false(use(&sockets, &fresh));
  assert_false(use(&sockets, &used));
  close(fresh.here);
  close(used.here);
  close(listener);
  sockets_free(&sockets);
}

/* Before the first request it is TLS that has something to say; after it, nobody was asked. */
static void what_comes_unasked_ends_the_use_of_a_connection(void **state) {
  (void)state;
  struct sockets sockets = {.entries = NULL};
  int listener = listen_here();
  struct connection fresh = connect_to(listener), used = connect_to(listener);
  assert_true(sockets_add(&sockets, fresh.here));
  assert_true(sockets_add(&sockets, used.here));
  assert_true(use(&sockets, &used));
  assert_int_equal(send(fresh.there, "x", 1, 0), 1);
  assert_int_equal(send(used.there, "x", 1, 0), 1);
  await(&fresh);
  await(&used);
  assert_true(use(&sockets, &fresh));
  assert_false(use(&sockets, &used));
  hang_up(&fresh);
  hang_up(&used);
  close(listener);
  sockets_free(&sockets);
}

static void a_number_that_comes_again_is_a_new_socket(void **state) {
  (void)state;
  struct sockets sockets = {.entries = NULL};
  int listener = listen_here();
  struct connection connection = connect_to(listener);
  assert_true(sockets_add(&sockets, connection.here));
  assert_true(use(&sockets, &connection));
  assert_true(sockets_add(&sockets, connection.here));
  assert_int_equal(sockets.count, 1);
  assert_int_equal(send(connection.there, "x", 1, 0), 1);
  await(&connection);
  assert_true(use(&sockets, &connection)); /* as one that was not used yet */
  hang_up(&connection);
  close(listener);
  sockets_free(&sockets);
}

static void many_sockets_come_and_go(void **state) {
  (void)state;
  struct sockets sockets = {.entries = NULL};
  for (int fd = 1000; fd < 1100; fd++)
    assert_true(sockets_add(&sockets, fd));
  for (int fd = 1000; fd < 1100; fd++)
    sockets_remove(&sockets, fd);
  assert_int_equal(sockets.count, 0);
  sockets_free(&sockets);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_memory_a_flight_ends_on_the_transfer_thread),
      cmocka_unit_test(what_was_not_submitted_is_released),
      cmocka_unit_test(a_request_is_sent_as_the_dialect_writes_it),
      cmocka_unit_test(a_connection_is_used_while_it_is_quiet),
      cmocka_unit_test(a_connection_that_was_closed_is_not_used),
      cmocka_unit_test(what_comes_unasked_ends_the_use_of_a_connection),
      cmocka_unit_test(a_number_that_comes_again_is_a_new_socket),
      cmocka_unit_test(many_sockets_come_and_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
