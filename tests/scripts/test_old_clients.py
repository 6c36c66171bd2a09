"""HTTP/1.0: the end of the connection is the end of the answer, so a broken answer must end in
another way than a whole one. The official PHP client and nginx (towards what is behind it) speak it.
"""

import ssl

import pytest

from certificates import make_certificate, trust
from daemon import TOKEN, eventually, question
from wire import encode, open_socket, patience

HUGE = {"target": "huge-5000.example", "limit": 5000}  # about 3 MB
BREAK = 2_000_000  # more than is held back, so it has begun to flow
TEXT = {"Content-Type": "text/plain"}


def request_line(method, version="1.0", body=b"", headers=None, **params):
    fields = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    if body:
        fields += f"Content-Length: {len(body)}\r\n"
    return (f"{method} /?{encode(question(**params))} HTTP/{version}\r\n{fields}\r\n").encode() + body


OPAQUE = {
    "an unknown output": request_line("GET", **HUGE, output=""),
    "another table": request_line("GET", from_="anchors", limit=5000),
    "a foreign body": request_line("POST", body=b"what is this", headers=TEXT, **HUGE),
}

# About 12 MB: more than the kernel may take of it before its client reads (net.ipv4.tcp_wmem).
VAST = request_line("GET", target="huge-20000.example", limit=20000, output="")
VAST_LEAST = 10_000_000


def break_at(sim, after):
    """Any answer is long, and then breaks off."""
    sim.fault("garbage", times=None, after=64, data="x" * 3_000_000,
              match=lambda params: params.get("from") == "anchors")
    sim.fault("cut", times=None, after=after)


def ask(address, data, tls=None):
    """The bytes that came, and True if the other side ended the connection orderly."""
    with open_socket(address) as sock:
        if tls:
            sock = tls.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)
        sock.sendall(data)
        return read_to_end(sock)


def read_to_end(sock):
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except (ConnectionResetError, ssl.SSLError):
        return received, False
    return received, True


@pytest.mark.parametrize("data", OPAQUE.values(), ids=list(OPAQUE))
def test_a_long_answer_that_breaks_ends_with_a_reset(sim, rowcache, data):
    daemon = rowcache()
    break_at(sim, BREAK)
    for _ in range(20):
        said, orderly = ask(daemon.address, data)
        assert not orderly and len(said) < 3_000_000
        assert said.startswith(b"HTTP/1.1 200 ")
    eventually(lambda: daemon.outcomes() == {"error": 20})


@pytest.mark.parametrize("data", OPAQUE.values(), ids=list(OPAQUE))
@pytest.mark.parametrize("after", [64, 70_000, 900_000])
def test_a_short_answer_that_breaks_is_a_clean_error(sim, rowcache, data, after):
    """It is held back as long as memory has room for it (1 MiB)."""
    daemon = rowcache()
    break_at(sim, after)
    said, orderly = ask(daemon.address, data)
    assert orderly and said.startswith(b"HTTP/1.1 502 ") and b"X-Status: error" in said


def test_over_tls_neither_is_taken_for_the_other(sim, rowcache, tmp_path):
    certificate, key = make_certificate(tmp_path, "client")
    daemon = rowcache(f"server.tls_certificate={certificate}", f"server.tls_key={key}")
    for _ in range(20):
        said, orderly = ask(daemon.address, OPAQUE["an unknown output"], trust(certificate))
        assert orderly and said.endswith(b"]}")
        break_at(sim, BREAK)
        said, orderly = ask(daemon.address, OPAQUE["an unknown output"], trust(certificate))
        assert not orderly and said.startswith(b"HTTP/1.1 200 ")
        sim.clear_faults()


def test_a_whole_answer_ends_orderly(sim, rowcache):
    daemon = rowcache()
    for data in (OPAQUE["an unknown output"], OPAQUE["a foreign body"]):
        said, orderly = ask(daemon.address, data)
        assert orderly and len(said) > 2_500_000


def test_on_a_unix_socket_what_is_held_back_is_a_clean_error(sim, rowcache, tmp_path):
    """A UNIX socket has no reset; what is longer than is held back cannot be told there from whole
    (rowcached(8), LIMITS)."""
    daemon = rowcache(f"server.listen=unix:{tmp_path}/socket")
    break_at(sim, 900_000)
    said, orderly = ask(daemon.address, OPAQUE["an unknown output"])
    assert orderly and said.startswith(b"HTTP/1.1 502 ")


def test_who_reads_too_slowly_sees_a_reset_too(sim, rowcache):
    """server.idle_timeout ends the connection; that must not look like the end of the answer."""
    daemon = rowcache("server.idle_timeout=1s")
    with open_socket(daemon.address, receive_buffer=4096) as sock:
        sock.sendall(VAST)
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        eventually(lambda: sum(daemon.outcomes().values()) == 1)
        sock.settimeout(patience(30))
        said, orderly = read_to_end(sock)
    assert not orderly and len(said) < VAST_LEAST


def test_a_stop_in_the_middle_is_a_reset_too(sim, rowcache):
    daemon = rowcache("server.drain_timeout=0")
    with open_socket(daemon.address, receive_buffer=4096) as sock:
        sock.sendall(VAST)
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        assert daemon.stop() == 0
        said, orderly = read_to_end(sock)
    assert not orderly and len(said) < VAST_LEAST


def test_an_answer_that_is_kept_is_whole_or_an_error(sim, rowcache):
    """What is stored is waited for to its end, whatever its length."""
    daemon = rowcache()
    sim.fault("cut", after=BREAK)
    plain = request_line("GET", **HUGE)
    said, orderly = ask(daemon.address, plain)
    assert orderly and said.startswith(b"HTTP/1.1 502 ")
    said, orderly = ask(daemon.address, plain)
    assert orderly and b"Content-Length: " in said[:2000] and len(said) > 2_500_000
    assert sim.bill(TOKEN) <= daemon.account["rows_spent"]
