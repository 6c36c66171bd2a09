#include "translate/translate.h"

#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"
#include "rows/reader.h"
#include "translate/asking.h"
#include "translate/keys.h"
#include "translate/sort.h"

#include <inttypes.h>
#include <stdlib.h>

/* Rows of the first page, if it may turn out that the query is refused. The next page goes on behind
 * them. */
#define SCOUTS 10

/* Of a page; its rows hold no lists. */
#define PAGE_DEPTH 32

struct translation {
  const struct query *query;
  struct window window;
  int64_t offset, end;            /* of the rows that are wanted, end = offset + limit */
  unsigned shown[SCHEMA_COLUMNS]; /* v2's columns, in the order of the answer's members */
  size_t shown_count;
  uint32_t columns; /* v2's columns that are needed, a set of schema_bit() */
  struct streams streams;
  struct pages pages[STREAMS_MOST];     /* one for each stream */
  struct sort_place seen[STREAMS_MOST]; /* all its rows before that have come */
  struct sort *sort;
  int64_t cap;       /* as the pages showed it; 0: they did not */
  bool is_cap_known; /* by the caller or by them, if there is one */
  int64_t most_rows; /* of a page: the cap is no smaller */
  /* Enough rows are known to stand up to here, so that nothing behind it can be in the answer. */
  bool has_bound;
  struct sort_place bound;

  /* The present page. */
  struct reader *reader; /* NULL: there is none */
  size_t stream;
  size_t begin, group;   /* numbers of rows before it, and before its last group */
  int64_t certain;       /* rows before it */
  struct sort_place row; /* of the last row that came */
  bool is_alone;         /* it is of a phase with one stream */
  bool has_failed;
  struct fault fault;
  struct link_row made;
  struct text text;

  bool is_done;
  struct text answer;
  int64_t results;
};

/* --- what can be asked --- */

static bool refuse(struct fault *fault, const char *what, struct view value, const char *why) {
  return fault_set(fault, FAULT_UNTRANSLATABLE, "Ahrefs API v3 cannot be asked for %s '%s': %s",
                   what, FORM_SHOWN(value), why);
}

static bool check_parameters(const struct query *query, struct fault *fault) {
  const struct form_pair *rest[QUERY_PARAMETERS_MAX];
  if (query_rest(query, rest) > 0)
    return refuse(fault, "the parameter", rest[0]->name,
                  "its meaning is not known, and v3 ignores what it does not know");
  return true;
}

bool translate_check(const struct query *query, struct fault *fault) {
  enum query_output output = query_output(query);
  if (query_table(query) != QUERY_BACKLINKS_NEW_LOST)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "Ahrefs API v3 cannot be asked for this table: of v2's, only "
                     "backlinks_new_lost is translated");
  if (query_mode(query) == QUERY_MODE_UNKNOWN)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "Ahrefs API v3 cannot be asked in this mode: use exact, domain, subdomains or "
                     "prefix");
  if (output != QUERY_JSON && output != QUERY_PHP)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "how v2 laid out its rows in this output is not documented: use json or php");
  if (query_limit(query) == 0)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "what v2 meant by limit=0 is not documented: give a limit, or leave it out");
  return check_parameters(query, fault) && conditions_check(query, fault) &&
         streams_check(query, fault);
}

/* --- the price --- */

static int64_t streams_in(const struct streams *streams, int phase) {
  int64_t count = 0;
  for (size_t i = 0; i < streams->count; i++)
    count += streams->items[i].phase == phase;
  return count;
}

struct translate_price translate_price(const struct query *query) {
  struct streams streams = streams_of(query, conditions_changes(query));
  int64_t end = query_offset(query) + query_limit(query);
  struct translate_price price = {0, 0};
  for (size_t i = 0; i < streams.count; i++) {
    int64_t cost = mapping_price(streams.items[i].sources);
    int64_t rows = end * streams_in(&streams, streams.items[i].phase);
    price.row_cost = cost > price.row_cost ? cost : price.row_cost;
    price.rows = rows > price.rows ? rows : price.rows;
  }
  return price;
}

/* --- beginning --- */

static bool is_shown(const struct translation *translation, unsigned column) {
  for (size_t i = 0; i < translation->shown_count; i++)
    if (translation->shown[i] == column)
      return true;
  return false;
}

/* In v2's order where all columns are asked for, else in the client's, as v2 had it. */
static void list_shown(struct translation *translation) {
  const struct columns *select = query_select(translation->query);
  struct view rest = select->raw, element;
  for (unsigned i = 0; columns_are_all(select) && i < SCHEMA_COLUMNS; i++)
    translation->shown[translation->shown_count++] = i;
  while (!columns_are_all(select) && view_split(&rest, ',', &element)) {
    unsigned column = schema_find(view_trim(element))->index;
    if (!is_shown(translation, column))
      translation->shown[translation->shown_count++] = column;
  }
}

