/* Fuzz target: a query of v2, and v3's pages. Nothing that upstream sends breaks more than the
 * translation; what it makes is an answer of v2, with no more rows than were asked for. */
#include "translate/translate.h"

#include "query/query.h"
#include "rows/reader.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAGES_MOST 64

static void check_answer(const struct query *query, const struct translation *translation) {
  struct reader_shape shape = {.rows = VIEW("refpages")};
  struct reader *reader = reader_create(&shape, 8);
  struct fault fault;
  CHECK(reader && reader_feed(reader, translate_answer(translation), &fault) &&
        reader_finish(reader, &fault));
  CHECK(reader_results(reader) == translate_results(translation));
  CHECK(translate_results(translation) <= query_limit(query));
  reader_release(&reader);
}

/* In two pieces. */
static bool read_page(struct translation *translation, struct view page, struct fault *fault) {
  size_t half = page.length / 2;
  return translate_feed(translation, view_first(page, half), fault) &&
         translate_feed(translation, view_from(page, half), fault) &&
         translate_end_page(translation, fault);
}

/* The page that is asked for is the next of `pages`, a line each; behind the last one the last. */
static void run(const struct query *query, struct translation *translation, struct view pages) {
  struct view page = VIEW("{\"backlinks\":[]}");
  struct fault fault;
  for (int i = 0; i < PAGES_MOST; i++) {
    struct query *asked;
    enum translate_step step = translate_next(translation, i % 3 * 2, i % 5 - 1, &asked, &fault);
    view_split(&pages, '\n', &page);
    query_release(&asked);
    if (step == TRANSLATE_DONE)
      check_answer(query, translation);
    if (step != TRANSLATE_ASK || !read_page(translation, page, &fault))
      return;
  }
}

/* A query and pages, a line each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view rest = {size ? (const char *)data : "", size}, args;
  const struct translate_limits limits = {.today = 20000, .most = 1 << 16};
  struct query *query;
  struct fault fault;
  view_split(&rest, '\n', &args);
  if (!query_parse(args, VIEW(""), &query, &fault))
    return 0;
  struct translation *translation =
      translate_check(query, &fault) ? translate_create(query, &limits, &fault) : NULL;
  if (translation)
    run(query, translation, rest.at ? rest : VIEW(""));
  translate_release(&translation);
  query_release(&query);
  return 0;
}
