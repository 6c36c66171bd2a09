#include "http/head.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

#define LINE "GET\0/\0HTTP/1.1\0\0"
#define HOST "Host\0 x\0\0"
#define END "\0\0"

static const struct head_limits limits = {64, 128, 8};

/* What libmicrohttpd leaves in its buffer: each colon, line end and the spaces of the request line
 * have become NUL. `fields`: names and values, as it tells them, at these offsets. */
struct laid_out {
  struct view bytes;
  size_t target, version;
  struct {
    size_t name, value;
  } fields[8];
};

static struct head_line line_of(const struct laid_out *laid) {
  const char *at = laid->bytes.at;
  return (struct head_line){.method = view_of(at),
                            .target = view_of(at + laid->target),
                            .target_at = at + laid->target,
                            .version = view_of(at + laid->version)};
}

static enum fault_kind judge(const struct laid_out *laid, bool is_placed) {
  struct head head;
  struct fault fault = {.kind = FAULT_NONE};
  struct head_line line = line_of(laid);
  const char *at = laid->bytes.at;
  head_begin(&head, &limits, &line, is_placed);
  for (size_t i = 0; i < COUNT(laid->fields) && laid->fields[i].name; i++)
    head_add(&head, view_of(at + laid->fields[i].name), view_of(at + laid->fields[i].value));
  bool ok = head_end(&head, laid->bytes.length, &fault);
  assert_int_equal(ok, fault.kind == FAULT_NONE);
  return fault.kind;
}

/* --- places --- */

static const struct placed_case {
  const char *what;
  enum fault_kind expected;
  struct laid_out laid;
} places[] = {
    {"as it should be", FAULT_NONE, {VIEW(LINE HOST END), 4, 6, {{16, 22}}}},
    {"LF alone", FAULT_NONE, {VIEW("GET\0/\0HTTP/1.1\0Host\0 x\0\0"), 4, 6, {{15, 21}}}},
    {"no header, CR LF", FAULT_NONE, {VIEW("GET\0/\0HTTP/1.0\0\0\0\0"), 4, 6, {{0}}}},
    {"no header, LF", FAULT_NONE, {VIEW("GET\0/\0HTTP/1.0\0\0"), 4, 6, {{0}}}},
    {"no space before the value", FAULT_NONE, {VIEW(LINE "Host\0x\0\0" END), 4, 6, {{16, 21}}}},
    {"many spaces before it", FAULT_NONE, {VIEW(LINE "Host\0 \t  x\0\0" END), 4, 6, {{16, 25}}}},
    {"an empty value", FAULT_NONE, {VIEW(LINE HOST "A\0\0\0" END), 4, 6, {{16, 22}, {25, 27}}}},
    {"a NUL in a value", FAULT_MALFORMED, {VIEW(LINE "Host\0 x\0y\0\0" END), 4, 6, {{16, 22}}}},
    {"a NUL in the last value but one",
     FAULT_MALFORMED,
     {VIEW(LINE HOST "A\0 b\0c\0\0D\0 e\0\0" END), 4, 6, {{16, 22}, {25, 28}, {33, 36}}}},
    {"a NUL begins a value",
     FAULT_MALFORMED,
     {VIEW(LINE HOST "A\0\0b\0\0" END), 4, 6, {{16, 22}, {25, 27}}}},
    {"a line that begins with NUL ends the head",
     FAULT_MALFORMED,
     {VIEW(LINE HOST "\0Content-Length: 5\0\0"), 4, 6, {{16, 22}}}},
    {"a short line that begins with NUL, where lines end with LF",
     FAULT_MALFORMED,
     {VIEW("GET\0/\0HTTP/1.0\0\0x\0"), 4, 6, {{0}}}},
    {"mixed line ends",
     FAULT_MALFORMED,
     {VIEW(LINE "Host\0 x\0A\0 b\0\0" END), 4, 6, {{16, 22}, {24, 27}}}},
    {"two spaces before the target",
     FAULT_MALFORMED,
     {VIEW("GET\0 /\0HTTP/1.1\0\0" HOST END), 5, 7, {{17, 23}}}},
    {"a NUL in the target",
     FAULT_MALFORMED,
     {VIEW("GET\0/\0a\0HTTP/1.1\0\0" HOST END), 4, 8, {{18, 24}}}},
    {"a NUL in the method",
     FAULT_MALFORMED,
     {VIEW("GET\0X\0/\0HTTP/1.1\0\0" HOST END), 6, 8, {{18, 24}}}},
    /* The name was moved behind the rest. */
    {"a folded line",
     FAULT_MALFORMED,
     {VIEW(LINE HOST "Transfer-Encod\0 chunked\0\0 ing\0\0" END "Transfer-Encoding"),
      4,
      6,
      {{16, 22}, {59, 41}}}},
};

static void places_tell_what_is_hidden(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(places); i++) {
    enum fault_kind found = judge(&places[i].laid, true);
    if (found != places[i].expected)
      fail_msg("%s: %d", places[i].what, found);
  }
}

/* A later libmicrohttpd may keep its buffer in another way. */
static void without_places_nothing_is_concluded(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(places); i++)
    assert_int_equal(judge(&places[i].laid, false), FAULT_NONE);
}

/* --- fields and their sums --- */

