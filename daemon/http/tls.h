/* The certificate that the listeners show, and its renewal without dropping a connection:
 * libmicrohttpd asks for it at every handshake. */
#pragma once

#include "base/fault.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/* Reads certificate chain and key (PEM files), checks that they belong together, and shows them
 * from the next handshake on. On failure the earlier ones stay. Blocks on the disk. */
bool tls_load(const char *certificate_file, const char *key_file, struct fault *fault) MUST_CHECK;

/* Frees everything; no listener may be open. */
void tls_forget(void);

/* MHD_OPTION_HTTPS_CERT_CALLBACK2; gnutls_certificate_retrieve_function3. */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                 gnutls_pcert_st **chain, unsigned *chain_length, gnutls_ocsp_data_st **ocsp,
                 unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags);
