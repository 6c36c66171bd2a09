/* rowcached: arguments, then the order of start, reload and stop. This is the main thread; it waits
 * for signals and does nothing else. */
#include "admin/admin.h"
#include "base/log.h"
#include "base/scope.h"
#include "http/listener.h"
#include "http/tls.h"
#include "main/options.h"
#include "serve/serve.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#define ADMIN_THREADS 2
#define ADMIN_CONNECTIONS 64
#define ADMIN_IDLE_TIMEOUT 60
#define ADMIN_MAX_HEAD ((size_t)48 * 1024)

struct daemon {
  const struct options *options;
  struct settings *settings;
  struct serve *serve;
  struct admin *admin;
  struct listeners *client_side, *admin_side;
};

/* --- start --- */

static bool load_certificate(const struct settings *settings, struct fault *fault) {
  return !*settings->tls_certificate ||
         tls_load(settings->tls_certificate, settings->tls_key, fault);
}

static bool open_admin_side(struct daemon *daemon, struct fault *fault) {
  struct listener_options options = {.side = "admin",
                                     .addresses = &daemon->settings->admin_listen,
                                     .handler = admin_handler(daemon->admin),
                                     .threads = ADMIN_THREADS,
                                     .max_connections = ADMIN_CONNECTIONS,
                                     .idle_timeout = ADMIN_IDLE_TIMEOUT,
                                     .max_head = ADMIN_MAX_HEAD};
  return listeners_open(&options, &daemon->admin_side, fault);
}

static bool open_client_side(struct daemon *daemon, struct fault *fault) {
  const struct settings *settings = daemon->settings;
  struct listener_options options = {.side = "client",
                                     .addresses = &settings->server_listen,
                                     .handler = serve_handler(daemon->serve),
                                     .threads = settings->server_threads,
                                     .max_connections = settings->max_connections,
                                     .idle_timeout = settings->idle_timeout,
                                     .max_head =
                                         (size_t)(settings->max_uri + settings->max_headers),
                                     .tls = *settings->tls_certificate != '\0'};
  return listeners_open(&options, &daemon->client_side, fault);
}

/* A core file would hold tokens. */
static void forbid_cores(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

static bool start(struct daemon *daemon, struct fault *fault) {
  forbid_cores();
  if (!serve_open(daemon->settings, &daemon->serve, fault) ||
      !admin_create(daemon->serve, &daemon->admin, fault) ||
      !load_certificate(daemon->settings, fault) || !open_admin_side(daemon, fault) ||
      !open_client_side(daemon, fault))
    return false;
  admin_set_ready(daemon->admin, true);
  sd_notify(0, "READY=1");
  log_info("ready", "version=%s", ROWCACHE_VERSION);
  return true;
}

/* --- reload --- */

static bool load_settings(const struct options *options, struct settings **out,
                          struct fault *fault) {
  return settings_load(options->file, options->overrides, options->override_count, out, fault);
}

static void apply(struct daemon *daemon, struct settings *settings) {
  scope_text struct text names = {0};
  if (!*daemon->settings->tls_certificate != !*settings->tls_certificate)
    log_warning("reload", "needs-restart=server.tls_certificate");
  if (settings_need_restart(daemon->settings, settings, &names))
    log_warning("reload", "needs-restart=%s", LOG_VALUE(text_string(&names)));
  serve_set_settings(daemon->serve, settings);
  settings_release(&daemon->settings);
  daemon->settings = settings_hold(settings);
  log_info("reload", "outcome=applied");
}

/* All or nothing: what is wrong leaves everything as it was. */
static void reload(struct daemon *daemon) {
  struct settings *settings = NULL;
  struct fault fault;
  sd_notify(0, "RELOADING=1");
  if (load_settings(daemon->options, &settings, &fault) && load_certificate(settings, &fault))
    apply(daemon, settings);
  else
    log_error("reload", "outcome=refused reason=%s", LOG_VALUE(fault.text));
  settings_release(&settings);
  sd_notify(0, "READY=1");
}

/* --- stop --- */

static void stop(struct daemon *daemon) {
  if (daemon->serve) {
    sd_notify(0, "STOPPING=1");
    log_info("drain", "timeout=%llds", (long long)daemon->settings->drain_timeout);
    listeners_quiesce(daemon->client_side);
    serve_drain(daemon->serve, daemon->settings->drain_timeout);
  }
  listeners_close(&daemon->client_side);
  listeners_close(&daemon->admin_side);
  admin_release(&daemon->admin);
  serve_close(&daemon->serve);
  tls_forget();
}

static void await_signals(struct daemon *daemon, const sigset_t *signals) {
  int number;
  while (sigwait(signals, &number) == 0 && number == SIGHUP)
    reload(daemon);
}

/* Blocked before the first thread begins, so that only sigwait() sees them. */
static void block_signals(sigset_t *signals) {
  sigemptyset(signals);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, signals, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static int run(const struct options *options, struct settings *settings) {
  struct daemon daemon = {.options = options, .settings = settings_hold(settings)};
  struct fault fault;
  sigset_t signals;
  block_signals(&signals);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  bool started = start(&daemon, &fault);
  if (started)
    await_signals(&daemon, &signals);
  else
    log_error("start", "reason=%s", LOG_VALUE(fault.text));
  stop(&daemon);
  settings_release(&daemon.settings);
  curl_global_cleanup();
  if (started)
    log_info("stopped", "outcome=clean");
  return started ? 0 : 1;
}

int main(int argc, char **argv) {
  struct options options;
  struct settings *settings = NULL;
  struct fault fault;
  int status;
  if (!options_read(argc, argv, &options, &status))
    return status;
  if (!load_settings(&options, &settings, &fault) ||
      (options.check_only && !load_certificate(settings, &fault))) {
    fprintf(stderr, "rowcached: %s\n", fault.text);
    status = 1;
  } else {
    status = options.check_only ? 0 : run(&options, settings);
  }
  settings_release(&settings);
  options_release(&options);
  return status;
}
