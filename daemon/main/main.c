/* rowcached: arguments, then start, reload and stop in their order. The main thread waits for
 * signals and does nothing else. */
#include "admin/admin.h"
#include "base/dump.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/shard.h"
#include "base/token_text.h"
#include "base/visible.h"
#include "http/listener.h"
#include "http/tls.h"
#include "ledger/zone.h"
#include "main/descriptors.h"
#include "main/options.h"
#include "main/rooms.h"

#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define ADMIN_THREADS 2
#define ADMIN_CONNECTIONS 64
#define ADMIN_IDLE_TIMEOUT 60
/* Descriptors beside those of clients and of requests to upstream: databases and their readers,
 * eventfds and epolls of threads, and connections that are being closed to make room. */
#define OTHER_DESCRIPTORS 256
#define MAPPED (256 * 1024)  /* bytes */
#define LOG_PATIENCE 5       /* seconds to wait at the end for a reader of the log */
#define ADMIN_TOKEN_LEAST 16 /* bytes: whoever guesses the token may spend */

/* The contents of files that the configuration names. */
struct files {
  struct tls_identity *client_identity, *admin_identity;
  struct secret *own_token, *admin_token;
};

struct daemon {
  const struct options *options;
  struct settings *settings;
  struct rooms rooms;
  struct admin *admin;
  struct listeners *client_side, *admin_side;
};

/* --- the configuration, and the files that it names --- */

static bool load_settings(const struct options *options, struct settings **out,
                          struct fault *fault) {
  return settings_load(options->file, options->overrides, options->override_count, out, fault);
}

static void release_files(struct files *files) {
  tls_release(&files->client_identity);
  tls_release(&files->admin_identity);
  secret_release(&files->own_token);
  secret_release(&files->admin_token);
}

static bool read_identity(const char *section, const char *certificate, const char *key,
                          struct tls_identity **out, struct fault *fault) {
  return !*certificate || tls_read(section, certificate, key, out, fault);
}

/* Reads all files; if one is wrong, `files` stays empty. */
static bool read_files(const struct settings *settings, struct files *files, struct fault *fault) {
  *files = (struct files){0};
  if (zone_check(settings->timezone, fault) &&
      read_identity("server", settings->tls_certificate, settings->tls_key, &files->client_identity,
                    fault) &&
      read_identity("admin", settings->admin_tls_certificate, settings->admin_tls_key,
                    &files->admin_identity, fault) &&
      secret_load("upstream.token_file", settings->upstream_token_file, TOKEN_TEXT_LEAST,
                  &files->own_token, fault) &&
      secret_load("admin.token_file", settings->admin_token_file, ADMIN_TOKEN_LEAST,
                  &files->admin_token, fault))
    return true;
  release_files(files);
  return false;
}

static void warn_of_exposure(const struct settings *settings) {
  if (settings_upstream_is_exposed(settings))
    log_warning(EVENT_upstream,
                "key=upstream.url problem=\"tokens cross the network in the clear\" "
                "remedy=https");
}

/* --- start --- */

static bool open_admin_side(struct daemon *daemon, struct fault *fault) {
  const struct settings *settings = daemon->settings;
  struct listener_options options = {.side = TLS_ADMIN,
                                     .addresses = &settings->admin_listen,
                                     .handler = admin_handler(daemon->admin),
                                     .threads = ADMIN_THREADS,
                                     .max_connections = ADMIN_CONNECTIONS,
                                     .idle_timeout = ADMIN_IDLE_TIMEOUT,
                                     .tls = *settings->admin_tls_certificate != '\0',
                                     .local_only = !settings_admin_is_guarded(settings)};
  return listeners_open(&options, &daemon->admin_side, fault);
}

static int64_t make_room(const struct settings *settings) {
  int64_t others = OTHER_DESCRIPTORS + ADMIN_CONNECTIONS + settings->max_inflight;
  return descriptors_make_room(settings->max_connections, others);
}

