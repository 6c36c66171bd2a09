"""Bad requests: the client is told the mistake, nothing is spent, and the daemon goes on."""

import csv
import io
import re
import socket
import xml.etree.ElementTree as tree
from random import Random

import pytest

from daemon import OTHER_TOKEN, TABLE, TOKEN, arrived, eventually, question
from wire import FORM, encode, open_socket, read_all, talk

START = f"token={TOKEN}&from={TABLE}&"
RIGHT = encode(question())
IDLE = "server.idle_timeout=1s"  # libmicrohttpd may notice only then that a client has gone
LINE = f"GET /?{RIGHT} HTTP/1.1\r\n"

WRONG = {
    "no from": f"token={TOKEN}&target=rows-5.example&mode=domain",
    "empty from": f"token={TOKEN}&from=&target=rows-5.example&mode=domain",
    "no target": START + "mode=domain",
    "empty target": START + "mode=domain&target=",
    "no mode": START + "target=rows-5.example",
    "limit is a word": RIGHT + "&limit=ten",
    "limit is negative": RIGHT + "&limit=-1",
    "limit has a fraction": RIGHT + "&limit=1.5",
    "limit has an exponent": RIGHT + "&limit=1e3",
    "limit is hexadecimal": RIGHT + "&limit=0x10",
    "limit has a unit": RIGHT + "&limit=5rows",
    "limit is more than is documented": RIGHT + "&limit=5000001",
    "limit is beyond all sense": RIGHT + "&limit=1000000000000000",
    "another table's limit is beyond 64 bits":
        f"token={TOKEN}&from=anchors&limit=99999999999999999999",
    "an escape that is none": START + "mode=domain&target=%zz",
    "an escape that is cut": START + "mode=domain&target=rows-5.example%4",
    "an escape without digits": START + "mode=domain&target=rows-5.example%",
    "an escape that is none in a name": RIGHT + "&%gg=1",
    "two limits": RIGHT + "&limit=5&limit=6",
    "two targets": RIGHT + "&target=rows-6.example",
    "two modes": RIGHT + "&mode=exact",
    "two tables": RIGHT + "&from=anchors",
    "two tokens": RIGHT + "&token=" + OTHER_TOKEN,
    "two conditions": RIGHT + "&where=type%3D%22new%22&where=type%3D%22lost%22",
}

NOT_HTTP = {
    "nothing": b"",
    "an empty line": b"\r\n\r\n",
    "half a request line": b"GET /?tok",
    "half a head": LINE.encode() + b"Host: x\r\nAcc",
    "no version": b"GET /\r\n\r\n",
    "another version": f"GET /?{RIGHT} HTTP/9.9\r\nHost: x\r\n\r\n".encode(),
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(range(150)),
    "noise": Random("noise").randbytes(5000),
    "noise in lines": Random("lines").randbytes(2000) + b"\r\n\r\n",
    "zeros": bytes(1000),
    "a header without a colon": LINE.encode() + b"Host: x\r\nnonsense\r\n\r\n",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"
                   b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + RIGHT.encode(),
    "a length that is negative": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello",
    "a length that is a word": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\nhello",
    "a length beyond 64 bits":
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
    "a chunk that has no size":
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n",
    "a chunk that is cut":
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello",
}


def check_error(reply, status):
    assert reply.status == status and reply.headers["X-Status"] == "error", reply
    assert reply.headers["Content-Type"].startswith("application/json")
    assert list(reply.json) == ["error"] and reply.error
    assert TOKEN not in reply.error


def check_that_it_goes_on(sim, daemon):
    """Nothing went upstream until now; the next question does, and is answered."""
    assert arrived(sim) == []
    assert daemon.ask("rows-7.example").miss
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 10 + 7 * 2


