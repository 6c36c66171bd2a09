#include "ctl/pin.h"

#include "base/digest.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

/* The digest of its SubjectPublicKeyInfo. */
static int hash_key(const gnutls_datum_t *pem, struct digest *digest) {
  gnutls_pcert_st certificate;
  gnutls_datum_t key = {0};
  int code = gnutls_pcert_import_x509_raw(&certificate, pem, GNUTLS_X509_FMT_PEM, 0);
  if (code < 0)
    return code;
  code = gnutls_pubkey_export2(certificate.pubkey, GNUTLS_X509_FMT_DER, &key);
  if (code >= 0)
    *digest = digest_sha256((struct view){(const char *)key.data, key.size});
  gnutls_free(key.data);
  gnutls_pcert_deinit(&certificate);
  return code;
}

static int encode(const struct digest *digest, struct text *out) {
  gnutls_datum_t bytes = {(unsigned char *)digest->bytes, sizeof digest->bytes}, base64 = {0};
  int code = gnutls_base64_encode2(&bytes, &base64);
  if (code >= 0)
    text_printf(out, "sha256//%.*s", (int)base64.size, (const char *)base64.data);
  gnutls_free(base64.data);
  return code;
}

bool pin_read(const char *key, const char *file, struct text *out, struct fault *fault) {
  gnutls_datum_t pem = {0};
  struct digest digest;
  int code = gnutls_load_file(file, &pem);
  if (code >= 0)
    code = hash_key(&pem, &digest);
  if (code >= 0)
    code = encode(&digest, out);
  gnutls_free(pem.data);
  if (code < 0)
    return fault_set(fault, FAULT_MALFORMED, "%s '%.200s' cannot be used: %s", key, file,
                     gnutls_strerror(code));
  return text_ok(out) || fault_no_memory(fault);
}
