/* The configuration. Arguments: conf/rowcached.conf and daemon/man/rowcached.conf.5; without them
 * the checks of these two are skipped. */
#include "settings/settings.h"

#include "base/scope.h"
#include "base/text.h"
#include "settings/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka needs those above. */
#include "unit/fixture/unit.h"

#define scope_settings __attribute__((cleanup(settings_release)))

static const char *sample_path, *manual_path;

static const struct declared {
  const char *section, *key, *name, *field, *initial, *least, *most, *help;
  bool restart;
} declared[] = {
#define NOW false
#define RESTART true
#define SETTING(section, key, type, field, initial, least, most, reload, help) \
  {#section, #key, #section "." #key, #field, initial, least, most, help, reload},
#include "tables/settings.def"
#undef SETTING
#undef NOW
#undef RESTART
};

static struct settings *must_parse(const char *text) {
  struct settings *settings;
  struct fault fault;
  if (!settings_parse("x.conf", view_of(text), NULL, 0, &settings, &fault))
    fail_msg("%s\n%s", text, fault.text);
  return settings;
}

static struct settings *must_override(const char *override) {
  struct settings *settings;
  struct fault fault;
  struct settings_override one = {override};
  if (!settings_parse("x.conf", VIEW(""), &one, 1, &settings, &fault))
    fail_msg("%s\n%s", override, fault.text);
  return settings;
}

/* The contract's table, by hand. */
static void defaults(void **state) {
  (void)state;
  scope_settings struct settings *s = must_parse("");
  assert_int_equal(s->server_listen.count, 1);
  assert_string_equal(s->server_listen.items[0], "127.0.0.1:8080");
  assert_string_equal(s->tls_certificate, "");
  assert_string_equal(s->tls_key, "");
  assert_int_equal(s->admin_listen.count, 1);
  assert_string_equal(s->admin_listen.items[0], "127.0.0.1:8081");
  assert_int_equal(s->upstream_api, UPSTREAM_API_V2);
  assert_string_equal(s->upstream_url, "https://apiv2.ahrefs.com/");
  assert_int_equal(s->max_rows, 0);
  assert_int_equal(s->requests_per_minute, 60);
  assert_int_equal(s->tariff_other_units.whole, 5000);
  assert_int_equal(s->connect_timeout, 10);
  assert_int_equal(s->stall_timeout, 60);
  assert_string_equal(s->state_directory, "");
  assert_int_equal(s->ttl, 24 * 3600);
  assert_int_equal(s->stale_if_error, 7 * 24 * 3600);
  assert_int_equal(s->stale_while_revalidate, 0);
  assert_int_equal(s->cache_max_size, INT64_C(2) << 30);
  assert_int_equal(s->tables_other, TABLES_OTHER_FORWARD);
  assert_int_equal(s->access_mode, ACCESS_MODE_VERIFY);
  assert_int_equal(s->log_requests, LOG_REQUESTS_SPENDING);
  assert_int_equal(s->tariff_request.tenths, 10);
  assert_int_equal(s->tariff_result.tenths, 2);
  assert_int_equal(s->tariff_where.tenths, 50);
  assert_int_equal(s->tariff_having.tenths, 50);
  assert_int_equal(s->free_targets.count, 0);
  assert_int_equal(s->tariff_offset.tenths, 0);
  assert_int_equal(s->tariff_other_request.tenths, 10);
  assert_int_equal(s->tariff_other_result.tenths, 10);
}

/* The default of the URL follows the API; a URL that is written holds. */
static void the_api_decides_the_default_url(void **state) {
  (void)state;
  static const struct {
    const char *text, *url;
  } cases[] = {
      {"", "https://apiv2.ahrefs.com/"},
      {"[upstream]\napi = v2", "https://apiv2.ahrefs.com/"},
      {"[upstream]\napi = v3", "https://api.ahrefs.com/v3"},
      {"[upstream]\napi = v3\nurl = http://[::1]:1/v3", "http://[::1]:1/v3"},
      {"[upstream]\nurl = https://apiv2.ahrefs.com/\napi = v3", "https://apiv2.ahrefs.com/"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    scope_settings struct settings *settings = must_parse(cases[i].text);
    assert_string_equal(settings->upstream_url, cases[i].url);
  }
  scope_settings struct settings *overridden = must_override("upstream.api=v3");
  assert_string_equal(overridden->upstream_url, "https://api.ahrefs.com/v3");
}

/* Lists, texts and choices have none. */
static void bounds_can_be_set(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(declared); i++) {
    const char *const bounds[] = {declared[i].least, declared[i].most};
    for (size_t j = 0; j < COUNT(bounds) && *bounds[j]; j++) {
      scope_text struct text text = {0};
      text_printf(&text, "%s=%s", declared[i].name, bounds[j]);
      scope_settings struct settings *settings = must_override(text_string(&text));
      assert_non_null(settings);
    }
  }
}

/* Each word of the table sets the constant beside it. */
static void each_choice_can_be_set(void **state) {
  (void)state;
  static const struct {
    const char *field, *word;
    enum choice choice;
    size_t offset;
  } choices[] = {
#define CHOICE(field, name, word) {#field, word, name, offsetof(struct settings, field)},
#include "tables/choices.def"
#undef CHOICE
  };
  for (size_t i = 0; i < COUNT(choices); i++)
    for (size_t j = 0; j < COUNT(declared); j++) {
      if (strcmp(declared[j].field, choices[i].field) != 0)
        continue;
      scope_text struct text text = {0};
      text_printf(&text, "%s=%s", declared[j].name, choices[i].word);
      scope_settings struct settings *settings = must_override(text_string(&text));
      assert_int_equal(*(enum choice *)((char *)settings + choices[i].offset), choices[i].choice);
    }
}

struct good {
  const char *text;
  const char *same_as; /* the override that says the same */
};

static const struct good goods[] = {
    {"[cache]\nttl = 48h", "cache.ttl=2d"},
    {"[cache]\nttl=2d\n", "cache.ttl=2d"},
    {"[cache]\nttl: 2d\n", "cache.ttl=2d"},
    {"[cache]\r\nttl = 2d\r\n", "cache.ttl=2d"},
    {"\xef\xbb\xbf[cache]\nttl = 2d\n", "cache.ttl=2d"},
    {"# x\n; y\n  ; z\n\n \t\n[cache] ; c\n#\nttl = 2d ; c\n;ttl = 3d\n", "cache.ttl=2d"},
    {"[cache]\nttl = 0\n", "cache.ttl=0s"},
    {"[cache]\nttl = 2d\n[admin]\n[cache]\nmax_size = 1GiB", "cache.ttl=2d"},
    {"[tables]\nother = refuse", "tables.other = refuse"},
    {"[tariff]\nresult = 0.5", "tariff.result=0.5"},
    {"[server]\nthreads = 256", " server.threads = 256 "},
    {"[upstream]\nurl = http://[::1]:8000/a", "upstream.url=http://[::1]:8000/a"},
    {"[upstream]\nurl = HTTP://x", "upstream.url=HTTP://x"},
    {"[state]\ndirectory = /srv/a=b: \xc3\xa4", "state.directory=/srv/a=b: \xc3\xa4"},
    {"[admin]\nlisten = none", "admin.listen=none"},
    {"[admin]\nlisten =", "admin.listen="},
    {"[tariff]\nfree_targets = a.com, b.com", "tariff.free_targets=a.com,b.com"},
    {"[tariff]\nfree_targets = a.com,\n  b.com", "tariff.free_targets=a.com,b.com"},
    {"[tariff]\nfree_targets = a.com\n\n# c\n\tb.com\n", "tariff.free_targets=a.com,b.com"},
    {"[tariff]\nfree_targets =\n a.com,\n b.com,\n", "tariff.free_targets=a.com,b.com"},
    {"[server]\nlisten = 0.0.0.0:80,\n  [::1]:80", "server.listen=0.0.0.0:80,[::1]:80"},
};

static bool same_list(const struct settings_list *a, const struct settings_list *b) {
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i], b->items[i]) != 0)
      return false;
  return true;
}

