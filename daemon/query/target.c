#include "query/target.h"

#include "base/num.h"
#include "query/limits.h"

#include <idn2.h>

struct scheme {
  struct view text;
  struct view port; /* the one that goes without saying */
};

/* The last one always fits. */
static const struct scheme schemes[] = {
    {VIEW("http://"), VIEW("80")},
    {VIEW("https://"), VIEW("443")},
    {VIEW(""), VIEW("80")},
};

struct parts {
  const struct scheme *scheme;
  struct view host; /* an IPv6 literal with its brackets */
  struct view port; /* empty: none */
  struct view path; /* with query and fragment */
};

static bool has_blank_or_control(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
      return true;
  return false;
}

static const struct scheme *find_scheme(struct view target) {
  const struct scheme *scheme = schemes;
  while (!num_same_word(view_first(target, scheme->text.length), scheme->text))
    scheme++;
  return scheme;
}

/* How many bytes of `text` stand before the first that is in `stops`. */
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

/* Also the end of user information: what stands before "@" is no host, or what follows no port. */
static bool split_authority(struct view authority, struct parts *parts) {
  size_t length = span_until(authority, ":");
  if (authority.length && authority.at[0] == '[') {
    length = span_until(authority, "]");
    length += length < authority.length;
  }
  parts->host = view_first(authority, length);
  struct view behind = view_from(authority, length);
  if (behind.length == 0)
    return true;
  parts->port = view_from(behind, 1);
  return behind.at[0] == ':' && is_port(parts->port);
}

static bool split(struct view target, struct parts *parts) {
  *parts = (struct parts){.scheme = find_scheme(target)};
  struct view rest = view_from(target, parts->scheme->text.length);
  size_t length = span_until(rest, "/?#");
  parts->path = view_from(rest, length);
  if (!split_authority(view_first(rest, length), parts))
    return false;
  if (view_equal(parts->port, parts->scheme->port))
    parts->port = (struct view){0};
  return true;
}

static bool is_ascii(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if ((unsigned char)text.at[i] > 0x7f)
      return false;
  return true;
}

static void add_lower(struct text *out, struct view text) {
  for (size_t i = 0; i < text.length; i++)
    text_add_char(out, num_lower(text.at[i]));
}

#define CAPITAL_SHARP_S "\xe1\xba\x9e" /* U+1E9E */

/* `host` as A-labels. Non-transitional, because transitional processing maps four characters that
 * IDNA 2008 allows in names of their own (German sharp s, Greek final sigma, the two joiners) and
 * so takes faß.de, registered by one, for fass.de, registered by another. What non-transitional
 * processing maps (case, width, composition) no registered name contains, so no two hosts meet; but
 * tables before Unicode 15.1 take the capital sharp s for "ss", so that one stays as it came. */
static bool add_a_labels(struct text *out, struct view host) {
  if (host.length > QUERY_IDN_MAX)
    return false;
  scope_text struct text terminated = {0};
  text_add(&terminated, host);
  const char *input = text_string(&terminated);
  if (strstr(input, CAPITAL_SHARP_S))
    return false;
  uint8_t *labels = NULL;
  int result = text_ok(&terminated) ? idn2_lookup_u8((const uint8_t *)input, &labels,
                                                     IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)
                                    : IDN2_MALLOC;
  if (result == IDN2_OK)
    add_lower(out, view_of((const char *)labels));
  if (result == IDN2_MALLOC)
    out->failed = true; /* which does not mean that it is no host */
  idn2_free(labels);
  return result == IDN2_OK;
}

static bool is_label(struct view label) {
  for (size_t i = 0; i < label.length; i++) {
    char c = label.at[i];
    if (!num_is_alpha(c) && !num_is_digit(c) && c != '-' && c != '_')
      return false;
  }
  return label.length > 0 && label.length <= QUERY_LABEL_MAX;
}

static bool is_name(struct view host) {
  if (host.length == 0 || host.length > QUERY_HOST_MAX)
    return false;
  struct view label;
  while (view_split(&host, '.', &label))
    if (!is_label(label))
      return false;
  return true;
}

static bool is_literal(struct view host) {
  if (host.length < 3 || host.at[host.length - 1] != ']')
    return false;
  for (size_t i = 1; i < host.length - 1; i++)
    if (num_hex_digit(host.at[i]) < 0 && host.at[i] != ':' && host.at[i] != '.')
      return false;
  return true;
}

/* `host` is an empty text. */
static bool normalize_host(struct view raw, struct text *host) {
  if (raw.length && raw.at[0] == '[') {
    add_lower(host, raw);
    return is_literal(raw);
  }
  if (is_ascii(raw))
    add_lower(host, raw);
  else if (!add_a_labels(host, raw))
    return false;
  if (host->length && host->at[host->length - 1] == '.')
    host->at[--host->length] = '\0';
  return is_name(text_view(host));
}

static void add_authority(struct text *out, const struct text *host, struct view port) {
  text_add(out, text_view(host));
  if (port.length)
    text_add_char(out, ':');
  text_add(out, port);
}

static bool is_of_host(enum query_mode mode) {
  return mode == QUERY_DOMAIN || mode == QUERY_SUBDOMAINS;
}

bool target_normalize(struct view target, enum query_mode mode, struct text *out) {
  scope_text struct text host = {0};
  struct parts parts;
  if (mode == QUERY_MODE_UNKNOWN || has_blank_or_control(target) || !split(target, &parts))
    return false;
  bool is_host = normalize_host(parts.host, &host);
  if (!text_ok(&host))
    out->failed = true;
  if (!is_host || !text_ok(out))
    return false;
  if (is_of_host(mode)) {
    /* https://example.com:80: without its scheme this port would go without saying. */
    if (view_is(parts.port, "80"))
      return false;
    add_authority(out, &host, parts.port);
    return true;
  }
  text_add(out, parts.scheme->text);
  add_authority(out, &host, parts.port);
  if (mode == QUERY_EXACT && !view_starts(parts.path, VIEW("/")))
    text_add_char(out, '/');
  text_add(out, parts.path);
  return true;
}

struct view target_host(struct view normal) {
  struct parts parts;
  return split(normal, &parts) ? parts.host : VIEW("");
}
