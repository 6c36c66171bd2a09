#include "http/tls.h"

#include "base/scope.h"

#include <pthread.h>

#define MAX_CHAIN 16

struct identity {
  gnutls_pcert_st chain[MAX_CHAIN];
  unsigned chain_length;
  gnutls_privkey_t key;
  struct identity *older;
};

/* GnuTLS hands its callback no context of ours, so the identity is the process's. Older ones stay
 * until the end: a handshake may still use them, and a renewal is rare. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct identity *current;

static void identity_free(struct identity *identity) {
  for (unsigned i = 0; i < identity->chain_length; i++)
    gnutls_pcert_deinit(&identity->chain[i]);
  gnutls_privkey_deinit(identity->key);
  free(identity);
}

static bool cannot(struct fault *fault, const char *what, const char *file, int code) {
  return fault_set(fault, FAULT_MALFORMED, "%s '%s' cannot be used: %s", what, file,
                   gnutls_strerror(code));
}

static bool load_chain(struct identity *identity, const char *file, struct fault *fault) {
  gnutls_datum_t pem = {0};
  int code = gnutls_load_file(file, &pem);
  unsigned count = MAX_CHAIN;
  if (code == 0)
    code = gnutls_pcert_list_import_x509_raw(identity->chain, &count, &pem, GNUTLS_X509_FMT_PEM,
                                             GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
  gnutls_free(pem.data);
  if (code < 0)
    return cannot(fault, "server.tls_certificate", file, code);
  identity->chain_length = count;
  return true;
}

static bool load_key(struct identity *identity, const char *file, struct fault *fault) {
  gnutls_datum_t pem = {0};
  int code = gnutls_load_file(file, &pem);
  if (code == 0)
    code = gnutls_privkey_import_x509_raw(identity->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
  if (pem.data)
    gnutls_memset(pem.data, 0, pem.size);
  gnutls_free(pem.data);
  return code >= 0 || cannot(fault, "server.tls_key", file, code);
}

static bool check_pair(struct identity *identity, const char *key_file, struct fault *fault) {
  unsigned char of_chain[64], of_key[64];
  size_t chain_size = sizeof of_chain, key_size = sizeof of_key;
  gnutls_pubkey_t public_key;
  if (gnutls_pubkey_init(&public_key) < 0)
    return fault_no_memory(fault);
  bool same =
      gnutls_pubkey_import_privkey(public_key, identity->key, 0, 0) >= 0 &&
      gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) >= 0 &&
      gnutls_pubkey_get_key_id(identity->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_chain,
                               &chain_size) >= 0 &&
      key_size == chain_size && gnutls_memcmp(of_key, of_chain, key_size) == 0;
  gnutls_pubkey_deinit(public_key);
  return same ||
         fault_set(fault, FAULT_MALFORMED,
                   "server.tls_key '%s' is not the key of server.tls_certificate", key_file);
}

bool tls_load(const char *certificate_file, const char *key_file, struct fault *fault) {
  struct identity *identity = calloc(1, sizeof *identity);
  if (!identity || gnutls_privkey_init(&identity->key) < 0) {
    free(identity);
    return fault_no_memory(fault);
  }
  if (!load_chain(identity, certificate_file, fault) || !load_key(identity, key_file, fault) ||
      !check_pair(identity, key_file, fault)) {
    identity_free(identity);
    return false;
  }
  pthread_mutex_lock(&lock);
  identity->older = current;
  current = identity;
  pthread_mutex_unlock(&lock);
  return true;
}

void tls_forget(void) {
  while (current) {
    struct identity *identity = current;
    current = identity->older;
    identity_free(identity);
  }
}

int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                 gnutls_pcert_st **chain, unsigned *chain_length, gnutls_ocsp_data_st **ocsp,
                 unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags) {
  (void)session, (void)info;
  pthread_mutex_lock(&lock);
  struct identity *identity = current;
  pthread_mutex_unlock(&lock);
  if (!identity)
    return -1;
  *chain = identity->chain;
  *chain_length = identity->chain_length;
  *ocsp = NULL;
  *ocsp_length = 0;
  *key = identity->key;
  *flags = 0;
  return 0;
}