static bool same(const struct settings *a, const struct settings *b) {
  return same_list(&a->server_listen, &b->server_listen) &&
         same_list(&a->admin_listen, &b->admin_listen) &&
         same_list(&a->free_targets, &b->free_targets) && a->ttl == b->ttl &&
         a->tables_other == b->tables_other && a->tariff_result.tenths == b->tariff_result.tenths &&
         a->server_threads == b->server_threads && !strcmp(a->upstream_url, b->upstream_url) &&
         !strcmp(a->state_directory, b->state_directory);
}

static void good(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(goods); i++) {
    scope_settings struct settings *from_text = must_parse(goods[i].text);
    scope_settings struct settings *from_override = must_override(goods[i].same_as);
    if (!same(from_text, from_override))
      fail_msg("%s", goods[i].text);
  }
}

#define K10 "aaaaaaaaaa"
#define K100 K10 K10 K10 K10 K10 K10 K10 K10 K10 K10

/* A text, and how its fault begins. */
static const struct bad {
  const char *text, *fault;
} bads[] = {
    {"\n[cache]\n\nttl = 24 hours\n",
     "x.conf:4: cache.ttl: '24 hours' is no duration; write a whole number and one of s, m, h, d, "
     "such as 24h"},
    {"[cache]\nttl =", "x.conf:2: cache.ttl: '' is no duration"},
    {"[cache]\nttl = 24h # a day", "x.conf:2: cache.ttl: '24h # a day' is no duration"},
    {"[cache]\nttl = 3651d", "x.conf:2: cache.ttl: '3651d' is more than the most, 3650d"},
    {"[server]\nidle_timeout = 0", "x.conf:2: server.idle_timeout: '0' is less than the least, 1s"},
    {"[cache]\nmax_size = 2 GB",
     "x.conf:2: cache.max_size: '2 GB' is no size; write a whole number and one of B, KiB, MiB"},
    {"[server]\nthreads = four",
     "x.conf:2: server.threads: 'four' is no whole number; write a whole number, such as 64"},
    {"[server]\nthreads = -1", "x.conf:2: server.threads: '-1' is no whole number"},
    {"[tariff]\nresult = 0.25",
     "x.conf:2: tariff.result: '0.25' is no number of rows; write a whole number, or one with one "
     "decimal, such as 0.2"},
    {"[tariff]\nresult = 1000000.1", "x.conf:2: tariff.result: '1000000.1' is more than the most"},
    {"[tables]\nother = Refuse", "x.conf:2: tables.other: 'Refuse' is none of 'forward', 'refuse'"},
    /* names */
    {"[cache]\ntll = 1h", "x.conf:2: cache.tll: there is no such key; did you mean cache.ttl?"},
    {"[server]\nttl = 1h", "x.conf:2: server.ttl: there is no such key; did you mean cache.ttl?"},
    {"[cache]\nTTL = 1h", "x.conf:2: cache.TTL: there is no such key; did you mean cache.ttl?"},
    {"[cache]\nzzzzzzzz = 1h", "x.conf:2: cache.zzzzzzzz: there is no such key"},
    {"[cache]\n= 1h", "x.conf:2: cache.: there is no such key"},
    {"[cashe]\n", "x.conf:1: [cashe]: there is no such section; did you mean [cache]?"},
    {"[ cache ]\n", "x.conf:1: [ cache ]: there is no such section"},
    {"[]\n", "x.conf:1: []: there is no such section"},
    {"[" K100 "]\n", "x.conf:1: [" K10 K10 K10 K10 K10 K10 K10 K10 "]: there is no such section"},
    {"ttl = 1h\n", "x.conf:1: ttl: stands before any section"},
    {"[cache]\nttl = 1h\n[cache]\nttl = 2h\n",
     "x.conf:4: cache.ttl: is given twice; the first is in line 2"},
    /* syntax */
    {"[cache]\nttl\n", "x.conf:2: neither [section] nor key = value nor a comment"},
    {"[cache]\nttl ; = 1h\n", "x.conf:2: neither [section] nor key = value nor a comment"},
    {"[cache\nttl = 1h\n", "x.conf:1: a section without ']'"},
    {"[cache] ttl = 1h\n", "x.conf:1: something stands behind [section]"},
    {"[cache] # c\n", "x.conf:1: something stands behind [section]"},
    {"[cache]\n  ttl = 1h\n", "x.conf:2: the line is indented"},
    {"  [cache]\nttl = 1h\n", "x.conf:1: the line is indented"},
    {"[cache]\nttl = 1h\n[cache]\n  1d\n", "x.conf:4: the line is indented"},
    {"[cache]\nttl = 1h\n  max_size = 1GiB\n", "x.conf:3: cache.ttl: an indented line goes on"},
    {"[cache]\nttl = 1h\x1b[0m\n", "x.conf:2: the line holds a control character"},
    {"[cache]\rttl = 1h\r", "x.conf:1: the line holds a control character"},
    {"[state]\ndirectory = /" K100 K100 "\n",
     "x.conf:2: the line has 213 bytes, and 198 is the most; a list may go on in the next line"},
    {"# " K100 K100 "\n", "x.conf:1: the line has 202 bytes"},
    /* the first fault in the text is told, whatever finds it */
    {"[cache]\nttl\nttl = x\n", "x.conf:2: neither"},
    {"[cache]\nttl = x\nttl\n", "x.conf:2: cache.ttl: 'x'"},
    {"[cache]\nttl\n[cashe]\n", "x.conf:2: neither"},
    {"[upstream]\nurl = x\n[cache]\nttl = x\n", "x.conf:4: cache.ttl: 'x'"},
    /* lists */
    {"[tariff]\nfree_targets = a.com,,b.com",
     "x.conf:2: tariff.free_targets: the list has an empty"},
    {"[tariff]\nfree_targets = ,", "x.conf:2: tariff.free_targets: the list has an empty entry"},
    {"[tariff]\nfree_targets = a.com\n  ,b.com", "x.conf:3: tariff.free_targets: the list has an"},
    {"[tariff]\nfree_targets = a.com\n  request = 5",
     "x.conf:2: tariff.free_targets: 'request = 5' is no domain"},
    {"[tariff]\nfree_targets = https://a.com/",
     "x.conf:2: tariff.free_targets: 'https://a.com/' is no domain; write it alone"},
    /* inih takes no comment behind an indented line; it must not pass for a value */
    {"[tariff]\nfree_targets = a.com\n  b.com ; c",
     "x.conf:2: tariff.free_targets: 'b.com ; c' is no domain"},
    {"[tariff]\nfree_targets = none, a.com", "x.conf:2: tariff.free_targets: 'none' is no domain"},
    /* addresses */
    {"[server]\nlisten =", "x.conf:2: server.listen: names no address, and needs one"},
    {"[server]\nlisten = none", "x.conf:2: server.listen: names no address, and needs one"},
    {"[server]\nlisten = 127.0.0.1:80, 8080",
     "x.conf:2: server.listen: '8080' is no address; write ADDRESS:PORT, [IPv6]:PORT or unix:PATH"},
    {"[server]\nlisten = 127.0.0.1:80,127.0.0.1:80",
     "x.conf:2: server.listen: '127.0.0.1:80' stands there twice"},
    {"[admin]\nlisten = 127.0.0.1:80,localhost:80",
     "x.conf:2: admin.listen: 'localhost:80' stands there twice"},
    {"[admin]\nlisten = localhost:8080",
     "x.conf:2: admin.listen: 'localhost:8080' is in server.listen, too"},
    {"[admin]\nlisten = none, 127.0.0.1:1", "x.conf:2: admin.listen: 'none' is no address"},
    {"[admin]\nlisten = 0.0.0.0:8081",
     "x.conf:2: admin.listen: '0.0.0.0:8081' can be reached from other machines, and the admin "
     "listener asks nobody who they are; use 127.0.0.1, [::1], localhost or unix:PATH, or set "
     "admin.tls_certificate, admin.tls_key and admin.token_file"},
    {"[admin]\nlisten = 0.0.0.0:1\ntls_certificate = c\ntls_key = k",
     "x.conf:2: admin.listen: '0.0.0.0:1' can be"},
    {"[admin]\nlisten = 0.0.0.0:1\ntoken_file = /t", "x.conf:2: admin.listen: '0.0.0.0:1' can be"},
    {"[admin]\nlisten = 127.0.0.1:1, [::]:8081", "x.conf:2: admin.listen: '[::]:8081' can be"},
    {"[admin]\nlisten = 10.0.0.1:8081", "x.conf:2: admin.listen: '10.0.0.1:8081' can be"},
    /* TLS */
    {"[server]\ntls_key = k", "x.conf:2: server.tls_key: is set without server.tls_certificate;"},
    {"[server]\nmax_body = 2MiB\nmax_bodies = 1MiB",
     "x.conf:3: server.max_bodies: is less than server.max_body"},
    {"[admin]\ntls_key = k", "x.conf:2: admin.tls_key: is set without admin.tls_certificate;"},
    {"[server]\n\ntls_certificate = c",
     "x.conf:3: server.tls_certificate: is set without server.tls_key; HTTPS needs both"},
    /* URL */
    {"[upstream]\nurl =",
     "x.conf:2: upstream.url: '' is no URL; write http:// or https://, a host"},
    {"[upstream]\napi = v4", "x.conf:2: upstream.api: 'v4' is none of 'v2', 'v3'"},
    {"[upstream]\nrequests_per_minute = 1001",
     "x.conf:2: upstream.requests_per_minute: '1001' is more than the most, 1000"},
    {"[tariff]\nother_units = 0.5",
     "x.conf:2: tariff.other_units: '0.5' is no number of units; write a whole number, such as "
     "5000"},
    {"[upstream]\nurl = ftp://x/", "x.conf:2: upstream.url: 'ftp://x/' is no URL"},
    {"[upstream]\nurl = //x/", "x.conf:2: upstream.url: '//x/' is no URL"},
    {"[upstream]\nurl = http://", "x.conf:2: upstream.url: 'http://' is no URL"},
    {"[upstream]\nurl = http:///a", "x.conf:2: upstream.url: 'http:///a' is no URL"},
    {"[upstream]\nurl = http://:80/", "x.conf:2: upstream.url: 'http://:80/' is no URL"},
    {"[upstream]\nurl = http://x:0/", "x.conf:2: upstream.url: 'http://x:0/' is no URL"},
    {"[upstream]\nurl = http://x:/", "x.conf:2: upstream.url: 'http://x:/' is no URL"},
    {"[upstream]\nurl = http://x:65536/", "x.conf:2: upstream.url: 'http://x:65536/' is no URL"},
    {"[upstream]\nurl = http://x y/", "x.conf:2: upstream.url: 'http://x y/' is no URL"},
    {"[upstream]\nurl = http://x/a b", "x.conf:2: upstream.url: 'http://x/a b' is no URL"},
    {"[upstream]\nurl = http://[::1/", "x.conf:2: upstream.url: 'http://[::1/' is no URL"},
    {"[upstream]\nurl = http://[x]/", "x.conf:2: upstream.url: 'http://[x]/' is no URL"},
    {"[upstream]\nurl = http://user:secret@x/", "x.conf:2: upstream.url: has a '@', '?' or '#'"},
    {"[upstream]\nurl = http://x/?token=secret", "x.conf:2: upstream.url: has a '@', '?' or '#'"},
    {"[upstream]\nurl = http://x/#a", "x.conf:2: upstream.url: has a '@', '?' or '#'"},
};

