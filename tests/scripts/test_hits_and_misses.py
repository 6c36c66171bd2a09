"""A question is paid for once; and every way of asking it over HTTP is as good as another."""

import gzip
import http.client
import json
import urllib.request

import pytest

from ahrefs import Simulator
from daemon import OTHER_TOKEN, TOKEN, arrived, direct, eventually, question
from wire import BYPASS, FORM, MISS, encode, open_socket, read_all

ROWS_5 = 10 + 5 * 2
BIG = question("rows-2000.example", limit=2000)  # about 1.4 MB, far more than is held back


def test_a_miss_is_forwarded_and_then_it_is_a_hit(sim, rowcache):
    daemon = rowcache()
    first = daemon.ask("rows-5.example")
    assert first.status == 200 and first.miss
    assert first.headers["Content-Type"] == "application/json; charset=utf-8"
    assert first.headers["X-Results-Count"] == "5"
    assert (first.spent, first.saved) == (ROWS_5, 0)
    assert len(first.rows) == 5

    second = daemon.ask("rows-5.example")
    assert second.status == 200 and second.hit
    assert 86000 < second.ttl <= 86400
    assert int(second.headers["Age"]) == 86400 - second.ttl
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert second.headers["X-Results-Count"] == "5"
    assert (second.spent, second.saved) == (0, ROWS_5)
    assert second.json == first.json == direct(sim, question("rows-5.example")).json

    assert sim.bill(TOKEN) == ROWS_5


def test_what_goes_upstream_is_what_the_client_asked(sim, rowcache):
    asked = question("rows-5.example", limit=3, where='type<>"x&y"', order_by="date:desc")
    rowcache().get(asked)
    sent, = arrived(sim)
    assert sent["token"] == TOKEN and sent["path"] == "/"
    assert sent["results"] == 3
    assert asked.items() <= sent["params"].items()


def test_an_answer_without_results_is_kept_like_any_other(sim, rowcache):
    daemon = rowcache()
    for expected in ("miss", "hit"):
        reply = daemon.ask("rows-0.example")
        assert getattr(reply, expected) and reply.rows == []
        assert reply.headers["X-Results-Count"] == "0"
    assert sim.bill(TOKEN) == 10


def test_a_big_answer_streams_whole_and_is_kept(sim, rowcache):
    daemon = rowcache()
    first, second = daemon.get(BIG), daemon.get(BIG)
    assert first.miss and first.whole and second.hit and second.whole
    assert first.json == second.json == direct(sim, BIG).json
    assert second.saved == sim.bill(TOKEN) == 10 + 2000 * 2
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_the_rows_spent_are_told_or_left_out_but_never_wrong(rowcache):
    daemon = rowcache()
    reply = daemon.get(BIG)
    assert "X-Rows-Spent" not in reply.headers or reply.spent == 10 + 2000 * 2
    assert "401.0" in daemon.request(reply).values()


def test_an_answer_without_a_count_is_counted(sim, rowcache):
    sim.fault("no_count")
    daemon = rowcache()
    first, second = daemon.ask(), daemon.ask()
    assert first.miss and first.spent == ROWS_5
    assert second.hit and second.headers["X-Results-Count"] == "5" and second.saved == ROWS_5


def test_the_admin_side_tells_what_became_of_a_request(rowcache):
    daemon = rowcache("server.log_requests=all")
    miss, hit = daemon.ask(), daemon.ask()
    assert miss.headers["X-Request-Id"] != hit.headers["X-Request-Id"]
    assert daemon.request(miss)["rows_spent"] == "2.0"
    eventually(lambda: daemon.request(miss)["outcome"] == "miss")
    eventually(lambda: daemon.request(hit)["outcome"] == "hit")
    assert daemon.request(hit)["rows_spent"] == "0.0"
    daemon.wait_for_log(miss.headers["X-Request-Id"])
    assert daemon.admin("/api/request/nobody").status == 404


def test_the_account_is_told_as_the_contract_says(rowcache):
    daemon = rowcache()
    daemon.ask()
    daemon.ask()
    numbers = {
        "requests": 2, "hits": 1, "misses": 1, "results": 5,
        "rows_spent": "2.0", "rows_unknown": "0.0", "rows_saved": "2.0",
    }
    eventually(lambda: daemon.spend()["total"]["hits"] == 1)
    spend = daemon.spend()
    assert numbers.items() <= spend["total"].items()
    line, = spend["tokens"]
    assert {**numbers, "budget": None}.items() <= line.items()
    name = line["token"]
    assert len(name) == 8 and set(name) <= set("0123456789abcdef") and name != TOKEN[:8]


