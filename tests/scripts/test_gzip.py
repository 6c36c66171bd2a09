"""Bodies are gzip for whoever takes it, and are the same bytes; every answer to a client says that
it depends on what the client takes."""

import gzip
import http.client
import json
import threading
import zlib

import pytest

from daemon import (
    OTHER_TOKEN, QUESTIONS, TOKEN, arrived, direct, eventually, question, wait_until_held,
)
from v3 import call, path
from wire import encode, open_socket, patience, talk

TAKES = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}
BIG = question("rows-1000.example", limit=1000)  # about 700 KB
LONG = {"target": "huge-5000.example", "limit": 5000}  # about 3 MB
ROWS_1000 = 10 + 1000 * 2
SHORT = 64 * 1024  # below it the length is known beforehand
AT_ONCE = 256 * 1024  # a stored result of so many bytes is in memory when it is sent


def unpack(reply) -> bytes:
    """The bytes of an answer that has to be gzip, once."""
    assert reply.headers.get_all("Content-Encoding") == ["gzip"], reply
    assert varies(reply)
    return gzip.decompress(reply.body)


def varies(reply) -> bool:
    return reply.headers.get_all("Vary") == ["Accept-Encoding"]


def is_plain(reply) -> bool:
    return "Content-Encoding" not in reply.headers and varies(reply)


def ask(daemon, method="GET", headers=None, **params):
    with daemon.client() as client:
        return client.ask(method, "/?" + encode(question(**params)), headers=headers)


def length_of(reply) -> int:
    return int(reply.headers["Content-Length"])


# Who gets gzip


@pytest.mark.parametrize("takes", [
    "gzip", "x-gzip", "*", "deflate, gzip;q=1.0, *;q=0.5", "gzip, deflate, br", "br,GZIP ; q=0.2",
])
def test_whoever_takes_gzip_gets_it(rowcache, takes):
    daemon = rowcache()
    plain = daemon.ask()
    assert is_plain(plain)
    hit = daemon.ask(headers={"Accept-Encoding": takes})
    assert hit.hit and unpack(hit) == plain.body and length_of(hit) == len(hit.body)


@pytest.mark.parametrize("takes", [
    "gzip;q=0", "identity", "", "br", "*;q=0", "*, gzip;q=0", "gzip;q=0.5, identity", "gzip;q=x",
    "gzip;level=9", "gzipped",
])
def test_whoever_does_not_gets_the_bytes(rowcache, takes):
    daemon = rowcache()
    for _ in range(2):
        reply = daemon.ask(headers={"Accept-Encoding": takes})
        assert is_plain(reply) and len(reply.rows) == 5 and length_of(reply) == len(reply.body)


