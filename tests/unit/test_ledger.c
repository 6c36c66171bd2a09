/* The account, on real files: what is reserved, settled, booked and counted, and what becomes of it
 * when the process dies or the disk refuses. */
#include "base/clock.h"
#include "ledger/ledger.h"
#include "ledger/report.h"

#include "fake/clock.h"
#include "sql_ledger.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* SQLite's calls come here. */
static atomic_int syncs;

int fsync(int file) {
  atomic_fetch_add(&syncs, 1);
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  atomic_fetch_add(&syncs, 1);
  return (int)syscall(SYS_fdatasync, file);
}

static atomic_int refused_writes;

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  ssize_t written = syscall(SYS_pwrite64, file, bytes, count, at);
  if (written < 0)
    atomic_fetch_add(&refused_writes, 1);
  return written;
}

/* -- The directory -- */

static int begin(void **state) {
  fake_clock_set(INT64_C(1790000000000));
  return make_directory(state);
}

/* The timer of a ledger looks once more, and has a moment for it. */
static void let_a_second_pass(void) {
  fake_clock_pass(1000);
  usleep(1000);
}

/* A number, straight from the file. */
static int64_t ask(const char *sql) {
  return database_ask("ledger.db", sql);
}

/* -- One request, waited for -- */

static struct spending request_of(struct ledger *ledger, const char *request, struct rows most) {
  return spending_of(ledger, "a-token", request, most);
}

static struct ledger_found find(struct ledger *ledger, const char *request) {
  bool exists;
  struct fault fault;
  struct ledger_found found;
  assert_true(ledger_find(ledger, request, &found, &exists, &fault));
  assert_true(exists);
  return found;
}

static void ignore_row(void *context, const struct report_row *row) {
  (void)context;
  (void)row;
}

static struct report_row total_of(struct ledger *ledger) {
  struct fault fault;
  struct report_row total;
  if (!report_run(ledger, &REPORT_FOREVER(REPORT_BY_TOKEN), ignore_row, NULL, &total, &fault))
    fail_msg("%s", fault.text);
  assert_int_equal(total.requests, total.hits + total.misses + total.errors);
  return total;
}

/* -- Reserving and settling -- */

static void test_settles_once(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending entry = request_of(ledger, "one", ROWS(201));
  assert_true(reserve(ledger, &entry, NULL));
  assert_string_equal(find(ledger, "one").state, "open");
  assert_int_equal(total_of(ledger).requests, 0);
  assert_true(settle(ledger, &entry, LEDGER_SETTLED, 1000, (struct rows){2010}, NULL));
  assert_true(settle(ledger, &entry, LEDGER_SETTLED, 1000, (struct rows){2010}, NULL));
  assert_true(settle(ledger, &entry, LEDGER_UNKNOWN, 7, (struct rows){7}, NULL));
  struct ledger_found found = find(ledger, "one");
  assert_string_equal(found.state, "settled");
  assert_int_equal(found.results, 1000);
  assert_int_equal(found.spent.parts, 2010);
  assert_int_equal(found.most.parts, 2010);
  assert_int_equal(found.at, clock_milliseconds());
  struct report_row total = total_of(ledger);
  assert_int_equal(total.requests, 1);
  assert_int_equal(total.misses, 1);
  assert_int_equal(total.results, 1000);
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, 2010);
  assert_true(amount_is_zero(total.money[CURRENCY_ROWS].unknown));
  ledger_close(&ledger);
  assert_null(ledger);
}

static void test_an_id_is_used_once(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending entry = request_of(ledger, "one", ROWS(1)), again = entry;
  assert_true(reserve(ledger, &entry, NULL));
  struct fault fault;
  assert_false(reserve(ledger, &again, &fault));
  assert_int_equal(fault.kind, FAULT_INTERNAL);
  assert_false(ledger_is_broken(ledger));
  struct spending never = request_of(ledger, "never-reserved", ROWS(1));
  assert_true(settle(ledger, &never, LEDGER_SETTLED, 1, ROWS(1), NULL));
  assert_int_equal(total_of(ledger).requests, 0);
  ledger_close(&ledger);
}

static void test_zero_is_not_unknown(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending refused = request_of(ledger, "refused", ROWS(201));
  struct spending broken = request_of(ledger, "broken", ROWS(51));
  broken.request.key = digest_sha256(VIEW("a query"));
  broken.request.estimated = true;
  assert_true(reserve(ledger, &refused, NULL) && reserve(ledger, &broken, NULL));
  assert_true(settle(ledger, &refused, LEDGER_SETTLED, 0, ROWS(0), NULL));
  assert_true(settle(ledger, &broken, LEDGER_UNKNOWN, 10, ROWS(51), NULL));
  assert_string_equal(find(ledger, "refused").state, "settled");
  assert_string_equal(find(ledger, "broken").state, "unknown");
  assert_true(find(ledger, "broken").estimated);
  struct report_row total = total_of(ledger);
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, 510);
  assert_int_equal(total.money[CURRENCY_ROWS].unknown.parts, 510);
  assert_int_equal(total.misses, 2);
  assert_int_equal(ask("SELECT count(*) FROM entry WHERE key IS NULL"), 1);
  ledger_close(&ledger);
}