/* Each thread more than there are processors costs changes of context at every hit. A single one
 * would be blocked by the disk. */
static int64_t threads_of(const struct settings *settings) {
  int64_t processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (settings->server_threads)
    return settings->server_threads;
  return processors < 2 ? 2 : processors > SHARDS ? SHARDS : processors;
}

static bool open_client_side(struct daemon *daemon, struct fault *fault) {
  const struct settings *settings = daemon->settings;
  struct listener_options options = {.side = TLS_CLIENT,
                                     .addresses = &settings->server_listen,
                                     .handler = serve_handler(daemon->rooms.serve),
                                     .threads = threads_of(settings),
                                     .max_connections = make_room(settings),
                                     .max_connections_per_address =
                                         settings->max_connections_per_address,
                                     .idle_timeout = settings->idle_timeout,
                                     .tls = *settings->tls_certificate != '\0'};
  return listeners_open(&options, &daemon->client_side, fault);
}

static bool open_admin(struct daemon *daemon, struct secret *token, struct fault *fault) {
  const struct rooms *rooms = &daemon->rooms;
  const struct admin_rooms admin = {
      .serve = rooms->serve,
      .cache = rooms->cache,
      .transfer = rooms->transfer,
      .access = rooms->access,
      .counters = rooms->counters,
      .traces = rooms->traces,
      .reconcile = {rooms->current, rooms->ledger, rooms->desk, rooms->texts},
      .started = rooms->started};
  return admin_create(&admin, token, &daemon->admin, fault);
}

/* Opens everything. Takes over the TLS identities; the rooms hold the secrets. */
static bool open_all(struct daemon *daemon, struct files *files, struct fault *fault) {
  tls_show(TLS_CLIENT, &files->client_identity);
  tls_show(TLS_ADMIN, &files->admin_identity);
  return rooms_open(daemon->settings, files->own_token, &daemon->rooms, fault) &&
         open_admin(daemon, files->admin_token, fault) && open_admin_side(daemon, fault) &&
         open_client_side(daemon, fault);
}

static bool start(struct daemon *daemon, struct fault *fault) {
  struct files files;
  bool ok = read_files(daemon->settings, &files, fault) && open_all(daemon, &files, fault);
  release_files(&files);
  if (!ok)
    return false;
  warn_of_exposure(daemon->settings);
  admin_set_ready(daemon->admin, true);
  sd_notify(0, "READY=1");
  log_info(EVENT_ready, "version=%s", ROWCACHE_VERSION);
  return true;
}

/* --- reload --- */

static void apply(struct daemon *daemon, struct settings *settings, struct files *files) {
  scope_text struct text names = {0};
  if (!*daemon->settings->tls_certificate != !*settings->tls_certificate)
    log_warning(EVENT_reload, "needs-restart=server.tls_certificate");
  if (!*daemon->settings->admin_tls_certificate != !*settings->admin_tls_certificate)
    log_warning(EVENT_reload, "needs-restart=admin.tls_certificate");
  /* The old token stays: its listener may be one that others can reach. */
  if (*daemon->settings->admin_token_file && !files->admin_token)
    log_warning(EVENT_reload, "needs-restart=admin.token_file");
  if (settings_need_restart(daemon->settings, settings, &names))
    log_warning(EVENT_reload, "needs-restart=%s", LOG_VALUE(text_string(&names)));
  tls_show(TLS_CLIENT, &files->client_identity);
  tls_show(TLS_ADMIN, &files->admin_identity);
  rooms_replace(&daemon->rooms, settings, files->own_token);
  if (files->admin_token)
    admin_set_token(daemon->admin, files->admin_token);
  settings_release(&daemon->settings);
  daemon->settings = settings_hold(settings);
  warn_of_exposure(settings);
  log_info(EVENT_reload, "outcome=applied");
}

