"""The simulator does what is known of v2, and its faults do what their names say."""

import gzip
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import xml.etree.ElementTree as tree
import zlib
from urllib.parse import urlencode, urlsplit

import pytest

from . import Simulator
from .columns import COLUMNS

TOKEN = "0123456789abcdef" * 2 + "01234567"
TYPES = {"int": int, "string": str, "date": str, "boolean": bool}


@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def rows(self):
        return json.loads(self.body)["refpages"]

    @property
    def error(self):
        return json.loads(self.body)["error"]


def connect(sim):
    return http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=5)


def query(target="rows-5.example", **params):
    defaults = {"token": TOKEN, "from": "backlinks_new_lost", "target": target, "mode": "domain"}
    given = {name.rstrip("_"): value for name, value in params.items()}
    return "/?" + urlencode({k: v for k, v in {**defaults, **given}.items() if v is not None})


def ask(sim, target="rows-5.example", *, headers=None, **params):
    connection = connect(sim)
    try:
        connection.request("GET", query(target, **params), headers=headers or {})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def in_background(function, *arguments, **options):
    thread = threading.Thread(target=function, args=arguments, kwargs=options, daemon=True)
    thread.start()
    return thread


# Answers


def test_rows_have_all_columns_in_their_types(sim):
    reply = ask(sim, "rows-2000.example", limit=5000)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["X-Results-Count"] == "2000"
    assert reply.headers["Transfer-Encoding"] == "chunked"
    assert len(reply.rows) == 2000
    for row in reply.rows:
        assert {name: type(value) for name, value in row.items()} == {
            name: TYPES[kind] for name, kind in COLUMNS.items()
        }
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["first_seen"])
        assert row["first_seen"] <= row["prev_visited"] <= row["last_visited"]
    assert max(row["links_external"] for row in reply.rows) > 2**53


def test_answers_do_not_depend_on_the_process(sim):
    with Simulator() as other:
        assert ask(sim, "shop.example").body == ask(other, "shop.example").body


def test_the_world_can_change(sim):
    before = ask(sim)
    sim.change_world()
    after = ask(sim)
    assert before.body != after.body and len(before.rows) == len(after.rows)


def test_limit_is_1000_unless_given(sim):
    assert len(ask(sim, "rows-1234.example").rows) == 1000
    assert len(ask(sim, "rows-1234.example", limit=7).rows) == 7


def test_offset_skips(sim):
    rows = ask(sim, "rows-9.example").rows
    assert ask(sim, "rows-9.example", offset=4, limit=3).rows == rows[4:7]
    assert ask(sim, "rows-9.example", offset=9).rows == []


@pytest.mark.parametrize("same", [
    "Bücher.example", "xn--bcher-kva.example", "XN--BCHER-KVA.Example.", "https://bücher.example",
    "http://bücher.example:80/any/path?x#y", "bücher.example:443",
])
def test_spellings_of_a_domain_are_one(sim, same):
    for mode in ("domain", "subdomains"):
        assert ask(sim, same, mode=mode).body == ask(sim, "bücher.example", mode=mode).body


@pytest.mark.parametrize("same, path", [
    ("EXAMPLE.com.:80/api/", "example.com/api/"), ("HTTP://Example.com:80", "http://example.com/"),
])
def test_urls_differ_by_path_and_scheme_only(sim, same, path):
    for mode in ("exact", "prefix"):
        assert ask(sim, same, mode=mode).body == ask(sim, path, mode=mode).body


def test_modes_narrow_down(sim):
    def count(mode, target="example.com/api/"):
        return int(ask(sim, target, mode=mode, limit=5000).headers["X-Results-Count"])

    assert 0 < count("exact") < count("prefix") < count("domain") < count("subdomains")
    assert 0 < count("exact", "http://example.com/api/") < count("exact")
    assert count("exact", "example.com/API/") != count("exact")
    rows = ask(sim, "example.com/api/", mode="prefix", limit=5000).rows
    assert all("://example.com/api/" in row["url_to"] for row in rows)


def test_select_takes_columns_in_the_order_given(sim):
    rows = ask(sim, select="url_to,date,url_to").rows
    assert [list(row) for row in rows] == [["url_to", "date"]] * 5