static const struct sum_case {
  const char *method, *target, *version;
  const char *fields; /* "name:value\n" */
  enum fault_kind expected;
} sums[] = {
    {"GET", "/", "HTTP/1.1", "Host:x\n", FAULT_NONE},
    {"BREW", "*", "HTTP/1.1", "host:\n", FAULT_NONE},
    {"!#$%&'*+-.^_`|~1aZ", "/", "HTTP/1.1", "Host:x\n!#$%&'*+-.^_`|~1aZ:\n", FAULT_NONE},
    {"G(T", "/", "HTTP/1.1", "Host:x\n", FAULT_MALFORMED},
    {"", "/", "HTTP/1.1", "Host:x\n", FAULT_MALFORMED},
    {"GET", "", "HTTP/1.1", "Host:x\n", FAULT_MALFORMED},
    {"GET", "/a b\xc3\xa4", "HTTP/1.1", "Host:x\n", FAULT_NONE},
    {"GET", "/\t", "HTTP/1.1", "Host:x\n", FAULT_MALFORMED},
    {"GET", "/\r", "HTTP/1.1", "Host:x\n", FAULT_MALFORMED},
    {"GET", "/\x7f", "HTTP/1.1", "Host:x\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nContent-Length :5\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding\t:chunked\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\n:nameless\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX Y:z\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\n X:y\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX(Y):z\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX\xc3\xa4:z\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX\r:z\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX:\ta \"b\" \xc3\xa4 \n", FAULT_NONE},
    {"GET", "/", "HTTP/1.1", "Host:x\nX:a\rb\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX:a\x01\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nX:a\x7f\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.0", "", FAULT_NONE},
    {"GET", "/", "HTTP/1.1", "", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.1", "Host:x\nHOST:x\n", FAULT_MALFORMED},
    {"GET", "/", "HTTP/1.0", "Host:x\nHOST:x\n", FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:5\n", FAULT_NONE},
    {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:5\ncontent-length:5\n", FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:Chunked\n", FAULT_NONE},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:gzip\n", FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:gzip, chunked\n", FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:chunked \n", FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:\n", FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:chunked\nTransfer-Encoding:chunked\n",
     FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:chunked\nContent-Length:5\n",
     FAULT_MALFORMED},
    {"POST", "/", "HTTP/1.0", "Transfer-Encoding:chunked\n", FAULT_MALFORMED},
    /* 64, 128 and 8 are the limits; a header counts with ": " and its line end. */
    {"GET", "/23456789012345678901234567890123456789012345678901234567890123", "HTTP/1.1",
     "Host:x\n", FAULT_NONE},
    {"GET", "/234567890123456789012345678901234567890123456789012345678901234", "HTTP/1.1",
     "Host:x\n", FAULT_NONE},
    {"GET", "/2345678901234567890123456789012345678901234567890123456789012345", "HTTP/1.1",
     "Host:x\n", FAULT_URI_TOO_LONG},
    {"GET", "/", "HTTP/1.0",
     "X:0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890123456789012\n",
     FAULT_NONE},
    {"GET", "/", "HTTP/1.0",
     "X:0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "123456789012345678901234567890123\n",
     FAULT_HEADERS_TOO_LARGE},
    {"GET", "/", "HTTP/1.1", "Host:x\nA:\nA:\nA:\nA:\nA:\nA:\nA:\n", FAULT_NONE},
    {"GET", "/", "HTTP/1.1", "Host:x\nA:\nA:\nA:\nA:\nA:\nA:\nA:\nA:\n", FAULT_HEADERS_TOO_LARGE},
};

static enum fault_kind judge_sum(const struct sum_case *sum) {
  struct head head;
  struct fault fault = {.kind = FAULT_NONE};
  struct head_line line = {.method = view_of(sum->method),
                           .target = view_of(sum->target),
                           .version = view_of(sum->version)};
  struct view rest = view_of(sum->fields), one;
  head_begin(&head, &limits, &line, false);
  while (view_split(&rest, '\n', &one) && one.length) {
    const char *colon = memchr(one.at, ':', one.length);
    assert_non_null(colon);
    struct view name = view_first(one, (size_t)(colon - one.at));
    head_add(&head, name, view_from(one, name.length + 1));
  }
  bool ok = head_end(&head, 0, &fault);
  assert_int_equal(ok, fault.kind == FAULT_NONE);
  return fault.kind;
}

static void each_header_and_all_together(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(sums); i++) {
    enum fault_kind found = judge_sum(&sums[i]);
    if (found != sums[i].expected)
      fail_msg("%s %s %s: %d", sums[i].method, sums[i].target, sums[i].fields, found);
  }
}

static void trailers(void **state) {
  (void)state;
  struct fault fault;
  assert_true(head_check_trailer(VIEW("X-Sum"), VIEW("1 2"), &fault));
  assert_false(head_check_trailer(VIEW("X-Sum "), VIEW("1"), &fault));
  assert_int_equal(fault.kind, FAULT_MALFORMED);
  assert_false(head_check_trailer(VIEW(""), VIEW("1"), &fault));
  assert_false(head_check_trailer(VIEW("X"), VIEW("1\r"), &fault));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_tell_what_is_hidden),
      cmocka_unit_test(without_places_nothing_is_concluded),
      cmocka_unit_test(each_header_and_all_together),
      cmocka_unit_test(trailers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
