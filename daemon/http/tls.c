#include "http/tls.h"

#include "base/scope.h"

#include <pthread.h>

#define MAX_CHAIN 16

struct tls_identity {
  gnutls_pcert_st chain[MAX_CHAIN];
  unsigned chain_length;
  gnutls_privkey_t key;
  struct tls_identity *older;
};

/* GnuTLS passes no context to its callback, so the identities belong to the process. Old ones stay
 * until the end: a handshake may still use them, and renewals are rare. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_identity *shown[2]; /* by enum tls_side */

static void identity_free(struct tls_identity *identity) {
  for (unsigned i = 0; i < identity->chain_length; i++)
    gnutls_pcert_deinit(&identity->chain[i]);
  gnutls_privkey_deinit(identity->key);
  free(identity);
}

static bool cannot(struct fault *fault, const char *section, const char *key, const char *file,
                   int code) {
  return fault_set(fault, FAULT_MALFORMED, "%s.%s '%s' cannot be used: %s", section, key, file,
                   gnutls_strerror(code));
}

static bool load_chain(struct tls_identity *identity, const char *section, const char *file,
                       struct fault *fault) {
  gnutls_datum_t pem = {0};
  int code = gnutls_load_file(file, &pem);
  unsigned count = MAX_CHAIN;
  if (code == 0)
    code = gnutls_pcert_list_import_x509_raw(identity->chain, &count, &pem, GNUTLS_X509_FMT_PEM,
                                             GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
  gnutls_free(pem.data);
  if (code < 0)
    return cannot(fault, section, "tls_certificate", file, code);
  identity->chain_length = count;
  return true;
}

static bool load_key(struct tls_identity *identity, const char *section, const char *file,
                     struct fault *fault) {
  gnutls_datum_t pem = {0};
  int code = gnutls_load_file(file, &pem);
  if (code == 0)
    code = gnutls_privkey_import_x509_raw(identity->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
  if (pem.data)
    gnutls_memset(pem.data, 0, pem.size);
  gnutls_free(pem.data);
  return code >= 0 || cannot(fault, section, "tls_key", file, code);
}

static bool check_pair(struct tls_identity *identity, const char *section, const char *key_file,
                       struct fault *fault) {
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
         fault_set(fault, FAULT_MALFORMED, "%s.tls_key '%s' is not the key of %s.tls_certificate",
                   section, key_file, section);
}

bool tls_read(const char *section, const char *certificate_file, const char *key_file,
              struct tls_identity **out, struct fault *fault) {
  struct tls_identity *identity = calloc(1, sizeof *identity);
  *out = NULL;
  if (!identity || gnutls_privkey_init(&identity->key) < 0) {
    free(identity);
    return fault_no_memory(fault);
  }
  if (load_chain(identity, section, certificate_file, fault) &&
      load_key(identity, section, key_file, fault) &&
      check_pair(identity, section, key_file, fault)) {
    *out = identity;
    return true;
  }
  identity_free(identity);
  return false;
}

void tls_release(struct tls_identity **address) {
  struct tls_identity *identity = steal(*address);
  if (identity)
    identity_free(identity);
}

void tls_show(enum tls_side side, struct tls_identity **address) {
  struct tls_identity *identity = steal(*address);
  if (!identity)
    return;
  pthread_mutex_lock(&lock);
  identity->older = shown[side];
  shown[side] = identity;
  pthread_mutex_unlock(&lock);
}

void tls_forget(void) {
  for (size_t side = 0; side < sizeof shown / sizeof *shown; side++)
    while (shown[side]) {
      struct tls_identity *identity = shown[side];
      shown[side] = identity->older;
      identity_free(identity);
    }
}

/* --- callbacks of GnuTLS --- */

static int retrieve(enum tls_side side, gnutls_pcert_st **chain, unsigned *chain_length,
                    gnutls_privkey_t *key) {
  pthread_mutex_lock(&lock);
  struct tls_identity *identity = shown[side];
  pthread_mutex_unlock(&lock);
  if (!identity)
    return -1;
  *chain = identity->chain;
  *chain_length = identity->chain_length;
  *key = identity->key;
  return 0;
}

static int retrieve_client(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                           gnutls_pcert_st **chain, unsigned *chain_length,
                           gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length, gnutls_privkey_t *key,
                           unsigned *flags) {
  (void)session, (void)info;
  *ocsp = NULL;
  *ocsp_length = *flags = 0;
  return retrieve(TLS_CLIENT, chain, chain_length, key);
}

static int retrieve_admin(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **chain, unsigned *chain_length,
                          gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length, gnutls_privkey_t *key,
                          unsigned *flags) {
  (void)session, (void)info;
  *ocsp = NULL;
  *ocsp_length = *flags = 0;
  return retrieve(TLS_ADMIN, chain, chain_length, key);
}

gnutls_certificate_retrieve_function3 *tls_retriever(enum tls_side side) {
  return side == TLS_ADMIN ? retrieve_admin : retrieve_client;
}
