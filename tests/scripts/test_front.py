"""The head of a request: what may mean another request to whoever stands in front is refused and
the connection closed, on both listeners; and what is within the limits is served."""

import re

import pytest

from daemon import TOKEN, arrived, eventually, question
from wire import FORM, encode, open_socket, read_all, talk

IDLE = "server.idle_timeout=1s"  # libmicrohttpd may notice only then that a client has gone
RIGHT = encode(question())
HIDDEN = encode(question("rows-6.example"))
SECOND = f"GET /?{HIDDEN} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
GET = f"GET /?{RIGHT} HTTP/1.1\r\n".encode()
POST = f"POST /?{RIGHT} HTTP/1.1\r\n".encode()

# The head of a request, up to the empty line.
INVALID = {
    "a space before the colon": POST + b"Host: x\r\nContent-Length : 100",
    "a tab before the colon": POST + b"Host: x\r\nTransfer-Encoding\t: chunked",
    "spaces before the colon": GET + b"Host: x\r\nX-Y  : z",
    "an empty name": GET + b"Host: x\r\n: nameless",
    "a name of spaces": GET + b"Host: x\r\n : y",
    "a space in a name": GET + b"Host: x\r\nX Y: z",
    "a name in brackets": GET + b"Host: x\r\n(X): z",
    "a quoted name": GET + b'Host: x\r\n"X": z',
    "a name beyond ASCII": GET + "Host: x\r\nX-Ä: z".encode(),
    "a control character in a name": GET + b"Host: x\r\nX\x01: z",
    "a CR in a name": GET + b"Host: x\r\nX\r: z",
    "a CR in a value": GET + b"Host: x\r\nX: y\rContent-Length: 100",
    "a control character in a value": GET + b"Host: x\r\nX: a\x08b",
    "DEL in a value": GET + b"Host: x\r\nX: a\x7f",
    "a NUL in a value": GET + b"Host: x\r\nX: a\0b",
    "a NUL begins a value": GET + b"Host: x\r\nX: \0b",
    "a NUL ends a value": GET + b"Host: x\r\nX: a\0",
    "a NUL in the last header but one": GET + b"X: a\0b\r\nHost: x",
    "a NUL in Content-Length": POST + b"Host: x\r\nContent-Length: 0\x0000",
    "a NUL begins a line": POST + b"Host: x\r\n\0Content-Length: 100",
    "a NUL in the URI": f"GET /?{RIGHT}\0&limit=1 HTTP/1.1\r\nHost: x".encode(),
    "a NUL ends the URI": f"GET /?{RIGHT}\0 HTTP/1.1\r\nHost: x".encode(),
    "a NUL in the method": f"GET\0 /?{RIGHT} HTTP/1.1\r\nHost: x".encode(),
    "a tab in the URI": f"GET /?{RIGHT}\t HTTP/1.1\r\nHost: x".encode(),
    "a CR in the URI": f"GET /?{RIGHT}\r HTTP/1.1\r\nHost: x".encode(),
    "a method that is no token": f"G@T /?{RIGHT} HTTP/1.1\r\nHost: x".encode(),
    "two spaces before the URI": f"GET  /?{RIGHT} HTTP/1.1\r\nHost: x".encode(),
    "a folded line in a name": POST + b"Host: x\r\nTransfer-Encod: chunked\r\n ing",
    "a folded line": GET + b"Host: x\r\nX: a\r\n b",
    "a folded line with a tab": GET + b"Host: x\r\nX: a\r\n\tb\r\nY: z",
    "a folded first line": GET + b" Host: x",
    "a folded line far apart": GET + b"Host: x\r\nX: a\r\n b\r\n c\r\n d",
    "two lengths": POST + b"Host: x\r\nContent-Length: 0\r\nContent-Length: 100",
    "a length and a coding": POST + b"Host: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked",
    "a coding that is not known": POST + b"Host: x\r\nTransfer-Encoding: gzip",
    "a coding in two parts": POST + b"Host: x\r\nTransfer-Encoding: gzip, chunked",
    "two codings": POST + b"Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "a coding before chunked": POST + b"Host: x\r\nTransfer-Encoding: x\r\n"
                               b"Transfer-Encoding: chunked",
    "a coding in HTTP/1.0": f"POST /?{RIGHT} HTTP/1.0\r\nTransfer-Encoding: chunked".encode(),
    "two hosts": GET + b"Host: x\r\nHost: y",
    "no host": GET + b"Accept: */*",
}

