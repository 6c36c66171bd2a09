/* The pure parts of rowcachectl: arguments, answers, what is printed. */
#include "unit/fixture/unit.h"

#include "ctl/answer.h"
#include "ctl/argument.h"
#include "ctl/command.h"
#include "ctl/lines.h"
#include "ctl/peer.h"
#include "ctl/print.h"
#include "ctl/tally.h"
#include "ctl/verdict.h"
#include "settings/address.h"

/* --- queries as people write them --- */

static void arguments_are_cleaned(void **state) {
  (void)state;
  static const struct {
    const char *argument, *cleaned, *token;
  } cases[] = {
      {"", "", ""},
      {"a=1&b=2", "a=1&b=2", ""},
      {"?a=1", "a=1", ""},
      {"token=sesame", "", "sesame"},
      {"a=1&token=sesame&b=2", "a=1&b=2", "sesame"},
      {"%74oken=ses%61me&a=1&token=sesame", "a=1", "sesame"},
      {"token&a=1", "a=1", ""},
      {"tokens=1", "tokens=1", ""},
      {"&&a=1&&", "a=1", ""},
      {"http://apiv2.ahrefs.com/?a=1&token=sesame#part", "a=1", "sesame"},
      {"https://apiv2.ahrefs.com?a=1", "a=1", ""},
      {"/?a=1", "a=1", ""},
      {"http://apiv2.ahrefs.com/", "", ""},
      {"target=http://a.example/?b=c", "target=http%3A%2F%2Fa.example%2F%3Fb=c", ""},
      {"where=a:1, b=\"2\"", "where=a%3A1%2C%20b=%222%22", ""},
      {"a=%C3%A9+\xc3\xa9", "a=%C3%A9+%C3%A9", ""},
      {"a=1\r\nHost: x", "a=1%0D%0AHost%3A%20x", ""},
      {"a=#", "a=%23", ""},
      {"/v3/x/y?a=1&token=sesame", "/v3/x/y?a=1", "sesame"},
      {"https://api.ahrefs.com/v3/x/y?a=/?#b", "/v3/x/y?a=%2F%3F", ""},
      {"/v3/x y", "/v3/x%20y?", ""},
      {"v3/x?a=1", "v3%2Fx%3Fa=1", ""},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    scope_text struct text out = {0};
    struct argument argument;
    struct fault fault;
    assert_true(argument_read(view_of(cases[i].argument), &argument, &fault));
    argument_add(&argument, &out);
    assert_string_equal(text_string(&out), cases[i].cleaned);
    assert_string_equal(text_string(&argument.token), cases[i].token);
    assert_int_equal(argument.is_call, strncmp(cases[i].cleaned, "/v3/", 4) == 0);
    argument_free(&argument);
  }
}

static void two_tokens_are_refused_and_not_repeated(void **state) {
  (void)state;
  static const char *const refused[] = {"token=sesame&a=1&token=other", "token=sesame%zz",
                                        "token=sesame%00", "/v3/x?token=sesame%0d%0aX:"};
  for (size_t i = 0; i < COUNT(refused); i++) {
    struct argument argument;
    struct fault fault;
    assert_false(argument_read(view_of(refused[i]), &argument, &fault));
    assert_null(strstr(fault.text, "sesame"));
    argument_free(&argument);
  }
}

/* --- lines of a file --- */

/* Appends each line of `file`, read in parts of `step` bytes, as "number:query|". */
static void list_lines(struct view file, size_t step, struct text *out) {
  struct lines lines = {.number = 0};
  struct fault fault;
  bool is_last = false;
  while (file.length || !is_last) {
    struct view part = view_first(file, step), query;
    file = view_from(file, part.length);
    is_last = part.length == 0;
    while (is_last ? lines_end(&lines) : lines_take(&lines, &part)) {
      bool ok = lines_read(&lines, &query, &fault);
      if (!ok || query.length)
        text_printf(out, "%d:%.*s|", (int)lines.number, ok ? (int)query.length : 1,
                    ok ? query.at : "!");
    }
  }
  lines_free(&lines);
}