static void test_what_was_open_is_unknown(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending left = request_of(ledger, "left", ROWS(201));
  struct spending ended = request_of(ledger, "ended", ROWS(201));
  assert_true(reserve(ledger, &left, NULL) && reserve(ledger, &ended, NULL));
  assert_true(settle(ledger, &ended, LEDGER_SETTLED, 5, ROWS(2), NULL));
  ledger_close(&ledger);
  for (int i = 0; i < 2; i++) { /* the second time there is nothing to book */
    ledger = open_ledger(NULL);
    assert_string_equal(find(ledger, "left").state, "unknown");
    struct report_row total = total_of(ledger);
    assert_int_equal(total.requests, 2);
    assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, 2030);
    assert_int_equal(total.money[CURRENCY_ROWS].unknown.parts, 2010);
    ledger_close(&ledger);
  }
}

/* The pages of one answer: settled, and left open by a process that died. */
static void test_further_pages_are_no_requests(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending first = request_of(ledger, "first", ROWS(50));
  struct spending second = request_of(ledger, "second", ROWS(50));
  struct spending third = request_of(ledger, "third", ROWS(50));
  second.request.is_further = third.request.is_further = true;
  assert_true(reserve(ledger, &first, NULL) && reserve(ledger, &second, NULL) &&
              reserve(ledger, &third, NULL));
  assert_true(settle(ledger, &first, LEDGER_SETTLED, 5, ROWS(2), NULL));
  assert_true(settle(ledger, &second, LEDGER_SETTLED, 5, ROWS(2), NULL));
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  struct report_row total = total_of(ledger);
  assert_int_equal(total.requests, 1);
  assert_int_equal(total.misses, 1);
  assert_int_equal(total.results, 10);
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, 540);
  assert_int_equal(total.money[CURRENCY_ROWS].unknown.parts, 500);
  ledger_close(&ledger);
}

static void test_a_price_is_learned(void **state) {
  (void)state;
  static const struct {
    const char *alike;
    int most, paid; /* rows: what the request reserves, and what it costs */
  } requests[] = {
      {"refdomains 1", 5000, 50}, /* what the first one of all may cost is set */
      {"refdomains 1", 50, 60},        {"refdomains 1", 60, 0},
      {"refdomains 1000", 5000, 4300}, /* it is not like those before */
      {"refdomains 1000", 4300, 4300}, {"refdomains 1", 60, 50},
      {"overview 100", 5000, 9000},    {"overview 1", 9000, 50},
      {"overview 1", 50, 50},
  };
  struct ledger *ledger = open_ledger(NULL);
  for (size_t i = 0; i < COUNT(requests); i++) {
    char id[16];
    snprintf(id, sizeof id, "request-%zu", i);
    struct spending spending = request_of(ledger, id, ROWS(5000));
    snprintf(spending.request.alike, sizeof spending.request.alike, "%s", requests[i].alike);
    assert_true(reserve(ledger, &spending, NULL));
    assert_int_equal(find(ledger, id).most.parts, ROWS(requests[i].most).tenths);
    assert_true(settle(ledger, &spending, LEDGER_SETTLED, 1, ROWS(requests[i].paid), NULL));
  }
  struct spending priced = request_of(ledger, "priced", ROWS(5000));
  assert_true(reserve(ledger, &priced, NULL));
  assert_int_equal(find(ledger, "priced").most.parts, ROWS(5000).tenths);
  assert_true(settle(ledger, &priced, LEDGER_SETTLED, 1, ROWS(1), NULL));
  ledger_close(&ledger);
}

static void test_amounts_are_bounded(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  for (int i = 0; i < 3; i++) {
    struct spending entry = request_of(ledger, (const char[]){(char)('a' + i), '\0'}, ROWS_MAX);
    assert_true(reserve(ledger, &entry, NULL));
    assert_true(settle(ledger, &entry, LEDGER_UNKNOWN, INT64_MAX, ROWS_MAX, NULL));
  }
  struct report_row total = total_of(ledger);
  assert_int_equal(total.misses, 3);
  assert_true(total.money[CURRENCY_ROWS].spent.parts == 3 * LEDGER_AMOUNT_MOST);
  assert_true(total.money[CURRENCY_ROWS].unknown.parts == 3 * LEDGER_AMOUNT_MOST);
  assert_true(total.results == 3 * LEDGER_AMOUNT_MOST);
  assert_int_equal(ask("SELECT count(*) FROM token_day WHERE typeof(spent) = 'integer'"), 1);
  ledger_close(&ledger);
}

