#include "render/subscription.h"

#include "base/json.h"
#include "base/num.h"
#include "render/xml_text.h"

#include <inttypes.h>

/* --- v2 --- */

static void write_name(struct json *json, const struct subscription *subscription) {
  json_text(json, "subscription", subscription->name);
}

/* null without a limit. */
static void write_amount(struct json *json, const char *name,
                         const struct subscription *subscription, struct amount amount) {
  if (subscription->has_limit)
    json_integer(json, name, amount_whole(amount));
  else
    json_null(json, name);
}

static void begin(struct json *json, const char *name, struct text *body) {
  json_begin(json, body);
  json_map(json, NULL);
  json_map(json, name);
}

static void end(struct json *json, struct text *body) {
  json_map_end(json);
  json_map_end(json);
  if (!json_end(json, NULL))
    body->failed = true;
}

static void render_json(const struct subscription *subscription, struct text *body) {
  struct json json;
  begin(&json, "info", body);
  write_amount(&json, "rows_left", subscription, subscription->left);
  write_amount(&json, "rows_limit", subscription, subscription->limit);
  write_name(&json, subscription);
  end(&json, body);
}

static void add_element(struct text *body, const char *name,
                        const struct subscription *subscription, struct amount amount) {
  text_printf(body, "<%s>", name);
  if (subscription->has_limit)
    text_printf(body, "%" PRId64, amount_whole(amount));
  text_printf(body, "</%s>", name);
}

static void render_xml(const struct subscription *subscription, struct text *body) {
  text_add(body, VIEW("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AhrefsApiResponse><info>"));
  add_element(body, "rows_left", subscription, subscription->left);
  add_element(body, "rows_limit", subscription, subscription->limit);
  text_add(body, VIEW("<subscription>"));
  xml_text_add(subscription->name, body);
  text_add(body, VIEW("</subscription></info></AhrefsApiResponse>\n"));
}

static void add_php_text(struct text *body, struct view text) {
  text_printf(body, "s:%zu:\"%.*s\";", text.length, VIEW_ARGS(text));
}

static void add_php_amount(struct text *body, struct view name,
                           const struct subscription *subscription, struct amount amount) {
  add_php_text(body, name);
  if (subscription->has_limit)
    text_printf(body, "i:%" PRId64 ";", amount_whole(amount));
  else
    text_add(body, VIEW("N;"));
}

static void render_php(const struct subscription *subscription, struct text *body) {
  text_add(body, VIEW("a:1:{"));
  add_php_text(body, VIEW("info"));
  text_add(body, VIEW("a:3:{"));
  add_php_amount(body, VIEW("rows_left"), subscription, subscription->left);
  add_php_amount(body, VIEW("rows_limit"), subscription, subscription->limit);
  add_php_text(body, VIEW("subscription"));
  add_php_text(body, subscription->name);
  text_add(body, VIEW("}}"));
}

static void (*const forms[])(const struct subscription *subscription, struct text *body) = {
#define OUTPUT(name, word, type) render_##word,
#include "tables/outputs.def"
#undef OUTPUT
};
_Static_assert(sizeof forms / sizeof *forms == QUERY_OUTPUT_UNKNOWN, "one row for each form");

void subscription_render_v2(const struct subscription *subscription, enum query_output output,
                            struct text *body) {
  forms[output < QUERY_OUTPUT_UNKNOWN ? output : QUERY_JSON](subscription, body);
}

/* --- v3 --- */

/* As v3 writes it: "2026-12-01T00:00:00Z". */
static void write_reset(struct json *json, int64_t seconds) {
  scope_text struct text moment = {0};
  char date[NUM_DATE_SIZE];
  int64_t second = seconds % NUM_DAY;
  if (!seconds) {
    json_null(json, "usage_reset_date");
    return;
  }
  num_print_date((int32_t)(seconds / NUM_DAY), date);
  text_printf(&moment, "%sT%02d:%02d:%02dZ", date, (int)(second / 3600), (int)(second / 60 % 60),
              (int)(second % 60));
  json_text(json, "usage_reset_date", text_view(&moment));
}

void subscription_render_v3(const struct subscription *subscription, struct text *body) {
  struct json json;
  int64_t used = amount_whole(subscription->used);
  begin(&json, "limits_and_usage", body);
  write_name(&json, subscription);
  write_reset(&json, subscription->starts_over);
  json_null(&json, "units_limit_workspace");
  json_integer(&json, "units_usage_workspace", used);
  write_amount(&json, "units_limit_api_key", subscription, subscription->limit);
  json_integer(&json, "units_usage_api_key", used);
  json_null(&json, "api_key_expiration_date");
  end(&json, body);
}
