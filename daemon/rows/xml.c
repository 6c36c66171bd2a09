/* Answers in XML: expat parses. Without a document type there are no entities to expand, and what
 * expat keeps is one token, the names of the open elements, and each name that it has seen once:
 * all three are bounded here. */
#include "base/scope.h"
#include "rows/format.h"

#include <expat.h>

#define TOKEN_MOST ((size_t)1024 * 1024) /* bytes of a tag, a comment and the like */
#define PIECE_MOST ((size_t)64 * 1024)   /* expat takes an int */
#define NAME_MOST 1024                   /* bytes */
#define NAMES_MOST 256                   /* different ones */
#define NAME_SLOTS (NAMES_MOST * 2)
#define DEEPEST_ROWS 3 /* below the root, or below one element there */

struct xml {
  struct reader reader;
  XML_Parser expat;
  struct view root;
  size_t since_event;                 /* bytes since expat last reported something */
  int64_t elements[DEEPEST_ROWS + 1]; /* by depth; the root is at depth 1 */
  uint64_t names[NAME_SLOTS];         /* their hashes; 0: free */
  size_t name_count;
};

static void refuse(struct xml *xml, const char *why) {
  judge_refuse(&xml->reader.judge, why);
  XML_StopParser(xml->expat, XML_FALSE);
}

/* FNV-1a. Two names of one hash cost memory, not correctness. */
static uint64_t hash(struct view name) {
  uint64_t value = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < name.length; i++)
    value = (value ^ (unsigned char)name.at[i]) * UINT64_C(0x100000001b3);
  return value ? value : 1;
}

static void note_name(struct xml *xml, struct view name) {
  uint64_t value = hash(name);
  size_t slot = value % NAME_SLOTS;
  if (name.length > NAME_MOST) {
    refuse(xml, "a name in it is too long");
    return;
  }
  while (xml->names[slot] && xml->names[slot] != value)
    slot = (slot + 1) % NAME_SLOTS;
  if (xml->names[slot])
    return;
  if (++xml->name_count > NAMES_MOST)
    refuse(xml, "it has too many different names");
  else
    xml->names[slot] = value;
}

/* What stands directly below the root. */
static void begin_member(struct judge *judge, struct view name) {
  judge->in_error = view_is(name, "error");
  judge->seen_error = judge->seen_error || judge->in_error;
  judge->seen_rows = judge->seen_rows || !judge->in_error;
  if (judge->seen_rows)
    judge->results = -1;
  judge->seen_other = judge->seen_rows;
  judge->seen_beside = true;
}

static void on_start(void *context, const XML_Char *text, const XML_Char **attributes) {
  struct xml *xml = context;
  struct judge *judge = &xml->reader.judge;
  struct view name = view_of(text);
  xml->since_event = 0;
  note_name(xml, name);
  for (size_t i = 0; attributes[i]; i += 2)
    note_name(xml, view_of(attributes[i]));
  if (++judge->depth > judge->max_depth)
    refuse(xml, "it is nested too deep (upstream.max_depth)");
  if (judge->depth == 1 && xml->root.length && !view_equal(name, xml->root))
    refuse(xml, "its root element has another name");
  if (judge->depth == 2)
    begin_member(judge, name);
  else if (judge->in_error)
    judge->error_says_something = true;
  if (judge->depth <= DEEPEST_ROWS)
    xml->elements[judge->depth]++;
}

static void on_end(void *context, const XML_Char *name) {
  struct xml *xml = context;
  (void)name;
  xml->since_event = 0;
  if (--xml->reader.judge.depth == 1)
    xml->reader.judge.in_error = false;
}

static bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void on_text(void *context, const XML_Char *text, int length) {
  struct xml *xml = context;
  struct judge *judge = &xml->reader.judge;
  xml->since_event = 0;
  for (int i = 0; i < length && judge->in_error; i++)
    judge->error_says_something = judge->error_says_something || !is_white(text[i]);
}

static void on_comment(void *context, const XML_Char *text) {
  struct xml *xml = context;
  (void)text;
  xml->since_event = 0;
}

static void on_instruction(void *context, const XML_Char *target, const XML_Char *text) {
  (void)text;
  on_comment(context, target);
}

static void on_document_type(void *context, const XML_Char *name, const XML_Char *system,
                             const XML_Char *public, int has_subset) {
  (void)name, (void)system, (void)public, (void)has_subset;
  refuse(context, "it has a document type");
}

static struct reader *create(const struct reader_shape *shape, int64_t max_depth,
                             const struct reader_sink *sink) {
  CHECK(!sink);
  struct xml *xml = calloc(1, sizeof *xml);
  if (!xml)
    return NULL;
  judge_begin(&xml->reader.judge, shape, max_depth, "");
  xml->root = shape->root;
  xml->expat = XML_ParserCreate(NULL);
  if (!xml->expat) {
    free(xml);
    return NULL;
  }
  XML_SetUserData(xml->expat, xml);
  XML_SetElementHandler(xml->expat, on_start, on_end);
  XML_SetCharacterDataHandler(xml->expat, on_text);
  XML_SetCommentHandler(xml->expat, on_comment);
  XML_SetProcessingInstructionHandler(xml->expat, on_instruction);
  XML_SetStartDoctypeDeclHandler(xml->expat, on_document_type);
  return &xml->reader;
}

static void release(struct reader *reader) {
  struct xml *xml = (struct xml *)reader;
  XML_ParserFree(xml->expat);
  free(xml);
}

static void parse(struct xml *xml, struct view bytes, bool is_last) {
  xml->since_event += bytes.length;
  if (XML_Parse(xml->expat, bytes.at, (int)bytes.length, is_last) == XML_STATUS_ERROR)
    judge_refuse(&xml->reader.judge, "it is no well-formed XML");
  if (xml->since_event > TOKEN_MOST)
    judge_refuse(&xml->reader.judge, "one value in it is too long");
}

static void feed(struct reader *reader, struct view bytes) {
  struct view rest = bytes;
  for (; rest.length && !reader->judge.broken; rest = view_from(rest, PIECE_MOST))
    parse((struct xml *)reader, view_first(rest, PIECE_MOST), false);
}

static void finish(struct reader *reader) {
  parse((struct xml *)reader, VIEW(""), true);
}

static bool agrees(const struct reader *reader, int64_t results) {
  const struct xml *xml = (const struct xml *)reader;
  for (int depth = 2; depth <= DEEPEST_ROWS; depth++)
    if (xml->elements[depth] == results)
      return true;
  return false;
}

const struct reader_format reader_xml = {
    .create = create, .feed = feed, .finish = finish, .release = release, .agrees = agrees};
