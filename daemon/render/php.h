/* An answer in PHP's serialize format, from the rows of one in JSON: the same data as an array
 * (reference, "Answer"). Pure.
 *
 *     a:1:{ROWS a:COUNT:{i:0;a:MEMBERS:{NAME VALUE ...}i:1;...}}
 *
 * ROWS is the name of the array. A string is s:BYTES:"...";, an integer i:N;, a boolean b:0; or
 * b:1;, null N;. The members are those of the recipe, in their order, as in JSON. What this does not
 * determine is refused:
 * - numbers that are no integers of 64 bits, and -0: the text of a float depends on PHP's version
 *   and settings;
 * - nested values: the reference shows none, and they may be arrays or objects;
 * - names that begin with a digit or a minus sign: PHP makes integers of some;
 * - anything beside the array of rows, or null in its place. */
#pragma once

#include "rows/writer.h"

extern const struct writer_form php_form;