static void check_fault(bool ok, struct settings *settings, const struct fault *fault,
                        const char *what, const char *beginning) {
  if (ok)
    fail_msg("taken: %s", what);
  assert_null(settings);
  assert_int_equal(fault->kind, FAULT_MALFORMED);
  assert_null(strstr(fault->text, "secret"));
  if (!view_starts(view_of(fault->text), view_of(beginning)))
    fail_msg("%s\ngave     %s\nwanted   %s", what, fault->text, beginning);
}

static void bad(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bads); i++) {
    struct settings *settings;
    struct fault fault;
    bool ok = settings_parse("x.conf", view_of(bads[i].text), NULL, 0, &settings, &fault);
    check_fault(ok, settings, &fault, bads[i].text, bads[i].fault);
  }
}

static const struct bad bad_overrides[] = {
    {"", "-o : write -o section.key=value"},
    {"cache.ttl", "-o cache.ttl: write -o section.key=value"},
    {"ttl=1h", "-o ttl=1h: write -o section.key=value"},
    {"=cache.ttl", "-o =cache.ttl: write -o section.key=value"},
    {"cache.tll=1h", "-o cache.tll: there is no such key; did you mean cache.ttl?"},
    {"cash.ttl=1h", "-o cash.ttl: there is no such key; did you mean cache.ttl?"},
    {".=", "-o .: there is no such key"},
    {K100 ".x=1", "-o " K10 K10 K10 K10 K10 K10 K10 K10 ": there is no such key"},
    {"cache.ttl=x", "-o cache.ttl: 'x' is no duration"},
    {"cache.ttl=1h\n", "-o: holds a control character"},
    {"server.tls_key=k", "-o server.tls_key: is set without server.tls_certificate"},
    {"admin.listen=0.0.0.0:1", "-o admin.listen: '0.0.0.0:1' can be reached"},
    {"server.listen=127.0.0.1:8081",
     "the default of admin.listen: '127.0.0.1:8081' is in server.listen, too"},
};

