#include "derive/text.h"

#include "base/num.h"
#include "base/utf8.h"
#include "derive/letters.h"
#include "derive/pattern.h"

#define VALUE_MOST 1000 /* bytes; upstream may refuse or cut longer ones */

bool text_is_certain(struct view value) {
  struct view rest = value;
  uint32_t character;
  while (utf8_take(&rest, &character))
    if (character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xfffd ||
        character == '"' || character == '\'' || character == '\\')
      return false;
  return rest.length == 0 && value.length <= VALUE_MOST;
}

static bool is_word_char(char c) {
  return num_is_alpha(c) || num_is_digit(c);
}

/* --- what certainly differs --- */

static bool has_certain(struct view text, uint32_t wanted) {
  uint32_t character;
  enum letter class_;
  while (letters_take(&text, &character, &class_))
    if (letters_certain(character) == wanted)
      return true;
  return false;
}

static bool has_foreign(struct view text) {
  uint32_t character;
  enum letter class_;
  while (letters_take(&text, &character, &class_))
    if (class_ == LETTER_FOREIGN)
      return true;
  return false;
}

/* True if a letter of `value` stands for nothing in `text`, which is not doubtful. */
static bool lacks_letter(struct view value, struct view text) {
  uint32_t character;
  enum letter class_;
  if (has_foreign(value) && !has_foreign(text))
    return true;
  while (letters_take(&value, &character, &class_))
    if (letters_certain(character) && !has_certain(text, letters_certain(character)))
      return true;
  return false;
}

/* Takes the next run of ASCII characters off; signs at its ends may belong to what is beside it. */
static bool take_run(struct view *rest, struct view *run) {
  while (rest->length && !is_word_char(rest->at[0]))
    *rest = view_from(*rest, 1);
  size_t length = 0;
  while (length < rest->length && rest->at[length] >= 0x20 && rest->at[length] <= 0x7e)
    length++;
  *run = view_first(*rest, length);
  *rest = view_from(*rest, length);
  while (run->length && !is_word_char(run->at[run->length - 1]))
    run->length--;
  return run->length > 0;
}

/* False: under no folding does `text` contain `value`. */
static bool may_contain(struct view value, struct view text) {
  if (letters_are_plain(value))
    return pattern_may_occur(view_trim(value), text);
  if (letters_are_doubtful(text))
    return true;
  struct view run;
  while (take_run(&value, &run))
    if (!pattern_may_occur(run, text))
      return false;
  return true;
}

static bool may_contain_letters(struct view value, struct view text) {
  return may_contain(value, text) &&
         (letters_are_doubtful(value) || letters_are_doubtful(text) || !lacks_letter(value, text));
}

/* --- equality --- */

static bool may_equal(struct view a, struct view b) {
  bool a_is_plain = letters_are_plain(a), b_is_plain = letters_are_plain(b);
  if (a_is_plain && b_is_plain)
    return num_same_word(a, b);
  if (a_is_plain)
    return pattern_may_equal(a, b);
  if (b_is_plain)
    return pattern_may_equal(b, a);
  return may_contain_letters(a, b) && may_contain_letters(b, a);
}

/* True for a blank, and for a sign that a folding may leave out, beyond printable ASCII. */
static bool may_be_left_out(struct view character) {
  uint32_t code;
  enum letter class_ = LETTER_DOUBTFUL;
  letters_take(&character, &code, &class_);
  return code == ' ' || (class_ == LETTER_SIGN && (code < ' ' || code > '~'));
}

static size_t last_length(struct view text) {
  size_t length = 1;
  while (length < text.length && (text.at[text.length - length] & 0xc0) == 0x80)
    length++;
  return length;
}

/* Without what may be left out at both ends. */
static struct view strip(struct view text) {
  uint32_t code;
  enum letter class_;
  while (text.length && may_be_left_out(text))
    letters_take(&text, &code, &class_);
  while (text.length && may_be_left_out(view_from(text, text.length - last_length(text))))
    text.length -= last_length(text);
  return text;
}

/* Blanks at the ends may be ignored, also where they are at the ends only when signs are. */
enum truth text_equals(struct view value, struct view text) {
  if (view_equal(value, text))
    return TRUTH_TRUE;
  return truth_unless(may_equal(value, text) || may_equal(strip(value), strip(text)));
}

/* --- substrings --- */

/* True if what stands at this place does not change what stands before it: no mark, nothing that is
 * composed with it. */
static bool begins_anew(struct view text) {
  uint32_t character;
  enum letter class_;
  if (!letters_take(&text, &character, &class_))
    return true;
  return class_ == LETTER_ASCII || class_ == LETTER_LATIN || class_ == LETTER_FOREIGN;
}

