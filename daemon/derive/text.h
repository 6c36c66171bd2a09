/* Conditions on text, under every sensible reading (READINGS.md, "Text"). Pure.
 *
 * `value` is a condition's, `text` a row's. Readings may fold case, accents, width, ligatures and
 * Unicode's normalization forms, ignore blanks at the ends, or do nothing of this. So TRUE needs
 * the same bytes, and FALSE texts that differ under the coarsest folding. */
#pragma once

#include "base/view.h"
#include "derive/truth.h"

/* True if upstream certainly takes `value` as a text, and as this one: UTF-8, not long, without
 * controls, and without quotes and backslashes, which it may unescape in another way. */
bool text_is_certain(struct view value);

/* value = text. */
enum truth text_equals(struct view value, struct view text);

/* substring(text, value); `value` holds more than blanks. */
enum truth text_contains(struct view value, struct view text);

/* The same, where upstream certainly ignores case. */
enum truth text_contains_any_case(struct view value, struct view text);

/* text begins, or ends, with value, which is not empty and has no blank at its ends. */
enum truth text_begins(struct view value, struct view text);
enum truth text_ends(struct view value, struct view text);

/* The words of value stand in text, one after the other, and nothing stands beside them that makes
 * other words of them. `any_case`: upstream certainly ignores case. `value` holds more than
 * blanks. */
enum truth text_has_phrase(struct view value, struct view text, bool any_case);

/* True if `value` is one word whatever a word is: letters and digits, at least one. */
bool text_is_word(struct view value);

/* word(text, value), where text_is_word(value). */
enum truth text_has_word(struct view value, struct view text);

/* The order of two texts of rows: known where the order of bytes, dictionaries (which compare
 * letters before case, and may skip signs) and numbers within text agree. EQUAL: the same bytes. */
enum order text_order(struct view a, struct view b);