def request(version="1.1", takes=(), method="GET", **params):
    lines = [f"{method} /?{encode(question(**params))} HTTP/{version}", "Host: x",
             "Connection: close", *(f"Accept-Encoding: {one}" for one in takes)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def parts(said):
    head, _, body = said.partition(b"\r\n\r\n")
    return head.decode(), body


def test_whoever_says_nothing_gets_the_bytes(rowcache):
    daemon = rowcache()
    head, body = parts(talk(daemon.address, request()))
    assert "Content-Encoding" not in head and "\r\nVary: Accept-Encoding" in head
    assert body.startswith(b'{"refpages"')


def test_several_lines_are_one_list(rowcache):
    daemon = rowcache()
    plain = daemon.ask()
    head, body = parts(talk(daemon.address, request(takes=("br", "gzip"))))
    assert "\r\nContent-Encoding: gzip" in head and gzip.decompress(body) == plain.body
    head, body = parts(talk(daemon.address, request(takes=("gzip", "gzip;q=0"))))
    assert "Content-Encoding" not in head and body == plain.body


def test_http_1_0_has_no_chunks_and_gets_no_gzip(rowcache):
    """The end of a long one could not be told from its breaking off."""
    daemon = rowcache()
    for params in ({}, LONG):
        for _ in range(2):
            head, body = parts(talk(daemon.address, request("1.0", ("gzip",), **params)))
            assert "Content-Encoding" not in head and "\r\nVary: Accept-Encoding" in head
            assert body.endswith(b"]}")


# The same bytes, whatever the answer


@pytest.mark.parametrize("params", [
    {}, {"target": "rows-0.example"}, {"output": "xml"}, {"output": "php"}, {"output": "xml", **LONG},
    {"output": "php", **LONG}, LONG, {"target": "rows-100.example", "limit": 100},
    {"target": "rows-60.example", "limit": 60, "order_by": "ahrefs_rank:desc"},
    {"from_": "anchors"}, {"from_": "anchors", "limit": 5000}, {"output": ""},
    {"from_": "subscription_info", "target": None, "mode": None},
], ids=str)
def test_an_answer_is_the_same_bytes_in_both_codings(sim, rowcache, params):
    daemon = rowcache()
    truth = direct(sim, question(**params)).body
    miss = ask(daemon, headers=TAKES, **params)
    assert miss.status == 200 and unpack(miss) == truth
    again, plain = ask(daemon, headers=TAKES, **params), ask(daemon, headers=PLAIN, **params)
    assert unpack(again) == plain.body == truth and is_plain(plain)
    assert len(again.body) < len(plain.body) or len(plain.body) < 200
    if again.hit:
        short = len(plain.body) <= AT_ONCE
        assert ("Content-Length" in again.headers) == short
        assert short or again.headers["Transfer-Encoding"] == "chunked"


def test_both_codings_are_one_stored_result_that_was_paid_once(sim, rowcache):
    daemon = rowcache()
    assert unpack(daemon.get(BIG, TAKES)) == daemon.get(BIG, PLAIN).body
    daemon.restart()
    assert daemon.get(BIG, PLAIN).body == unpack(daemon.get(BIG, TAKES))
    assert len(arrived(sim)) == len(daemon.admin_json("/api/cache")["entries"]) == 1


@pytest.mark.parametrize("params", [{"limit": 50}, {"limit": 900, "output": "php"},
                                    {"select": "url_from,url_to"}, {"limit": 3, "output": "xml"}],
                         ids=str)
def test_a_derived_answer_is_the_same_bytes_too(sim, rowcache, params):
    daemon = rowcache()
    daemon.ask("rows-1000.example", limit=1000)
    asked = {"target": "rows-1000.example", "limit": 1000, **params}
    first = ask(daemon, headers=TAKES, **asked)
    plain = ask(daemon, headers=PLAIN, **asked)
    assert "xml" in params.values() or (first.derived and len(arrived(sim)) == 1)
    assert unpack(first) == plain.body == direct(sim, question(**asked)).body
    assert unpack(ask(daemon, headers=TAKES, **asked)) == plain.body


def test_a_stale_answer_and_its_errors_are_gzip(sim, driven, clock):
    daemon = driven("cache.ttl=1s")
    fresh = daemon.ask()
    clock.go_on(seconds=1)
    sim.fault("garbage", times=None, match=QUESTIONS)
    stale = daemon.ask(headers=TAKES)
    assert stale.stale and unpack(stale) == fresh.body
    failed, plain = (daemon.ask("rows-6.example", headers) for headers in (TAKES, PLAIN))
    assert failed.status == plain.status == 502 and unpack(failed) == plain.body


def test_errors_are_gzip_and_vary(rowcache):
    daemon = rowcache()
    for params, status in (({"mode": None}, 400), ({"token": None}, 401), ({"token": "JUNK"}, 403),
                           ({"limit": "ten", "output": "xml"}, 400),
                           ({"limit": "ten", "output": "php"}, 400)):
        packed, plain = (ask(daemon, headers=headers, **params) for headers in (TAKES, PLAIN))
        assert packed.status == plain.status == status
        assert unpack(packed) == plain.body and is_plain(plain)
    for method, target, status in (("GET", "/nothing", 404), ("DELETE", "/", 405)):
        with daemon.client() as client:
            reply = client.ask(method, target, headers=TAKES)
        assert reply.status == status and b"error" in unpack(reply)
    assert b"\r\nVary: Accept-Encoding" in talk(daemon.address, b"GET / HTTP/1.1\r\n\r\n")


def test_an_error_of_upstream_is_masked_before_it_is_packed(sim, rowcache):
    """The token of whoever paid is in it; another client that waits for the same answer sees x's."""
    daemon = rowcache()
    for token in (TOKEN, OTHER_TOKEN):
        assert daemon.ask(token=token).status == 200
    sim.hold(match=QUESTIONS)
    sim.fault("body", match=QUESTIONS, data='{"error":"no rows left for ' + TOKEN + '"}')
    with daemon.send(question("rows-9.example"), TAKES) as payer:
        wait_until_held(sim)
        with daemon.send(question("rows-9.example", token=OTHER_TOKEN), TAKES) as other:
            eventually(lambda: daemon.metrics().value("rowcache_upstream_inflight") == 1)
            sim.release()
            assert TOKEN.encode() in unpack(payer.receive())
            assert TOKEN.encode() not in unpack(other.receive())


# The head


def test_each_coding_has_its_own_tag(rowcache):
    daemon = rowcache()
    for params in ({}, LONG):
        miss, packed, plain = (ask(daemon, headers=headers, **params)
                               for headers in (TAKES, TAKES, PLAIN))
        tag = plain.headers["ETag"]
        assert packed.headers["ETag"] == miss.headers["ETag"] == tag[:-1] + '-gzip"'
        for headers, own, other in ((TAKES, packed, plain), (PLAIN, plain, packed)):
            for form in ("{}", "W/{}", '"other", {}'):
                known = form.format(own.headers["ETag"])
                reply = ask(daemon, headers={**headers, "If-None-Match": known}, **params)
                assert reply.status == 304 and reply.body == b"" and is_plain(reply)
                assert reply.headers["ETag"] == own.headers["ETag"]
            known = {"If-None-Match": other.headers["ETag"]}
            reply = ask(daemon, headers={**headers, **known}, **params)
            assert reply.status == 200 and reply.body == own.body


def test_both_tags_may_be_listed(rowcache):
    """A client that keeps both codings is told which one holds."""
    daemon = rowcache()
    tags = [daemon.ask(headers=headers).headers["ETag"] for headers in (PLAIN, TAKES)]
    known = {"If-None-Match": ", ".join(tags)}
    assert [daemon.ask(headers={**headers, **known}).headers["ETag"]
            for headers in (PLAIN, TAKES)] == tags


@pytest.mark.parametrize("params", [{}, LONG], ids=str)
def test_a_client_goes_on_after_answers_without_a_body(rowcache, params):
    daemon = rowcache()
    tag = ask(daemon, headers=TAKES, **params).headers["ETag"]
    line = "/?" + encode(question(**params))
    with daemon.client() as client:
        for method, known, status in (("GET", tag, 304), ("HEAD", tag, 304), ("HEAD", "", 200),
                                      ("GET", tag, 304), ("GET", "", 200)):
            reply = client.ask(method, line, headers={**TAKES, "If-None-Match": known})
            assert reply.status == status and reply.headers["ETag"] == tag
            assert bool(reply.body) == ((method, status) == ("GET", 200))


@pytest.mark.parametrize("params", [{}, LONG], ids=str)
@pytest.mark.parametrize("method, more", [("HEAD", ""), ("GET", "If-None-Match: *\r\n")])
def test_nothing_follows_the_head_of_an_answer_without_a_body(rowcache, params, method, more):
    """Where there is no length, there is no chunk either."""
    daemon = rowcache()
    ask(daemon, **params)
    asked = request(takes=("gzip",), method=method, **params)
    said = talk(daemon.address, asked.replace(b"Host", more.encode() + b"Host"))
    assert said.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 304 ")) and said.count(b"\r\n\r\n") == 1
    assert said.endswith(b"\r\n\r\n")


def test_head_has_the_headers_of_get(rowcache):
    daemon = rowcache()
    for params in ({}, LONG, {"mode": None}):
        if "mode" not in params:
            ask(daemon, **params)
        get, head = (ask(daemon, method, TAKES, **params) for method in ("GET", "HEAD"))
        assert head.status == get.status and head.body == b"" and unpack(get)
        for name in ("Content-Encoding", "Content-Length", "Content-Type", "ETag", "Vary",
                     "X-Results-Count"):
            assert head.headers[name] == get.headers[name], name


def test_a_miss_that_head_does_not_ask_is_an_error_that_varies(rowcache):
    reply = ask(rowcache(), "HEAD", TAKES)
    assert reply.status == 504 and varies(reply) and reply.headers["Content-Encoding"] == "gzip"


# Under way


class Unpacking:
    """An answer that is read and unpacked as it comes."""

    def __init__(self, client):
        self.response = client.head()
        assert self.response.headers["Content-Encoding"] == "gzip"
        self.bytes = b""
        self._coder = zlib.decompressobj(31)

    def read_until(self, length):
        """Until at least so many bytes have come, or the end."""
        while len(self.bytes) < length and (piece := self.response.read1(65536)):
            self.bytes += self._coder.decompress(piece)
        return self.bytes

    @property
    def ended(self) -> bool:
        return self._coder.eof and not self._coder.unused_data


def test_what_has_come_from_a_slow_upstream_is_there_before_the_end(sim, rowcache):
    daemon = rowcache()
    truth = direct(sim, BIG).body
    daemon.ask()
    sim.fault("hold_body", match=QUESTIONS, after=300_000)
    with daemon.send(BIG, TAKES) as client:
        wait_until_held(sim)
        answer = Unpacking(client)
        assert truth.startswith(answer.read_until(196_608)) and len(answer.bytes) >= 196_608
        with daemon.send(BIG, PLAIN) as other:  # waits for the same answer
            assert truth.startswith(other.head().read(100_000))
            sim.release()
            assert answer.read_until(len(truth) + 1) == truth and answer.ended
    assert daemon.get(BIG, TAKES).hit


@pytest.mark.parametrize("size", [97, 1000, 30_000])
def test_an_answer_that_comes_in_pieces_is_whole(sim, rowcache, size):
    daemon = rowcache()
    truth = direct(sim, BIG).body
    sim.fault("slow", match=QUESTIONS, size=size, pause=0)
    reply = daemon.get(BIG, TAKES)
    assert reply.miss and unpack(reply) == truth


def test_an_answer_that_breaks_off_is_seen_to(sim, rowcache):
    """It has neither its last chunk nor the end of its gzip."""
    daemon = rowcache()
    truth = direct(sim, question(**LONG)).body
    sim.fault("cut", times=None, match=QUESTIONS, after=2_000_000)
    for _ in range(5):
        reply = ask(daemon, headers=TAKES, **LONG)
        coder = zlib.decompressobj(31)
        assert reply.status == 200 and not reply.whole
        assert truth.startswith(coder.decompress(reply.body)) and not coder.eof
    sim.clear_faults()
    assert unpack(ask(daemon, headers=TAKES, **LONG)) == truth


def test_a_short_answer_that_breaks_off_is_a_clean_error(sim, rowcache):
    daemon = rowcache()
    sim.fault("cut", times=None, match=QUESTIONS, after=64)
    reply = daemon.ask(headers=TAKES)
    assert reply.status == 502 and b"error" in unpack(reply) and reply.whole


def test_an_answer_may_be_left_at_any_byte(rowcache):
    daemon = rowcache()
    for count in (1, 400, 5_000, 100_000):
        with open_socket(daemon.address) as sock:
            sock.sendall(request(takes=("gzip",), **LONG))
            while count > 0 and (piece := sock.recv(min(count, 65536))):
                count -= len(piece)
    assert unpack(ask(daemon, headers=TAKES, **LONG))


@pytest.mark.concurrent
def test_many_clients_of_one_flight_each_get_their_coding(sim, rowcache):
    daemon = rowcache()
    truth = direct(sim, BIG).body
    wrong = []

    def ask_often(headers):
        for _ in range(5):
            reply = daemon.get(BIG, headers)
            if (unpack(reply) if headers == TAKES else reply.body) != truth:
                wrong.append(reply)

    askers = [threading.Thread(target=ask_often, args=(headers,)) for headers in (TAKES, PLAIN) * 8]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert not wrong and sim.bill(TOKEN) == ROWS_1000


# v3, and the admin side


def test_v3_calls_are_the_same_bytes_in_both_codings(sim3, rowcache3):
    daemon = rowcache3()
    for target, given in (("rows-5.example", {}), ("rows-5.example", {"output": "csv"}),
                          ("rows-1000.example", {"limit": 1000})):
        miss = call(daemon, target, headers=TAKES, **given)
        packed, plain = (call(daemon, target, headers=headers, **given)
                         for headers in (TAKES, PLAIN))
        assert miss.miss and packed.hit and plain.hit and is_plain(plain)
        assert unpack(miss) == unpack(packed) == plain.body
        assert packed.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'
        known = {"If-None-Match": packed.headers["ETag"]}
        assert call(daemon, target, headers={**TAKES, **known}, **given).status == 304
        assert call(daemon, target, headers={**PLAIN, **known}, **given).status == 200
        head = call(daemon, target, method="HEAD", headers=TAKES, **given)
        assert head.headers["Content-Length"] == packed.headers["Content-Length"]
    wider = call(daemon, "rows-1000.example", headers=TAKES, limit=10)
    assert wider.derived and len(json.loads(unpack(wider))["backlinks"]) == 10
    failed = call(daemon, headers=TAKES, key=None)
    assert failed.status == 401 and b"error" in unpack(failed)


def test_a_v2_query_that_v3_answers_is_gzip(sim3, rowcache3):
    daemon = rowcache3()
    first = daemon.ask(headers=TAKES)
    assert first.status == 200 and unpack(first) == daemon.ask(headers=PLAIN).body


def test_the_admin_side_sends_the_bytes(rowcache):
    daemon = rowcache()
    address = daemon.addresses("admin")[0]
    for where in ("/", "/health", "/metrics", "/api/spend", "/nothing"):
        connection = http.client.HTTPConnection(address, timeout=patience(30))
        connection.request("GET", where, headers=TAKES)
        reply = connection.getresponse()
        assert "Content-Encoding" not in reply.headers and "Vary" not in reply.headers
        connection.close()
