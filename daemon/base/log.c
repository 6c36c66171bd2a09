#include "base/log.h"

#include "base/clock.h"
#include "base/thread.h"
#include "base/visible.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 2048
#define CRASH_PATIENCE_MS 1000 /* for each line that a dying process has left */

static const struct {
  const char *name;
  const char *journal; /* sd-daemon(3), SD_ERR and so on */
  size_t room;         /* a line of this level fits while the buffer is no fuller than this */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>", LOG_BUFFER_SIZE},
    [LOG_LEVEL_WARNING] = {"warning", "<4>", LOG_BUFFER_SIZE / 8 * 7}, /* a client may cause many */
    [LOG_LEVEL_INFO] = {"info", "<6>", LOG_BUFFER_SIZE},
    [LOG_LEVEL_MINOR] = {"info", "<6>", LOG_BUFFER_SIZE / 8 * 6},
};

struct line {
  size_t length; /* with its '\n' */
  char text[LINE_SIZE];
};

/* A ring of consecutive lines. The only '\n' in a line is its last byte. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t given;   /* for the writer: a line, or the end */
  pthread_cond_t written; /* for log_stop(): a line was written */
  pthread_t thread;
  bool running, stopping, writing;
  size_t head, used; /* bytes */
  int64_t writes;    /* lines that were written, or could not be */
  int64_t dropped;   /* since `log_dropped` was logged */
  bool gap;          /* a line was dropped, and half of the buffer is not free yet */
  char bytes[LOG_BUFFER_SIZE];
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .given = PTHREAD_COND_INITIALIZER,
          .written = PTHREAD_COND_INITIALIZER};

/* --- a line --- */

static const char *const event_names[] = {
#define EVENT(name, levels, meaning) #name,
#include "tables/events.def"
#undef EVENT
};

static void format_line(struct line *line, enum log_level level, enum log_event event,
                        const char *format, va_list arguments) {
  char *text = line->text;
  int start = snprintf(text, sizeof line->text, "%s%s %s ",
                       getenv("JOURNAL_STREAM") ? levels[level].journal : "", levels[level].name,
                       event_names[event]);
  int length = vsnprintf(text + start, sizeof line->text - (size_t)start, format, arguments);
  size_t end = (size_t)start + (length > 0 ? (size_t)length : 0);
  if (end > sizeof line->text - 2) {
    end = sizeof line->text - 2;
    while (((unsigned char)text[end] & 0xc0) == 0x80) /* not in the middle of a character */
      end--;
  }
  for (char *c = text; (c = memchr(c, '\n', end - (size_t)(c - text)));)
    *c = ' ';
  text[end++] = '\n';
  line->length = end;
}

/* In one piece if standard error takes it. Ignores a line that cannot be written. */
static bool write_line(const struct line *line) {
  size_t at = 0;
  while (at < line->length) {
    ssize_t count = write(STDERR_FILENO, line->text + at, line->length - at);
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (count > 0)
      at += (size_t)count;
    else if (count < 0 && errno == EAGAIN) /* another process has set O_NONBLOCK */
      poll(&room, 1, -1);
    else if (count == 0 || errno != EINTR)
      return false;
  }
  return true;
}

/* --- the ring; under its lock --- */

static void put(const struct line *line) {
  size_t tail = (ring.head + ring.used) % LOG_BUFFER_SIZE;
  size_t first = LOG_BUFFER_SIZE - tail;
  if (first > line->length)
    first = line->length;
  memcpy(ring.bytes + tail, line->text, first);
  memcpy(ring.bytes, line->text + first, line->length - first);
  ring.used += line->length;
}

/* Copies the first line from `head` on, of `used` bytes; stays in bounds for any values. */
static void peek(size_t head, size_t used, struct line *line) {
  line->length = 0;
  while (line->length < used && line->length < sizeof line->text) {
    char c = ring.bytes[(head + line->length) % LOG_BUFFER_SIZE];
    line->text[line->length++] = c;
    if (c == '\n')
      break;
  }
}

static void take(struct line *line) {
  peek(ring.head, ring.used, line);
  ring.head = (ring.head + line->length) % LOG_BUFFER_SIZE;
  ring.used -= line->length;
}

/* After a line was dropped, minor lines are dropped too until there is room again: so one line in
 * the right place can report the whole gap. */
static void add(enum log_level level, const struct line *line) {
  bool fits = ring.used + line->length <= levels[level].room;
  if (fits && !(ring.gap && level == LOG_LEVEL_MINOR)) {
    put(line);
    pthread_cond_signal(&ring.given);
    return;
  }
  ring.dropped++;
  ring.gap = true;
}

static void format_dropped(struct line *line, const char *format, ...) PRINTF_LIKE(2, 3);
static void format_dropped(struct line *line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  format_line(line, LOG_LEVEL_WARNING, EVENT_log_dropped, format, arguments);
  va_end(arguments);
}

