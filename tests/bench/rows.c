#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MOST 1024

static const char *const texts[] = {
    "a link to the page",
    "the same page, described in a few more words",
    "Gr\u00fc\u00dfe aus K\u00f6ln",
    "https://example.com/index.html",
    "Home",
};

static int write_row(char *out, long i) {
  const char *text = texts[i % (long)(sizeof texts / sizeof *texts)];
  return snprintf(
      out, ROW_MOST,
      ",{\"date\":\"2021-%02ld-%02ldT08:08:13Z\",\"type\":\"%s\",\"ahrefs_rank\":%ld,"
      "\"domain_rating\":%ld,\"url_from\":\"https://blog%ld.example.com/articles/%ld/index.html\","
      "\"url_to\":\"https://a.example/page/%ld\",\"links_internal\":%ld,\"links_external\":%ld,"
      "\"encoding\":\"utf8\",\"http_code\":200,"
      "\"title\":\"The title of article %ld and more\",\"origin\":\"recrawl\","
      "\"first_seen\":\"2013-11-24T21:50:30Z\",\"last_visited\":\"2021-10-23T08:08:13Z\","
      "\"prev_visited\":\"2021-09-12T03:55:01Z\",\"original\":true,\"link_type\":\"href\","
      "\"redirect\":0,\"nofollow\":%s,\"alt\":\"\",\"anchor\":\"%s\","
      "\"text_pre\":\"some words before\",\"text_post\":\"and some words after\"}",
      i % 12 + 1, i % 28 + 1, i % 3 ? "new" : "lost", i * 7919 % 1000003, i % 100, i % 997, i,
      i % 50, i % 300, i % 40, i, i % 4 ? "false" : "true", text);
}

const struct bench_block *bench_block_make(void) {
  static struct bench_block block;
  size_t length = 0;
  block.bytes = malloc(BENCH_BLOCK_ROWS * ROW_MOST);
  if (!block.bytes)
    exit(1);
  for (long i = 0; i < BENCH_BLOCK_ROWS; i++) {
    block.begins[i] = length;
    length += (size_t)write_row(block.bytes + length, i);
  }
  block.begins[BENCH_BLOCK_ROWS] = length;
  return &block;
}

long bench_number_behind(const char *text, const char *name, long otherwise) {
  const char *found = strstr(text, name);
  return found ? strtol(found + strlen(name), NULL, 10) : otherwise;
}