@pytest.mark.parametrize("query", WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_right_is_refused(sim, rowcache, query):
    daemon = rowcache()
    check_error(daemon.get(query), 400)
    with daemon.client() as client:
        check_error(client.post(query), 400)
    eventually(lambda: daemon.outcomes() == {"error": 2})
    check_that_it_goes_on(sim, daemon)


def test_a_form_must_not_contradict_the_query_string(sim, rowcache):
    daemon = rowcache()
    with daemon.client() as client:
        reply = client.ask("POST", "/?" + RIGHT, encode({"limit": 5, "mode": "exact"}), FORM)
    check_error(reply, 400)
    check_that_it_goes_on(sim, daemon)


def test_saying_the_same_twice_is_no_contradiction(rowcache):
    assert rowcache().get(RIGHT + "&" + RIGHT).miss


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_nothing_is_served(sim, rowcache, token):
    daemon = rowcache()
    check_error(daemon.ask(token=token), 401)
    daemon.ask("rows-7.example")
    check_error(daemon.ask("rows-7.example", token=token), 401)
    assert sim.bill(TOKEN) == 10 + 7 * 2 and len(arrived(sim)) == 1


@pytest.mark.parametrize("path", [
    "/nothing?" + RIGHT, "/index.html", "/health", "/api/spend", "/v2/", "/../",
    "/%2e%2e/etc/passwd", "/" + "a/" * 500,
])
def test_other_paths_do_not_exist(sim, rowcache, path):
    daemon = rowcache()
    with daemon.client() as client:
        check_error(client.ask("GET", path), 404)
    check_that_it_goes_on(sim, daemon)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_not_allowed(sim, rowcache, method):
    daemon = rowcache()
    with daemon.client() as client:
        check_error(client.ask(method, "/?" + RIGHT), 405)
    check_that_it_goes_on(sim, daemon)


def test_it_is_no_tunnel(sim, rowcache):
    daemon = rowcache(IDLE)
    said = talk(daemon.address, b"CONNECT apiv2.ahrefs.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert re.match(rb"HTTP/1.1 4\d\d ", said)
    check_that_it_goes_on(sim, daemon)


# Too large


def test_a_uri_may_be_long_but_not_too_long(sim, rowcache):
    daemon = rowcache()
    where = ",".join(f"domain_rating>={n}" for n in range(1200))
    assert 28_000 < len(encode({"where": where})) < 32_000
    assert daemon.ask(where=where).status == 200
    sim.reset()

    daemon = rowcache("server.max_uri=8KiB")
    check_error(daemon.ask(where=where), 414)
    check_error(daemon.ask(where="type=" + "x" * 9000), 414)
    check_that_it_goes_on(sim, daemon)


def test_a_uri_beyond_every_limit_is_too_long(sim, rowcache):
    daemon = rowcache(IDLE)
    for size in (70_000, 150_000, 1_000_000):
        said = talk(daemon.address, b"GET /?where=" + b"x" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert said == b"" or re.match(rb"HTTP/1.1 4(14|31) ", said)
    check_error(daemon.ask(where="x" * 40_000), 414)
    check_that_it_goes_on(sim, daemon)


@pytest.mark.parametrize("headers", [{"X-Long": "x" * 15000},
                                     {f"X-{number}": "x" * 100 for number in range(90)}],
                         ids=["long", "many"])
def test_headers_may_be_large_but_not_too_large(sim, rowcache, headers):
    assert rowcache().ask(headers=headers).status == 200
    sim.reset()

    daemon = rowcache("server.max_headers=8KiB")
    check_error(daemon.ask(headers=headers), 431)
    check_that_it_goes_on(sim, daemon)


def test_headers_beyond_every_limit_are_too_large(sim, rowcache):
    daemon = rowcache(IDLE)
    for size in (20_000, 150_000, 1_000_000):
        head = LINE.encode() + b"Host: x\r\nX-Long: " + b"x" * size + b"\r\n\r\n"
        said = talk(daemon.address, head)
        assert said == b"" or b" 431 " in said.splitlines()[0]
    check_error(daemon.ask(headers={"X-Long": "x" * 20_000}), 431)
    check_that_it_goes_on(sim, daemon)


def test_a_body_may_be_large_but_not_too_large(sim, rowcache):
    daemon = rowcache("server.max_body=64KiB")
    where = ",".join(f"domain_rating>={n}" for n in range(2000))
    with daemon.client() as client:
        assert client.post(question(where=where)).status == 200
    sim.reset()
    spent = daemon.account["rows_spent"]
    with daemon.client() as client:
        check_error(client.post(question(where=where + " " * 70_000)), 413)
    with daemon.client() as client:
        pieces = (b"x" * 10_000 for _ in range(8))
        check_error(client.ask("POST", "/", pieces, FORM), 413)
    assert arrived(sim) == [] and daemon.account["rows_spent"] == spent
    assert daemon.ask().miss


def test_a_body_beyond_every_limit_is_too_large(sim, rowcache):
    daemon = rowcache(IDLE)
    head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"
    for kind in (FORM["Content-Type"], "text/plain"):
        said = talk(daemon.address, head.format(kind, 10**12).encode() + b"x" * 100_000)
        assert said == b"" or b" 413 " in said.splitlines()[0]
    check_that_it_goes_on(sim, daemon)


# The form of errors


@pytest.mark.parametrize("params", [{"mode": None}, {"limit": '<&"\'>'}, {"limit": "Köln \x07"}])
def test_an_error_can_be_in_xml(rowcache, params):
    reply = rowcache().ask(output="xml", **params)
    assert reply.status == 400 and reply.headers["X-Status"] == "error"
    assert "xml" in reply.headers["Content-Type"]
    root = tree.fromstring(reply.body)
    assert root.tag == "AhrefsApiResponse" and root.find("error").text


@pytest.mark.parametrize("params", [{"mode": None}, {"limit": '<&"\'>'}, {"limit": "Köln \x07"}])
def test_an_error_can_be_in_php(rowcache, params):
    reply = rowcache().ask(output="php", **params)
    assert reply.status == 400 and reply.headers["X-Status"] == "error"
    found = re.fullmatch(rb'a:1:\{s:5:"error";s:(\d+):"(.*)";\}\s*', reply.body, re.DOTALL)
    assert int(found[1]) == len(found[2]) > 0


@pytest.mark.parametrize("params", [{"limit": '<&"\'\\>'}, {"limit": "Köln \x07"},
                                    {"limit": "\xff\ufffe"}])
def test_an_error_in_json_is_json_whatever_it_quotes(rowcache, params):
    check_error(rowcache().ask(**params), 400)


@pytest.mark.parametrize("output, beginning", [("xml", b"<"), ("php", b"a:1:")])
def test_other_errors_keep_the_form_too(rowcache, output, beginning):
    daemon = rowcache()
    query = encode(question(output=output))
    with daemon.client() as client:
        replies = [
            client.get(question(token=None, output=output)),
            client.ask("GET", "/nothing?" + query),
            client.ask("DELETE", "/?" + query),
            client.get(question(output=output), {"Cache-Control": "only-if-cached"}),
        ]
    assert [reply.status for reply in replies] == [401, 404, 405, 504]
    assert all(reply.body.startswith(beginning) for reply in replies)


# Not HTTP


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=list(NOT_HTTP))
def test_what_is_not_http_does_no_harm(sim, rowcache, data):
    daemon = rowcache(IDLE)
    said = talk(daemon.address, data)
    assert said == b"" or re.match(rb"HTTP/1\.[01] [45]\d\d ", said), said[:200]
    check_that_it_goes_on(sim, daemon)


@pytest.mark.parametrize("headers", [
    "Content-Length: 3\r\nContent-Length: 300",
    "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: identity, chunked, nonsense",
])
def test_a_body_whose_end_is_in_doubt_is_not_guessed_at(sim, rowcache, headers):
    """A second request could hide in it."""
    daemon = rowcache(IDLE)
    hidden = f"GET /?{encode(question('rows-6.example'))} HTTP/1.1\r\nHost: x\r\n\r\n"
    said = talk(daemon.address, (
        f"POST /?{RIGHT} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\n{hidden}").encode())
    assert b"rows-6" not in said
    assert all(record["params"]["target"] != "rows-6.example" for record in arrived(sim))
    assert daemon.ask("rows-7.example").miss


AWKWARD = ["a\ninfo forged=yes", "a\r\nerror forged=yes", 'a"b,c;d', "\x1b[31mred\x1b[0m", "日本語 👍",
           "a" * 3000, "\u202egnp.exe", "=1+1", "<script>alert(1)</script>"]


@pytest.mark.parametrize("target", AWKWARD, ids=ascii)
def test_what_a_client_writes_stays_data(sim, rowcache, target):
    """In the log it begins no line, in a report no column, and on a terminal no colour."""
    daemon = rowcache("server.log_requests=all")
    daemon.ask(target)
    daemon.ask("rows-5.example", where=f'title="{target}"')
    daemon.ask("rows-5.example", token=target)
    listed, = (value for value in daemon.spend({"by": "target"}).values() if isinstance(value, list))
    assert all(line["target"] for line in listed)
    for command in (["spend", "--by", "target"], ["spend", "--by", "target", "--csv"],
                    ["cache", "list"], ["status"]):
        done = daemon.ctl(*command)
        assert done.returncode == 0 and "\x1b" not in done.stdout
    lines = list(csv.reader(io.StringIO(daemon.ctl("spend", "--by", "target", "--csv").stdout)))
    assert len({len(line) for line in lines}) == 1
    assert daemon.metrics().value("rowcache_build_info") == 1
    assert daemon.stop() == 0
    for line in daemon.lines:
        assert re.match(r"(debug|info|warning|error) \w+", line) and "\x1b" not in line, line
        assert not re.match(r"\w+ forged", line)


def test_a_request_in_single_bytes_is_a_request(rowcache):
    with open_socket(rowcache().address) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in (LINE + "Host: x\r\nConnection: close\r\n\r\n").encode():
            sock.sendall(bytes([byte]))
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_who_says_nothing_is_sent_away_and_holds_nobody_up(rowcache):
    daemon = rowcache(IDLE)
    silent = [open_socket(daemon.address) for _ in range(20)]
    for sock in silent[10:]:
        sock.sendall(LINE.encode())
    assert daemon.ask().miss
    for sock in silent:
        said = read_all(sock)
        assert said == b"" or said.startswith(b"HTTP/1.1 4")
        sock.close()
    assert daemon.ask().hit


def test_clients_that_leave_in_the_middle_leave_nothing_behind(sim, rowcache):
    daemon = rowcache(IDLE)
    before = daemon.open_files
    for end in range(1, len(LINE), 17):
        with open_socket(daemon.address) as sock:
            sock.sendall(LINE[:end].encode())
    eventually(lambda: daemon.open_files <= before + 2)
    check_that_it_goes_on(sim, daemon)