static void test_long_and_strange_texts(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  static char target[100000];
  memset(target, 'x', sizeof target);
  struct spending entry = request_of(ledger, "long", ROWS(1));
  entry.request.target = (struct view){target, sizeof target};
  assert_true(reserve(ledger, &entry, NULL));
  assert_true(settle(ledger, &entry, LEDGER_SETTLED, 0, ROWS(1), NULL));
  ledger_count(ledger, &entry.request.token, entry.request.target, LEDGER_HIT, WHOLE(1));
  ledger_count(ledger, &entry.request.token, (struct view){"a\0b\xff", 4}, LEDGER_HIT, WHOLE(1));
  assert_int_equal(total_of(ledger).requests, 3);
  assert_int_equal(ask("SELECT count(*) FROM target_day"), 2);
  static const char *const requests[] = {"", "' OR 1=1 --", "\xff\xfe", "%s%n", "LONG"};
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    bool exists = true;
    struct fault fault;
    struct ledger_found found;
    assert_true(ledger_find(ledger, requests[i], &found, &exists, &fault));
    assert_false(exists);
  }
  ledger_close(&ledger);
}

/* -- Many at once -- */

#define THREADS 8
#define EACH 125

struct crowd {
  struct ledger *ledger;
  int number;
  struct spending entries[EACH];
  struct wait waits[EACH];
};

static void *reserve_many(void *argument) {
  struct crowd *crowd = argument;
  const struct ledger_end end = {.kind = LEDGER_SETTLED, .results = 1, .spent = WHOLE(1)};
  for (int i = 0; i < EACH; i++) {
    char request[LEDGER_REQUEST_ID_SIZE];
    snprintf(request, sizeof request, "%d.%d", crowd->number, i);
    crowd->entries[i] = request_of(crowd->ledger, request, ROWS(10));
    begin_reserve(crowd->ledger, &crowd->entries[i], &crowd->waits[i]);
    ledger_count(crowd->ledger, &crowd->entries[i].request.token, VIEW("hit.com"), LEDGER_HIT,
                 WHOLE(1));
  }
  for (int i = 0; i < EACH; i++) {
    wait_for(&crowd->waits[i]);
    begin_settle(crowd->ledger, &crowd->entries[i], &end, &crowd->waits[i]);
  }
  for (int i = 0; i < EACH; i++)
    wait_for(&crowd->waits[i]);
  return NULL;
}

static void test_many_share_a_sync(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct crowd *crowds = calloc(THREADS, sizeof *crowds);
  assert_non_null(crowds);
  pthread_t threads[THREADS];
  int before = atomic_load(&syncs);
  for (int i = 0; i < THREADS; i++) {
    crowds[i].ledger = ledger;
    crowds[i].number = i;
    assert_int_equal(pthread_create(&threads[i], NULL, reserve_many, &crowds[i]), 0);
  }
  while (total_of(ledger).misses < THREADS * EACH) /* reports, while the crowd is at work */
    ;
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  int used = atomic_load(&syncs) - before;
  print_message("%d reservations and settlements: %d syncs\n", THREADS * EACH, used);
  assert_in_range(used, 1, THREADS * EACH);
  for (int i = 0; i < THREADS; i++)
    for (int j = 0; j < EACH; j++)
      assert_true(crowds[i].waits[j].ok);
  struct report_row total = total_of(ledger);
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, THREADS * EACH * 10);
  assert_int_equal(total.hits, THREADS * EACH);
  free(crowds);
  ledger_close(&ledger);
}

/* -- Death under load -- */

static _Atomic int64_t *settled_tenths; /* shared with the child */

static void *spend_for_ever(void *argument) {
  struct crowd *crowd = argument;
  for (int i = 0;; i++) {
    char request[LEDGER_REQUEST_ID_SIZE];
    snprintf(request, sizeof request, "%d.%d", crowd->number, i);
    struct spending entry = request_of(crowd->ledger, request, ROWS(10));
    reserve(crowd->ledger, &entry, NULL);
    if (i % 10 == 0)
      continue; /* in flight when the end comes */
    settle(crowd->ledger, &entry, LEDGER_SETTLED, 1, ROWS(3), NULL);
    atomic_fetch_add(settled_tenths, 30);
  }
  return NULL;
}

static void spend_until_killed(void) {
  struct ledger *ledger;
  static struct crowd crowds[4];
  pthread_t thread;
  if (!ledger_open(directory, &LEDGER_DEFAULTS, &ledger, NULL))
    _exit(1);
  for (int i = 0; i < 4; i++) {
    crowds[i].ledger = ledger;
    crowds[i].number = i;
    if (pthread_create(&thread, NULL, spend_for_ever, &crowds[i]) != 0)
      _exit(1);
  }
  for (;;)
    pause();
}