/* The capital sigma has one small form inside a word and another at its end. */
static bool depends_on_place(struct view value) {
  return memmem(value.at, value.length, "\xce\xa3", 2) != NULL;
}

/* Takes from `rest` up to the end of the next occurrence of `value`. */
static bool take_occurrence(struct view *rest, struct view value) {
  const char *at = rest->length ? memmem(rest->at, rest->length, value.at, value.length) : NULL;
  if (at)
    *rest = view_from(*rest, (size_t)(at - rest->at) + value.length);
  return at != NULL;
}

static bool certainly_contains(struct view value, struct view text) {
  if (!begins_anew(value) || depends_on_place(value))
    return false;
  while (take_occurrence(&text, value))
    if (begins_anew(text))
      return true;
  return false;
}

/* SQL's LIKE, unescaped, would take them for any text and any character. */
static bool has_wildcard(struct view value) {
  return memchr(value.at, '%', value.length) || memchr(value.at, '_', value.length);
}

enum truth text_contains(struct view value, struct view text) {
  if (certainly_contains(value, text))
    return TRUTH_TRUE;
  return truth_unless(has_wildcard(value) || may_contain_letters(value, text));
}

/* The next occurrence of `value`, which is plain, in any case; likewise. */
static bool take_any_case(struct view *rest, struct view value) {
  for (; rest->length >= value.length; *rest = view_from(*rest, 1))
    if (num_same_word(view_first(*rest, value.length), value)) {
      *rest = view_from(*rest, value.length);
      return true;
    }
  return false;
}

static bool certainly_contains_any_case(struct view value, struct view text) {
  if (certainly_contains(value, text))
    return true;
  while (letters_are_plain(value) && take_any_case(&text, value))
    if (begins_anew(text))
      return true;
  return false;
}

enum truth text_contains_any_case(struct view value, struct view text) {
  return certainly_contains_any_case(value, text) ? TRUTH_TRUE : text_contains(value, text);
}

/* --- beginnings and ends --- */

/* The part of `text` that may be `value`: so many bytes from its beginning, or from its end. */
typedef struct view part(struct view text, size_t length);

static struct view first_part(struct view text, size_t length) {
  return view_first(text, length);
}

static struct view last_part(struct view text, size_t length) {
  return view_from(text, text.length > length ? text.length - length : 0);
}

/* False: not in any case, with or without the blanks at the text's ends. */
static bool may_have_part(part *take, struct view value, struct view text) {
  return num_same_word(take(text, value.length), value) ||
         num_same_word(take(view_trim(text), value.length), value);
}

static enum truth judge_part(part *take, struct view value, struct view text) {
  bool are_plain = letters_are_plain(value) && letters_are_plain(text);
  if (are_plain && !has_wildcard(value))
    return truth_unless(may_have_part(take, value, text));
  return truth_unless(text_contains(value, text) != TRUTH_FALSE);
}

enum truth text_begins(struct view value, struct view text) {
  bool is_certain = view_starts(text, value) && begins_anew(view_from(text, value.length)) &&
                    !depends_on_place(value);
  return is_certain ? TRUTH_TRUE : judge_part(first_part, value, text);
}

enum truth text_ends(struct view value, struct view text) {
  bool is_certain = view_equal(last_part(text, value.length), value) && begins_anew(value) &&
                    !depends_on_place(value);
  return is_certain ? TRUTH_TRUE : judge_part(last_part, value, text);
}

/* --- words --- */

bool text_is_word(struct view value) {
  bool is_word = value.length > 0;
  while (is_word && value.length > 0) {
    uint32_t character;
    enum letter class_ = LETTER_DOUBTFUL;
    letters_take(&value, &character, &class_);
    is_word = class_ == LETTER_LATIN || class_ == LETTER_FOREIGN ||
              (class_ == LETTER_ASCII && is_word_char((char)character));
  }
  return is_word;
}

static bool is_blank_at(struct view text, size_t at) {
  return at >= text.length || text.at[at] == ' ';
}

/* Blanks separate words whatever a word is. */
static bool stands_apart(struct view text, size_t at, size_t length) {
  return (at == 0 || text.at[at - 1] == ' ') && is_blank_at(text, at + length);
}

/* Letters beside letters, and digits beside digits, are one word whatever a word is. */
static bool are_one_word(char a, char b) {
  return (num_is_alpha(a) && num_is_alpha(b)) || (num_is_digit(a) && num_is_digit(b));
}

