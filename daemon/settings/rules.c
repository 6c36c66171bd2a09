/* Rules for the whole configuration: about a value's meaning, and about several values together. */
#include "settings/build.h"

#include "base/num.h"
#include "base/text.h"
#include "settings/address.h"

/* Each is compared with every other, and each costs a socket: more can only be a mistake. */
#define ADDRESSES 64

static bool check_addresses(const struct build *build, enum key key,
                            const struct settings_list *list, struct fault *fault) {
  struct address address;
  struct fault inner;
  if (list->count > ADDRESSES)
    return build_refuse(build, key, fault, "names %zu addresses, and %d is the most", list->count,
                        ADDRESSES);
  for (size_t i = 0; i < list->count; i++)
    if (!address_parse(list->items[i], &address, &inner))
      return build_refuse(build, key, fault, "%s", inner.text);
  return true;
}

static bool rule_server_listen(const struct build *build, struct fault *fault) {
  const struct settings_list *list = &build->settings->server_listen;
  if (list->count == 0)
    return build_refuse(build, KEY_server_listen, fault, "names no address, and needs one");
  return check_addresses(build, KEY_server_listen, list, fault);
}

static bool is_private(const char *text) {
  struct address address;
  return address_parse(text, &address, NULL) &&
         (address.kind == ADDRESS_UNIX || address_is_loopback(&address));
}

bool settings_admin_is_guarded(const struct settings *settings) {
  return *settings->admin_tls_certificate && *settings->admin_token_file;
}

static bool rule_admin_listen(const struct build *build, struct fault *fault) {
  const struct settings_list *list = &build->settings->admin_listen;
  if (!check_addresses(build, KEY_admin_listen, list, fault))
    return false;
  if (settings_admin_is_guarded(build->settings))
    return true;
  for (size_t i = 0; i < list->count; i++)
    if (!is_private(list->items[i]))
      return build_refuse(build, KEY_admin_listen, fault,
                          "'%.*s' can be reached from other machines, and the admin listener asks "
                          "nobody who they are; use 127.0.0.1, [::1], localhost or unix:PATH, or "
                          "set admin.tls_certificate, admin.tls_key and admin.token_file",
                          SHOWN, list->items[i]);
  return true;
}

/* True if the address `text` is among the first `count` of the list. */
static bool listed(const struct settings_list *list, size_t count, const char *text) {
  struct address address, other;
  if (!address_parse(text, &address, NULL))
    return false;
  for (size_t i = 0; i < count; i++)
    if (address_parse(list->items[i], &other, NULL) && address_same(&address, &other))
      return true;
  return false;
}

/* bind(2) would fail, too, but would not name the key. */
static bool rule_listen_once(const struct build *build, struct fault *fault) {
  const struct settings_list *server = &build->settings->server_listen;
  const struct settings_list *admin = &build->settings->admin_listen;
  for (size_t i = 0; i < server->count; i++)
    if (listed(server, i, server->items[i]))
      return build_refuse(build, KEY_server_listen, fault, "'%.*s' stands there twice", SHOWN,
                          server->items[i]);
  for (size_t i = 0; i < admin->count; i++) {
    if (listed(admin, i, admin->items[i]))
      return build_refuse(build, KEY_admin_listen, fault, "'%.*s' stands there twice", SHOWN,
                          admin->items[i]);
    if (listed(server, server->count, admin->items[i]))
      return build_refuse(build, KEY_admin_listen, fault, "'%.*s' is in server.listen, too", SHOWN,
                          admin->items[i]);
  }
  return true;
}

static bool needs_other(const struct build *build, enum key key, const char *value,
                        const char *other, const char *other_name, struct fault *fault) {
  return !*value || *other ||
         build_refuse(build, key, fault, "is set without %s; HTTPS needs both", other_name);
}

static bool rule_tls(const struct build *build, struct fault *fault) {
  const struct settings *s = build->settings;
  return needs_other(build, KEY_tls_certificate, s->tls_certificate, s->tls_key, "server.tls_key",
                     fault) &&
         needs_other(build, KEY_tls_key, s->tls_key, s->tls_certificate, "server.tls_certificate",
                     fault) &&
         needs_other(build, KEY_admin_tls_certificate, s->admin_tls_certificate, s->admin_tls_key,
                     "admin.tls_key", fault) &&
         needs_other(build, KEY_admin_tls_key, s->admin_tls_key, s->admin_tls_certificate,
                     "admin.tls_certificate", fault);
}