# What libmicrohttpd refuses itself, without a word to us.
REFUSED_BY_LIBRARY = {
    "a header without a colon": (GET + b"Host: x\r\nnonsense", 400),
    "the first header without a colon": (GET + b"nonsense", 400),
    "a NUL in a name": (GET + b"Host: x\r\nX\0Y: z", 400),
    "a length that is a word": (POST + b"Host: x\r\nContent-Length: many", 400),
    "a length that is negative": (POST + b"Host: x\r\nContent-Length: -5", 400),
    "a length that has a sign": (POST + b"Host: x\r\nContent-Length: +5", 400),
    "a length that is a list": (POST + b"Host: x\r\nContent-Length: 5, 5", 400),
    "a length that is empty": (POST + b"Host: x\r\nContent-Length:", 400),
    "a length beyond 64 bits": (POST + b"Host: x\r\nContent-Length: 99999999999999999999", 413),
    "a line as long as everything": (GET + b"Host: x\r\nX: " + b"x" * 400_000, 431),
    "a URI as long as everything": (b"GET /?" + b"x" * 400_000 + b" HTTP/1.1\r\nHost: x", 414),
    "another version": (f"GET /?{RIGHT} HTTP/2.0\r\nHost: x".encode(), 505),
    "no version": (f"GET /?{RIGHT}\r\nHost: x".encode(), 400),
}