CONDITIONS = [
    ('type:"lost"', lambda row: row["type"] == "lost"),
    ('type="Lost"', lambda row: False),
    ("type <> 'new' , nofollow = true", lambda row: row["type"] != "new" and row["nofollow"]),
    ("nofollow=0", lambda row: not row["nofollow"]),
    ('domain_rating>="50"', lambda row: row["domain_rating"] >= 50),
    ("ahrefs_rank<10,ahrefs_rank>3", lambda row: 3 < row["ahrefs_rank"] < 10),
    ('date<="2024-01-15"', lambda row: row["date"] <= "2024-01-15"),
    ('substring(title,"\\"secrets\\"")', lambda row: '"secrets"' in row["title"]),
    ("substring(title,'it\\'s')", lambda row: "it's" in row["title"]),
    ('substring(title,"C:\\\\Users")', lambda row: "C:\\Users" in row["title"]),
    ('word(anchor,"here")', lambda row: re.search(r"\bhere\b", row["anchor"])),
    ('word(anchor,"her")', lambda row: False),
    ('subdomain(url_from,"site3.example")',
     lambda row: re.match(r"https?://(\w+\.)?site3\.example/", row["url_from"])),
]


@pytest.mark.parametrize("text, holds", CONDITIONS)
@pytest.mark.parametrize("clause", ["where", "having"])
def test_conditions(sim, clause, text, holds):
    everything = ask(sim, "rows-900.example").rows
    rows = ask(sim, "rows-900.example", **{clause: text}).rows
    assert rows == [row for row in everything if holds(row)]


def test_order_is_stable_and_ascending_by_default(sim):
    rows = ask(sim, "rows-900.example").rows
    rows.sort(key=lambda row: row["url_from"], reverse=True)
    rows.sort(key=lambda row: row["type"])
    assert ask(sim, "rows-900.example", order_by="type,url_from:desc").rows == rows