static void lines_are_numbered_and_blank_ones_skipped(void **state) {
  (void)state;
  static const struct {
    const char *file, *lines;
  } cases[] = {
      {"", ""},
      {"\n\n", ""},
      {"a=1", "1:a=1|"},
      {"a=1\n", "1:a=1|"},
      {"a=1\n\n# b=2\n  #c\nd=4", "1:a=1|5:d=4|"},
      {"\xef\xbb\xbf"
       "a=1\r\n \t\r\n b=2 \r\n",
       "1:a=1|3:b=2|"},
      {"a=1\n\xef\xbb\xbf"
       "b",
       "1:a=1|2:\xef\xbb\xbf"
       "b|"},
      {"a=\xff\nb=2\n#\xff\n", "1:!|2:b=2|"},
      {"a=\xc3\xa9#", "1:a=\xc3\xa9#|"},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    for (size_t step = 1; step < 20; step++) {
      scope_text struct text out = {0};
      list_lines(view_of(cases[i].file), step, &out);
      assert_string_equal(text_string(&out), cases[i].lines);
    }
}

static void a_line_is_bounded(void **state) {
  (void)state;
  scope_text struct text file = {0}, out = {0};
  for (size_t i = 0; i < LINES_MOST; i++)
    text_add_char(&file, 'a');
  text_add(&file, VIEW("\n#"));
  for (size_t i = 0; i < 2 * LINES_MOST; i++)
    text_add_char(&file, 'b');
  text_add(&file, VIEW("\nc"));
  for (size_t i = 0; i < LINES_MOST; i++)
    text_add_char(&file, 'c');
  text_add(&file, VIEW("\nd=1"));
  list_lines(text_view(&file), 1000, &out);
  assert_string_equal(text_string(&out) + LINES_MOST + strlen("1:"), "|3:!|4:d=1|");
}

/* --- what an answer was --- */

static void an_outcome_is_read_from_cache_status(void **state) {
  (void)state;
  static const struct {
    const char *cache_status;
    int outcome; /* -1: none */
  } cases[] = {
      {"rowcache; hit; ttl=86400", OUTCOME_HIT},
      {"rowcache; hit; ttl=1; detail=derived", OUTCOME_DERIVED},
      {"rowcache; hit; ttl=-1; detail=stale", OUTCOME_STALE},
      {"rowcache; fwd=uri-miss; stored", OUTCOME_MISS},
      {"rowcache; fwd=stale; fwd-status=500", OUTCOME_MISS},
      {"rowcache; fwd=uri-miss; collapsed", OUTCOME_COLLAPSED},
      {"rowcache; fwd=bypass", OUTCOME_BYPASS},
      {"rowcache", -1},
      {"rowcache; ttl=1", -1},
      {"other; hit", -1},
      {"", -1},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    enum outcome outcome = OUTCOMES;
    bool found = verdict_outcome(view_of(cases[i].cache_status), &outcome);
    assert_int_equal(found ? (int)outcome : -1, cases[i].outcome);
  }
}

/* --- sums of many queries --- */

static struct tally_query one(enum outcome outcome, int64_t rows, bool has_spent, bool is_exact) {
  return (struct tally_query){.line = 7,
                              .outcome = outcome,
                              .status = outcome == OUTCOME_ERROR ? 400 : 200,
                              .has_spent = has_spent,
                              .is_exact = is_exact,
                              .spent = amount_of_rows(ROWS(rows)),
                              .error = outcome == OUTCOME_ERROR ? VIEW("why\n") : VIEW("")};
}

static void queries_are_added_up(void **state) {
  (void)state;
  struct tally tally = {.has_limit = true, .limit = amount_of_rows(ROWS(300))};
  const struct tally_query queries[] = {
      one(OUTCOME_HIT, 0, true, true),      one(OUTCOME_DERIVED, 0, true, true),
      one(OUTCOME_MISS, 201, true, true),   one(OUTCOME_COLLAPSED, 0, true, true),
      one(OUTCOME_BYPASS, 0, false, false), one(OUTCOME_ERROR, 50, true, false),
  };
  for (size_t i = 0; i < COUNT(queries); i++)
    tally_add(&tally, &queries[i]);
  assert_int_equal(tally.asked, 6);
  assert_int_equal(tally.hits, 3);
  assert_int_equal(tally.misses, 2);
  assert_int_equal(tally.failed, 1);
  assert_int_equal(tally.unknown, 2);
  assert_string_equal(AMOUNT_TEXT(tally.spent), "251.0");
  assert_string_equal(AMOUNT_TEXT(tally_left(&tally)), "49.0");
  tally_add(&tally, &queries[2]);
  assert_string_equal(AMOUNT_TEXT(tally_left(&tally)), "0.0");
}

static void a_query_is_shown_on_one_line(void **state) {
  (void)state;
  const struct tally tally = {.has_limit = false};
  const struct tally limited = {.has_limit = true, .limit = amount_of_rows(ROWS(9))};
  const struct {
    struct tally_query query;
    const char *line;
  } cases[] = {
      {one(OUTCOME_MISS, 201, true, true), "line 7: miss, 201.0 rows"},
      {one(OUTCOME_HIT, 0, true, true), "line 7: hit, 0.0 rows"},
      {one(OUTCOME_BYPASS, 5, true, false), "line 7: bypass, at most 5.0 rows"},
      {one(OUTCOME_BYPASS, 0, false, false), "line 7: bypass, at an unknown cost"},
      {one(OUTCOME_ERROR, 0, true, true), "line 7: error 400"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    scope_text struct text out = {0}, wanted = {0};
    const char *error = i == 4 ? ": why\\x0a" : "";
    tally_show(&tally, &cases[i].query, &out);
    tally_show(&limited, &cases[i].query, &out);
    text_printf(&wanted, "%s%s\n%s; 9.0 left%s\n", cases[i].line, error, cases[i].line, error);
    assert_string_equal(text_string(&out), text_string(&wanted));
  }
}

/* --- answers --- */

static bool parses(struct view body, struct fault *fault) {
  yajl_val tree;
  bool ok = answer_parse(body, &tree, fault);
  assert_int_equal(ok, tree != NULL);
  yajl_tree_free(tree);
  return ok;
}

static void upsetting_answers_are_refused(void **state) {
  (void)state;
  static const struct view refused[] = {
      VIEW(""),
      VIEW("[]"),
      VIEW("1"),
      VIEW("<html>"),
      VIEW("{\"a\":1}x"),
      VIEW("{"),
      VIEW("{\"a\":1}\0"),
      VIEW("{\"a\":\"\\ud800\\\\u\"}"),
      VIEW("{\"a\":\"\\uDFFF\"}"),
      VIEW("{\"a\":\"\x80\"}"),
      VIEW("{\"a\":\"\\"),
      VIEW("]]]]"),
  };
  struct fault fault;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (parses(refused[i], &fault))
      fail_msg("'%s' was taken", refused[i].at);
  assert_true(parses(VIEW("{}"), &fault));
  assert_true(parses(VIEW("{\"a\":[{\"b\":\"[[[[[[[[[[[[[[[[[[[[\\\"{\"}]}"), &fault));
}

static void deep_answers_are_refused(void **state) {
  (void)state;
  scope_text struct text deep = {0};
  struct fault fault;
  text_add(&deep, VIEW("{\"a\":"));
  for (int i = 0; i < 1000000; i++)
    text_add_char(&deep, '[');
  assert_false(parses(text_view(&deep), &fault));
}

static void members_are_found(void **state) {
  (void)state;
  yajl_val tree;
  assert_true(answer_parse(VIEW("{\"a\":{\"b\":{\"c\":\"x\"}},\"d\":1}"), &tree, NULL));
  assert_string_equal(YAJL_GET_STRING(answer_get(tree, "a.b.c")), "x");
  assert_null(answer_get(tree, "a.x.c"));
  assert_null(answer_get(tree, "d.e"));
  assert_null(answer_get(NULL, "a"));
  yajl_tree_free(tree);
}

/* --- printing --- */

static const struct print_column columns[] = {
    {"name", "who", PRINT_LABEL}, {"bytes", "size", PRINT_BYTES}, {"note", "note", PRINT_TEXT}};

static const struct view sample =
    VIEW("{\"rows\":[{\"name\":\"caf\xc3\xa9\",\"bytes\":512,\"note\":\"a,\\\"b\\\"\"},"
         "{\"name\":\"\",\"bytes\":3670016,\"note\":\"=1+1\"},"
         "{\"name\":7,\"bytes\":null,\"note\":\"\\u001b[31m\\u0085\\n\"}, 5],"
         "\"total\":{\"bytes\":1024}}");

static void tables_are_aligned(void **state) {
  (void)state;
  yajl_val tree;
  scope_text struct text out = {0};
  assert_true(answer_parse(sample, &tree, NULL));
  print_table(&out, columns, 3, answer_get(tree, "rows"), answer_get(tree, "total"));
  assert_string_equal(text_string(&out), "who        size  note\n"
                                         "caf\xc3\xa9      512 B  a,\"b\"\n"
                                         "(none)  3.5 MiB  =1+1\n"
                                         "7             -  \\x1b[31m\\x85\\x0a\n"
                                         "-             -  -\n"
                                         "total   1.0 KiB  -\n");
  yajl_tree_free(tree);
}

static void tables_take_anything(void **state) {
  (void)state;
  scope_text struct text out = {0};
  print_table(&out, columns, 3, NULL, NULL);
  assert_string_equal(text_string(&out), "who  size  note\n");
  text_clear(&out);
  print_csv(&out, columns, 3, NULL);
  assert_string_equal(text_string(&out), "name,bytes,note\r\n");
}

static void csv_is_quoted(void **state) {
  (void)state;
  yajl_val tree;
  scope_text struct text out = {0};
  assert_true(answer_parse(sample, &tree, NULL));
  print_csv(&out, columns, 3, answer_get(tree, "rows"));
  assert_string_equal(text_string(&out), "name,bytes,note\r\n"
                                         "caf\xc3\xa9,512,\"a,\"\"b\"\"\"\r\n"
                                         ",3670016,'=1+1\r\n"
                                         "7,,\\x1b[31m\\x85\\x0a\r\n"
                                         ",,\r\n");
  yajl_tree_free(tree);
}

static void durations_have_two_units(void **state) {
  (void)state;
  static const struct {
    int64_t seconds;
    const char *shown;
  } cases[] = {{0, "0s"},       {59, "59s"},        {60, "1m"},
               {3661, "1h 1m"}, {86399, "23h 59m"}, {90000, "1d 1h"},
               {86401, "1d"},   {-61, "-1m 1s"},    {INT64_MIN, "-106751991167300d 15h"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    scope_text struct text out = {0};
    print_duration(&out, cases[i].seconds);
    assert_string_equal(text_string(&out), cases[i].shown);
  }
}

/* --- the command line --- */

struct line {
  int argc;
  char *argv[8];
};

static const struct command *find(struct line *line, int *words) {
  while (line->argv[line->argc])
    line->argc++;
  return command_find(line->argc, line->argv, words);
}

static bool reads(struct line line, struct command_call *call) {
  int words;
  bool wants_help;
  struct fault fault;
  *call = (struct command_call){.settings = NULL};
  const struct command *command = find(&line, &words);
  assert_non_null(command);
  return command_read(command, line.argc - words + 1, line.argv + words - 1, call, &wants_help,
                      &fault);
}

static void commands_are_found(void **state) {
  (void)state;
  int words;
  assert_string_equal(find(&(struct line){0, {"cache", "purge"}}, &words)->words, "cache purge");
  assert_int_equal(words, 2);
  assert_string_equal(find(&(struct line){0, {"spend", "--json"}}, &words)->words, "spend");
  assert_null(find(&(struct line){0, {"cache"}}, &words));
  assert_null(find(&(struct line){0, {"stat"}}, &words));
  assert_null(find(&(struct line){0, {NULL}}, &words));
}

static void command_lines_are_read(void **state) {
  (void)state;
  struct command_call call;
  assert_true(reads((struct line){0, {"spend", "--by", "day", "--since=2026-01-01"}}, &call));
  assert_string_equal(call.by, "day");
  assert_string_equal(call.since, "2026-01-01");
  assert_true(reads((struct line){0, {"cache", "show", "abcd", "--json"}}, &call));
  assert_string_equal(call.arguments[0], "abcd");
  assert_true(call.json);
  assert_true(reads((struct line){0, {"cache", "purge", "--older-than", "1d"}}, &call));
  assert_string_equal(call.older_than, "1d");
}

static void wrong_command_lines_are_refused(void **state) {
  (void)state;
  struct command_call call;
  assert_false(reads((struct line){0, {"status", "--csv"}}, &call));
  assert_false(reads((struct line){0, {"status", "now"}}, &call));
  assert_false(reads((struct line){0, {"spend", "--by"}}, &call));
  assert_false(reads((struct line){0, {"spend", "--by", "day", "--by", "token"}}, &call));
  assert_false(reads((struct line){0, {"cache", "show"}}, &call));
  assert_false(reads((struct line){0, {"explain", "a", "b"}}, &call));
  assert_false(reads((struct line){0, {"cache", "purge", "--all=yes"}}, &call));
}

/* --- who listens --- */

#define HEADING \
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define LINE(local, state, user)                                                    \
  "   0: " local " 00000000:0000 " state " 00000000:00000000 00:00000000 00000000 " \
  "  " user "        0 168556 1 00000000572619d0 100 0 0 10 0\n"
#define ZEROS "00000000000000000000000000000000"
#define MAPPED "0000000000000000FFFF0000"

/* Ports: 0x1F91 is 8081. As on a little-endian machine. */
static void listeners_are_found(void **state) {
  (void)state;
  enum { NONE = -1, SEVERAL = -2 };
  static const struct {
    const char *peer, *table;
    int user;
  } cases[] = {
      {"127.0.0.1:8081", LINE("0100007F:1F91", "0A", "998"), 998},
      {"127.0.0.1:8081", LINE("00000000:1F91", "0A", "998"), 998},
      {"127.0.0.1:8081", LINE(ZEROS ":1F91", "0A", "998"), 998},
      {"127.0.0.1:8081", LINE(MAPPED "0100007F:1F91", "0A", "998"), 998},
      {"[::1]:8081", LINE("00000000000000000000000001000000:1F91", "0A", "998"), 998},
      {"[::1]:8081", LINE(ZEROS ":1F91", "0A", "998"), 998},
      {"127.0.0.1:8081", LINE("0100007F:1F91", "0A", "0"), 0},
      /* another port, another address, a connection */
      {"127.0.0.1:8081", LINE("0100007F:1F90", "0A", "998"), NONE},
      {"127.0.0.1:8081", LINE("0200007F:1F91", "0A", "998"), NONE},
      {"[::1]:8081", LINE("00000000:1F91", "0A", "998"), NONE},
      {"127.0.0.1:8081", LINE("0100007F:1F91", "01", "998"), NONE},
      {"127.0.0.1:8081", "", NONE},
      {"127.0.0.1:8081", "   0: 0100007F:1F91 00000000:0000 0A", NONE},
      {"127.0.0.1:8081", "   0: 0100007F:1F91 00000000:0000 0A a b c -1", NONE},
      /* several */
      {"127.0.0.1:8081",
       LINE("0100007F:0050", "0A", "33") LINE("0100007F:1F91", "0A", "998")
           LINE("0100007F:1F91", "0A", "998"),
       998},
      {"127.0.0.1:8081", LINE("0100007F:1F91", "0A", "998") LINE("00000000:1F91", "0A", "33"),
       SEVERAL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    scope_text struct text table = {0};
    struct address peer;
    uid_t user = 12345;
    int count = 0;
    text_add(&table, VIEW(HEADING));
    text_add(&table, view_of(cases[i].table));
    assert_true(address_parse(cases[i].peer, &peer, NULL));
    bool ok = peer_find(text_view(&table), (const struct sockaddr *)&peer.storage, &user, &count);
    assert_int_equal(ok, cases[i].user != SEVERAL);
    assert_int_equal(count > 0, cases[i].user != NONE);
    if (cases[i].user >= 0)
      assert_int_equal(user, cases[i].user);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arguments_are_cleaned),
      cmocka_unit_test(two_tokens_are_refused_and_not_repeated),
      cmocka_unit_test(lines_are_numbered_and_blank_ones_skipped),
      cmocka_unit_test(a_line_is_bounded),
      cmocka_unit_test(an_outcome_is_read_from_cache_status),
      cmocka_unit_test(queries_are_added_up),
      cmocka_unit_test(a_query_is_shown_on_one_line),
      cmocka_unit_test(upsetting_answers_are_refused),
      cmocka_unit_test(deep_answers_are_refused),
      cmocka_unit_test(members_are_found),
      cmocka_unit_test(tables_are_aligned),
      cmocka_unit_test(tables_take_anything),
      cmocka_unit_test(csv_is_quoted),
      cmocka_unit_test(durations_have_two_units),
      cmocka_unit_test(commands_are_found),
      cmocka_unit_test(command_lines_are_read),
      cmocka_unit_test(wrong_command_lines_are_refused),
      cmocka_unit_test(listeners_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
