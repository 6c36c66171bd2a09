#include "ctl/remote.h"

#include "base/json.h"
#include "ctl/answer.h"
#include "ctl/link.h"
#include "settings/secret.h"

#define TIMEOUT 120L /* seconds: a purge waits for the disk */

/* --- who --- */

static bool add_token(const struct settings *settings, struct curl_slist **headers,
                      struct fault *fault) {
  struct secret *token;
  scope_text struct text header = {0};
  if (!secret_load("admin.token_file", settings->admin_token_file, 1, &token, fault))
    return false;
  if (!token)
    return true;
  text_printf(&header, "Authorization: Bearer %.*s", VIEW_ARGS(secret_view(token)));
  secret_release(&token);
  *headers = curl_slist_append(NULL, text_string(&header));
  return *headers ? true : fault_no_memory(fault);
}

/* --- the answer --- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  struct text *body = context;
  text_add(body, (struct view){bytes, size * count});
  return text_ok(body) ? size * count : 0;
}

static bool read_refusal(const struct link *link, yajl_val tree, struct fault *fault) {
  const char *error = YAJL_GET_STRING(answer_get(tree, "error"));
  return fault_set(fault, FAULT_UPSTREAM, "%s (HTTP %ld from %.200s)",
                   error ? error : "something that is not rowcached's admin side answered",
                   link_status(link), link->where);
}

static bool judge(const struct link *link, const struct text *body, struct fault *fault) {
  yajl_val tree = NULL;
  bool ok = answer_parse(text_view(body), &tree, fault);
  if (!ok || link_status(link) != 200)
    ok = read_refusal(link, tree, fault);
  yajl_tree_free(tree);
  return ok;
}

/* --- the request --- */

static bool send_request(struct link *link, const struct remote_request *request, struct text *body,
                         struct fault *fault) {
  CURL *easy = link->easy;
  if (request->form) /* not copied; sets the content type of a form */
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->form);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, request->timeout ? (long)request->timeout : TIMEOUT);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
  if (link_send(link, view_of(request->path), fault))
    return judge(link, body, fault);
  return text_ok(body)
             ? false
             : fault_set(fault, FAULT_UPSTREAM, "the answer from %.200s is larger than %zu MiB",
                         link->where, JSON_LIMIT / (1024 * 1024));
}

static bool ask(struct link *link, const struct settings *settings,
                const struct remote_request *request, struct text *body, struct fault *fault) {
  struct curl_slist *headers = NULL;
  bool ok = add_token(settings, &headers, fault);
  curl_easy_setopt(link->easy, CURLOPT_HTTPHEADER, headers);
  ok = ok && send_request(link, request, body, fault);
  curl_slist_free_all(headers);
  return ok;
}

bool remote_ask(const struct settings *settings, const struct remote_request *request,
                struct remote *remote, struct fault *fault) {
  const struct link_side side = {.key = "admin.listen",
                                 .certificate_key = "admin.tls_certificate",
                                 .certificate = settings->admin_tls_certificate,
                                 .listen = &settings->admin_listen,
                                 .is_secret = request->is_secret || *settings->admin_token_file};
  struct link link;
  *remote = (struct remote){.body = {.limit = JSON_LIMIT}};
  bool ok = link_open(&link, settings, &side, fault) &&
            ask(&link, settings, request, &remote->body, fault);
  remote->absent = link.absent;
  remote->status = link_status(&link);
  link_close(&link);
  return ok;
}
