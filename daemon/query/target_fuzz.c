/* Fuzz target: a target, and the same bytes as a host. */
#include "base/num.h"
#include "query/host.h"
#include "query/limits.h"
#include "query/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_capitals(struct text *out, struct view text) {
  for (size_t i = 0; i < text.length; i++)
    text_add_char(out,
                  text.at[i] >= 'a' && text.at[i] <= 'z' ? text.at[i] - 'a' + 'A' : text.at[i]);
}

static void check_host_is(struct view raw, struct view host) {
  scope_text struct text again = {0};
  CHECK(host_normalize(raw, &again, NULL) && view_equal(text_view(&again), host));
}

static void check_letters(struct view host) {
  CHECK(host.length > 0 && (host.length <= QUERY_HOST_MAX || host.at[0] == '['));
  for (size_t i = 0; i < host.length; i++)
    CHECK(host.at[i] > ' ' && host.at[i] < 0x7f && host.at[i] == num_lower(host.at[i]));
}

/* A host in its one spelling gives itself, in capitals too, and with a dot at its end. */
static void check_host(struct view raw) {
  scope_text struct text host = {0}, other = {0};
  CHECK(host_normalize(raw, &host, NULL));
  if (!host.length)
    return;
  check_letters(text_view(&host));
  check_host_is(text_view(&host), text_view(&host));
  add_capitals(&other, text_view(&host));
  check_host_is(text_view(&other), text_view(&host));
  text_add_char(&other, '.');
  if (host.at[0] != '[')
    check_host_is(text_view(&other), text_view(&host));
}

/* True if `text`, in its one spelling, is `raw` but for its beginning, where scheme and host are.
 */
static bool ends_alike(struct view text, struct view raw, struct view host) {
  const char *behind = host.at + host.length;
  size_t length = (size_t)(text.at + text.length - behind);
  return raw.length >= length && memcmp(raw.at + raw.length - length, behind, length) == 0;
}

static void check_target(struct view raw) {
  scope_text struct text target = {0}, again = {0};
  CHECK(target_normalize(raw, &target, NULL));
  if (!target.length)
    return;
  CHECK(target_normalize(text_view(&target), &again, NULL));
  CHECK(view_equal(text_view(&again), text_view(&target)));
  struct view host = target_host(text_view(&target), QUERY_EXACT);
  check_letters(host);
  check_host_is(host, host);
  CHECK(ends_alike(text_view(&target), raw, host));
  struct view domain = target_host(text_view(&target), QUERY_DOMAIN);
  CHECK(domain.length == 0 || view_equal(domain, host));
  CHECK(target_host(text_view(&target), QUERY_MODE_UNKNOWN).length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view raw = {size ? (const char *)data : "", size};
  check_host(raw);
  check_target(raw);
  return 0;
}
