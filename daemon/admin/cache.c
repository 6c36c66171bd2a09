/* /api/cache: lists, shows and purges stored results. */
#include "admin/age.h"
#include "admin/route.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "query/target.h"

#define LIST_DEFAULT 1000
#define LIST_MOST 100000

/* --- listing --- */

struct listing {
  struct json json;
  int64_t now, ttl;
  int64_t count;
};

static void write_list_price(struct json *json, const struct cache_entry *entry) {
  if (entry->listed == CACHE_NOT_LISTED)
    json_null(json, "list_price");
  else
    json_amount(json, "list_price", (struct amount){entry->cost.currency, entry->listed});
}

static void write_entry(void *context, const struct cache_entry *entry, struct view normal,
                        struct view target) {
  struct listing *listing = context;
  struct json *json = &listing->json;
  int64_t age = age_at(entry->answered_at, listing->now);
  listing->count++;
  json_map(json, NULL);
  json_text(json, "key", view_of(DIGEST_TEXT(&entry->key)));
  json_text(json, "normal", normal);
  json_text(json, "target", target);
  json_integer(json, "results", entry->results);
  json_integer(json, "bytes", entry->stored_bytes);
  json_integer(json, "body_bytes", entry->body_length);
  json_text(json, "currency", view_of(currency_words[entry->cost.currency]));
  json_amount(json, "cost", entry->cost);
  write_list_price(json, entry);
  age_write(json, age, listing->ttl - age);
  json_integer(json, "hits", entry->hits);
  json_amount(json, "saved", entry->saved);
  json_bool(json, "derived", entry->is_derived);
  json_map_end(json);
}

static void begin_listing(struct listing *listing, const struct admin_rooms *rooms,
                          struct text *body) {
  struct settings *settings = current_settings(rooms->reconcile.current);
  *listing = (struct listing){.now = clock_seconds(), .ttl = settings->ttl};
  settings_release(&settings);
  json_begin(&listing->json, body);
  json_map(&listing->json, NULL);
  json_list(&listing->json, "entries");
}

static bool end_listing(struct listing *listing, const struct admin_rooms *rooms,
                        struct fault *fault) {
  json_list_end(&listing->json);
  json_integer(&listing->json, "stored", cache_totals(rooms->cache).entries);
  json_map_end(&listing->json);
  return json_end(&listing->json, fault);
}

static bool read_limit(const struct view *text, int64_t *limit, struct fault *fault) {
  *limit = LIST_DEFAULT;
  return !text || (num_integer(*text, limit) && *limit >= 1 && *limit <= LIST_MOST) ||
         fault_set(fault, FAULT_MALFORMED, "'limit' is a number from 1 to %d", LIST_MOST);
}

bool route_cache_list(struct route_call *call, struct text *body, struct fault *fault) {
  const struct admin_rooms *rooms = call->rooms;
  struct listing listing;
  int64_t limit;
  if (!read_limit(form_get(&call->form, "limit"), &limit, fault))
    return false;
  begin_listing(&listing, rooms, body);
  bool ok = cache_list(rooms->cache, limit, write_entry, &listing, fault);
  return end_listing(&listing, rooms, ok ? fault : NULL) && ok;
}

bool route_cache_show(struct route_call *call, struct text *body, struct fault *fault) {
  const struct admin_rooms *rooms = call->rooms;
  struct listing listing;
  begin_listing(&listing, rooms, body);
  bool ok = cache_show(rooms->cache, call->rest, write_entry, &listing, fault);
  ok = end_listing(&listing, rooms, ok ? fault : NULL) && ok;
  if (ok && listing.count == 0)
    return fault_set(fault, FAULT_UNKNOWN_PATH, "no stored key begins with these digits");
  return ok;
}

/* --- purging --- */

/* The store has each target in its normal spelling. A purge removes the spelling that was given, the
 * normal one, and the normal one with a `/` after the host. */
#define SPELLINGS 3

struct spellings {
  struct text texts[SPELLINGS];
  size_t count;
};