def test_who_asks_does_not_matter_to_the_cache(sim, rowcache):
    daemon = rowcache()
    assert daemon.ask().miss
    assert daemon.ask(token=OTHER_TOKEN).hit
    assert sim.bills() == {TOKEN: ROWS_5}
    eventually(lambda: daemon.account["hits"] == 1)
    assert sorted(line["rows_saved"] for line in daemon.spend()["tokens"]) == ["0.0", "2.0"]


@pytest.mark.parametrize("method, target, body, headers", [
    ("POST", "/", encode(question()), FORM),
    ("POST", "/", encode(question()), {"Content-Type": FORM["Content-Type"] + "; charset=UTF-8"}),
    ("POST", "/?" + encode(question()), None, {}),
    ("POST", "/?" + encode(question()), "", FORM),
    ("POST", "/?" + encode(question(token=None)), f"token={TOKEN}", FORM),
    ("GET", "http://apiv2.ahrefs.com/?" + encode(question()), None, {"Host": "apiv2.ahrefs.com"}),
    ("GET", "https://apiv2.ahrefs.com/?" + encode(question()), None, {}),
    ("GET", "http://apiv2.ahrefs.com?" + encode(question()), None, {}),
], ids=["form", "form with charset", "no body", "empty form", "half a form",
        "absolute", "absolute https", "absolute without a path"])
def test_a_question_is_the_same_in_each_form(sim, rowcache, method, target, body, headers):
    daemon = rowcache()
    with daemon.client() as client:
        first = client.ask(method, target, body, headers)
        assert first.miss and first.json == direct(sim, question()).json
        assert client.ask(method, target, body, headers).hit
        assert client.get(question()).hit


def test_a_chunked_form_is_a_form(rowcache):
    form = encode(question()).encode()
    with rowcache().client() as client:
        reply = client.ask("POST", "/", iter([form[:20], form[20:]]), FORM)
        assert reply.miss and len(reply.rows) == 5


def test_a_client_may_wait_to_be_told_to_continue(rowcache):
    form = encode(question()).encode()
    head = (f"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
            f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: {len(form)}\r\n\r\n")
    with open_socket(rowcache().address) as sock:
        sock.sendall(head.encode())
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(form)
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_nobody_gets_a_part(sim, rowcache):
    """A part of an answer must be neither served nor stored as the whole."""
    daemon = rowcache()
    wishes = {"Range": "bytes=0-9", "If-None-Match": '"another"',
              "If-Modified-Since": "Fri, 01 Jan 2038 00:00:00 GMT"}
    for outcome in ("miss", "hit"):
        reply = daemon.ask(headers=wishes)
        assert reply.status == 200 and getattr(reply, outcome) and len(reply.rows) == 5
    sent, = arrived(sim)
    assert not {"range", "if-none-match", "if-modified-since"} & set(sent["headers"])


def test_a_post_with_another_body_is_forwarded_as_it_came(sim, rowcache):
    daemon = rowcache()
    for _ in range(2):
        with daemon.client() as client:
            reply = client.ask("POST", "/?" + encode(question()), "what is this?",
                               {"Content-Type": "text/plain"})
        assert reply.status == 200 and reply.cache == BYPASS
        assert reply.json == direct(sim, question()).json
    sent = [record for record in arrived(sim) if record["token"] == TOKEN]
    assert [record["method"] for record in sent] == ["POST", "POST"]
    assert [record["body"] for record in sent] == [b"what is this?"] * 2
    assert {record["headers"]["content-type"] for record in sent} == {"text/plain"}
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN) == 2 * ROWS_5
    assert daemon.ask().miss


def test_http_proxy_points_at_it(rowcache):
    proxy = urllib.request.ProxyHandler({"http": "http://" + rowcache().address})
    opener = urllib.request.build_opener(proxy)
    for expected in (MISS, "rowcache; hit"):
        with opener.open("http://apiv2.ahrefs.com/?" + encode(question())) as reply:
            assert len(json.load(reply)["refpages"]) == 5
            assert reply.headers["Cache-Status"].startswith(expected)


def test_an_old_client_gets_no_chunks(sim, rowcache):
    daemon = rowcache()
    for query in (question(), BIG):
        for expected in (MISS, "rowcache; hit"):
            with open_socket(daemon.address) as sock:
                sock.sendall(f"GET /?{encode(query)} HTTP/1.0\r\n\r\n".encode())
                head, _, body = read_all(sock).partition(b"\r\n\r\n")
            assert b" 200 " in head.splitlines()[0]
            assert b"transfer-encoding" not in head.lower()
            assert f"\r\nCache-Status: {expected}".encode() in head
            assert json.loads(body) == direct(sim, query).json