static bool fits(const struct translation *translation, const struct translate_limits *limits) {
  size_t row = SORT_ROW_SIZE + query_order(translation->query)->count * sizeof(int64_t);
  return (uint64_t)translation->end <= limits->most / row;
}

static void begin_streams(struct translation *translation) {
  translation->streams = streams_of(translation->query, translation->window.changes);
  for (size_t i = 0; i < translation->streams.count; i++) {
    const struct stream *stream = &translation->streams.items[i];
    pages_begin(&translation->pages[i], stream, query_order(translation->query));
    translation->seen[i] = (struct sort_place){.phase = stream->phase};
  }
}

static struct translation *refuse_size(struct translation *translation, struct fault *fault) {
  fault_set(fault, FAULT_UNTRANSLATABLE,
            "offset and limit ask for %" PRId64 " rows, for which no memory is set aside: ask for "
            "fewer",
            translation->end);
  translate_release(&translation);
  return NULL;
}

struct translation *translate_create(const struct query *query,
                                     const struct translate_limits *limits, struct fault *fault) {
  struct translation *translation = calloc(1, sizeof *translation);
  if (!translation) {
    fault_no_memory(fault);
    return NULL;
  }
  translation->query = query;
  translation->window = conditions_window(query, limits->today);
  translation->offset = query_offset(query);
  translation->end = translation->offset + query_limit(query);
  translation->columns = streams_columns(query);
  translation->answer.limit = limits->most;
  if (!fits(translation, limits))
    return refuse_size(translation, fault);
  list_shown(translation);
  begin_streams(translation);
  translation->sort = sort_create(query_order(query)->count, limits->most);
  if (!translation->sort) {
    fault_no_memory(fault);
    translate_release(&translation);
  }
  return translation;
}

void translate_release(struct translation **translation) {
  struct translation *gone = *translation;
  *translation = NULL;
  if (!gone)
    return;
  reader_release(&gone->reader);
  sort_release(&gone->sort);
  text_free(&gone->text);
  text_free(&gone->answer);
  free(gone);
}

/* --- what is certain --- */

/* The stream that is furthest back; false: all have ended. */
static bool find_stream(const struct translation *translation, size_t *found) {
  bool any = false;
  *found = 0;
  for (size_t i = 0; i < translation->streams.count; i++)
    if (!translation->pages[i].has_ended &&
        (!any || sort_order(&translation->seen[i], &translation->seen[*found]) < 0)) {
      *found = i;
      any = true;
    }
  return any;
}

/* Rows that are certainly the first ones of the answer: nothing that is still to come stands before
 * them. */
static int64_t count_certain(const struct translation *translation) {
  size_t stream;
  if (!find_stream(translation, &stream))
    return (int64_t)sort_count(translation->sort);
  return sort_count_before(translation->sort, &translation->seen[stream]);
}

/* --- the rows of a page --- */

static bool fail(struct translation *translation) {
  translation->has_failed = true;
  return false;
}

static void write_row(struct translation *translation) {
  text_clear(&translation->text);
  for (size_t i = 0; i < translation->shown_count; i++) {
    unsigned column = translation->shown[i];
    text_printf(&translation->text, "%c\"%.*s\":", i ? ',' : '{',
                VIEW_ARGS(mapping_column(column)));
    text_add(&translation->text, translation->made.row.values[column].raw);
  }
  text_add_char(&translation->text, '}');
}

/* All rows of the stream before this one have come. Where no further column of the order decides, any
 * of those that tie with it may stand in their place. */
static void note_place(struct translation *translation, const int64_t *keys) {
  const struct pages *pages = &translation->pages[translation->stream];
  struct sort_place *row = &translation->row;
  row->phase = pages->stream->phase;
  row->known = pages_known(pages);
  row->is_behind = row->known == query_order(translation->query)->count;
  for (size_t i = 0; i < row->known; i++)
    row->keys[i] = keys[i];
}

static bool keep_row(struct translation *translation, const int64_t *keys) {
  write_row(translation);
  if (!text_ok(&translation->text))
    return fault_no_memory(&translation->fault);
  return sort_add(translation->sort, translation->row.phase, keys, text_view(&translation->text),
                  &translation->fault);
}

static bool refuse_open(struct translation *translation, const struct condition *open) {
  const struct value *value = &translation->made.row.values[open->column->index];
  return fault_set(&translation->fault, FAULT_UNTRANSLATABLE,
                   "it is not documented whether v2 would have taken \"%s\" to satisfy %s, and v3 "
                   "has such a row: leave the condition out, or change it",
                   FORM_SHOWN(value->text), FORM_SHOWN(open->text));
}

