#include "ctl/client.h"

#include "base/mask.h"
#include "ctl/answer.h"
#include "ctl/link.h"
#include "ctl/verdict.h"
#include "query/form.h"

#include <stdio.h>

#define BODY_KEPT ((size_t)16 * 1024) /* an error has fewer bytes */

/* --- the request --- */

static void add_target(const struct client_question *question, struct text *out) {
  const struct argument *argument = question->argument;
  if (!argument->is_call)
    text_add(out, VIEW("/?"));
  argument_add(argument, out);
  if (argument->is_call || !question->token.length)
    return;
  text_add(out, argument->args.length ? VIEW("&token=") : VIEW("token="));
  form_encode(out, question->token);
}

static bool add_header(struct curl_slist **headers, const char *line) {
  struct curl_slist *longer = curl_slist_append(*headers, line);
  if (longer)
    *headers = longer;
  return longer != NULL;
}

static bool add_headers(const struct client_question *question, struct curl_slist **headers,
                        struct fault *fault) {
  scope_text struct text bearer = {0};
  bool ok = true;
  if (question->argument->is_call && question->token.length) {
    text_printf(&bearer, "Authorization: Bearer %.*s", VIEW_ARGS(question->token));
    ok = text_ok(&bearer) && add_header(headers, text_string(&bearer));
  }
  if (question->only_if_cached)
    ok = ok && add_header(headers, "Cache-Control: only-if-cached");
  return ok || fault_no_memory(fault);
}

/* --- the answer --- */

/* Keeps the beginning, in which an error would stand. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  struct text *body = context;
  text_add(body, view_first((struct view){bytes, size * count}, BODY_KEPT - body->length));
  return size * count;
}

static bool get_header(const struct link *link, const char *name, struct view *value) {
  struct curl_header *header;
  if (curl_easy_header(link->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
    return false;
  *value = view_of(header->value);
  return true;
}

static void read_spent(const struct link *link, struct client_answer *answer) {
  static const char *const names[CURRENCIES] = {
      [CURRENCY_ROWS] = "X-Rows-Spent", [CURRENCY_UNITS] = "X-Units-Spent"};
  struct view value;
  for (enum currency currency = 0; currency < CURRENCIES && !answer->knows_spent; currency++)
    answer->knows_spent =
        get_header(link, names[currency], &value) && amount_parse(value, currency, &answer->spent);
}

/* An error of v2 may have the status 200 (reference, "Answer"). */
static bool is_result(const struct link *link) {
  struct view value;
  return link_status(link) / 100 == 2 &&
         !(get_header(link, "X-Status", &value) && view_is(value, "error"));
}

static void hide(struct view token, struct text *text) {
  struct mask mask = {.secret = token};
  bool can_be_masked = token.length >= TOKEN_TEXT_LEAST && token.length <= TOKEN_TEXT_MOST;
  if (can_be_masked && text->length)
    (void)mask_apply(&mask, text->at, text->length);
}

/* Upstream's own error may repeat the token that it was asked with. */
static void read_error(const struct text *body, struct view token, struct text *error) {
  yajl_val tree;
  struct fault fault;
  if (!answer_parse(text_view(body), &tree, &fault))
    return;
  text_add(error, view_of(YAJL_GET_STRING(answer_get(tree, "error"))));
  hide(token, error);
  yajl_tree_free(tree);
}

static void read_head(const struct link *link, struct client_answer *answer) {
  struct view value;
  answer->status = link_status(link);
  read_spent(link, answer);
  if (get_header(link, "X-Request-Id", &value))
    snprintf(answer->id, sizeof answer->id, "%.*s", VIEW_ARGS(value));
  if (!is_result(link))
    return;
  answer->is_good = true;
  answer->outcome = OUTCOME_BYPASS; /* the account of a token, which has no Cache-Status */
  if (get_header(link, "Cache-Status", &value))
    (void)verdict_outcome(value, &answer->outcome);
}

static bool was_sent(const struct link *link) {
  long bytes = 0;
  curl_easy_getinfo(link->easy, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

/* An answer that breaks off is one, which is not good. */
static bool send_question(struct link *link, struct view target, struct view token,
                          struct client_answer *answer, struct fault *fault) {
  scope_text struct text body = {0};
  curl_easy_setopt(link->easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(link->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(link->easy, CURLOPT_WRITEDATA, &body);
  bool is_whole = link_send(link, target, fault);
  answer->was_sent = was_sent(link);
  if (!is_whole && link_status(link) == 0)
    return false;
  read_head(link, answer);
  if (!answer->is_good)
    read_error(&body, token, &answer->error);
  if (is_whole)
    return true;
  text_clear(&answer->error);
  text_add(&answer->error, VIEW("the answer broke off"));
  answer->is_good = false;
  answer->outcome = OUTCOME_ERROR;
  return true;
}

bool client_ask(const struct settings *settings, const struct client_question *question,
                struct client_answer *answer, struct fault *fault) {
  const struct link_side side = {.key = "server.listen",
                                 .certificate_key = "server.tls_certificate",
                                 .certificate = settings->tls_certificate,
                                 .listen = &settings->server_listen,
                                 .is_secret = question->token.length > 0};
  struct curl_slist *headers = NULL;
  struct link link = {.easy = NULL};
  scope_text struct text target = {0};
  *answer = (struct client_answer){.outcome = OUTCOME_ERROR};
  add_target(question, &target);
  bool ok = add_headers(question, &headers, fault) &&
            (text_ok(&target) || fault_no_memory(fault)) &&
            link_open(&link, settings, &side, fault);
  if (ok) {
    curl_easy_setopt(link.easy, CURLOPT_HTTPHEADER, headers);
    ok = send_question(&link, text_view(&target), question->token, answer, fault);
  }
  link_close(&link);
  curl_slist_free_all(headers);
  return ok;
}
