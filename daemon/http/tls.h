/* The certificate that the listeners show, and its renewal without dropping a connection:
 * libmicrohttpd asks for it at every handshake. */
#pragma once

#include "base/fault.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

enum tls_side { TLS_CLIENT, TLS_ADMIN };

/* What both sides speak (contract, server.tls_certificate): TLS 1.2 and 1.3. GnuTLS' own preset
 * still takes TLS 1.0, which RFC 8996 deprecates. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls_identity; /* a certificate chain and its key */

/* Reads both (PEM files) and checks that they belong together. `section` ("server", "admin") is
 * that of the keys which name the files, for the fault. Blocks on the disk. */
bool tls_read(const char *section, const char *certificate_file, const char *key_file,
              struct tls_identity **out, struct fault *fault) MUST_CHECK;
/* Shows it on that side from the next handshake on, takes it over and leaves NULL. NULL: as before.
 */
void tls_show(enum tls_side side, struct tls_identity **identity);
/* Frees one that is not shown, and leaves NULL; NULL is allowed. */
void tls_release(struct tls_identity **identity);

/* Frees everything that was shown; no listener may be open. */
void tls_forget(void);

/* MHD_OPTION_HTTPS_CERT_CALLBACK2 of that side. */
gnutls_certificate_retrieve_function3 *tls_retriever(enum tls_side side);