static void overrides_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bad_overrides); i++) {
    struct settings *settings;
    struct fault fault;
    struct settings_override one = {bad_overrides[i].text};
    bool ok = settings_parse("x.conf", VIEW(""), &one, 1, &settings, &fault);
    check_fault(ok, settings, &fault, bad_overrides[i].text, bad_overrides[i].fault);
  }
}

static void the_last_override_wins(void **state) {
  (void)state;
  static const struct settings_override overrides[] = {
      {"cache.ttl=2h"},
      {"tariff.free_targets=a.com,b.com"},
      {"cache.ttl=3h"},
      {"tariff.free_targets=c.com"},
  };
  scope_settings struct settings *settings = NULL;
  struct fault fault;
  struct view text = VIEW("[cache]\nttl = 1h\nmax_size = 1GiB\n[tariff]\nfree_targets = d.com\n");
  assert_true(settings_parse("x.conf", text, overrides, COUNT(overrides), &settings, &fault));
  assert_int_equal(settings->ttl, 3 * 3600);
  assert_int_equal(settings->cache_max_size, 1 << 30);
  assert_int_equal(settings->free_targets.count, 1);
  assert_string_equal(settings->free_targets.items[0], "c.com");
}

/* The whole must be right, not its parts: an override can mend what the file leaves open. */
static void an_override_completes_the_file(void **state) {
  (void)state;
  struct settings_override one = {"server.tls_key=k"};
  scope_settings struct settings *settings = NULL;
  struct fault fault;
  struct view text = VIEW("[server]\ntls_certificate = c\n");
  assert_true(settings_parse("x.conf", text, &one, 1, &settings, &fault));
}

