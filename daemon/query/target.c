#include "query/target.h"

#include "base/num.h"
#include "query/host.h"

/* The last one matches every target. */
static const struct view schemes[] = {VIEW("http://"), VIEW("https://"), VIEW("")};

struct parts {
  struct view scheme; /* in lower case */
  struct view host;   /* an IPv6 literal with its brackets */
  struct view behind; /* port, path, query, fragment */
};

static bool has_blank_or_control(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
      return true;
  return false;
}

static struct view find_scheme(struct view target) {
  const struct view *scheme = schemes;
  while (!num_same_word(view_first(target, scheme->length), *scheme))
    scheme++;
  return *scheme;
}

/* The number of bytes of `text` before the first one that is in `stops`. */
static size_t span_until(struct view text, const char *stops) {
  size_t length = 0;
  while (length < text.length && (text.at[length] == '\0' || !strchr(stops, text.at[length])))
    length++;
  return length;
}

static bool is_port(struct view port) {
  int64_t number;
  return port.length <= 5 && num_integer(port, &number) && port.at[0] != '0' && number <= 65535;
}

/* False also for user information: its end, "@", is no character of a host or port. */
static bool split_authority(struct view authority, struct view *host) {
  size_t length = span_until(authority, ":");
  if (authority.length && authority.at[0] == '[') {
    length = span_until(authority, "]");
    length += length < authority.length;
  }
  *host = view_first(authority, length);
  struct view behind = view_from(authority, length);
  return behind.length == 0 || (behind.at[0] == ':' && is_port(view_from(behind, 1)));
}

static bool split(struct view target, struct parts *parts) {
  *parts = (struct parts){.scheme = find_scheme(target)};
  struct view rest = view_from(target, parts->scheme.length);
  if (!split_authority(view_first(rest, span_until(rest, "/?#")), &parts->host))
    return false;
  parts->behind = view_from(rest, parts->host.length);
  return true;
}

bool target_normalize(struct view target, struct text *out, struct fault *fault) {
  scope_text struct text host = {0};
  struct parts parts;
  if (has_blank_or_control(target) || !split(target, &parts))
    return true;
  if (!host_normalize(parts.host, &host, fault))
    return false;
  if (host.length) {
    text_add(out, parts.scheme);
    text_add(out, text_view(&host));
    text_add(out, parts.behind);
  }
  return text_ok(out) || fault_no_memory(fault);
}

struct view target_host(struct view normal, enum query_mode mode) {
  struct parts parts;
  if (mode == QUERY_MODE_UNKNOWN || !split(normal, &parts))
    return VIEW("");
  bool is_url = mode == QUERY_EXACT || mode == QUERY_PREFIX;
  bool is_plain = !parts.scheme.length && (!parts.behind.length || parts.behind.at[0] == '/');
  return is_url || is_plain ? parts.host : VIEW("");
}
