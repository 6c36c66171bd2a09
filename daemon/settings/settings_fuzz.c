/* Any bytes, as a configuration and as an override. */
#include "settings/settings.h"

#include "base/scope.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_and_release(struct settings *settings) {
  scope_text struct text names = {0};
  struct settings *other = settings_hold(settings);
  CHECK(settings->server_listen.count > 0 && settings->upstream_url[0]);
  CHECK(!settings_need_restart(settings, other, &names));
  settings_release(&other);
  settings_release(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct settings *settings;
  struct fault fault;
  struct view text = {(const char *)data, size};
  if (settings_parse("fuzz.conf", text, NULL, 0, &settings, &fault))
    check_and_release(settings);
  scope_free char *copy = strndup(size ? text.at : "", size);
  CHECK(copy);
  struct settings_override override = {copy};
  if (settings_parse("fuzz.conf", VIEW(""), &override, 1, &settings, &fault))
    check_and_release(settings);
  return 0;
}
