#include "ctl/answer.h"

#include "base/num.h"

#define DEPTH_MOST 16
#define MEMBER_MOST 64

static bool is_surrogate(struct view escape) {
  return escape.length >= 4 && escape.at[0] == 'u' && num_lower(escape.at[1]) == 'd' &&
         num_hex_digit(escape.at[2]) >= 8;
}

/* Checks brackets and strings only; yajl checks the rest. */
static const char *find_upsetting(struct view body) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < body.length; i++) {
    char c = body.at[i];
    if (c == '\0')
      return "it contains NUL";
    if (in_string && c == '\\') {
      i++;
      if (is_surrogate(view_from(body, i)))
        return "it escapes surrogates";
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '[' || c == '{')) {
      if (++depth > DEPTH_MOST)
        return "it is nested too deep";
    } else if (!in_string && (c == ']' || c == '}')) {
      depth--;
    }
  }
  return NULL;
}

bool answer_parse(struct view body, yajl_val *out, struct fault *fault) {
  const char *what = find_upsetting(body);
  *out = what ? NULL : yajl_tree_parse(body.at, NULL, 0);
  if (YAJL_IS_OBJECT(*out))
    return true;
  yajl_tree_free(*out);
  *out = NULL;
  return fault_set(fault, FAULT_UPSTREAM, "the answer is not what rowcached writes: %s",
                   what ? what : "it is no JSON object");
}

static yajl_val get_member(yajl_val tree, struct view name) {
  char text[MEMBER_MOST];
  if (name.length >= sizeof text)
    return NULL;
  memcpy(text, name.at, name.length);
  text[name.length] = '\0';
  return yajl_tree_get(tree, (const char *[]){text, NULL}, yajl_t_any);
}

yajl_val answer_get(yajl_val tree, const char *path) {
  struct view rest = view_of(path), name;
  while (tree && view_split(&rest, '.', &name))
    tree = YAJL_IS_OBJECT(tree) ? get_member(tree, name) : NULL;
  return tree;
}

bool answer_equals(yajl_val tree, const char *path, const char *text) {
  const char *string = YAJL_GET_STRING(answer_get(tree, path));
  return string && strcmp(string, text) == 0;
}
