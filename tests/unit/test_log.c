/* The log, with a pipe for standard error that the test reads when it likes. */
#include "base/log.h"

#include "unit/fixture/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int kept_stderr; /* the test program's own */
static int pipe_out;

/* From now on standard error is a pipe of one page. */
static int set_up(void **state) {
  (void)state;
  int ends[2];
  kept_stderr = dup(STDERR_FILENO);
  if (pipe2(ends, O_CLOEXEC) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
    return -1;
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  close(ends[1]);
  pipe_out = ends[0];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  dup2(kept_stderr, STDERR_FILENO);
  close(kept_stderr);
  close(pipe_out);
  return 0;
}

/* --- reading --- */

struct reading {
  pthread_t thread;
  int minor, info, errors; /* lines */
  long long dropped, notices;
  int last;      /* the number that a line carried */
  bool in_order; /* these only rose */
};

static void read_line(struct reading *reading, const char *line) {
  const char *number = strstr(line, " n=");
  const char *lines = strstr(line, "warning log_dropped lines=");
  if (lines) {
    reading->dropped += strtoll(strchr(lines, '=') + 1, NULL, 10);
    reading->notices++;
  }
  reading->minor += strncmp(line, "info request ", 13) == 0;
  reading->info += strncmp(line, "info ready ", 11) == 0;
  reading->errors += strncmp(line, "error start ", 12) == 0;
  if (number) {
    int value = (int)strtol(number + 3, NULL, 10);
    reading->in_order = reading->in_order && value > reading->last;
    reading->last = value;
  }
}

static void *read_all(void *context) {
  struct reading *reading = context;
  FILE *file = fdopen(dup(pipe_out), "r");
  char line[4096];
  while (fgets(line, sizeof line, file))
    read_line(reading, line);
  fclose(file);
  return NULL;
}

static void begin_reading(struct reading *reading) {
  *reading = (struct reading){.in_order = true, .last = -1};
  assert_int_equal(pthread_create(&reading->thread, NULL, read_all, reading), 0);
}

/* The pipe's writing end is closed before: nobody else has it. */
static void end_reading(struct reading *reading) {
  dup2(kept_stderr, STDERR_FILENO);
  pthread_join(reading->thread, NULL);
}

static void start(void) {
  struct fault fault;
  if (!log_start(&fault))
    fail_msg("%s", fault.text);
}

/* --- tests --- */

static void every_line_comes_in_order(void **state) {
  (void)state;
  struct reading reading;
  begin_reading(&reading);
  log_info(EVENT_ready, "n=0"); /* before the thread is there */
  start();
  for (int i = 1; i < 100; i++)
    log_info(EVENT_ready, "n=%d", i);
  log_stop(5);
  log_info(EVENT_ready, "n=100"); /* and after */
  end_reading(&reading);
  assert_int_equal(reading.info, 101);
  assert_true(reading.in_order);
  assert_int_equal(reading.notices, 0);
}

/* Nobody reads: nobody waits. What found no room is counted, and the rest comes. */
static void what_finds_no_room_is_counted(void **state) {
  (void)state;
  enum { MANY = 20000 };
  struct reading reading;
  start();
  for (int i = 0; i < MANY; i++)
    log_event(LOG_LEVEL_MINOR, EVENT_request, "n=%d text=%080d", i, i);
  begin_reading(&reading);
  log_stop(60);
  end_reading(&reading);
  assert_true(reading.minor > 1000 && reading.minor < MANY);
  assert_true(reading.in_order);
  assert_int_equal(reading.minor + reading.dropped, MANY);
  assert_int_equal(reading.notices, 1);
}

static void money_and_errors_are_dropped_last(void **state) {
  (void)state;
  struct reading reading;
  start();
  for (int i = 0; i < 20000; i++)
    log_event(LOG_LEVEL_MINOR, EVENT_request, "text=%080d", i);
  for (int i = 0; i < 200; i++)
    log_info(EVENT_ready, "text=%080d", i);
  for (int i = 0; i < 200; i++)
    log_error(EVENT_start, "text=%080d", i);
  begin_reading(&reading);
  log_stop(60);
  end_reading(&reading);
  assert_int_equal(reading.info, 200);
  assert_int_equal(reading.errors, 200);
  assert_int_equal(reading.minor + reading.dropped, 20000);
}

static void an_end_waits_for_nobody_for_ever(void **state) {
  (void)state;
  pid_t child = fork(); /* its thread stays in write(2) */
  if (child == 0) {
    struct fault fault;
    bool ok = log_start(&fault);
    for (int i = 0; i < 1000; i++)
      log_info(EVENT_ready, "text=%080d", i);
    log_stop(1);
    log_info(EVENT_ready, "after the end");
    _exit(ok ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Somebody who shares the pipe may set it: then a line is not lost either, nor cut. */
static void a_pipe_that_does_not_block(void **state) {
  (void)state;
  struct reading reading;
  fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK);
  start();
  for (int i = 0; i < 1000; i++)
    log_info(EVENT_ready, "n=%d text=%080d", i, i);
  begin_reading(&reading);
  log_stop(60);
  end_reading(&reading);
  assert_int_equal(reading.info, 1000);
  assert_true(reading.in_order);
}

/* Buffered lines are written when a process dies, whichever thread is at fault. */
static void the_last_words(void **state) {
  (void)state;
  static const int numbers[] = {SIGABRT, SIGSEGV};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct reading reading;
    pid_t child = fork();
    if (child == 0) {
      struct fault fault;
      signal(numbers[i], SIG_DFL); /* a sanitizer's handler would be left alone */
      bool ok = log_start(&fault);
      for (int n = 0; n < 500; n++)
        log_info(EVENT_ready, "n=%d text=%080d", n, n);
      log_error(EVENT_start, "the last words");
      raise(numbers[i]);
      _exit(ok ? 0 : 1);
    }
    begin_reading(&reading);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    end_reading(&reading);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
    assert_true(reading.errors >= 1 && reading.info >= 500);
    tear_down(NULL);
    assert_int_equal(set_up(NULL), 0);
  }
}

static void no_input_begins_a_line(void **state) {
  (void)state;
  char text[LOG_VALUE_SIZE];
  struct reading reading;
  begin_reading(&reading);
  log_info(EVENT_ready, "n=1 text=%s", "forged\nerror start n=2");
  assert_string_equal(log_value("a\nerror start", text), "\"a\\x0aerror start\"");
  end_reading(&reading);
  assert_int_equal(reading.info, 1);
  assert_int_equal(reading.errors, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      TEST(every_line_comes_in_order),
      TEST(what_finds_no_room_is_counted),
      TEST(money_and_errors_are_dropped_last),
      TEST(an_end_waits_for_nobody_for_ever),
      TEST(a_pipe_that_does_not_block),
      TEST(the_last_words),
      TEST(no_input_begins_a_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