static void test_killed_under_load(void **state) {
  (void)state;
  settled_tenths =
      mmap(NULL, sizeof *settled_tenths, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(settled_tenths != MAP_FAILED);
  pid_t child = fork();
  if (child == 0)
    spend_until_killed();
  int status;
  while (atomic_load(settled_tenths) < 30 * 100)
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  struct ledger *ledger = open_ledger(NULL);
  struct report_row total = total_of(ledger);
  assert_int_equal(ask("SELECT count(*) FROM entry WHERE state = 0"), 0);
  assert_true(total.money[CURRENCY_ROWS].spent.parts >= atomic_load(settled_tenths));
  assert_true(total.money[CURRENCY_ROWS].unknown.parts > 0);
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, ask("SELECT sum(spent) FROM entry"));
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts,
                   ask("SELECT sum(spent) FROM target_day"));
  assert_int_equal(total.misses, ask("SELECT count(*) FROM entry"));
  assert_int_equal(ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
                   1);
  ledger_close(&ledger);
  munmap(settled_tenths, sizeof *settled_tenths);
}

/* -- A disk that refuses -- */

static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  setrlimit(RLIMIT_FSIZE, &limit);
}

/* In a child, for its limit and its SIGXFSZ: exits with the number of what went wrong, or 0. */
#define MUST(number, condition) \
  do {                          \
    if (!(condition))           \
      _exit(number);            \
  } while (0)

static void live_through_a_full_disk(void) {
  struct ledger *ledger;
  signal(SIGXFSZ, SIG_IGN);
  MUST(1, ledger_open(directory, &LEDGER_DEFAULTS, &ledger, NULL));
  struct spending before = request_of(ledger, "before", ROWS(50));
  struct spending during = request_of(ledger, "during", ROWS(50));
  struct spending after = request_of(ledger, "after", ROWS(50));
  MUST(2, reserve(ledger, &before, NULL));
  ledger_count(ledger, &before.request.token, VIEW("example.com"), LEDGER_HIT, WHOLE(5));
  limit_files(0);
  struct fault refused;
  MUST(3, !reserve(ledger, &during, &refused) && refused.kind == FAULT_UNAVAILABLE);
  MUST(4, strcmp(refused.text, /* a client reads it: the file is the log's */
                 "the ledger cannot be written: spending is stopped until it can; stored results "
                 "are still served") == 0);
  MUST(5, ledger_is_broken(ledger));
  MUST(6, !settle(ledger, &before, LEDGER_SETTLED, 7, ROWS(4), NULL));
  MUST(7, strcmp(find(ledger, "before").state, "unknown") == 0);
  MUST(8, total_of(ledger).requests == 1);     /* readable, with the hit still in memory */
  int refusals = atomic_load(&refused_writes); /* it is tried again, and again in vain */
  while (atomic_load(&refused_writes) < refusals + 3)
    let_a_second_pass();
  limit_files(RLIM_INFINITY);
  while (strcmp(find(ledger, "before").state, "settled") != 0)
    let_a_second_pass();
  while (ledger_is_broken(ledger))
    let_a_second_pass();
  MUST(9, find(ledger, "before").spent.parts == 40);
  MUST(10, reserve(ledger, &after, NULL));
  struct report_row total = total_of(ledger);
  MUST(11, total.money[CURRENCY_ROWS].spent.parts == 40 && total.hits == 1 && total.misses == 1);
  ledger_close(&ledger);
  _exit(0);
}

/* The amount spent, from each report by itself. */
static bool reports_tell(struct ledger *ledger, int64_t spent, int64_t unknown, int64_t unsettled) {
  static const enum report_by all[] = {REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY};
  bool same = true;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct report_row total;
    same = report_run(ledger, &REPORT_FOREVER(all[i]), ignore_row, NULL, &total, NULL) &&
           total.requests == 1 && total.misses == 1 &&
           total.money[CURRENCY_ROWS].spent.parts == spent &&
           total.money[CURRENCY_ROWS].unknown.parts == unknown &&
           total.money[CURRENCY_ROWS].unsettled.parts == unsettled && same;
  }
  return same;
}

static void take_account(void *context, const struct token_row *row) {
  *(struct token_account *)context = row->account;
}

static bool account_is(struct ledger *ledger, int64_t spent, int64_t reserved, int64_t left) {
  struct token_account account;
  return token_list(ledger, take_account, &account, NULL) && account.spent.parts == spent &&
         account.reserved.parts == reserved && account.left.parts == left;
}

/* A request whose settlement cannot be written counts at once, everywhere, at the most that it can
 * have cost; and with its true cost as soon as the disk has room again. */