static bool is_host(struct view host) {
  char text[64] = "";
  struct address address;
  if (host.length && host.at[0] == '[' && host.length + sizeof ":0" <= sizeof text) {
    memcpy(text, host.at, host.length);
    memcpy(text + host.length, ":0", sizeof ":0");
    return address_parse(text, &address, NULL);
  }
  for (size_t i = 0; i < host.length; i++) {
    char c = host.at[i];
    if (!num_is_digit(c) && !num_is_alpha(c) && !strchr(".-_", c))
      return false;
  }
  return host.length && (num_is_digit(host.at[0]) || num_is_alpha(host.at[0]));
}

/* "host", "host:port", "[IPv6]", "[IPv6]:port". */
static bool is_authority(struct view text) {
  size_t end = text.length;
  while (end > 0 && num_is_digit(text.at[end - 1]))
    end--;
  if (end == 0 || text.at[end - 1] != ':')
    return is_host(text);
  int64_t port;
  return num_integer(view_from(text, end), &port) && port >= 1 && port <= 65535 &&
         is_host(view_first(text, end - 1));
}

/* The part of the URL after http:// or https://; {0} for any other scheme. */
static struct view behind_scheme(struct view url) {
  static const struct view schemes[] = {VIEW("http://"), VIEW("https://")};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (num_same_word(view_first(url, schemes[i].length), schemes[i]))
      return view_from(url, schemes[i].length);
  return (struct view){0};
}

/* No name is looked up, so localhost is the only name that counts. */
static bool is_this_machine(struct view rest) {
  scope_text struct text text = {0};
  struct address address;
  struct view authority = VIEW("");
  view_split(&rest, '/', &authority);
  text_printf(&text, "%.*s", VIEW_ARGS(authority));
  if (address_parse(text_string(&text), &address, NULL))
    return address_is_loopback(&address);
  text_add(&text, VIEW(":0"));
  return address_parse(text_string(&text), &address, NULL) && address_is_loopback(&address);
}

bool settings_upstream_is_exposed(const struct settings *settings) {
  static const struct view plain = VIEW("http://");
  struct view url = view_of(settings->upstream_url);
  return num_same_word(view_first(url, plain.length), plain) &&
         !is_this_machine(view_from(url, plain.length));
}

/* Graphic ASCII: anything else in a URL is percent-encoded. */
static bool is_path(struct view path) {
  for (size_t i = 0; i < path.length; i++)
    if (path.at[i] <= ' ' || path.at[i] > '~' || path.at[i] == '\\')
      return false;
  return true;
}

static bool is_url(struct view url) {
  struct view path = behind_scheme(url), authority;
  return view_split(&path, '/', &authority) && is_authority(authority) && is_path(path);
}

/* The text around '@', '?' and '#' may be a secret, so that fault does not repeat the URL. */
static bool rule_url(const struct build *build, struct fault *fault) {
  const char *url = build->settings->upstream_url;
  if (strpbrk(url, "@?#"))
    return build_refuse(build, KEY_upstream_url, fault,
                        "has a '@', '?' or '#'; write the URL without user, query and fragment");
  if (!is_url(view_of(url)))
    return build_refuse(build, KEY_upstream_url, fault,
                        "'%.*s' is no URL; write http:// or https://, a host and perhaps a path",
                        SHOWN, url);
  return true;
}

/* A domain may have letters beyond ASCII, as its owner writes them. */
static bool is_domain(const char *text) {
  for (const char *c = text; *c; c++)
    if (!num_is_digit(*c) && !num_is_alpha(*c) && !strchr(".-_", *c) && (unsigned char)*c < 0x80)
      return false;
  return strcmp(text, "none") != 0;
}

static bool rule_free_targets(const struct build *build, struct fault *fault) {
  const struct settings_list *list = &build->settings->free_targets;
  for (size_t i = 0; i < list->count; i++)
    if (!is_domain(list->items[i]))
      return build_refuse(build, KEY_free_targets, fault,
                          "'%.*s' is no domain; write it alone, such as ahrefs.com", SHOWN,
                          list->items[i]);
  return true;
}

/* A single body must fit. */
static bool rule_bodies(const struct build *build, struct fault *fault) {
  const struct settings *s = build->settings;
  return s->max_bodies >= s->max_body ||
         build_refuse(build, KEY_max_bodies, fault, "is less than server.max_body");
}

/* In this order: each may rely on the rules before it. */
static bool (*const rules[])(const struct build *build, struct fault *fault) = {
    rule_server_listen, rule_admin_listen, rule_listen_once, rule_tls,
    rule_url,           rule_free_targets, rule_bodies,
};

bool rules_keep(const struct build *build, struct fault *fault) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (!rules[i](build, fault))
      return false;
  return true;
}