static void log_dropped_lines(void) {
  struct line line;
  format_dropped(&line, "lines=%lld", (long long)ring.dropped);
  ring.dropped = 0;
  put(&line);
}

/* A line that could not be written counts as dropped, and is reported once a line can be. */
static void note_written(bool ok) {
  ring.dropped += !ok;
  if (ring.used > LOG_BUFFER_SIZE / 2)
    return;
  ring.gap = false;
  if (ok && ring.dropped)
    log_dropped_lines();
}

/* --- the writer --- */

static void *run(void *unused) {
  (void)unused;
  struct line line;
  pthread_mutex_lock(&ring.lock);
  for (;;) {
    while (!ring.used && !ring.stopping)
      pthread_cond_wait(&ring.given, &ring.lock);
    if (!ring.used)
      break;
    take(&line);
    ring.writing = true;
    pthread_mutex_unlock(&ring.lock);
    bool ok = write_line(&line);
    pthread_mutex_lock(&ring.lock);
    ring.writing = false;
    ring.writes++;
    note_written(ok);
    pthread_cond_signal(&ring.written);
  }
  pthread_mutex_unlock(&ring.lock);
  return NULL;
}

/* --- the last lines of a crashing process --- */

/* Takes no lock, as the crashed thread may hold it: a line that is being changed may be written
 * twice or cut. Waits for room, but not forever. */
static void on_crash(int number) {
  struct line line;
  size_t head = ring.head, used = ring.used;
  struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
  while (used && used <= LOG_BUFFER_SIZE && poll(&room, 1, CRASH_PATIENCE_MS) == 1) {
    peek(head, used, &line);
    if (write(STDERR_FILENO, line.text, line.length) < 0)
      break;
    head += line.length;
    used -= line.length;
  }
  raise(number); /* kills the process now: SA_RESETHAND */
}

static void handle_crashes(void) {
  static const int numbers[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction before,
        action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    /* A sanitizer has its own. */
    if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      sigaction(numbers[i], &action, NULL);
  }
}

/* --- life --- */

bool log_start(struct fault *fault) {
  ring.stopping = false;
  if (!thread_start(&ring.thread, "log", run, NULL, fault))
    return false;
  handle_crashes();
  pthread_mutex_lock(&ring.lock);
  ring.running = true;
  pthread_mutex_unlock(&ring.lock);
  return true;
}

/* Called with the lock held. False: no line was written for `seconds`. */
static bool await_written(int seconds) {
  const int64_t writes = ring.writes, until = clock_monotonic() + seconds * CLOCK_SECOND;
  while (ring.writes == writes)
    if (!clock_wait(&ring.written, &ring.lock, until))
      return false;
  return true;
}

void log_stop(int seconds) {
  pthread_mutex_lock(&ring.lock);
  bool moves = ring.running;
  while (moves && (ring.used || ring.writing))
    moves = await_written(seconds);
  ring.stopping = true;
  ring.running = ring.running && !moves; /* later lines must not block either */
  pthread_cond_signal(&ring.given);
  pthread_mutex_unlock(&ring.lock);
  if (moves)
    pthread_join(ring.thread, NULL);
  else if (ring.running) /* it may be stuck in write(2) */
    pthread_detach(ring.thread);
}

void log_event(enum log_level level, enum log_event event, const char *format, ...) {
  struct line line;
  va_list arguments;
  va_start(arguments, format);
  format_line(&line, level, event, format, arguments);
  va_end(arguments);
  pthread_mutex_lock(&ring.lock);
  bool running = ring.running;
  if (running)
    add(level, &line);
  pthread_mutex_unlock(&ring.lock);
  if (!running)
    (void)!write_line(&line);
}

/* Escapes quotes and backslashes, and whatever visible_take() escapes. */
static size_t show_first(struct view text, char out[VISIBLE_SIZE]) {
  char first = text.at[0];
  if (first != '"' && first != '\\')
    return visible_take(text, out);
  memcpy(out, (char[]){'\\', first, '\0'}, 3);
  return 1;
}

const char *log_value(const char *value, char out[LOG_VALUE_SIZE]) {
  if (!value)
    return strcpy(out, "-");
  bool quoted = *value == '\0' || strpbrk(value, " \"=") != NULL;
  struct view rest = view_of(value);
  size_t at = 0;
  if (quoted)
    out[at++] = '"';
  while (rest.length && at < LOG_VALUE_SIZE - VISIBLE_SIZE - 2) {
    rest = view_from(rest, show_first(rest, out + at));
    at += strlen(out + at);
  }
  if (quoted)
    out[at++] = '"';
  out[at] = '\0';
  return out;
}