def heads(said) -> list:
    """The status of each response head."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", said)]


def check_refusal(said, *statuses):
    """One error in v2's form, and the connection's end."""
    assert heads(said) in [[status] for status in statuses], said[:500]
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    assert re.fullmatch(rb'\{"error":".+"\}', body), body


@pytest.mark.parametrize("head", INVALID.values(), ids=list(INVALID))
def test_an_invalid_head_is_refused_and_ends_the_connection(sim, rowcache, head):
    """What follows is neither a body nor a request, and nothing is billed."""
    daemon = rowcache(IDLE)
    for data in (head + b"\r\n\r\n" + SECOND, head + b"\r\n\r\n0\r\n\r\n" + SECOND):
        check_refusal(talk(daemon.address, data), 400)
        check_refusal(talk(daemon.addresses("admin")[0], data), 400)
    assert arrived(sim) == [] and sim.bill(TOKEN) == 0
    eventually(lambda: daemon.outcomes() == {"error": 2})


@pytest.mark.parametrize("head", [
    GET + b"Host:x", GET + b"Host: \t x\t ", GET + b'Host: x\r\nX: a "b", \xc3\xa4\tc',
    GET + b"Host: x\r\nX:", f"GET /?{RIGHT} HTTP/1.1\nHost: x\nX: y".encode().replace(b"\r", b""),
    GET + b"!#$%&'*+-.^_`|~1aZ: x\r\nHost: x", f"GET /?{RIGHT} HTTP/1.0".encode(),
    f"GET /?{RIGHT} HTTP/1.0\n".encode().rstrip(b"\n"), b"\r\n\r\n" + GET + b"Host: x",
    GET + b"Cookie: a=b; c\r\nHost: x\r\ncookie: d",
], ids=range(10))
def test_an_unusual_head_is_served(rowcache, head):
    end = b"\r\n\r\n" if b"\r" in head or b"\n" not in head else b"\n\n"
    daemon = rowcache()
    with open_socket(daemon.address) as sock:
        sock.sendall(head + end)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("piece", [1, 7])
def test_a_head_in_pieces_is_judged_as_a_whole_one(rowcache, piece):
    daemon = rowcache()
    for head, status in ((GET + b"Host: x\r\nConnection: close\r\nX: y", 200),
                         (GET + b"Host: x\r\nX: a\0b", 400), (GET + b"Host: x\r\nX: a\r\n b", 400)):
        data = head + b"\r\n\r\n"
        with open_socket(daemon.address) as sock:
            for at in range(0, len(data), piece):
                sock.sendall(data[at:at + piece])
            assert heads(read_all(sock)) == [status]


def test_the_next_request_on_a_connection_is_judged_too(sim, rowcache):
    daemon = rowcache(IDLE)
    said = talk(daemon.address, GET + b"Host: x\r\n\r\n" + GET + b"Host: x\r\n\r\n"
                + GET + b"Host: x\r\nX : y\r\n\r\n" + SECOND)
    assert heads(said) == [200, 200, 400]
    assert len(arrived(sim)) == 1


@pytest.mark.parametrize("trailer", [b"X : y", b": y", b"X: a\rb", b"Content-Length : 5"])
def test_an_invalid_trailer_ends_the_connection(sim, rowcache, trailer):
    daemon = rowcache()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in FORM.items()).encode()
    chunk = f"{len(RIGHT):x}\r\n{RIGHT}\r\n0\r\n".encode()
    check_refusal(talk(daemon.address, head + b"\r\n" + chunk + trailer + b"\r\n\r\n" + SECOND), 400)
    assert arrived(sim) == []
    said = talk(daemon.address, head + b"Connection: close\r\n\r\n" + chunk + b"X-Sum: 1\r\n\r\n")
    assert heads(said) == [200]


@pytest.mark.parametrize("head, status", REFUSED_BY_LIBRARY.values(), ids=list(REFUSED_BY_LIBRARY))
def test_what_the_library_refuses_ends_the_connection_too(sim, rowcache, head, status):
    """libmicrohttpd answers these itself, and offers no way to do it for it: its own page, and up
    to 0.9.75 after some of them a second response head (rowcached(8), LIMITS)."""
    daemon = rowcache(IDLE)
    for address in (daemon.address, daemon.addresses("admin")[0]):
        said = talk(address, head + b"\r\n\r\n" + SECOND)
        found = heads(said)
        assert set(found) <= {status, 431} and len(found) <= 2
        if library_version() > (0, 9, 75):
            assert len(found) <= 1
    assert arrived(sim) == []
    assert daemon.ask("rows-7.example").miss


def library_version():
    import ctypes
    library = ctypes.CDLL("libmicrohttpd.so.12")
    library.MHD_get_version.restype = ctypes.c_char_p
    return tuple(int(part) for part in library.MHD_get_version().decode().split("."))


# Within the limits


def padded(headers, size):
    """As many bytes of headers as server.max_headers counts."""
    have = sum(len(name) + len(value) + 4 for name, value in headers)
    return headers + [("X-Pad", "x" * (size - have - len("X-Pad") - 4))]


MANY_HEADERS = [("Host", "x")] + [(f"X-{number}", "y") for number in range(100)]
LIMITS = {
    "100 small headers": MANY_HEADERS,
    "as many headers as there may be": [("Host", "x")] + [("X", "")] * 127,
    "12 KB of cookies": [("Host", "x"), ("Cookie", "; ".join(f"c{n}=v" for n in range(1500)))],
    "cookies of one byte": [("Host", "x"), ("Cookie", "a;" * 8_000)],
    "as large as may be": padded([("Host", "x")], 16 * 1024),
    "as large as may be, in many": padded(MANY_HEADERS, 16 * 1024),
    "as many cookies as may be": padded([("Host", "x"), ("Cookie", "a;" * 8_000)], 16 * 1024),
}


def raw(headers, target="/?" + RIGHT):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode()


@pytest.mark.parametrize("headers", LIMITS.values(), ids=list(LIMITS))
def test_what_is_within_the_limits_is_served(sim, rowcache, headers):
    """Also together with the longest URI, and again on the same connection."""
    daemon = rowcache(IDLE)
    long = "/?" + RIGHT + "&where="
    target = long + "x" * (32 * 1024 - len(long))
    said = talk(daemon.address, 2 * raw(headers) + raw(headers, target))
    assert heads(said) == [200, 200, 200], said[-300:]


@pytest.mark.parametrize("parameters", [64, 65, 3000, 5000])
def test_many_parameters_do_not_fill_the_head(sim, rowcache, parameters):
    """libmicrohttpd would keep each; the limit is ours, and said."""
    daemon = rowcache(IDLE)
    names = range(parameters - RIGHT.count("&") - 1)
    target = "/?" + RIGHT + "".join(f"&{name:x}" for name in names)
    said = talk(daemon.address, raw([("Host", "x")], target))
    assert heads(said) == [200 if parameters <= 64 else 400], said[:300]


@pytest.mark.parametrize("headers, status", [
    (padded([("Host", "x")], 16 * 1024 + 1), 431), (padded(MANY_HEADERS, 16 * 1024 + 1), 431),
    ([("Host", "x")] + [("X", "")] * 128, 431), ([("Host", "x")] + [("X", "")] * 600, 431),
    (padded([("Host", "x")], 50_000), 431),
    (padded([("Host", "x"), ("Cookie", "a;" * 15_000)], 40_000), 431),
], ids=["bytes", "bytes in many", "count", "far more", "far larger", "cookies"])
def test_beyond_a_limit_it_is_our_own_refusal(sim, rowcache, headers, status):
    daemon = rowcache(IDLE)
    check_refusal(talk(daemon.address, raw(headers)), status)
    check_refusal(talk(daemon.addresses("admin")[0], raw(headers[:1] + [("X", "")] * 300)), 431)
    assert arrived(sim) == []


FULL = padded([("Host", "x")] + [(f"X-{n}", "y") for n in range(126)], 16 * 1024)


@pytest.mark.parametrize("headers, size, status", [
    (FULL, 32 * 1024, 200), (FULL, 32 * 1024 + 1, 414), (FULL, 36 * 1024, 414),
    (FULL + [("X", "")], 32 * 1024, 431), (FULL + [("X", "y" * 4096)], 32 * 1024, 431),
], ids=["full", "a byte more", "4 KiB more", "a header more", "a large header more"])
def test_the_refusal_is_ours_where_all_else_is_as_large_as_may_be(rowcache, headers, size, status):
    daemon = rowcache(IDLE)
    long = "/?" + RIGHT + "&where="
    said = talk(daemon.address, raw(headers, long + "x" * (size - len(long))))
    if status == 200:
        assert heads(said) == [200]
    else:
        check_refusal(said, status)


def test_the_number_of_headers_is_a_setting(rowcache):
    daemon = rowcache("server.max_header_count=16", IDLE)
    assert heads(talk(daemon.address, raw([("Host", "x")] + [("X", "")] * 15))) == [200]
    said = talk(daemon.address, raw([("Host", "x")] + [("X", "")] * 16))
    check_refusal(said, 431)
    assert b"server.max_header_count" in said


@pytest.mark.parametrize("size, status", [(64 * 1024, 200), (64 * 1024 + 1, 413)])
def test_a_body_as_large_as_may_be_is_taken(rowcache, size, status):
    daemon = rowcache("server.max_body=64KiB", IDLE)
    body = RIGHT + "&where=" + "x" * (size - len(RIGHT) - len("&where="))
    form = "".join(f"{name}: {value}\r\n" for name, value in FORM.items())
    for length, data in ((f"Content-Length: {size}", body),
                         ("Transfer-Encoding: chunked", f"{size:x}\r\n{body}\r\n0\r\n\r\n")):
        head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{form}{length}\r\n\r\n"
        said = talk(daemon.address, (head + data).encode())
        assert heads(said) == [status] or (status == 413 and said == b""), said[:300]


# Memory


MIB = 1024 * 1024
FORM_LINE = "".join(f"{name}: {value}\r\n" for name, value in FORM.items())


def post(body, length=None):
    return (f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{FORM_LINE}"
            f"Content-Length: {length or len(body)}\r\n\r\n{body}").encode()


def hold_body(daemon):
    sock = open_socket(daemon.address)
    sock.sendall(post("x" * (MIB - 1), MIB))
    return sock


@pytest.mark.heavy
def test_strangers_bodies_fill_no_memory(rowcache):
    """A hundred of them, all but the last byte of each; nobody has shown a token yet."""
    daemon = rowcache("server.max_bodies=4MiB")
    before = daemon.metrics().value("process_resident_memory_bytes")
    held = [hold_body(daemon) for _ in range(100)]
    # Each connection has its pool (64 KiB) as well, of which a body passes through one half, and the
    # allocator keeps some of what was refused.
    grown = daemon.metrics().value("process_resident_memory_bytes") - before
    assert grown < 40 * MIB
    for sock in held:
        sock.close()


def test_more_bodies_than_fit_are_told_to_come_again(rowcache):
    daemon = rowcache("server.max_bodies=4MiB")
    held = []

    def refused():
        """Bodies that come side by side may all be refused, and leave room."""
        held.extend(hold_body(daemon) for _ in range(4))
        said = talk(daemon.address, post(RIGHT))
        return said if b" 503 " in said[:20] else None

    said = eventually(refused)
    check_refusal(said, 503)
    assert b"\r\nRetry-After: 1\r\n" in said and b"server.max_bodies" in said
    assert daemon.ask("rows-7.example").miss and daemon.ask("rows-7.example").hit
    for sock in held:
        sock.close()
    eventually(lambda: heads(talk(daemon.address, post(RIGHT))) == [200])


def test_no_more_connections_stay_open_than_memory_is_for(rowcache):
    """Sixteen pools of 68 KiB; the seventeenth connection is closed after its answer, and room
    that is left is taken again."""
    daemon = rowcache("server.max_kept=1088KiB", "server.threads=1")
    request = GET + b"Host: x\r\n\r\n"

    def ask(sock):
        sock.sendall(request)
        said = b""
        while b"]}" not in said:
            piece = sock.recv(65536)
            assert piece, said
            said += piece
        return b"\r\nConnection: close\r\n" not in said

    kept = [open_socket(daemon.address) for _ in range(16)]
    assert all(ask(sock) for sock in kept) and all(ask(sock) for sock in kept)
    with open_socket(daemon.address) as further:
        assert not ask(further) and further.recv(1) == b""
    kept.pop().close()

    def stays():
        with open_socket(daemon.address) as sock:
            return ask(sock)

    eventually(stays)
    assert all(ask(sock) for sock in kept)
    for sock in kept:
        sock.close()
    none = rowcache("server.max_kept=0")
    with open_socket(none.address) as sock:
        assert not ask(sock) and sock.recv(1) == b""