static void spend_with_a_full_disk(void) {
  struct ledger *ledger;
  char token[TOKEN_SIZE];
  const struct token_budget budget = {WHOLE(100), TOKEN_PER_MONTH};
  signal(SIGXFSZ, SIG_IGN);
  MUST(1, ledger_open(directory, &LEDGER_DEFAULTS, &ledger, NULL));
  MUST(2, token_add(ledger, VIEW("alice"), &budget, token, NULL));
  struct spending entry = request_of(ledger, "entry", ROWS(50));
  struct spending more = request_of(ledger, "more", ROWS(51));
  struct spending fits = request_of(ledger, "fits", ROWS(96));
  entry.request.token = more.request.token = fits.request.token =
      ledger_fingerprint(ledger, view_of(token));
  MUST(3, reserve(ledger, &entry, NULL));
  MUST(4, account_is(ledger, 0, 500, 500));
  limit_files(0);
  MUST(5, !settle(ledger, &entry, LEDGER_SETTLED, 7, ROWS(4), NULL));
  MUST(6, reports_tell(ledger, 500, 500, 500));
  MUST(7, account_is(ledger, 500, 0, 500));
  struct ledger_found found = find(ledger, "entry");
  MUST(8, strcmp(found.state, "unknown") == 0 && found.spent.parts == 500);
  MUST(9, !reserve(ledger, &more, NULL));
  limit_files(RLIM_INFINITY);
  while (!reports_tell(ledger, 40, 0, 0)) {
    MUST(10, reports_tell(ledger, 500, 500, 500) || reports_tell(ledger, 40, 0, 0));
    let_a_second_pass();
  }
  MUST(11, account_is(ledger, 40, 0, 960));
  MUST(12, reserve(ledger, &fits, NULL));
  ledger_close(&ledger);
  _exit(0);
}

/* Nobody spends and nothing waits: the ledger finds out by itself that it can write again. */
static void mend_without_traffic(void) {
  struct ledger *ledger;
  signal(SIGXFSZ, SIG_IGN);
  MUST(1, ledger_open(directory, &LEDGER_DEFAULTS, &ledger, NULL));
  struct spending entry = request_of(ledger, "entry", ROWS(50));
  limit_files(0);
  MUST(2, !reserve(ledger, &entry, NULL));
  limit_files(RLIM_INFINITY);
  while (ledger_is_broken(ledger))
    let_a_second_pass();
  ledger_close(&ledger);
  _exit(0);
}

/* The disk stays full: what was settled is booked as unknown when it is opened again. */
static void die_with_a_full_disk(void) {
  struct ledger *ledger;
  signal(SIGXFSZ, SIG_IGN);
  MUST(1, ledger_open(directory, &LEDGER_DEFAULTS, &ledger, NULL));
  struct spending entry = request_of(ledger, "entry", ROWS(50));
  MUST(2, reserve(ledger, &entry, NULL));
  limit_files(0);
  MUST(3, !settle(ledger, &entry, LEDGER_SETTLED, 7, ROWS(4), NULL));
  ledger_count(ledger, &entry.request.token, VIEW("example.com"), LEDGER_HIT, WHOLE(5));
  ledger_close(&ledger);
  _exit(0);
}

