"""What a target and a mode ask for.

Two spellings of one question have to get one answer, and two different questions must
be able to get different ones: otherwise a cache that confuses them would go unnoticed.
That is why a scheme is ignored where the path is (`domain`, `subdomains`) but not where
a URL is meant (`exact`, `prefix`).
"""

import re
from typing import Callable, NamedTuple, Optional

from .errors import ApiError

_TARGET = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?([^/?#]*)(.*)", re.DOTALL)
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[0-9]+)?")
_DEFAULT_PORTS = {"http": {"80"}, "https": {"443"}, "": {"80", "443"}}
_SUBDOMAINS = ("www", "blog", "a.blog")
_PLAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_FIXED_SIZE = re.compile(r"(rows|huge)-([0-9]+)\.")


class Scope(NamedTuple):
    """The hosts whose links are wanted, and which of their links; None means all."""

    hosts: tuple
    wanted: Optional[Callable[[dict], bool]]


def resolve(target: str, mode: str) -> Scope:
    """The scope of a target in a mode."""
    if mode not in _MODES:
        raise ApiError(f"mode: unknown mode '{mode}'")
    scheme, host, path = _split(target.strip())
    return _MODES[mode](scheme, host, path)


def is_plain(target: str, mode: str) -> bool:
    """Whether no reading of the target is possible but one: a host in small letters, digits and
    hyphens, where a host is asked for."""
    return mode not in ("domain", "subdomains") or bool(_PLAIN.fullmatch(target))


class FixedSize(NamedTuple):
    """What a name such as rows-12.example or huge-12.example promises."""

    kind: str
    rows: int


def fixed_size(host: str) -> Optional[FixedSize]:
    """The size that a host's name promises, if it does."""
    found = _FIXED_SIZE.match(host)
    return FixedSize(found[1], int(found[2])) if found else None


def _split(target: str):
    scheme, authority, path = _TARGET.fullmatch(target).groups()
    scheme = (scheme or "").lower()
    if scheme not in _DEFAULT_PORTS:
        raise ApiError(f"target: unknown scheme '{scheme}'")
    return scheme, _host(authority, _DEFAULT_PORTS[scheme]), "/" + path.removeprefix("/")


def _host(authority: str, default_ports) -> str:
    """The host in its ASCII form, followed by its port unless that goes without saying."""
    name, _, port = authority.partition(":")
    try:
        host = name.lower().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    if port and port not in default_ports:
        host += ":" + port
    if not _HOST.fullmatch(host):
        raise ApiError(f"target: bad value '{authority}'")
    return host


def _domain(_scheme, host, _path):
    return Scope((host,), None)


def _subdomains(_scheme, host, _path):
    return Scope((host, *_children(host)), None)


def _exact(scheme, host, path):
    url = host + path
    return Scope((host,), lambda row: _comparable(row, scheme) == url)


def _prefix(scheme, host, path):
    url = host + path
    return Scope((host,), lambda row: _comparable(row, scheme).startswith(url))


def _comparable(row, scheme):
    """A row's url_to without its scheme; nothing when another scheme was asked for."""
    own, _, rest = row["url_to"].partition("://")
    return rest if scheme in ("", own) else ""


def _children(host):
    """The subdomains that exist: below a registered name only, so that none is nested
    in a way that its parent's own answer would not show. Targets of a fixed size have none."""
    if fixed_size(host) or host.count(".") != 1:
        return ()
    return tuple(f"{label}.{host}" for label in _SUBDOMAINS)


_MODES = {"exact": _exact, "domain": _domain, "subdomains": _subdomains, "prefix": _prefix}