static void a_nul_is_refused(void **state) {
  (void)state;
  struct settings *settings;
  struct fault fault;
  bool ok = settings_parse("x.conf", VIEW("[cache]\nttl = 1h\0\n"), NULL, 0, &settings, &fault);
  check_fault(ok, settings, &fault, "NUL", "x.conf:2: the line holds a control character");
}

static void a_huge_text_is_refused(void **state) {
  (void)state;
  size_t size = SETTINGS_TEXT_LIMIT + 1;
  scope_free char *lines = malloc(size);
  assert_non_null(lines);
  memset(lines, '\n', size);
  scope_settings struct settings *most = NULL;
  struct settings *settings;
  struct fault fault;
  assert_true(settings_parse("x.conf", (struct view){lines, size - 1}, NULL, 0, &most, &fault));
  bool ok = settings_parse("x.conf", (struct view){lines, size}, NULL, 0, &settings, &fault);
  check_fault(ok, settings, &fault, "size", "x.conf: is larger than a configuration can be");
}

static void too_many_addresses(void **state) {
  (void)state;
  scope_text struct text text = {0};
  text_add(&text, VIEW("[server]\nlisten = 127.0.0.1:1000"));
  for (int port = 1001; port < 1065; port++)
    text_printf(&text, ",\n 127.0.0.1:%d", port);
  struct settings *settings;
  struct fault fault;
  bool ok = settings_parse("x.conf", text_view(&text), NULL, 0, &settings, &fault);
  check_fault(ok, settings, &fault, "many", "x.conf:2: server.listen: names 65 addresses, and 64");
}

struct place {
  const char *text;
  enum address_kind kind;
  int port;
  bool loopback;
};

