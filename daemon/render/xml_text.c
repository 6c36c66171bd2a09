#include "render/xml_text.h"

void xml_text_add(struct view text, struct text *body) {
  for (size_t i = 0; i < text.length; i++) {
    switch (text.at[i]) {
    case '&':
      text_add(body, VIEW("&amp;"));
      break;
    case '<':
      text_add(body, VIEW("&lt;"));
      break;
    case '>':
      text_add(body, VIEW("&gt;"));
      break;
    default: /* XML 1.0 has no control characters */
      text_add_char(body, (unsigned char)text.at[i] < 0x20 ? ' ' : text.at[i]);
    }
  }
}