static void run_child(void (*run)(void)) {
  int status;
  pid_t child = fork();
  if (child == 0)
    run();
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_full_disk(void **state) {
  (void)state;
  run_child(live_through_a_full_disk);
  run_child(mend_without_traffic);
}

static void test_what_a_full_disk_leaves_unsettled(void **state) {
  (void)state;
  run_child(spend_with_a_full_disk);
}

static void test_a_full_disk_at_the_end(void **state) {
  (void)state;
  run_child(die_with_a_full_disk);
  struct ledger *ledger = open_ledger(NULL);
  assert_string_equal(find(ledger, "entry").state, "unknown");
  assert_int_equal(total_of(ledger).money[CURRENCY_ROWS].spent.parts, 500);
  ledger_close(&ledger);
}

static void test_a_damaged_file_stays(void **state) {
  (void)state;
  struct fault fault;
  struct ledger *ledger;
  static const char junk[8192] = "this is no database at all";
  int out = open(path_of("ledger.db"), O_WRONLY | O_CREAT, 0600);
  assert_int_equal(write(out, junk, sizeof junk), sizeof junk);
  close(out);
  assert_false(ledger_open(directory, &LEDGER_DEFAULTS, &ledger, &fault));
  assert_null(ledger);
  assert_non_null(strstr(fault.text, "is not set aside"));
  struct stat kept;
  assert_int_equal(stat(path_of("ledger.db"), &kept), 0);
  assert_int_equal(kept.st_size, sizeof junk);
}

/* Without a version and without an application id, as most of them are. */
static void test_another_programs_file_stays(void **state) {
  (void)state;
  struct fault fault;
  struct ledger *ledger;
  ask("CREATE TABLE theirs(a)");
  assert_false(ledger_open(directory, &LEDGER_DEFAULTS, &ledger, &fault));
  assert_non_null(strstr(fault.text, "another program"));
  assert_int_equal(ask("PRAGMA application_id"), 0);
  assert_int_equal(ask("SELECT count(*) FROM sqlite_schema"), 1);
  assert_int_equal(ask("SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 0);
}

/* -- Hits and errors -- */

static void test_hits_survive_close(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  for (int i = 0; i < 1000; i++)
    ledger_count(ledger, &token, VIEW("example.com"), LEDGER_HIT,
                 (struct amount){CURRENCY_ROWS, 2010});
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  struct digest same = ledger_fingerprint(ledger, VIEW("a-token"));
  assert_true(digest_equal(&token, &same));
  struct report_row total = total_of(ledger);
  assert_int_equal(total.hits, 1000);
  assert_int_equal(total.money[CURRENCY_ROWS].saved.parts, 2010 * 1000);
  assert_true(amount_is_zero(total.money[CURRENCY_ROWS].spent));
  ledger_close(&ledger);
}

static void test_the_timer_writes(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  ledger_count(ledger, &token, VIEW("example.com"), LEDGER_HIT, WHOLE(1));
  while (ask("SELECT count(*) FROM token_day") == 0)
    let_a_second_pass();
  ledger_close(&ledger);
}

/* -- Hits of many threads -- */

#define SITES 10

struct counting_thread {
  struct ledger *ledger;
  struct digest token;
  atomic_llong *counted; /* by all threads */
};

/* Whatever anybody has counted is in the next report, whoever asks for it. */
static void *count_and_report(void *argument) {
  const struct counting_thread *thread = argument;
  struct ledger_spot spots[SITES] = {0};
  for (int i = 0; i < EACH; i++) {
    for (int j = 0; j < SITES; j++) {
      char site[32];
      snprintf(site, sizeof site, "site%d.com", j);
      if (i % 2)
        ledger_count(thread->ledger, &thread->token, view_of(site), LEDGER_HIT, WHOLE(2));
      else
        ledger_count_hit(thread->ledger, &thread->token, view_of(site), &spots[j], WHOLE(2));
      ledger_count(thread->ledger, &thread->token, view_of(site), LEDGER_ERROR, WHOLE(0));
      atomic_fetch_add(thread->counted, 1);
    }
    int64_t least = atomic_load(thread->counted);
    if (i % 25 == 0 && total_of(thread->ledger).hits < least)
      return NULL;
  }
  return argument;
}

static void test_no_count_of_many_threads_is_lost(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct counting_thread each = {ledger, ledger_fingerprint(ledger, VIEW("a-token")),
                                 &(atomic_llong){0}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, count_and_report, &each), 0);
  for (int i = 0; i < THREADS; i++) {
    void *reported;
    pthread_join(threads[i], &reported);
    assert_non_null(reported);
  }
  struct report_row total = total_of(ledger);
  assert_int_equal(total.hits, THREADS * EACH * SITES);
  assert_int_equal(total.errors, THREADS * EACH * SITES);
  assert_int_equal(total.money[CURRENCY_ROWS].saved.parts, THREADS * EACH * SITES * 20);
  assert_int_equal(ask("SELECT count(*) FROM target_day"), SITES);
  assert_int_equal(ask("SELECT hits FROM target_day WHERE target = 'site7.com'"), THREADS * EACH);
  assert_int_equal(ask("SELECT sum(errors) FROM target_day"), THREADS * EACH * SITES);
  ledger_close(&ledger);
}

static void test_a_hit_is_of_the_day_of_its_second(void **state) {
  (void)state;
  static const int64_t midnight = INT64_C(20000) * 24 * 60 * 60 * 1000;
  static const int64_t moments[] = {midnight - 1, midnight, midnight + 999, midnight - 1000};
  struct ledger *ledger = open_ledger(NULL);
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  for (size_t i = 0; i < COUNT(moments); i++) {
    fake_clock_set(moments[i]);
    ledger_count(ledger, &token, VIEW("example.com"), LEDGER_HIT, WHOLE(1));
  }
  assert_int_equal(total_of(ledger).hits, 4);
  assert_int_equal(ask("SELECT hits FROM token_day WHERE day = 19999"), 2);
  assert_int_equal(ask("SELECT hits FROM target_day WHERE day = 20000"), 2);
  ledger_close(&ledger);
}

/* -- Hits at a spot: each as if it were looked up -- */

static void count_at(struct ledger *ledger, const char *site, struct ledger_spot *spot,
                     struct amount saved) {
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  ledger_count_hit(ledger, &token, view_of(site), spot, saved);
}

static void test_a_spot_outlives_reports_and_days(void **state) {
  (void)state;
  static const int64_t day = INT64_C(24) * 60 * 60 * 1000, first = 20000 * INT64_C(86400000);
  struct ledger *ledger = open_ledger(NULL);
  struct ledger_spot one = {0}, two = {0};
  for (int i = 0; i < 6; i++) {
    fake_clock_set(first + i / 2 * day);
    count_at(ledger, "one.com", &one, WHOLE(3));
    count_at(ledger, "two.com", &two, WHOLE(5));
    count_at(ledger, "one.com", &one, WHOLE(3));
    if (i % 2)
      assert_int_equal(total_of(ledger).hits, 3 * (i + 1));
  }
  for (int i = 0; i < 3; i++) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT hits FROM target_day WHERE target = 'one.com' AND day = %d",
             20000 + i);
    assert_int_equal(ask(sql), 4);
  }
  assert_int_equal(ask("SELECT sum(hits) FROM target_day WHERE target = 'two.com'"), 6);
  assert_int_equal(total_of(ledger).money[CURRENCY_ROWS].saved.parts, (12 * 3 + 6 * 5) * 10);
  ledger_close(&ledger);
}