static void addresses(void **state) {
  (void)state;
  static const struct place cases[] = {
      {"127.0.0.1:8080", ADDRESS_INET, 8080, true},
      {"127.255.0.1:1", ADDRESS_INET, 1, true},
      {"localhost:0", ADDRESS_INET, 0, true},
      {"0.0.0.0:65535", ADDRESS_INET, 65535, false},
      {"128.0.0.1:80", ADDRESS_INET, 80, false},
      {"[::1]:8080", ADDRESS_INET6, 8080, true},
      {"[::]:8080", ADDRESS_INET6, 8080, false},
      {"[fe80::1]:8080", ADDRESS_INET6, 8080, false},
      {"[::ffff:127.0.0.1]:80", ADDRESS_INET6, 80, false},
      {"unix:/run/x.sock", ADDRESS_UNIX, -1, false},
      {"unix:a:1", ADDRESS_UNIX, -1, false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct address address;
    struct fault fault;
    if (!address_parse(cases[i].text, &address, &fault))
      fail_msg("%s", fault.text);
    assert_int_equal(address.kind, cases[i].kind);
    assert_int_equal(address_is_loopback(&address), cases[i].loopback);
    const struct sockaddr_in *inet = (const struct sockaddr_in *)&address.storage;
    if (cases[i].port >= 0)
      assert_int_equal(ntohs(inet->sin_port), cases[i].port);
  }
}

static void address_bytes(void **state) {
  (void)state;
  struct address address;
  const struct sockaddr_in *inet = (const struct sockaddr_in *)&address.storage;
  const struct sockaddr_un *name = (const struct sockaddr_un *)&address.storage;
  assert_true(address_parse("1.2.3.4:5", &address, NULL));
  assert_int_equal(address.length, sizeof *inet);
  assert_int_equal(inet->sin_family, AF_INET);
  assert_int_equal(ntohl(inet->sin_addr.s_addr), 0x01020304);
  assert_true(address_parse("[::1]:5", &address, NULL));
  assert_int_equal(address.length, sizeof(struct sockaddr_in6));
  assert_int_equal(address.storage.ss_family, AF_INET6);
  assert_true(address_parse("unix:/a", &address, NULL));
  assert_int_equal(address.length, offsetof(struct sockaddr_un, sun_path) + 3);
  assert_int_equal(name->sun_family, AF_UNIX);
  assert_string_equal(name->sun_path, "/a");
}

static void addresses_refused(void **state) {
  (void)state;
  static const struct bad cases[] = {
      {"", "'' is no address; write ADDRESS:PORT, [IPv6]:PORT or unix:PATH"},
      {"none", "'none' is no address"},
      {"8080", "'8080' is no address"},
      {"127.0.0.1", "'127.0.0.1' is no address"},
      {"127.0.0.1:", "'127.0.0.1:' has no port between 0 and 65535"},
      {"127.0.0.1:65536", "'127.0.0.1:65536' has no port between 0 and 65535"},
      {"127.0.0.1:http", "'127.0.0.1:http' has no port"},
      {"127.0.0.1:-1", "'127.0.0.1:-1' has no port"},
      {"[::1]", "'[::1]' has no port"},
      {":8080", "':8080' has no numeric address before its port"},
      {"*:8080", "'*:8080' has no numeric address"},
      {"::1:8080", "'::1:8080' has no numeric address"},
      {"127.1:80", "'127.1:80' has no numeric address"},
      {"example.com:80", "'example.com:80' has no numeric address"},
      {"[127.0.0.1]:80", "'[127.0.0.1]:80' has no numeric address"},
      {"[fe80::1%lo]:80", "'[fe80::1%lo]:80' has no numeric address"},
      {"[:80", "'[:80' has no numeric address"},
      {"[]:80", "'[]:80' has no numeric address"},
      {K100 ":80", "'" K100 ":80' has no numeric address"},
      {"unix:", "'unix:' names no path"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct address address;
    struct fault fault;
    bool ok = address_parse(cases[i].text, &address, &fault);
    check_fault(ok, NULL, &fault, cases[i].text, cases[i].fault);
  }
}

static void socket_paths_have_a_length(void **state) {
  (void)state;
  struct address address;
  struct fault fault;
  assert_true(address_parse("unix:/" K100 "aaaaaa", &address, &fault));
  bool ok = address_parse("unix:/" K100 "aaaaaaa", &address, &fault);
  check_fault(ok, NULL, &fault, "108",
              "'unix:/" K100 "aaaaaaa' has a path of 108 bytes, and 107 is");
}

static void addresses_in_the_way(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool same;
  } cases[] = {
      {"127.0.0.1:80", "localhost:80", true}, {"[::1]:80", "[0:0::1]:80", true},
      {"unix:/a", "unix:/a", true},           {"127.0.0.1:80", "127.0.0.1:81", false},
      {"127.0.0.1:80", "[::1]:80", false},    {"127.0.0.1:0", "127.0.0.1:0", false},
      {"unix:/a", "unix:/b", false},          {"unix:/a", "unix:/ab", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct address a, b;
    assert_true(address_parse(cases[i].a, &a, NULL) && address_parse(cases[i].b, &b, NULL));
    assert_int_equal(address_same(&a, &b), cases[i].same);
  }
}

static void references(void **state) {
  (void)state;
  struct settings *first = must_parse("");
  struct settings *second = settings_hold(first);
  assert_ptr_equal(first, second);
  settings_release(&first);
  assert_null(first);
  assert_int_equal(second->ttl, 86400);
  settings_release(&second);
  assert_null(second);
  settings_release(&second);
}

static void restarts(void **state) {
  (void)state;
  static const struct bad cases[] = {
      {"cache.ttl=1h", ""},
      {"cache.ttl=24h", ""},
      {"tables.other=refuse", ""},
      {"server.threads=5", "server.threads"},
      {"server.threads=0", ""},
      {"server.listen=127.0.0.1:1", "server.listen"},
      {"server.listen=127.0.0.1:8080,[::1]:1", "server.listen"},
      {"state.directory=/a", "state.directory"},
      {"upstream.api=v3", "upstream.api"},
      {"upstream.api=v2", ""},
  };
  scope_settings struct settings *from = must_parse("");
  for (size_t i = 0; i < COUNT(cases); i++) {
    scope_settings struct settings *to = must_override(cases[i].text);
    scope_text struct text names = {0};
    assert_int_equal(settings_need_restart(from, to, &names), cases[i].fault[0] != '\0');
    assert_string_equal(text_string(&names), cases[i].fault);
  }
  scope_settings struct settings *both = must_parse("[admin]\nlisten=none\n[server]\nthreads=9\n");
  scope_text struct text names = {0};
  assert_true(settings_need_restart(from, both, &names));
  assert_string_equal(text_string(&names), "server.threads, admin.listen");
}

static void described(void **state) {
  (void)state;
  scope_text struct text text = {0};
  settings_describe(&text);
  assert_true(text_ok(&text));
  for (size_t i = 0; i < COUNT(declared); i++)
    assert_non_null(strstr(text_string(&text), declared[i].name));
  struct view rest = text_view(&text), line;
  while (view_split(&rest, '\n', &line))
    assert_in_range(line.length, 0, 78);
}

static void no_environment(void) {
  unsetenv("STATE_DIRECTORY");
  unsetenv("XDG_STATE_HOME");
  unsetenv("HOME");
}

struct variables {
  const char *state, *xdg, *home;
  const char *directory; /* NULL: a fault */
};

static void set_or_not(const char *name, const char *value) {
  if (value)
    setenv(name, value, 1);
}

static void state_directory(void **state) {
  (void)state;
  static const struct variables cases[] = {
      {"/a", "/b", "/c", "/a"},
      {"/a:/d", "/b", "/c", "/a"},
      {"", "/b", "/c", "/b/rowcache"},
      {NULL, "/b:b", "/c", "/b:b/rowcache"},
      {NULL, "b", "/c", "/c/.local/state/rowcache"}, /* the XDG specification: ignored */
      {NULL, NULL, "/c", "/c/.local/state/rowcache"},
      {NULL, NULL, "", NULL},
      {NULL, NULL, NULL, NULL},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    no_environment();
    set_or_not("STATE_DIRECTORY", cases[i].state);
    set_or_not("XDG_STATE_HOME", cases[i].xdg);
    set_or_not("HOME", cases[i].home);
    scope_settings struct settings *settings = NULL;
    struct fault fault;
    bool ok = settings_load(NULL, NULL, 0, &settings, &fault);
    if (cases[i].directory)
      assert_string_equal(settings->state_directory, cases[i].directory);
    else
      check_fault(ok, settings, &fault, "environment", "state.directory: is not set, and neither");
  }
}

static void a_set_directory_stays(void **state) {
  (void)state;
  setenv("STATE_DIRECTORY", "/a", 1);
  struct settings_override one = {"state.directory=b"};
  scope_settings struct settings *settings = NULL;
  struct fault fault;
  assert_true(settings_load(NULL, &one, 1, &settings, &fault));
  assert_string_equal(settings->state_directory, "b");
}

static void a_file_is_read(void **state) {
  (void)state;
  char path[] = "/tmp/rowcache-test-XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  FILE *file = fdopen(descriptor, "w");
  assert_non_null(file);
  for (int i = 0; i < 1000; i++)
    fputs("# longer than one read\n", file);
  fputs("[cache]\nttl = 5s\nmax_size = 1\n", file);
  fclose(file);
  scope_settings struct settings *settings = NULL;
  struct fault fault;
  setenv("STATE_DIRECTORY", "/a", 1);
  bool ok = settings_load(path, NULL, 0, &settings, &fault);
  unlink(path);
  scope_text struct text beginning = {0};
  text_printf(&beginning, "%s:1003: cache.max_size: '1' is less than", path);
  check_fault(ok, settings, &fault, path, text_string(&beginning));
}

static void files_that_cannot_be_read(void **state) {
  (void)state;
  static const struct bad cases[] = {
      {"nowhere/x.conf", "nowhere/x.conf: cannot be read: No such file or directory"},
      {"/", "/: cannot be read: Is a directory"},
      {"/dev/zero", "/dev/zero: is larger than a configuration can be, 1048576 bytes"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct settings *settings;
    struct fault fault;
    bool ok = settings_load(cases[i].text, NULL, 0, &settings, &fault);
    check_fault(ok, settings, &fault, cases[i].text, cases[i].fault);
  }
}

/* Skips the test where the path was not given. */
static char *read_whole(const char *path) {
  if (!path)
    skip();
  FILE *file = fopen(path, "re");
  if (!file)
    fail_msg("%s cannot be opened", path);
  scope_text struct text text = {0};
  for (int c; (c = fgetc(file)) != EOF;)
    text_add_char(&text, (char)c);
  fclose(file);
  return text_steal(&text);
}

/* The sample holds, in the table's order, each key's help as a comment, wrapped in any way, and
 * then
 * ";key = default"; other comments end with an empty line. */
struct sample {
  struct text comment; /* the comment lines just above, joined */
  const char *section;
  size_t next; /* the table's row that must come next */
};

static void take_setting(struct sample *sample, struct view line) {
  assert_in_range(sample->next, 0, COUNT(declared) - 1);
  const struct declared *row = &declared[sample->next];
  scope_text struct text wanted = {0};
  text_printf(&wanted, ";%s =%s%s", row->key, row->initial[0] ? " " : "", row->initial);
  if (!view_equal(line, text_view(&wanted)))
    fail_msg("the sample has '%.*s' instead of '%s'", VIEW_ARGS(line), text_string(&wanted));
  assert_string_equal(sample->section, row->section);
  assert_string_equal(text_string(&sample->comment), row->help);
  sample->next++;
}

static void take_section(struct sample *sample, struct view line) {
  assert_in_range(sample->next, 0, COUNT(declared) - 1);
  sample->section = declared[sample->next].section;
  scope_text struct text wanted = {0};
  text_printf(&wanted, "[%s]", sample->section);
  assert_true(view_equal(line, text_view(&wanted)));
}

static void take_sample_line(struct sample *sample, struct view line) {
  char first = line.length ? line.at[0] : '\0';
  if (first == '#') {
    text_printf(&sample->comment, "%s%.*s", sample->comment.length ? " " : "",
                VIEW_ARGS(view_trim(view_from(line, 1))));
    return;
  }
  if (first == ';')
    take_setting(sample, line);
  else if (first == '[')
    take_section(sample, line);
  else
    assert_int_equal(line.length, 0);
  text_clear(&sample->comment);
}

static void the_sample_is_the_table(void **state) {
  (void)state;
  scope_free char *text = read_whole(sample_path);
  struct sample sample = {.section = ""};
  struct view rest = view_of(text), line;
  while (view_split(&rest, '\n', &line))
    take_sample_line(&sample, line);
  text_free(&sample.comment);
  assert_int_equal(sample.next, COUNT(declared));
}

/* As it is, and with every key taken out of its comment. */
static void the_sample_can_be_used(void **state) {
  (void)state;
  scope_free char *text = read_whole(sample_path);
  scope_settings struct settings *commented = must_parse(text);
  for (char *at = text; (at = strstr(at, "\n;"));)
    at[1] = '\n'; /* the key begins in the first column */
  scope_settings struct settings *written = must_parse(text);
  scope_settings struct settings *initial = must_parse("");
  assert_true(same(commented, initial));
  assert_true(same(written, initial));
}

static size_t count_of(const char *text, const char *part) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, part)); at++)
    count++;
  return count;
}

