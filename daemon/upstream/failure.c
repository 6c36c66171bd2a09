#include "upstream/failure.h"

#include <stddef.h>

static const struct {
  CURLcode code;
  const char *word;
} words[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "its name could not be resolved"},
    {CURLE_COULDNT_CONNECT, "no connection could be made"},
    {CURLE_PEER_FAILED_VERIFICATION, "its certificate is not accepted"},
    {CURLE_SSL_ISSUER_ERROR, "its certificate is not accepted"},
    {CURLE_SSL_INVALIDCERTSTATUS, "its certificate is not accepted"},
    {CURLE_SSL_CACERT_BADFILE, "the certificates to trust cannot be read (upstream.ca_file)"},
    {CURLE_SSL_CONNECT_ERROR, "TLS could not be agreed on"},
    {CURLE_SSL_CIPHER, "TLS could not be agreed on"},
    {CURLE_GOT_NOTHING, "it closed the connection without an answer"},
    {CURLE_SEND_ERROR, "the connection broke while it was asked"},
    {CURLE_RECV_ERROR, "the connection broke while it answered"},
    {CURLE_PARTIAL_FILE, "the connection broke while it answered"},
    {CURLE_BAD_CONTENT_ENCODING, "the encoding of its answer is broken"},
    {CURLE_WEIRD_SERVER_REPLY, "it did not answer in HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, "it did not answer in HTTP"},
};

const char *failure_word(CURLcode code) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (words[i].code == code)
      return words[i].word;
  return "the request could not be sent, or its answer not be read";
}