/* Keeps v2's row of a change, if v2 had it. */
static bool add_change(struct translation *translation, const struct link *link,
                       enum change change) {
  const struct columns *order = query_order(translation->query);
  const struct condition *open = NULL;
  int64_t keys[SCHEMA_COLUMNS];
  if (!links_make(link, change, translation->columns, &translation->made, &translation->fault))
    return false;
  enum truth truth = conditions_judge(translation->query, &translation->made.row, &open);
  if (truth == TRUTH_UNKNOWN)
    return refuse_open(translation, open);
  if (!keys_of(order, &translation->made.row, keys, &translation->fault))
    return false;
  note_place(translation, keys);
  return truth == TRUTH_FALSE || keep_row(translation, keys);
}

/* The changes of a link in the window. */
static bool add_changes(struct translation *translation, const struct link *link) {
  const struct stream *stream = &translation->streams.items[translation->stream];
  const struct window *window = &translation->window;
  for (int i = 0; i < CHANGES; i++) {
    bool happened;
    int32_t day;
    if (!(stream->changes >> i & 1))
      continue;
    if (!links_day(link, (enum change)i, &happened, &day, &translation->fault))
      return false;
    if (happened && day >= window->from && day <= window->to &&
        !add_change(translation, link, (enum change)i))
      return false;
  }
  return true;
}

/* True if what comes cannot change the answer any more. */
static bool is_sated(const struct translation *translation) {
  const struct pages *pages = &translation->pages[translation->stream];
  return translation->is_alone && pages->depth == 1 &&
         pages_known(pages) == query_order(translation->query)->count &&
         (int64_t)sort_count(translation->sort) >= translation->end;
}

static bool on_row(void *context, const struct row *row) {
  struct translation *translation = context;
  struct pages *pages = &translation->pages[translation->stream];
  enum pages_row verdict;
  struct link link;
  if (translation->has_failed || is_sated(translation))
    return false;
  if (!links_read(row, pages_sources(pages), &link, &translation->fault) ||
      !pages_row(pages, &link, &verdict, &translation->fault))
    return fail(translation);
  if (verdict == PAGES_TAKE_OTHER)
    translation->group = sort_count(translation->sort);
  return verdict == PAGES_SKIP || add_changes(translation, &link) || fail(translation);
}