/* `.BR section.key " (default)"` */
static void the_manual_has_the_table(void **state) {
  (void)state;
  scope_free char *text = read_whole(manual_path);
  for (size_t i = 0; i < COUNT(declared); i++) {
    scope_text struct text wanted = {0};
    text_printf(&wanted, "\n.TP\n.BR %s \" (%s)\"\n", declared[i].name,
                declared[i].initial[0] ? declared[i].initial : "none");
    if (count_of(text, text_string(&wanted)) != 1)
      fail_msg("the manual page has no%s", text_string(&wanted));
  }
  assert_int_equal(count_of(text, ")\"\n"), COUNT(declared));
}

static size_t count_restarts(void) {
  size_t count = 0;
  for (size_t i = 0; i < COUNT(declared); i++)
    count += declared[i].restart;
  return count;
}

static void the_manual_tells_what_needs_a_restart(void **state) {
  (void)state;
  scope_free char *text = read_whole(manual_path);
  for (size_t i = 0; i < COUNT(declared); i++) {
    scope_text struct text head = {0};
    text_printf(&head, ".BR %s ", declared[i].name);
    const char *entry = strstr(text, text_string(&head));
    assert_non_null(entry);
    const char *end = strstr(entry, "\n.TP\n"), *told = strstr(entry, "\nRestart.\n");
    if (declared[i].restart && (!told || (end && told > end)))
      fail_msg("the manual page does not say that %s takes a restart", declared[i].name);
  }
  assert_int_equal(count_of(text, "\nRestart.\n"), count_restarts());
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults),
      cmocka_unit_test(the_api_decides_the_default_url),
      cmocka_unit_test(bounds_can_be_set),
      cmocka_unit_test(each_choice_can_be_set),
      cmocka_unit_test(good),
      cmocka_unit_test(bad),
      cmocka_unit_test(overrides_refused),
      cmocka_unit_test(the_last_override_wins),
      cmocka_unit_test(an_override_completes_the_file),
      cmocka_unit_test(a_nul_is_refused),
      cmocka_unit_test(a_huge_text_is_refused),
      cmocka_unit_test(too_many_addresses),
      cmocka_unit_test(addresses),
      cmocka_unit_test(address_bytes),
      cmocka_unit_test(addresses_refused),
      cmocka_unit_test(socket_paths_have_a_length),
      cmocka_unit_test(addresses_in_the_way),
      cmocka_unit_test(references),
      cmocka_unit_test(restarts),
      cmocka_unit_test(described),
      cmocka_unit_test(state_directory),
      cmocka_unit_test(a_set_directory_stays),
      cmocka_unit_test(a_file_is_read),
      cmocka_unit_test(files_that_cannot_be_read),
      cmocka_unit_test(the_sample_is_the_table),
      cmocka_unit_test(the_sample_can_be_used),
      cmocka_unit_test(the_manual_has_the_table),
      cmocka_unit_test(the_manual_tells_what_needs_a_restart),
  };
  sample_path = argc > 1 ? argv[1] : NULL;
  manual_path = argc > 2 ? argv[2] : NULL;
  return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