static bool has_path(struct view target) {
  const char *scheme = memmem(target.at, target.length, "://", 3);
  struct view rest = scheme ? view_from(target, (size_t)(scheme - target.at) + 3) : target;
  return rest.length && memchr(rest.at, '/', rest.length);
}

static bool is_known(const struct spellings *spellings, const struct text *spelling) {
  for (size_t i = 0; i < spellings->count; i++)
    if (view_equal(text_view(&spellings->texts[i]), text_view(spelling)))
      return true;
  return false;
}

static void add_spelling(struct spellings *spellings, struct text *spelling) {
  if (is_known(spellings, spelling))
    text_free(spelling);
  else
    spellings->texts[spellings->count++] = *spelling;
}

static bool spell(struct view target, struct spellings *spellings, struct fault *fault) {
  struct text as_given = {0}, normal = {0}, with_slash = {0};
  bool ok = target_normalize(target, &normal, fault);
  text_add(&as_given, target);
  add_spelling(spellings, &as_given);
  if (normal.length && !has_path(target)) {
    text_add(&with_slash, text_view(&normal));
    text_add_char(&with_slash, '/');
    add_spelling(spellings, &with_slash);
  }
  if (ok && normal.length)
    add_spelling(spellings, &normal);
  else
    text_free(&normal);
  return ok;
}

static bool purge_target(struct cache *cache, struct view target, int64_t *count,
                         struct fault *fault) {
  struct spellings spellings = {.count = 0};
  bool ok = spell(target, &spellings, fault);
  for (size_t i = 0; i < spellings.count; i++) {
    int64_t purged = 0;
    struct text *spelling = &spellings.texts[i];
    if (ok && !text_ok(spelling))
      ok = fault_no_memory(fault);
    ok = ok && cache_purge(cache, CACHE_PURGE_TARGET, text_view(spelling), 0, &purged, fault);
    *count += purged;
    text_free(spelling);
  }
  return ok;
}

static bool purge_all(struct cache *cache, struct view value, int64_t *count, struct fault *fault) {
  if (value.length)
    return fault_set(fault, FAULT_MALFORMED, "'all' has no value");
  return cache_purge(cache, CACHE_PURGE_ALL, value, 0, count, fault);
}

static bool purge_key(struct cache *cache, struct view key, int64_t *count, struct fault *fault) {
  return cache_purge(cache, CACHE_PURGE_KEY, key, 0, count, fault);
}

static bool purge_older(struct cache *cache, struct view duration, int64_t *count,
                        struct fault *fault) {
  int64_t seconds;
  if (!num_duration(duration, &seconds))
    return fault_set(fault, FAULT_MALFORMED,
                     "'older_than' is a duration such as 30s, 15m, 24h or 7d");
  return cache_purge(cache, CACHE_PURGE_OLDER_THAN, VIEW(""), clock_seconds() - seconds, count,
                     fault);
}

static const struct {
  const char *parameter;
  bool (*purge)(struct cache *cache, struct view value, int64_t *count, struct fault *fault);
} purges[] = {
    {"all", purge_all},
    {"target", purge_target},
    {"key", purge_key},
    {"older_than", purge_older},
};

static bool purge(struct route_call *call, int64_t *count, struct fault *fault) {
  struct cache *cache = call->rooms->cache;
  for (size_t i = 0; i < sizeof purges / sizeof *purges; i++) {
    const struct view *value = form_get(&call->form, purges[i].parameter);
    if (value && call->form.count == 1)
      return purges[i].purge(cache, *value, count, fault);
  }
  return fault_set(fault, FAULT_MALFORMED,
                   "say what to remove by exactly one of all, target, key, older_than");
}

bool route_cache_purge(struct route_call *call, struct text *body, struct fault *fault) {
  struct json json;
  int64_t count = 0;
  if (!purge(call, &count, fault))
    return false;
  json_begin(&json, body);
  json_map(&json, NULL);
  json_integer(&json, "purged", count);
  json_map_end(&json);
  return json_end(&json, fault);
}
