#include "derive/site.h"

#include "base/num.h"
#include "derive/pattern.h"

static bool is_label_char(char c) {
  return num_is_alpha(c) || num_is_digit(c) || c == '-' || c == '_';
}

static bool is_label(struct view label) {
  for (size_t i = 0; i < label.length; i++)
    if (!is_label_char(label.at[i]))
      return false;
  return label.length > 0;
}

static bool is_name(struct view name) {
  struct view label;
  while (view_split(&name, '.', &label))
    if (!is_label(label))
      return false;
  return true;
}

static bool has_letter(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if (num_is_alpha(text.at[i]))
      return true;
  return false;
}

bool site_is_domain(struct view domain) {
  for (size_t i = 0; i < domain.length; i++)
    if (num_lower(domain.at[i]) != domain.at[i] || domain.at[i] == '_')
      return false;
  return memchr(domain.at, '.', domain.length) && is_name(domain) && has_letter(domain);
}

static bool take_scheme(struct view *rest) {
  static const struct view schemes[] = {VIEW("http://"), VIEW("https://")};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (num_same_word(view_first(*rest, schemes[i].length), schemes[i])) {
      *rest = view_from(*rest, schemes[i].length);
      return true;
    }
  return false;
}

static void skip_port(struct view *rest) {
  if (view_starts(*rest, VIEW(":")))
    do
      *rest = view_from(*rest, 1);
    while (rest->length && num_is_digit(rest->at[0]));
}

/* True if the parts of a URL behind its host are read in one way. Some readers look for "@" first,
 * and some take a backslash for a slash. */
static bool is_plain_rest(struct view rest) {
  bool is_path = rest.length == 0 || rest.at[0] == '/';
  bool is_query = rest.length > 0 && (rest.at[0] == '?' || rest.at[0] == '#');
  return is_path || (is_query && !memchr(rest.at, '@', rest.length));
}

/* False: readers of URLs may differ about the host. */
static bool find_host(struct view url, struct view *host) {
  if (!take_scheme(&url))
    return false;
  size_t length = 0;
  while (length < url.length && (is_label_char(url.at[length]) || url.at[length] == '.'))
    length++;
  *host = view_first(url, length);
  url = view_from(url, length);
  skip_port(&url);
  return is_name(*host) && is_plain_rest(url);
}

static bool ends_with(struct view text, struct view end) {
  return text.length >= end.length && view_equal(view_from(text, text.length - end.length), end);
}

static bool may_end_with(struct view text, struct view end) {
  return text.length >= end.length && num_same_word(view_from(text, text.length - end.length), end);
}

/* The part of `host` in front of `domain`, without the dot between them. */
static struct view part_before(struct view host, struct view domain) {
  return view_first(host, host.length - domain.length - 1);
}

/* `domain` is where the host ends, in this case of letters. */
static bool is_certainly_below(struct view domain, struct view host) {
  if (host.length < domain.length + 2 || host.at[host.length - domain.length - 1] != '.')
    return false;
  return !num_same_word(part_before(host, domain), VIEW("www"));
}

/* A host that is not plain may be percent-encoded, or be the letters that an A-label stands for. */
static bool may_hold(struct view domain, struct view url) {
  return memchr(url.at, '%', url.length) || memmem(domain.at, domain.length, "xn--", 4) ||
         pattern_may_occur(domain, url);
}

enum truth site_is_below(struct view domain, struct view url) {
  struct view host;
  if (!find_host(url, &host))
    return truth_unless(url.length > 0 && may_hold(domain, url));
  if (ends_with(host, domain) && is_certainly_below(domain, host))
    return TRUTH_TRUE;
  return truth_unless(may_end_with(host, domain));
}

bool site_implies(struct view domain, struct view above) {
  if (view_starts(domain, VIEW("www.")) || !ends_with(domain, above))
    return false;
  return is_certainly_below(above, domain);
}
