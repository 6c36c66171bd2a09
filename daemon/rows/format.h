/* What a reader of one format does: the rows of the table in reader.c. Only for the files of rows. */
#pragma once

#include "rows/judge.h"

struct reader {
  const struct reader_format *format; /* constant */
  struct judge judge;
};

/* The judge keeps what is wrong. `feed` and `finish` are not called once it has found something. */
struct reader_format {
  /* The object begins with a struct reader, whose `format` reader_create() sets. `sink` is NULL
   * where rows are not asked for, or not to be had. NULL: no memory. */
  struct reader *(*create)(const struct reader_shape *shape, int64_t max_depth,
                           const struct reader_sink *sink);
  void (*feed)(struct reader *reader, struct view bytes);
  void (*finish)(struct reader *reader);
  void (*release)(struct reader *reader);
  /* Why the elements cannot be read as rows; NULL: they can, so far. NULL: they never can. */
  const char *(*no_rows)(const struct reader *reader);
  /* See reader_rows_place(). NULL: the format has no rows. */
  bool (*rows_place)(const struct reader *reader, int64_t *begin, int64_t *end);
  /* NULL: if it is the number of results. */
  bool (*agrees)(const struct reader *reader, int64_t results);
};

extern const struct reader_format reader_json, reader_serialized, reader_xml;
