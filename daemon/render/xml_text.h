/* Text in XML. Pure. */
#pragma once

#include "base/text.h"

/* Appends `text` (UTF-8) as the content of an element; a control character becomes a space. */
void xml_text_add(struct view text, struct text *body);