static void on_frame(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

/* --- pages --- */

static bool begin_page(struct translation *translation, int64_t limit, bool can_grow,
                       struct fault *fault) {
  struct reader_shape shape = {.rows = mapping_endpoint()->rows};
  struct reader_sink sink = {translation, on_frame, on_row};
  const struct streams *streams = &translation->streams;
  int phase = streams->items[translation->stream].phase;
  translation->reader = reader_create_rows(&shape, PAGE_DEPTH, &sink);
  if (!translation->reader)
    return fault_no_memory(fault);
  translation->is_alone = streams_in(streams, phase) == 1;
  translation->begin = translation->group = sort_count(translation->sort);
  translation->row = translation->seen[translation->stream];
  pages_ask(&translation->pages[translation->stream], limit, can_grow);
  return true;
}

static int64_t smaller_cap(int64_t a, int64_t b) {
  return a > 0 && (b <= 0 || a < b) ? a : b;
}

/* The window without the days behind the bound, for streams in the order of `date`. */
static struct window bounded_window(const struct translation *translation) {
  const struct stream *stream = &translation->streams.items[translation->stream];
  const struct columns *order = query_order(translation->query);
  struct window window = translation->window;
  if (!translation->has_bound || translation->bound.phase != stream->phase || stream->key < 0 ||
      order->items[stream->key].column->index != SCHEMA_date)
    return window;
  int64_t day = translation->bound.keys[stream->key];
  if (stream->descending)
    window.from = (int32_t)-day;
  else
    window.to = (int32_t)day;
  return window;
}

static bool ask(struct translation *translation, int64_t wanted, int64_t cap, int64_t affordable,
                struct query **page, struct fault *fault) {
  struct pages *pages = &translation->pages[translation->stream];
  int64_t most = smaller_cap(cap, translation->cap);
  translation->is_cap_known = cap >= 0 || translation->cap > 0;
  if (!pages->limit && wanted > SCOUTS && conditions_are_doubtful(translation->query))
    wanted = SCOUTS;
  int64_t limit = pages_limit(pages, wanted, most, affordable);
  struct window window = bounded_window(translation);
  if (!asking_write(translation->query, &window, pages, limit, page, fault))
    return false;
  if (begin_page(translation, limit, most <= 0 || limit < most, fault))
    return true;
  query_release(page);
  return false;
}

static bool finish(struct translation *translation, struct fault *fault) {
  text_add(&translation->answer, VIEW("{\"refpages\":["));
  translation->results =
      sort_write(translation->sort, translation->offset, translation->end, &translation->answer);
  text_add(&translation->answer, VIEW("]}"));
  translation->is_done = true;
  sort_release(&translation->sort);
  return text_ok(&translation->answer) || fault_no_memory(fault);
}

enum translate_step translate_next(struct translation *translation, int64_t cap, int64_t affordable,
                                   struct query **page, struct fault *fault) {
  CHECK(!translation->reader);
  *page = NULL;
  if (translation->has_failed) {
    *fault = translation->fault;
    return TRANSLATE_FAILED;
  }
  if (translation->is_done)
    return TRANSLATE_DONE;
  translation->certain = count_certain(translation);
  int64_t wanted = translation->end - translation->certain;
  if (wanted <= 0 || !find_stream(translation, &translation->stream))
    return finish(translation, fault) ? TRANSLATE_DONE : TRANSLATE_FAILED;
  return ask(translation, wanted, cap, affordable, page, fault) ? TRANSLATE_ASK : TRANSLATE_FAILED;
}

static bool report(struct translation *translation, struct fault *fault) {
  translation->has_failed = true;
  *fault = translation->fault;
  return false;
}

/* What is wrong with the page so far. */
static bool check_page(struct translation *translation, struct fault *fault) {
  const char *why = reader_no_rows(translation->reader);
  if (!translation->has_failed && reader_is_error(translation->reader))
    fault_set(&translation->fault, FAULT_UPSTREAM, "upstream answered with an error");
  else if (!translation->has_failed && why)
    fault_set(&translation->fault, FAULT_UPSTREAM, "upstream's rows cannot be read: %s", why);
  else if (!translation->has_failed)
    return true;
  return report(translation, fault);
}

bool translate_feed(struct translation *translation, struct view bytes, struct fault *fault) {
  CHECK(translation->reader);
  if (!translation->has_failed && !reader_feed(translation->reader, bytes, &translation->fault))
    return report(translation, fault);
  return check_page(translation, fault);
}

/* Notes how far the page has come. True if there are enough rows up to there, whatever their order. */
static bool note_page(struct translation *translation) {
  struct sort_place reached = translation->row;
  translation->seen[translation->stream] = reached;
  if (!reached.known && !reached.is_behind)
    return false; /* no row has come */
  reached.is_behind = true;
  if (sort_count_before(translation->sort, &reached) < translation->end)
    return false;
  if (!translation->has_bound || sort_order(&reached, &translation->bound) < 0)
    translation->bound = reached;
  translation->has_bound = true;
  return true;
}

/* The group around a level that has ended has come, too. */
static void note_group(struct translation *translation) {
  struct sort_place *seen = &translation->seen[translation->stream];
  size_t known = pages_known(&translation->pages[translation->stream]);
  if (known >= seen->known)
    return;
  seen->known = known;
  seen->is_behind = true;
}

/* Rows that v3 may have cut through are dropped, unless what came is enough as it is. */
static bool end_rows(struct translation *translation, int64_t rows) {
  struct pages *pages = &translation->pages[translation->stream];
  enum pages_end end;
  bool has_enough = note_page(translation);
  int64_t certain = count_certain(translation);
  if (certain >= translation->end)
    return true;
  bool may_be_cap = !translation->is_cap_known && rows > 0 && rows >= translation->most_rows;
  translation->most_rows = rows > translation->most_rows ? rows : translation->most_rows;
  if (!pages_end(pages, rows, may_be_cap, has_enough, &translation->cap, &end, &translation->fault))
    return false;
  pages->is_slow = end == PAGES_CUT && certain <= translation->certain;
  if (end == PAGES_COMPLETE)
    note_group(translation);
  if (end == PAGES_CUT)
    sort_cut(translation->sort, translation->group);
  if (end == PAGES_SPLIT)
    sort_cut(translation->sort, translation->begin);
  return true;
}

bool translate_end_page(struct translation *translation, struct fault *fault) {
  CHECK(translation->reader);
  if (!translation->has_failed && !reader_finish(translation->reader, &translation->fault))
    return report(translation, fault);
  if (!check_page(translation, fault))
    return false;
  int64_t rows = reader_results(translation->reader);
  reader_release(&translation->reader);
  return end_rows(translation, rows) || report(translation, fault);
}

void translate_drop_page(struct translation *translation) {
  reader_release(&translation->reader);
  sort_cut(translation->sort, translation->begin);
  translation->has_failed = false;
}

int64_t translate_cap(const struct translation *translation) {
  return translation->cap;
}

struct view translate_answer(const struct translation *translation) {
  CHECK(translation->is_done);
  return text_view(&translation->answer);
}

int64_t translate_results(const struct translation *translation) {
  return translation->results;
}