static void test_a_spot_takes_both_currencies(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct ledger_spot spot = {0};
  for (int i = 0; i < 3; i++) {
    count_at(ledger, "one.com", &spot, WHOLE(2));
    count_at(ledger, "one.com", &spot, (struct amount){CURRENCY_UNITS, 7});
  }
  struct report_row total = total_of(ledger);
  assert_int_equal(total.hits, 6);
  assert_int_equal(total.money[CURRENCY_ROWS].saved.parts, 60);
  assert_int_equal(total.money[CURRENCY_UNITS].saved.parts, 21);
  ledger_close(&ledger);
}

/* Beyond so many targets, further ones share a count: their spots lead to it. */
static void test_spots_of_more_targets_than_are_counted(void **state) {
  (void)state;
  enum { SPOTS = 9000 };
  static struct ledger_spot spots[SPOTS];
  struct ledger *ledger = open_ledger(NULL);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < SPOTS; i++) {
      char site[32];
      snprintf(site, sizeof site, "site%d.com", i);
      count_at(ledger, site, &spots[i], WHOLE(1));
    }
  assert_int_equal(total_of(ledger).hits, 2 * SPOTS);
  assert_int_equal(ask("SELECT sum(hits) FROM target_day"), 2 * SPOTS);
  assert_int_equal(ask("SELECT hits FROM target_day WHERE target = 'site7.com'"), 2);
  ledger_close(&ledger);
}

static void test_strangers_do_not_fill_the_file(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct digest known = ledger_fingerprint(ledger, VIEW("a-token"));
  ledger_count(ledger, &known, VIEW("known.com"), LEDGER_HIT, WHOLE(1));
  ledger_count(ledger, &known, VIEW("known.com"), LEDGER_ERROR, WHOLE(0));
  for (int i = 0; i < 20000; i++) {
    char text[32];
    snprintf(text, sizeof text, "stranger%d", i);
    struct digest token = ledger_fingerprint(ledger, view_of(text));
    ledger_count(ledger, &token, view_of(text), LEDGER_ERROR, WHOLE(0));
  }
  struct report_row total = total_of(ledger);
  assert_int_equal(total.errors, 20001);
  assert_int_equal(total.hits, 1);
  assert_int_equal(ask("SELECT count(*) FROM token"), 2);
  assert_int_equal(ask("SELECT count(*) FROM target_day"), 2);
  assert_int_equal(ask("SELECT errors FROM target_day WHERE target = 'known.com'"), 1);
  assert_int_equal(ask("SELECT sum(errors) FROM target_day"), 20001);
  ledger_close(&ledger);
}

static int64_t rows_in(const char *table) {
  char sql[64];
  snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
  return ask(sql);
}

static struct spending strangers(struct ledger *ledger, const char *request, const char *token) {
  struct spending entry = request_of(ledger, request, ROWS(201));
  entry.request.token = ledger_fingerprint(ledger, view_of(token));
  entry.request.target = view_of(request);
  entry.request.is_strangers = true;
  return entry;
}