def test_a_connection_is_kept_for_many_questions(rowcache):
    with rowcache().client() as client:
        assert client.get(question()).miss
        sock = client.connection.sock
        assert client.get(question()).hit
        assert client.get(BIG).miss
        assert client.get(question(mode=None)).status == 400
        assert client.ask("GET", "/nothing").status == 404
        assert client.get(BIG).hit
        assert client.connection.sock is sock


def test_a_client_may_ask_before_it_has_been_answered(rowcache):
    lines = [f"GET /?{encode(question(f'rows-{n}.example'))} HTTP/1.1\r\nHost: x\r\n\r\n"
             for n in (3, 4, 3)]
    with open_socket(rowcache().address) as sock:
        sock.sendall("".join(lines).encode())
        for count in (3, 4, 3):
            assert _next_reply(sock)["X-Results-Count"] == str(count)


def _next_reply(sock):
    """The head of the next answer; the body is read, byte by byte so as to read no further."""
    response = http.client.HTTPResponse(_Unbuffered(sock))
    response.begin()
    response.read()
    return response.headers


class _Unbuffered:
    def __init__(self, sock):
        self._sock = sock

    def makefile(self, mode):
        return self._sock.makefile(mode, buffering=0)


def test_compression_is_between_each_client_and_rowcache(sim, rowcache):
    daemon = rowcache()
    expected = direct(sim, BIG).json
    for coding in ("gzip", "identity", "gzip", "br, gzip;q=0"):
        reply = daemon.get(BIG, {"Accept-Encoding": coding})
        packed = reply.headers.get("Content-Encoding", "identity")
        assert packed == "identity" or (packed == "gzip" and coding == "gzip")
        body = gzip.decompress(reply.body) if packed == "gzip" else reply.body
        assert json.loads(body) == expected


def test_an_error_of_upstream_is_relayed_and_never_stored(sim, rowcache):
    daemon = rowcache()
    for _ in range(2):
        reply = daemon.ask(order_by="foobar_rating")
        assert reply.status == 200 and reply.headers["X-Status"] == "error"
        assert reply.json == {"error": "order_by: column 'foobar_rating' not found"}
        assert reply.cache.startswith("rowcache; fwd=") and "stored" not in reply.cache
    assert len(arrived(sim)) == 2 and sim.bills() == {}
    assert daemon.account["rows_spent"] == 0


def test_a_bad_token_is_not_served_and_not_charged(start):
    with Simulator(tokens=[TOKEN]) as strict:
        daemon = start(strict.url)
        refused = daemon.ask(token=OTHER_TOKEN)
        assert refused.status in (200, 403) and refused.headers["X-Status"] == "error"
        assert "token" in refused.error
        assert daemon.ask().miss
        assert daemon.account["rows_spent"] == strict.bill(TOKEN) == ROWS_5
        assert daemon.stop() == 0


def test_upstream_may_have_a_path(sim, start):
    daemon = start(sim.url + "/base/")
    daemon.register("reporting", TOKEN)
    assert daemon.ask().status == 404
    assert [record["path"] for record in sim.requests] == ["/base/"]


def test_a_column_that_is_not_listed_is_upstreams_business(sim, rowcache):
    reply = rowcache().ask(select="date,sitewide")
    assert reply.error == "select: column 'sitewide' not found"
    assert arrived(sim)[0]["params"]["select"] == "date,sitewide"


@pytest.mark.parametrize("options, params, rows", [
    ([], {}, "2.0"),
    ([], {"where": "redirect=-1"}, "6.0"),
    ([], {"where": "redirect>=0", "having": "redirect>=0"}, "12.0"),
    ([], {"offset": 2}, "1.6"),
    (["tariff.offset=5"], {"offset": 2}, "6.6"),
    (["tariff.offset=5"], {"offset": 0}, "2.0"),
    (["tariff.request=3", "tariff.result=1.5"], {}, "10.5"),
    (["tariff.where=0.3"], {"where": "redirect>=0"}, "2.3"),
    (["tariff.free_targets=example.org,rows-5.example"], {}, "0.0"),
])
def test_the_tariff_is_what_is_configured(rowcache, options, params, rows):
    daemon = rowcache(*options)
    assert daemon.ask(**params).headers["X-Rows-Spent"] == rows
    assert daemon.spend()["total"]["rows_spent"] == rows
