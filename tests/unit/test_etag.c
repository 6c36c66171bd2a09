/* If-None-Match: RFC 9110 13.1.2, and 8.8.3 for what an entity-tag is. */
#include "query/etag.h"

#include "unit/fixture/unit.h"

#define TAG "\"0f\""

static void listed(void **state) {
  (void)state;
  static const struct {
    const char *list;
    bool listed;
  } cases[] = {
      {TAG, true},
      {"  " TAG "\t", true},
      {"*", true},
      {" * ", true},
      {"\"a\", " TAG, true},
      {"\"a\"," TAG ",\"b\"", true},
      {",, " TAG " ,", true},
      {"\"a,b\", " TAG, true},
      {"junk, " TAG, true},
      {"\"\", " TAG, true},
      /* weakly: RFC 9110 8.8.3.2 */
      {"W/" TAG, true},
      {"\"a\", W/" TAG, true},
      /* others */
      {"", false},
      {",", false},
      {"\"0e\"", false},
      {"\"0F\"", false}, /* opaque: case counts */
      {"\"0f \"", false},
      {"\"0f0\"", false},
      {"\"a,\"0f\"\"", false},
      {"\"x, " TAG, false}, /* within quotes that another one opened */
      /* no entity-tags */
      {"0f", false},
      {"'0f'", false},
      {"w/" TAG, false},
      {"W/ " TAG, false},
      {"W/W/" TAG, false},
      {TAG TAG, false},
      {TAG " " TAG, false},
      {"\"0f", false},
      {"0f\"", false},
      /* "*" stands alone */
      {"\"*\"", false},
      {"*, \"a\"", false},
      {"\"a\", *", false},
      {"**", false},
      {"W/*", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (etag_is_listed(view_of(cases[i].list), VIEW(TAG)) != cases[i].listed)
      fail_msg("%s", cases[i].list);
}

/* A tag may hold a comma. */
static void commas_in_tags(void **state) {
  (void)state;
  assert_true(etag_is_listed(VIEW("\"a\", \"b,c\""), VIEW("\"b,c\"")));
  assert_false(etag_is_listed(VIEW("\"a\", \"b\", \"c\""), VIEW("\"b,c\"")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(listed),
      cmocka_unit_test(commas_in_tags),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
