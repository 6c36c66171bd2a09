#include "query/etag.h"

/* The first element, without its comma. A comma between quotes does not end it; if a quote is not
 * closed, the element is the rest. */
static struct view element(struct view list) {
  bool quoted = false;
  for (size_t i = 0; i < list.length; i++) {
    if (list.at[i] == ',' && !quoted)
      return view_first(list, i);
    quoted ^= list.at[i] == '"';
  }
  return list;
}

bool etag_is_listed(struct view list, struct view tag) {
  if (view_is(view_trim(list), "*"))
    return true;
  while (list.length) {
    struct view one = element(list);
    list = view_from(list, one.length + 1);
    one = view_trim(one);
    if (view_starts(one, VIEW("W/")))
      one = view_from(one, 2);
    if (view_equal(one, tag))
      return true;
  }
  return false;
}