def test_gzip_when_accepted(sim):
    plain = ask(sim)
    packed = ask(sim, headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "Content-Encoding" not in ask(sim, headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_xml(sim):
    root = tree.fromstring(ask(sim, "rows-300.example", output="xml").body)
    assert root.tag == "AhrefsApiResponse"
    rows = root.findall("refpages/row")
    assert len(rows) == 300 and [cell.tag for cell in rows[0]] == list(COLUMNS)
    error = tree.fromstring(ask(sim, output="xml", select="nope").body)
    assert error.find("error").text == "select: column 'nope' not found"


def test_php(sim):
    body = ask(sim, "rows-1.example", output="php", select="type,redirect,nofollow").body.decode()
    assert re.fullmatch(
        r'a:1:\{s:8:"refpages";a:1:\{i:0;a:3:\{s:4:"type";s:\d:"\w+";'
        r's:8:"redirect";i:\d+;s:8:"nofollow";b:[01];\}\}\}', body)
    error = ask(sim, token="x", output="php").body
    assert error == b'a:1:{s:5:"error";s:13:"invalid token";}'


def test_other_tables_are_odd_but_valid(sim):
    reply = ask(sim, from_="anchors", limit=3)
    assert len(json.loads(reply.body)["anchors"]) == 3 and b"\\u0041" in reply.body
    assert "stats" in json.loads(reply.body)
    assert sim.bill(TOKEN) == 10 + 3 * 10


# HTTP


def test_post_and_absolute_form_and_keep_alive(sim):
    expected = ask(sim).body
    connection = connect(sim)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for method, target, body, headers in [
        ("GET", "http://apiv2.example" + query(), None, {}),
        ("POST", query(), "", {}),
        ("POST", "/", query()[2:], form),
        ("POST", query(), "anything", {"Content-Type": "text/plain"}),
    ]:
        connection.request(method, target, body, headers)
        assert Reply(connection.getresponse()).body == expected
    connection.close()
    assert len({record["connection"] for record in sim.requests[1:]}) == 1


def test_other_paths_and_methods(sim):
    for method, path, status in [("GET", "/nothing", 404), ("PUT", "/", 405)]:
        connection = connect(sim)
        connection.request(method, path)
        assert connection.getresponse().status == status
        connection.close()


# Other readings of what the documentation leaves open


@pytest.mark.parametrize("target", [
    "rows-5.example:80", "http://rows-5.example/", "rows-5.example/path", "rows-5.example?x",
    "rows-5.example#x", "ROWS-5.example", "rows\u200b-5.example", "bücher.example",
])
def test_literally_a_target_is_a_host_and_no_more(target):
    with Simulator(literal=True) as sim:
        assert ask(sim, target).rows == [] and len(ask(sim).rows) == 5
        assert len(ask(sim, "rows-5.example/", mode="prefix").rows) == 5


@pytest.mark.parametrize("name", [
    " limit", "limit\t", "Limit", "LIMIT ", "limit[]", "limit[0]", "limit[", "limit [x",
])
def test_loosely_a_name_is_what_it_nearly_is(name):
    with Simulator(loose=True) as sim:
        assert len(ask(sim, limit=1, **{name: "+3"}).rows) == 3


@pytest.mark.parametrize("kind, body", [
    ("application/x-www-form-urlencoded, x", b"limit=3"), ("text/plain", b"limit=3"),
    (None, b"a=1;limit=3"), ("application/json", b'{"limit":3}'),
    ("multipart/form-data; boundary=b",
     b'--b\r\nContent-Disposition: form-data; name="limit"\r\n\r\n3\r\n--b--\r\n'),
])
def test_loosely_a_body_counts_whatever_it_is(kind, body):
    with Simulator(loose=True) as sim:
        connection = connect(sim)
        connection.request("POST", query(limit=1), body, {"Content-Type": kind} if kind else {})
        assert len(Reply(connection.getresponse()).rows) == 3
        connection.close()


def test_loosely_the_order_of_results_may_come_by_a_dot():
    with Simulator(loose=True) as sim:
        expected = ask(sim, order_by="ahrefs_rank:desc").rows
        for name in ("order.by", "order by", "order[by"):
            assert ask(sim, **{name: "ahrefs_rank:desc"}).rows == expected


# Errors and the bill


@pytest.mark.parametrize("params, error", [
    ({"token": "x"}, "invalid token"),
    ({"token": None}, "invalid token"),
    ({"from_": None}, "missing mandatory parameter 'from'"),
    ({"target": ""}, "missing mandatory parameter 'target'"),
    ({"mode": None}, "missing mandatory parameter 'mode'"),
    ({"mode": "page"}, "mode: unknown mode 'page'"),
    ({"from_": "nope"}, "from: table 'nope' not found"),
    ({"order_by": "foobar_rating"}, "order_by: column 'foobar_rating' not found"),
    ({"order_by": "date:down"}, "order_by: bad direction 'down'"),
    ({"select": "date,sitewide"}, "select: column 'sitewide' not found"),
    ({"where": "nope=1"}, "where: column 'nope' not found"),
    ({"where": "date="}, "where: bad condition at position 5"),
    ({"where": 'type="new",'}, "where: bad condition at position 11"),
    ({"having": "redirect=many"}, "having: bad value 'many' for column 'redirect'"),
    ({"having": 'word(redirect,"3")'}, "having: word: column 'redirect' is not a string"),
    ({"limit": "-1"}, "limit: bad value '-1'"),
    ({"limit": "5000001"}, "limit: bad value '5000001'"),
    ({"output": "csv"}, "output: unknown format 'csv'"),
])
def test_errors_are_free(sim, params, error):
    reply = ask(sim, **params)
    assert (reply.status, reply.error) == (200, error)
    assert reply.headers["X-Status"] == "error" and reply.headers["X-Results-Count"] == "0"
    assert sim.bills() == {}


@pytest.mark.parametrize("params, cost", [
    ({}, 10 + 5 * 2),
    ({"limit": 2}, 10 + 2 * 2),
    ({"limit": 1000000}, 10 + 5 * 2),
    ({"where": "redirect=-1"}, 10 + 50),
    ({"where": "redirect>=0", "having": "redirect>=0"}, 10 + 5 * 2 + 50 + 50),
    ({"from_": "subscription_info", "target": None, "mode": None}, 0),
])
def test_bill(sim, params, cost):
    ask(sim, **params)
    assert sim.bill(TOKEN) == cost
    assert sim.requests[0]["cost_tenths"] == cost and sim.requests[0]["completed"]


def test_subscription_info_counts_whole_rows():
    with Simulator(tokens=["mine"], rows_limit=100) as sim:
        ask(sim, token="mine", limit=1)
        info = json.loads(ask(sim, token="mine", from_="subscription_info").body)["info"]
        assert info == {
            "rows_left": 98, "rows_limit": 100, "subscription": "Enterprise Subscription",
        }
        assert ask(sim).error == "invalid token"


# Quantity


def test_huge_targets(sim):
    reply = ask(sim, "huge-3000.example", limit=5000, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in reply.headers
    rows = reply.rows
    assert len(rows) == 3000 and 550 < len(reply.body) / 3000 < 650
    assert ask(sim, "huge-3000.example", limit=1500, offset=700).rows == rows[700:2200]
    assert ask(sim, "huge-3000.example", limit=1500, offset=2990).rows == rows[2990:]
    lost = [row for row in rows if row["type"] == "lost"]
    assert ask(sim, "huge-3000.example", limit=5000, where='type="lost"').rows == lost


def test_a_client_that_leaves_has_paid(sim):
    connection = connect(sim)
    connection.request("GET", query("huge-1000000.example", limit=1000000))
    connection.getresponse().read(100000)
    connection.sock.close()
    connection.close()
    sim.wait_for(lambda sim: sim.in_flight == 0)
    assert sim.bill(TOKEN) == 10 + 2 * 1000000 and not sim.requests[0]["completed"]


# Faults


def test_a_fault_strikes_as_often_as_told_and_where_it_matches(sim):
    fault = sim.fault("status", match={"target": "rows-1.example"}, times=2, code=503,
                      body="busy", headers={"Retry-After": "7"})
    assert ask(sim).status == 200
    for _ in range(2):
        reply = ask(sim, "rows-1.example")
        assert (reply.status, reply.body, reply.headers["Retry-After"]) == (503, b"busy", "7")
    assert ask(sim, "rows-1.example").status == 200
    assert fault.hits == 2 and sim.bill(TOKEN) == 20 + 12


def test_a_fault_leaves_checks_of_tokens_alone_unless_it_is_for_all(sim):
    for match, status in ((None, 200), ({}, 500)):
        fault = sim.fault("status", match=match)
        assert ask(sim, None, from_="subscription_info", mode=None).status == status
        assert fault.hits == (match is not None)
        sim.clear_faults()


def test_faults_are_checked_when_set(sim):
    with pytest.raises(ValueError):
        sim.fault("nonsense")
    with pytest.raises(TypeError):
        sim.fault("cut", before=1)


BROKEN = [
    ("cut", {"after": 50}), ("cut", {"after": 0, "reset": True}), ("refuse", {}),
    ("refuse", {"at": "accept"}), ("refuse", {"reset": True}), ("content_length", {"by": 1}),
]


@pytest.mark.parametrize("kind, options", BROKEN)
def test_faults_that_break_off(sim, kind, options):
    sim.fault(kind, **options)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(sim)
    expected = [] if options.get("at") else [False]
    assert [record["completed"] for record in sim.requests] == expected
    assert sim.bill(TOKEN) == (0 if kind == "refuse" else 20)
    assert len(ask(sim).rows) == 5


NOT_JSON = ["garbage", "truncate", "html", "bad_utf8", "trailing", "bom", "bad_gzip"]


@pytest.mark.parametrize("kind", NOT_JSON)
def test_faults_that_are_not_json(sim, kind):
    sim.fault(kind)
    reply = ask(sim)
    assert reply.status == 200
    with pytest.raises(ValueError):
        if kind == "bom":
            assert reply.body.startswith(b"\xef\xbb\xbf")
            raise ValueError
        json.loads(reply.body)


@pytest.mark.parametrize("kind, has", [
    ("late_error", lambda reply: list(json.loads(reply.body)) == ["refpages", "error"]),
    ("error_first", lambda reply: list(json.loads(reply.body)) == ["error", "refpages"]),
    ("null_refpages", lambda reply: json.loads(reply.body) == {"refpages": None}),
    ("empty_error", lambda reply: json.loads(reply.body)["error"] is None and len(reply.rows) == 5),
    ("more", lambda reply: reply.headers["X-Results-Count"] == "6" and reply.rows[5] == {}),
    ("no_refpages", lambda reply: list(json.loads(reply.body)) == ["something"]),
    ("twice", lambda reply: reply.body.endswith(b'],"refpages":[]}')),
    ("count", lambda reply: reply.headers["X-Results-Count"] == "6" and len(reply.rows) == 5),
    ("no_count", lambda reply: "X-Results-Count" not in reply.headers and len(reply.rows) == 5),
    ("redirect", lambda reply: reply.status == 302 and reply.headers["Location"]),
    ("deep", lambda reply: b'[{"deep":' + b"[" * 10000 in reply.body),
    ("slow", lambda reply: len(reply.rows) == 5),
    ("delay", lambda reply: len(reply.rows) == 5),
])
def test_other_faults(sim, kind, has):
    options = {"slow": {"size": 500, "pause": 0.001}, "delay": {"seconds": 0.01}}
    sim.fault(kind, **options.get(kind, {}))
    assert has(ask(sim))


@pytest.mark.parametrize("kind, cost", [("null_refpages", 10), ("empty_error", 20), ("more", 22)])
def test_what_faults_in_the_results_cost(sim, kind, cost):
    sim.fault(kind)
    ask(sim)
    assert sim.bill(TOKEN) == cost


def test_long_head(sim):
    sim.fault("long_head")
    with socket.create_connection(("127.0.0.1", sim.port)) as raw:
        raw.sendall(f"GET {query()} HTTP/1.0\r\n\r\n".encode())
        received = b"".join(iter(lambda: raw.recv(65536), b""))
    assert len(received.partition(b"\r\n\r\n")[0]) > 300 * 1024


def test_hold_and_release(sim):
    sim.hold()
    threads = [in_background(ask, sim) for _ in range(3)]
    sim.wait_for(lambda sim: sim.held == 3)
    assert sim.in_flight == 3 and sim.bills() == {}
    sim.release()
    for thread in threads:
        thread.join(5)
    assert sim.in_flight == 0 and sim.bill(TOKEN) == 60


def test_a_held_client_may_leave(sim):
    sim.fault("hold", charged=True)
    connection = connect(sim)
    connection.request("GET", query())
    sim.wait_for(lambda sim: sim.held == 1)
    connection.close()
    sim.wait_for(lambda sim: sim.in_flight == 0)
    assert sim.bill(TOKEN) == 20 and not sim.requests[0]["completed"]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_hold_body_shows_the_first_bytes(sim, coding):
    sim.fault("hold_body", after=100)
    connection = connect(sim)
    connection.request("GET", query(), headers={"Accept-Encoding": coding})
    response = connection.getresponse()
    unpack = zlib.decompressobj(31).decompress if coding == "gzip" else bytes
    first = b""
    while len(first) < 100:
        first += unpack(response.read1(1000))
    assert len(first) == 100
    sim.wait_for(lambda sim: sim.held == 1)
    sim.release()
    body = first + unpack(response.read())
    connection.close()
    assert len(json.loads(body)["refpages"]) == 5


def test_stall_ends_with_release(sim):
    sim.fault("stall", after=10)
    connection = connect(sim)
    connection.request("GET", query())
    response = connection.getresponse()
    assert response.read1(100) == b'{"refpages'
    sim.release()
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()


def test_faults_combine(sim):
    sim.fault("cut", after=10)
    sim.fault("count", by=-2)
    connection = connect(sim)
    connection.request("GET", query())
    response = connection.getresponse()
    assert response.headers["X-Results-Count"] == "3"
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()


def test_controls_over_http(sim):
    def control(method, path, body=None):
        connection = connect(sim)
        connection.request(method, "/_sim/" + path, body)
        reply = Reply(connection.getresponse())
        connection.close()
        return reply.status, json.loads(reply.body)

    assert control("POST", "fault", '{"kind":"status","match":{"limit":"1"},"code":429}')[0] == 200
    assert ask(sim, limit=1).status == 429 and ask(sim).status == 200
    assert control("GET", "bill") == (200, {TOKEN: 20})
    assert len(control("GET", "requests")[1]) == 2
    assert control("POST", "fault", '{"kind":"x"}')[0] == 400
    assert control("POST", "reset")[0] == control("POST", "clear")[0] == 200
    assert control("POST", "release")[0] == 200 and sim.requests == []


def test_tls(tmp_path):
    files = [str(tmp_path / name) for name in ("certificate.pem", "key.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True)
    context = ssl.create_default_context(cafile=files[0])
    context.check_hostname = False
    with Simulator(ssl_files=files) as sim:
        connection = http.client.HTTPSConnection("127.0.0.1", sim.port, context=context)
        connection.request("GET", query())
        assert len(Reply(connection.getresponse()).rows) == 5
        connection.close()