static void test_a_stranger_that_was_refused_leaves_nothing(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  for (int i = 0; i < 50; i++) {
    char text[32];
    snprintf(text, sizeof text, "stranger%d", i);
    struct spending entry = strangers(ledger, text, text);
    assert_true(reserve(ledger, &entry, NULL));
    assert_string_equal(find(ledger, text).state, "open");
    assert_true(settle(ledger, &entry, LEDGER_VOID, 0, ROWS(0), NULL));
    assert_true(settle(ledger, &entry, LEDGER_VOID, 0, ROWS(0), NULL));
  }
  struct report_row total = total_of(ledger);
  assert_int_equal(total.misses, 50);
  assert_true(amount_is_zero(total.money[CURRENCY_ROWS].spent));
  assert_int_equal(rows_in("entry"), 0);
  assert_int_equal(rows_in("token"), 1);
  assert_int_equal(rows_in("target_day"), 1);
  assert_int_equal(rows_in("target_month"), 1);
  ledger_close(&ledger);
}

static void test_what_a_stranger_spends_is_its_own(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending known = strangers(ledger, "known", "a"), open;
  assert_true(reserve(ledger, &known, NULL));
  assert_true(settle(ledger, &known, LEDGER_SETTLED, 5, ROWS(2), NULL));
  struct spending lost = strangers(ledger, "lost", "b");
  assert_true(reserve(ledger, &lost, NULL));
  assert_true(settle(ledger, &lost, LEDGER_UNKNOWN, 0, ROWS(201), NULL));
  char label[LEDGER_LABEL_SIZE];
  assert_string_equal(find(ledger, "known").token,
                      ledger_label(ledger, &known.request.token, label));
  assert_string_equal(find(ledger, "lost").token, ledger_label(ledger, &lost.request.token, label));
  assert_int_equal(total_of(ledger).money[CURRENCY_ROWS].spent.parts, 2030);
  assert_int_equal(ask("SELECT spent FROM token_day ORDER BY spent LIMIT 1"), 20);

  /* Known now: what it reserves is its own at once. */
  open = strangers(ledger, "open", "a");
  assert_true(reserve(ledger, &open, NULL));
  assert_string_equal(find(ledger, "open").token,
                      ledger_label(ledger, &known.request.token, label));
  ledger_close(&ledger);
}

static void test_what_a_stranger_left_open_is_booked(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending entry = strangers(ledger, "left", "a");
  assert_true(reserve(ledger, &entry, NULL));
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  assert_int_equal(total_of(ledger).money[CURRENCY_ROWS].unknown.parts, 2010);
  assert_string_equal(find(ledger, "left").state, "unknown");
  ledger_close(&ledger);
}

/* -- What is in the files -- */

#define SECRET_TOKEN "s3cr3t-t0ken-that-must-not-be-stored"

static void test_no_token_is_stored(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending entry = request_of(ledger, "one", ROWS(1));
  entry.request.token = ledger_fingerprint(ledger, VIEW(SECRET_TOKEN));
  assert_true(reserve(ledger, &entry, NULL));
  assert_true(settle(ledger, &entry, LEDGER_SETTLED, 0, ROWS(1), NULL));
  ledger_count(ledger, &entry.request.token, entry.request.target, LEDGER_HIT, WHOLE(1));
  assert_int_equal(total_of(ledger).requests, 2);
  expect_no_file_shows(SECRET_TOKEN); /* the write-ahead log among them */
  ledger_close(&ledger);
  expect_no_file_shows(SECRET_TOKEN);
}

static void test_every_statement_prepares(void **state) {
  (void)state;
  struct db *db;
  struct fault fault = {0};
  assert_true(db_open(path_of("ledger.db"), &ledger_schema, DB_WRITE_FULL, &db, NULL, &fault));
  database_prepare_all("ledger.db", &ledger_schema);
  db_close(&db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_settles_once),
      TEST(test_an_id_is_used_once),
      TEST(test_zero_is_not_unknown),
      TEST(test_what_was_open_is_unknown),
      TEST(test_further_pages_are_no_requests),
      TEST(test_a_price_is_learned),
      TEST(test_amounts_are_bounded),
      TEST(test_long_and_strange_texts),
      TEST(test_many_share_a_sync),
      TEST(test_killed_under_load),
      TEST(test_a_full_disk),
      TEST(test_what_a_full_disk_leaves_unsettled),
      TEST(test_a_full_disk_at_the_end),
      TEST(test_a_damaged_file_stays),
      TEST(test_another_programs_file_stays),
      TEST(test_hits_survive_close),
      TEST(test_the_timer_writes),
      TEST(test_no_count_of_many_threads_is_lost),
      TEST(test_a_hit_is_of_the_day_of_its_second),
      TEST(test_a_spot_outlives_reports_and_days),
      TEST(test_a_spot_takes_both_currencies),
      TEST(test_spots_of_more_targets_than_are_counted),
      TEST(test_strangers_do_not_fill_the_file),
      TEST(test_a_stranger_that_was_refused_leaves_nothing),
      TEST(test_what_a_stranger_spends_is_its_own),
      TEST(test_what_a_stranger_left_open_is_booked),
      TEST(test_no_token_is_stored),
      TEST(test_every_statement_prepares),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
