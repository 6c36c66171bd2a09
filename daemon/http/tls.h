/* The certificates of the listeners. libmicrohttpd asks for one at every handshake, so a renewal
 * drops no connection. */
#pragma once

#include "base/fault.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

enum tls_side { TLS_CLIENT, TLS_ADMIN };

/* The versions of both sides (contract, server.tls_certificate): TLS 1.2 and 1.3. GnuTLS still
 * allows TLS 1.0 by default, which RFC 8996 deprecates. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls_identity; /* a certificate chain and its key */

/* Reads a certificate chain and its key (PEM files) and checks that they belong together. `section`
 * ("server", "admin") is the section of the settings that name the files; faults mention it. The
 * caller owns *out. Blocks on the disk. FAULT_MALFORMED. */
bool tls_read(const char *section, const char *certificate_file, const char *key_file,
              struct tls_identity **out, struct fault *fault) MUST_CHECK;
/* Uses the identity for that side from the next handshake on, takes it over and leaves NULL. NULL:
 * no change. */
void tls_show(enum tls_side side, struct tls_identity **identity);
/* Frees an identity that is not in use, and leaves NULL; NULL is allowed. */
void tls_release(struct tls_identity **identity);

/* Frees all identities that were in use. No listener may be open. */
void tls_forget(void);

/* The MHD_OPTION_HTTPS_CERT_CALLBACK2 of that side. */
gnutls_certificate_retrieve_function3 *tls_retriever(enum tls_side side);
