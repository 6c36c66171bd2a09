"""HTTP as a user's program speaks it; and, where that is the point, as a broken one does."""

import http.client
import json
import os
import re
import socket
from urllib.parse import urlencode

SLOW = float(os.environ.get("ROWCACHE_SLOW", "1"))

HIT = re.compile(r"rowcache; hit; ttl=(\d+)")
DERIVED = re.compile(r"rowcache; hit; ttl=(\d+); detail=derived")
STALE = re.compile(r"rowcache; hit; ttl=(-\d+|0); detail=stale")
MISS = "rowcache; fwd=uri-miss; stored"
COLLAPSED = "rowcache; fwd=uri-miss; collapsed"
REFRESHED = "rowcache; fwd=stale; stored"
BYPASS = "rowcache; fwd=bypass"
_AMOUNT = re.compile(r"([0-9]+)\.([0-9])")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def patience(seconds):
    """A timeout for an event that should happen at once. It does not bound how fast anything is."""
    return seconds * SLOW


def has_ipv6() -> bool:
    """Whether there is [::1] here; a container may have none."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def tenths(text) -> int:
    """An amount of rows as it is shown, in tenths of a row."""
    whole, tenth = _AMOUNT.fullmatch(text).groups()
    return int(whole + tenth)


def wish(text) -> dict:
    """The header in which a client says what it wishes of a cache."""
    return {"Cache-Control": text}


def encode(query) -> str:
    """The query string of a dict; a string is one already."""
    return query if isinstance(query, str) else urlencode(query)


class Reply:
    """One answer, read to its end or to where it broke off."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body, self.whole = _read(response)

    def __repr__(self):
        return f"<{self.status} {self.cache!r} whole={self.whole} {self.body[:200]!r}>"

    @property
    def cache(self) -> str:
        """Cache-Status; several of them would be one too many."""
        return ", ".join(self.headers.get_all("Cache-Status") or ())

    @property
    def hit(self) -> bool:
        """True for an exact, fresh hit."""
        return HIT.fullmatch(self.cache) is not None

    @property
    def derived(self) -> bool:
        """True for a fresh hit that was computed from another result."""
        return DERIVED.fullmatch(self.cache) is not None

    @property
    def miss(self) -> bool:
        return self.cache == MISS

    @property
    def stale(self) -> bool:
        return STALE.fullmatch(self.cache) is not None

    @property
    def ttl(self) -> int:
        """The time a hit has left."""
        forms = (HIT, DERIVED, STALE)
        return int(next(filter(None, (form.fullmatch(self.cache) for form in forms)))[1])

    @property
    def spent(self) -> int:
        """X-Rows-Spent, in tenths of a row."""
        return tenths(self.headers["X-Rows-Spent"])

    @property
    def saved(self) -> int:
        """X-Rows-Saved, in tenths of a row."""
        return tenths(self.headers["X-Rows-Saved"])

    @property
    def units_spent(self) -> int:
        return int(self.headers["X-Units-Spent"])

    @property
    def units_saved(self) -> int:
        return int(self.headers["X-Units-Saved"])

    def api(self, name) -> str:
        """A header of v3, without its x-api-."""
        return self.headers["x-api-" + name]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def rows(self) -> list:
        return self.json["refpages"]

    @property
    def error(self) -> str:
        return self.json["error"]


def _read(response):
    try:
        return response.read(), True
    except http.client.IncompleteRead as broken:
        return broken.partial, False
    except OSError:
        return b"", False


class Client:
    """One connection, kept open from request to request."""

    def __init__(self, address, tls=None):
        self.connection = _Connection(address, tls)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        self.connection.close()

    def get(self, query, headers=None) -> Reply:
        return self.ask("GET", "/?" + encode(query), headers=headers)

    def post(self, form, headers=None) -> Reply:
        return self.ask("POST", "/", encode(form), {**FORM, **(headers or {})})

    def ask(self, method, target, body=None, headers=None) -> Reply:
        self.send(method, target, body, headers)
        return self.receive()

    def send(self, method, target, body=None, headers=None):
        self.connection.request(method, target, body, headers or {})

    def receive(self) -> Reply:
        return Reply(self.head())

    def head(self):
        """The answer whose body is still to be read, by whoever wants to take their time."""
        return self.connection.getresponse()


class _Connection(http.client.HTTPConnection):
    def __init__(self, address, tls):
        super().__init__("localhost" if address.startswith("unix:") else address)
        self._address = address
        self._tls = tls

    def connect(self):
        self.sock = open_socket(self._address)
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname="localhost")


def open_socket(address, receive_buffer=None) -> socket.socket:
    """A connection to ADDRESS:PORT, [IPv6]:PORT or unix:PATH."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        place = address.removeprefix("unix:")
    else:
        host, _, port = address.rpartition(":")
        sock = socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET)
        place = host.strip("[]"), int(port)
    sock.settimeout(patience(30))
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(place)
    return sock


def talk(address, data) -> bytes:
    """Sends these bytes, says that there will be no more, and reads until the other side ends."""
    with open_socket(address) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it hung up before it had read all; what it said may still be there
        return read_all(sock)


def read_all(sock) -> bytes:
    """All bytes until the connection ends, orderly or not."""
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received