/* Tokens, stored results and amounts belong to one API, and so does every request under way. */
static bool keeps_api(const struct daemon *daemon, const struct settings *settings,
                      struct fault *fault) {
  return settings->upstream_api == daemon->settings->upstream_api ||
         fault_set(fault, FAULT_MALFORMED, "upstream.api: only a restart changes it");
}

/* Applies the new configuration as a whole; if anything in it is wrong, nothing changes. */
static void reload(struct daemon *daemon) {
  struct settings *settings = NULL;
  struct files files = {0};
  struct fault fault;
  sd_notify(0, "RELOADING=1");
  if (load_settings(daemon->options, &settings, &fault) && keeps_api(daemon, settings, &fault) &&
      read_files(settings, &files, &fault))
    apply(daemon, settings, &files);
  else
    log_error(EVENT_reload, "outcome=refused reason=%s", LOG_VALUE(fault.text));
  release_files(&files);
  settings_release(&settings);
  sd_notify(0, "READY=1");
}

/* --- stop --- */

static void stop(struct daemon *daemon) {
  if (daemon->rooms.serve) {
    sd_notify(0, "STOPPING=1");
    log_info(EVENT_drain, "timeout=%llds", (long long)daemon->settings->drain_timeout);
    listeners_quiesce(daemon->client_side);
    rooms_drain(&daemon->rooms, daemon->settings->drain_timeout);
  }
  listeners_close(&daemon->client_side);
  listeners_close(&daemon->admin_side);
  admin_release(&daemon->admin);
  rooms_close(&daemon->rooms);
  tls_forget();
}

static void await_signals(struct daemon *daemon, const sigset_t *signals) {
  int number;
  while (sigwait(signals, &number) == 0 && number == SIGHUP)
    reload(daemon);
}

/* Blocks signals before the first thread begins, so that only sigwait() gets them. */
static void block_signals(sigset_t *signals) {
  sigemptyset(signals);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, signals, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static int run(const struct options *options, struct settings *settings) {
  struct daemon daemon = {
      .options = options, .settings = settings_hold(settings), .rooms = {.lock = -1}};
  struct fault fault;
  sigset_t signals;
  block_signals(&signals);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  bool started = log_start(&fault) && start(&daemon, &fault);
  if (started)
    await_signals(&daemon, &signals);
  else
    log_error(EVENT_start, "reason=%s", LOG_VALUE(fault.text));
  stop(&daemon);
  settings_release(&daemon.settings);
  curl_global_cleanup();
  if (started)
    log_info(EVENT_stopped, "outcome=clean");
  log_stop(LOG_PATIENCE);
  return started ? 0 : 1;
}

static bool check_files(const struct settings *settings, struct fault *fault) {
  struct files files;
  bool ok = read_files(settings, &files, fault);
  release_files(&files);
  return ok;
}

/* Prints to a terminal: control characters in the text must not reach it. */
static void complain(const struct fault *fault) {
  scope_text struct text safe = {0};
  visible_add(&safe, view_of(fault->text));
  fprintf(stderr, "rowcached: %s\n", text_string(&safe));
}

/* glibc gives each thread a heap of its own, of which none shrinks for what another one needs: with
 * 4,000 results of 33 KB that come and go, 113 MiB were resident, and with one heap 87. Blocks from
 * MAPPED bytes on are mapped, and go back to the system at once. */
static void keep_heap_small(void) {
  (void)mallopt(M_ARENA_MAX, 1);
  (void)mallopt(M_MMAP_THRESHOLD, MAPPED);
}

int main(int argc, char **argv) {
  struct options options;
  struct settings *settings = NULL;
  struct fault fault;
  int status;
  dump_forbid();
  keep_heap_small();
  if (!options_read(argc, argv, &options, &status))
    return status;
  if (!load_settings(&options, &settings, &fault) ||
      (options.check_only && !check_files(settings, &fault))) {
    complain(&fault);
    status = 1;
  } else {
    status = options.check_only ? 0 : run(&options, settings);
  }
  settings_release(&settings);
  options_release(&options);
  return status;
}
