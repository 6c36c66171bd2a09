#include "admin/guard.h"

#include "base/digest.h"
#include "base/num.h"

#include <arpa/inet.h>

/* True for an address as in a URL: IPv6 in brackets. */
static bool is_address(struct view host) {
  char text[INET6_ADDRSTRLEN] = "";
  struct in6_addr address;
  bool bracketed = host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
  if (bracketed)
    host = view_first(view_from(host, 1), host.length - 2);
  if (host.length == 0 || host.length >= sizeof text || memchr(host.at, '\0', host.length))
    return false;
  memcpy(text, host.at, host.length);
  return inet_pton(bracketed ? AF_INET6 : AF_INET, text, &address) == 1;
}

/* Removes ":8081" from the end; false if anything but a port follows the last colon. */
static bool drop_port(struct view *host) {
  size_t length = host->length;
  while (length > 0 && num_is_digit(host->at[length - 1]))
    length--;
  if (length == 0 || host->at[length - 1] != ':')
    return true; /* no port: an IPv6 address ends in a bracket */
  if (length == host->length)
    return false;
  *host = view_first(*host, length - 1);
  return true;
}

bool guard_host_is_local(struct view host) {
  if (host.length == 0 || !drop_port(&host))
    return false;
  return num_same_word(host, VIEW("localhost")) || is_address(host);
}

bool guard_has_token(struct view authorization, struct view token) {
  struct view scheme;
  if (!view_split(&authorization, ' ', &scheme) || !num_same_word(scheme, VIEW("Bearer")))
    return false;
  struct digest theirs = digest_sha256(view_trim(authorization)), ours = digest_sha256(token);
  return digest_equal_secret(&theirs, &ours);
}

/* `same-site` is another port or another name of the same domain. */
bool guard_is_foreign(struct view site) {
  return !view_is(site, "same-origin") && !view_is(site, "none");
}
