/* The answers that the programs of tests/bench give: rows of backlinks_new_lost with all 23 columns,
 * about 620 bytes each, one in five with text that is not ASCII. Row i of every answer is alike. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stddef.h>

#define BENCH_BLOCK_ROWS 1000
#define BENCH_HEAD "{\"refpages\":["
#define BENCH_TAIL "]}"

/* A thousand rows that follow each other in `bytes`, a comma before each; row i begins at
 * `begins[i]`, and `begins[BENCH_BLOCK_ROWS]` is the end. */
struct bench_block {
  char *bytes;
  size_t begins[BENCH_BLOCK_ROWS + 1];
};

/* Makes the block, which lives as long as the program. Exits if there is no memory. */
const struct bench_block *bench_block_make(void);

/* The number in `text` behind the first `name`, or `otherwise` if `name` is not in it. */
long bench_number_behind(const char *text, const char *name, long otherwise);

#endif
