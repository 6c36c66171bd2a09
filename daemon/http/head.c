#include "http/head.h"

#include "base/num.h"

#include <stdint.h>

/* --- characters --- */

/* What a byte may be part of. */
enum { TOKEN = 1, VALUE = 2, TARGET = 4 };
#define ANY (TOKEN | VALUE | TARGET)
#define APART (VALUE | TARGET) /* not of a token */

/* A token: RFC 9110 5.6.2. A value: RFC 9110 5.5; bytes beyond ASCII are allowed there. Spaces and bytes
 * beyond ASCII do not belong into a target, but cannot be mistaken for anything else. */
static const unsigned char kinds[256] = {
    ['\t'] = VALUE,       [' '] = APART,         ['!'] = ANY,         ['"'] = APART,
    ['#' ... '\''] = ANY, ['(' ... ')'] = APART, ['*' ... '+'] = ANY, [','] = APART,
    ['-' ... '.'] = ANY,  ['/'] = APART,         ['0' ... '9'] = ANY, [':' ... '@'] = APART,
    ['A' ... 'Z'] = ANY,  ['[' ... ']'] = APART, ['^' ... 'z'] = ANY, ['{'] = APART,
    ['|'] = ANY,          ['}'] = APART,         ['~'] = ANY,         [0x80 ... 0xff] = APART,
};

/* True if all of the text is of this kind. */
static bool is_of(struct view text, unsigned char kind) {
  unsigned char all = kind;
  for (size_t i = 0; i < text.length; i++)
    all &= kinds[(unsigned char)text.at[i]];
  return all;
}

static bool is_token(struct view text) {
  return text.length > 0 && is_of(text, TOKEN);
}

static const char *wrong_in_field(struct view name, struct view value) {
  if (!is_token(name))
    return "a header's name must be a token, with its colon right behind it (RFC 9112 5.1)";
  if (!is_of(value, VALUE))
    return "a header's value must have no control characters (RFC 9110 5.5)";
  return NULL;
}

static const char *wrong_in_line(const struct head_line *line) {
  if (!is_token(line->method))
    return "the method must be a token (RFC 9110 9.1)";
  if (!line->target.length || !is_of(line->target, TARGET))
    return "the request URI must have no control characters";
  return NULL;
}

/* --- places in the buffer --- */

static const char hidden[] =
    "the request's head must have no NUL, no header that goes on in the next line, one space on "
    "each side of the URI, and one kind of line end";

static const char *behind(struct view text) {
  return text.at + text.length;
}

/* The distance from `from` on to `to`: huge if `to` is in front of it, or in other memory. */
static size_t distance(const char *from, const char *to) {
  return (size_t)((uintptr_t)to - (uintptr_t)from);
}

static bool line_is_placed(const struct head_line *line) {
  return distance(behind(line->method), line->target_at) == 1 &&
         distance(line->target_at, line->version.at) == line->target.length + 1;
}

/* True if only one line end precedes the name, and only the colon and the spaces that libmicrohttpd
 * skips precede the value. */
static bool follow(struct head *head, struct view name, struct view value) {
  size_t gap = distance(head->at, name.at);
  if (!head->line_end && (gap == 1 || gap == 2))
    head->line_end = gap;
  head->at = behind(value);
  return gap == head->line_end && (uintptr_t)value.at > (uintptr_t)behind(name);
}

/* True if two line ends follow the last field, its own and the empty line's. libmicrohttpd has made
 * NULs of them. */
static bool is_end(const struct head *head, size_t length) {
  size_t gap = distance(head->at, head->begin + length);
  return (head->line_end ? gap == 2 * head->line_end : gap == 2 || gap == 4) &&
         memcmp(head->at, "\0\0\0", gap) == 0;
}

/* --- the head --- */

static void note(struct head *head, const char *wrong) {
  if (!head->wrong)
    head->wrong = wrong;
}

void head_begin(struct head *head, const struct head_limits *limits, const struct head_line *line,
                bool is_placed) {
  *head = (struct head){.limits = *limits,
                        .http_1_1 = view_is(line->version, "HTTP/1.1"),
                        .is_placed = is_placed,
                        .uri = line->target.length,
                        .begin = line->method.at,
                        .at = behind(line->version)};
  note(head, wrong_in_line(line));
  if (is_placed && !line_is_placed(line))
    note(head, hidden);
}

static void count(struct head *head, struct view name, struct view value) {
  head->count++;
  head->bytes += name.length + value.length + sizeof ": \r\n" - 1;
  head->hosts += num_same_word(name, VIEW("Host"));
  head->lengths += num_same_word(name, VIEW("Content-Length"));
  if (num_same_word(name, VIEW("Transfer-Encoding"))) {
    head->codings++;
    head->unknown_codings += !num_same_word(value, VIEW("chunked"));
  }
}

void head_add(struct head *head, struct view name, struct view value) {
  count(head, name, value);
  note(head, wrong_in_field(name, value));
  if (head->is_placed && !follow(head, name, value))
    note(head, hidden);
}

/* True if a proxy in front may see another request: a head that states the length twice, or in a
 * way that HTTP/1.0 does not have, or names two hosts (RFC 9112 3.2, 6.1, 6.3). */
static bool is_ambiguous(const struct head *head) {
  return head->lengths + head->codings > 1 || head->unknown_codings > 0 || head->hosts > 1 ||
         (head->http_1_1 ? head->hosts == 0 : head->codings > 0);
}

static bool check_limits(const struct head *head, struct fault *fault) {
  const struct head_limits *limits = &head->limits;
  if (head->uri > limits->uri)
    return fault_set(
        fault, FAULT_URI_TOO_LONG,
        "the request URI is longer than %zu bytes (server.max_uri); send the parameters as the "
        "body of a POST",
        limits->uri);
  if (head->bytes > limits->headers)
    return fault_set(fault, FAULT_HEADERS_TOO_LARGE,
                     "the request's headers are larger than %zu bytes (server.max_headers)",
                     limits->headers);
  return head->count <= limits->count ||
         fault_set(fault, FAULT_HEADERS_TOO_LARGE,
                   "the request has more than %zu headers (server.max_header_count)",
                   limits->count);
}

bool head_end(const struct head *head, size_t length, struct fault *fault) {
  const char *wrong = head->wrong;
  if (!wrong && head->is_placed && !is_end(head, length))
    wrong = hidden;
  if (wrong)
    return fault_set(fault, FAULT_MALFORMED, "%s", wrong);
  if (!check_limits(head, fault))
    return false;
  return !is_ambiguous(head) ||
         fault_set(fault, FAULT_MALFORMED,
                   "the request must have one Host, and at most one of Content-Length and "
                   "Transfer-Encoding (chunked, which is HTTP/1.1), once");
}

bool head_check_trailer(struct view name, struct view value, struct fault *fault) {
  const char *wrong = wrong_in_field(name, value);
  return !wrong || fault_set(fault, FAULT_MALFORMED, "%s", wrong);
}