static bool is_glued(struct view text, size_t at, size_t length) {
  size_t end = at + length;
  return (at > 0 && are_one_word(text.at[at - 1], text.at[at])) ||
         (end < text.length && are_one_word(text.at[end - 1], text.at[end]));
}

/* What one occurrence, in any case, says; both texts are plain. */
static enum truth judge_word_at(struct view value, struct view text, size_t at) {
  struct view here = view_first(view_from(text, at), value.length);
  if (!num_same_word(here, value) || is_glued(text, at, value.length))
    return TRUTH_FALSE;
  bool is_certain = view_equal(here, value) && stands_apart(text, at, value.length);
  return is_certain ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static enum truth judge_plain_word(struct view value, struct view text) {
  enum truth best = TRUTH_FALSE;
  for (size_t at = 0; best != TRUTH_TRUE && at + value.length <= text.length; at++) {
    enum truth here = judge_word_at(value, text, at);
    best = here > best ? here : best;
  }
  return best;
}

static bool has_word_apart(struct view value, struct view text) {
  struct view rest = text;
  while (take_occurrence(&rest, value)) {
    size_t end = text.length - rest.length;
    if (stands_apart(text, end - value.length, value.length))
      return true;
  }
  return false;
}

enum truth text_has_word(struct view value, struct view text) {
  bool is_plain = letters_are_plain(value);
  if (is_plain && letters_are_plain(text))
    return judge_plain_word(value, text);
  if (is_plain && has_word_apart(value, text))
    return TRUTH_TRUE;
  return truth_unless(may_contain_letters(value, text));
}

/* --- phrases --- */

/* Letters and digits of ASCII at both ends: there a word certainly begins, and ends. */
static bool has_clear_ends(struct view value) {
  return value.length > 0 && is_word_char(value.at[0]) && is_word_char(value.at[value.length - 1]);
}

/* True if `value`, which is plain, stands apart somewhere in `text`. */
static bool has_phrase_apart(struct view value, struct view text, bool any_case) {
  struct view rest = text;
  while ((any_case ? take_any_case : take_occurrence)(&rest, value)) {
    size_t end = text.length - rest.length;
    if (stands_apart(text, end - value.length, value.length))
      return true;
  }
  return false;
}

/* True if a word of the phrase is certainly none of the text. */
static bool lacks_word(struct view value, struct view text) {
  struct view word;
  while (view_split(&value, ' ', &word))
    if (text_is_word(word) && text_has_word(word, text) == TRUTH_FALSE)
      return true;
  return false;
}

enum truth text_has_phrase(struct view value, struct view text, bool any_case) {
  bool is_certain =
      has_clear_ends(value) && letters_are_plain(value) && has_phrase_apart(value, text, any_case);
  return is_certain ? TRUTH_TRUE : truth_unless(!lacks_word(value, text));
}

/* --- order --- */

static size_t common_length(struct view a, struct view b) {
  size_t most = a.length < b.length ? a.length : b.length, length = 0;
  while (length < most && a.at[length] == b.at[length])
    length++;
  return length;
}

/* True if a letter or digit of ASCII stands at `at`, and no mark after it. */
static bool is_clear_at(struct view text, size_t at) {
  if (at >= text.length || !is_word_char(text.at[at]))
    return false;
  return at + 1 == text.length || letters_are_plain(view_first(view_from(text, at + 1), 1));
}

static size_t digits_at(struct view text, size_t at) {
  size_t count = 0;
  while (at + count < text.length && num_is_digit(text.at[at + count]))
    count++;
  return count;
}

static bool is_small(char c) {
  return num_lower(c) == c;
}

/* True if every reading orders two texts by the characters at `at`, where they first differ. */
static bool decides(struct view a, struct view b, size_t at) {
  char left = a.at[at], right = b.at[at];
  if (num_is_alpha(left) && num_is_alpha(right))
    return is_small(left) == is_small(right);
  if (num_is_digit(left) && num_is_digit(right))
    return digits_at(a, at) == digits_at(b, at);
  return at == 0 || !num_is_digit(a.at[at - 1]); /* not "12" and "1x" */
}

enum order text_order(struct view a, struct view b) {
  size_t at = common_length(a, b);
  bool a_ends = at == a.length, b_ends = at == b.length;
  if (a_ends && b_ends)
    return ORDER_EQUAL;
  bool is_known = (a_ends || is_clear_at(a, at)) && (b_ends || is_clear_at(b, at)) &&
                  (a_ends || b_ends || decides(a, b, at));
  return is_known ? order_of(view_order(a, b)) : ORDER_UNKNOWN;
}
