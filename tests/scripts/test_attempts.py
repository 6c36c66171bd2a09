"""Attempts to get a wrong derived answer: by a reader who knew the contract and the reference, and
nothing of the code."""

import itertools
import json
import signal
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from ahrefs import Readings, Simulator
from ahrefs.readings import CHOICES
from daemon import (
    OTHER_TOKEN, QUESTIONS, TABLE, TOKEN, Daemon, arrived, eventually, question, wait_until_held,
)
from differential import content
from queries import COLUMNS
from wire import COLLAPSED, encode, patience, tenths, wish

CACHED = wish("only-if-cached")
LOST = {"where": 'type="lost"'}
ROWS = "rows-40.example"
UNKNOWN = {"where": 'substring(anchor,"E")'}  # of ROWS, some have an "e" and no "E"
_OTHER = ("unordered", "members", "offset_price", "own_domain")  # not of conditions and orders
READINGS = [replace(Readings(), **{switch: value}) for switch, values in CHOICES.items()
            if switch not in _OTHER for value in values]
USUAL = {
    "date": "2024-01-15", "type": "new", "ahrefs_rank": 1, "domain_rating": 50,
    "url_from": "http://a.example/p", "url_to": "http://t.example/", "links_internal": 1,
    "links_external": 2, "encoding": "utf8", "http_code": 200, "title": "T", "origin": "fresh",
    "first_seen": "2024-01-15T10:00:00Z", "last_visited": "2024-01-15T11:00:00Z",
    "prev_visited": "2024-01-15T10:30:00Z", "original": True, "link_type": "href", "redirect": 0,
    "nofollow": False, "alt": "", "anchor": "Home", "text_pre": "", "text_post": "",
}


def row(**raw) -> str:
    """A row as JSON; values are given as the JSON that they are to be."""
    members = {**{name: json.dumps(value) for name, value in USUAL.items()}, **raw}
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


def answer(*rows, before="", after="", count=None):
    """The body and the number of results of an answer with these rows."""
    body = f'{{{before}"refpages":[{",".join(rows)}]{after}}}'
    return body, len(rows) if count is None else count


class Scripted:
    """An upstream that answers each question with what `answer` is, or says of its parameters."""

    def __init__(self):
        self.answer = answer()
        self.asked = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def serve(self):
        self._server.serve_forever(0.05)

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body, count = upstream.reply(dict(parse_qsl(urlsplit(self.path).query)))
                self.send_response(200)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("X-Results-Count", str(count))
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_words):
                pass

        return Handler

    def reply(self, params):
        if params["from"] != TABLE:
            return '{"info":{"rows_left":9,"rows_limit":9,"subscription":"Enterprise"}}', 1
        self.asked.append(params)
        return self.answer(params) if callable(self.answer) else self.answer


@pytest.fixture(scope="module")
def scripted():
    upstream = Scripted()
    thread = threading.Thread(target=upstream.serve)
    thread.start()
    yield upstream
    upstream.close()
    thread.join()


@pytest.fixture(scope="module")
def reader(scripted, tmp_path_factory):
    """A daemon in front of it that many plays share, each with targets of its own."""
    daemon = Daemon(tmp_path_factory.mktemp("attempts") / "state", scripted.url)
    daemon.start()
    yield daemon
    daemon.end()


@pytest.fixture
def told(scripted, reader, request):
    """Has a daemon buy an answer, and gives what asks it about that alone: told(rows)(limit=1)."""
    numbers = itertools.count()

    def buy(*rows, **params):
        target = f"t{next(numbers)}.{zlib.crc32(request.node.name.encode()):x}.example"
        scripted.answer = answer(*rows)
        assert reader.ask(target, **params).miss
        return lambda **more: reader.ask(target, headers=CACHED, **more)

    return buy


def is_silent(reply) -> bool:
    """True if rowcache says that it cannot know."""
    return reply.status == 504 and reply.headers["X-Status"] == "error"


def is_upstreams(sim, reply, asked) -> bool:
    """True if upstream says the same, in the same order and number."""
    form = asked.get("output", "json")
    body, results, _ = sim.direct(asked)
    return reply.status == 200 and reply.headers["X-Results-Count"] == str(results) and \
        content(form, reply.body) == content(form, body)


def check_in_all_readings(sim, reply, asked):
    """What rowcache says, if it says something, is right in all of them."""
    for reading in READINGS if not is_silent(reply) else ():
        sim.read_as(reading)
        assert is_upstreams(sim, reply, asked), (asked, reading.changed())


# Questions that are written oddly

WRITTEN = {
    "equality": [
        'type:"lost"', "type='lost'", "type=lost", "type:lost", 'type=="lost"', 'Type="lost"',
        '"type"="lost"', 'type!="lost"', 'type="lost\\', 'type="lo\\st"', 'type="\\"lost"',
        'type="lost "', 'type=" lost"', 'type=""', 'type<>""',
    ],
    "sets": [
        'type="lost",', ',type="lost"', 'type="lost",,nofollow=true', 'type="lost";nofollow=true',
        'type="lost" and nofollow=true', 'type="lost" , nofollow=true', 'type="lost",type="lost"',
    ],
    "contradictions": [
        'type="lost",type="new"', "domain_rating>50,domain_rating<50",
        "domain_rating=50,domain_rating=51", 'type<>"lost",type<>"new"',
        "nofollow=true,nofollow=false", 'date<"2024-01-15",date>"2024-01-15"',
    ],
    "numbers": [
        'domain_rating="50"', 'domain_rating>"50"', "domain_rating=007", "domain_rating>50.5",
        "domain_rating>1e1", "domain_rating>=+5", "domain_rating>-1", "domain_rating>0x10",
        "domain_rating>99999999999999999999", "domain_rating>-99999999999999999999",
        "links_external>9007199254740992", "links_external=9007199254740993",
        "links_external>9007199254740993.0", "domain_rating>", 'domain_rating=""',
    ],
    "booleans": [
        'nofollow="true"', "nofollow=TRUE", "nofollow:1", "nofollow=0", 'nofollow<>"1"',
        "nofollow=2", "nofollow>false", "nofollow>=0", "nofollow<true", "nofollow=yes",
    ],
    "days": [
        "date=2024-01-15", 'date="2024-1-5"', 'date<"2024"', 'date>"2023"', 'date>"0"', 'date=""',
        'date<>""', 'date>""', 'date<"2024-01-15T00:00:00Z"', 'date<="2024-02-31"',
        'date>="2024-01-15"', 'date>"2024-01-14"', 'date<>"2024-01-15"', 'substring(date,"2024")',
    ],
    "times": [
        'first_seen<"2020"', 'first_seen<"2020-05-31T00:00:00Z"', 'first_seen<>""',
        'first_seen<"2020-05-31 00:00:00"', 'first_seen>""', 'first_seen<="2022-05-31"',
        'first_seen>"2022-05-31"', 'first_seen="2022-05-31"', 'first_seen>"2022-05-31T10:00:00"',
    ],
    "functions": [
        'substring(domain_rating,"5")', 'substring(title,"")', 'word(title,"")',
        'SUBSTRING(title,"a")', 'substring (title,"a")', 'substring( title , "a" )',
        'substring(title,"a"', 'substring("a",title)', "substring(title,a)",
        'not substring(title,"a")', 'substring(title,"%")', 'substring(title,"_")',
        'substring(url_from,"/p/_")', 'substring(url_from,"/p/1")', 'word(url_from,"p")',
        'word(anchor,"it")', 'word(anchor,"it\'s")', 'word(anchor,"click here")',
    ],
    "domains": [
        'subdomain(url_from,"")', 'subdomain(url_from,"site1.example")',
        'subdomain(url_from,"SITE1.example")', 'subdomain(url_from,".site1.example")',
        'subdomain(url_from,"site1.example.")', 'subdomain(url_from,"example")',
        'subdomain(url_from,"http://site1.example")', 'subdomain(title,"x")',
        'subdomain(url_from,"www.site1.example/")', 'subdomain(url_from,"ite1.example")',
    ],
    "texts": [
        'title="Home"', 'title="home"', 'anchor<>"Home"', 'title>"Home"', 'type>"k"', 'type<"z"',
        'encoding=""', 'encoding>""', 'encoding<""', 'title="%"', 'title="a\\"b"',
        'anchor="C:\\\\Users\\\\guest\\\\n not a newline"', 'anchor="Home\n"', 'anchor="HOME"',
        'anchor="C:\\Users\\guest\\n not a newline"', "anchor='it\\'s a \\'quoted\\' anchor'",
        'anchor="it\'s a \'quoted\' anchor"', 'title="e\u0301 is not \u00e9"', "foobar=1",
    ],
}


@pytest.mark.parametrize("conditions", WRITTEN.values(), ids=list(WRITTEN))
def test_a_condition_is_answered_as_upstream_does_in_all_readings(sim, rowcache, conditions):
    daemon = rowcache()
    daemon.ask(ROWS)
    for clause in ("where", "having"):
        for text in conditions:
            asked = question(ROWS, **{clause: text})
            check_in_all_readings(sim, daemon.get(asked, CACHED), asked)


ORDERS = ["date", "date:DESC", "date desc", "date,date:desc", "first_seen,first_seen:desc",
          "-first_seen",
          "first_seen:desc,", "first_seen:", "first_seen:asc:desc", " first_seen", "First_seen",
          "title",
          "url_from", "url_from:desc,title", "nofollow", "nofollow:desc,first_seen", "foobar", "*",
          "first_seen:desc,foobar", "original,first_seen", "links_external,first_seen",
          "ahrefs_rank",
          "type", "type,first_seen", "prev_visited:desc,last_visited", "encoding,date,first_seen"]


@pytest.mark.parametrize("window", [{}, {"limit": 1}, {"limit": 7, "offset": 2}, {"offset": 39}],
                         ids=str)
def test_an_order_is_upstreams_in_all_readings(sim, rowcache, window):
    daemon = rowcache()
    daemon.ask(ROWS)
    answered = 0
    for order in ORDERS:
        asked = question(ROWS, order_by=order, select="date,url_from", **window)
        reply = daemon.get(asked, CACHED)
        answered += reply.derived
        check_in_all_readings(sim, reply, asked)
    assert answered >= 5


def test_columns_that_are_written_oddly(sim, rowcache):
    daemon = rowcache()
    daemon.ask(ROWS)
    for select in ("date,date", "*,date", "date,*", " date", "date,", "DATE", "date, type", "**",
                   "`date`", "date,foo", "date.type", "count(*)", "date as d", "type,date,type",
                   "date;type", "0"):
        asked = question(ROWS, select=select)
        reply = daemon.get(asked, CACHED)
        assert is_silent(reply) or is_upstreams(sim, reply, asked), select


def test_what_nobody_has_explained_is_asked(rowcache):
    daemon = rowcache()
    daemon.ask(ROWS)
    for params in (
        {"foo": "bar"}, {"group_by": "type"}, {"history": "all"}, {"where2": 'type="lost"'},
        {"fields": "date"}, {"output": "csv"}, {"output": "JSON"}, {"output": "xml"},
        {"select": "sitewide"}, {"limit": 0},
    ):
        assert is_silent(daemon.ask(ROWS, headers=CACHED, **{"limit": 3, **params})), params


# Windows


def test_a_window_holds_no_more_than_its_rows(sim, rowcache):
    daemon = rowcache()
    for offset, limit in ((0, 40), (0, 41), (0, 39), (5, 35), (5, 36), (39, 1), (39, 2), (40, 1),
                          (41, 1), (100, 1000), (0, 0)):
        target = f"rows-40.from-{offset}-{limit}.example"
        daemon.ask(target, offset=offset, limit=limit)
        for params in (
            {"limit": 3}, {"limit": 1000}, {"offset": 6, "limit": 2}, {"offset": 39}, LOST,
            {"offset": 40}, {"offset": 41}, {"offset": 5}, {"offset": offset, "limit": limit + 1},
            {"order_by": "first_seen", "limit": 2}, {"offset": 3, "limit": 2, **LOST},
        ):
            asked = question(target, **params)
            reply = daemon.get(asked, CACHED)
            assert is_silent(reply) or is_upstreams(sim, reply, asked), (offset, limit, params)
            if "where" in params or "order_by" in params:
                assert reply.derived == (offset == 0 and limit > 40)


def test_more_results_than_the_limit_prove_nothing(told):
    ask = told(*[row(ahrefs_rank=str(number)) for number in range(5)], limit=2)
    for params in ({"limit": 1}, {"limit": 3}, {"limit": 5}, {"limit": 7}, LOST,
                   {"limit": 2, "select": "type"}):
        assert is_silent(ask(**params))


# What conditions of a source say of those of a question

UNRELATED = {
    "numbers that touch": ("domain_rating>50", [
        "domain_rating>=50", "domain_rating>49", "domain_rating<>50", "domain_rating=50",
        "domain_rating<51",
    ]),
    "all numbers but one": ("domain_rating<>50", [
        "domain_rating>=50", "domain_rating<=50", "nofollow=true",
    ]),
    "a negative bound": ("domain_rating>-1", ["domain_rating<50", "nofollow=true"]),
    "truth": ("nofollow=true", ["nofollow=false", "nofollow<>true", "original=true"]),
    "not true may be null": ("nofollow=false", ["nofollow<>true"]),
    "case": ('anchor="Home"', [
        'anchor="home"', 'anchor="Home "', 'anchor="Höme"', 'substring(anchor,"Home")',
    ]),
    "all texts but one": ('anchor<>"Home"', [
        'anchor="home"', 'anchor="Home "', 'anchor="Höme"', 'anchor<>"home"',
        'substring(anchor,"Home page")',
    ]),
    "emoji that a collation takes for one": ('anchor<>"😀"', ['anchor="😁"', 'anchor<>"😁"']),
    "a part in other case": ('substring(anchor,"home")', [
        'substring(anchor,"Home")', 'substring(anchor,"hom")', 'anchor="Home"',
        'word(anchor,"Home")',
    ]),
    "wildcards": ('substring(anchor,"o_e")', [
        'substring(anchor,"ome")', 'substring(anchor,"o%e")', 'anchor="Home"',
    ]),
    "a backslash": ('substring(anchor,"\\\\")', [
        'substring(anchor,"a")', 'anchor="a"', 'word(anchor,"a")',
    ]),
    "a letter and its accent": ('substring(anchor,"e\u0301")', [
        'substring(anchor,"e")', 'anchor="\u00e9"',
    ]),
    "sharp s": ('substring(anchor,"ss")', [
        'substring(anchor,"ß")', 'substring(anchor,"s")', 'anchor="ß"',
    ]),
    "a word": ('word(anchor,"Home")', [
        'word(anchor,"Home page")', 'substring(anchor,"Home")', 'word(anchor,"home")',
        'anchor="Home page"',
    ]),
    "texts in order": ('anchor>"Home"', [
        'anchor>="Home"', 'anchor>"home"', 'anchor="😀"', 'anchor="ä"', 'anchor>"G"',
    ]),
    "below a domain": ('subdomain(url_from,"site1.example")', [
        'subdomain(url_from,"www.site1.example/")', 'subdomain(url_from,"SITE1.example")',
        'subdomain(url_from,"example")', 'url_from="http://site1.example/"',
        'subdomain(url_from,"ite1.example")',
    ]),
    "a domain is no substring": ('substring(url_from,"site1.example")', [
        'subdomain(url_from,"site1.example")', 'url_from="http://SITE1.example/"',
        'substring(url_from,"SITE1.example")',
    ]),
    "the day itself": ('first_seen<="2024-01-15"', [
        'first_seen="2024-01-15"', 'first_seen<"2024-01-16"', 'first_seen<="2024-01-15T00:00:00Z"',
        'first_seen="2024-01-15T10:00:00Z"',
    ]),
    "after a day": ('first_seen>"2024-01-15"', [
        'first_seen>="2024-01-15"', 'first_seen>"2024-01-14"', 'first_seen="2024-01-15"',
        'first_seen>"2024-01-15T10:00:00Z"',
    ]),
    "on a day": ('first_seen="2024-01-15"', [
        'first_seen="2024-01-15T00:00:00Z"', 'substring(first_seen,"2024-01-15")',
        'first_seen>="2024-01-15",first_seen<="2024-01-15"',
    ]),
    "from midnight": ('first_seen>="2024-01-15T00:00:00Z"', [
        'first_seen>="2024-01-15"', 'first_seen="2024-01-15"', 'first_seen>"2024-01-14T23:59:59Z"',
    ]),
    "half a day's name": ('date>"2024"', [
        'date>="2024-01-01"', 'date>"2024-01"', 'date="2024-01-15"',
    ]),
    "one column is not another": ('anchor="Home"', [
        'title="Home"', 'alt="Home"', 'url_from="Home"',
    ]),
}


@pytest.mark.parametrize("source, questions", UNRELATED.values(), ids=list(UNRELATED))
def test_what_does_not_follow_is_not_taken_to_follow(told, source, questions):
    """The source has no rows at all, so nothing but its condition can speak against it."""
    for clause in ("where", "having"):
        ask = told(**{clause: source})
        assert ask(limit=5000, **{"having" if clause == "where" else "where": source}).derived
        for text in questions:
            assert is_silent(ask(where=text)), text
            assert is_silent(ask(having=text)), text
        assert is_silent(ask())


def test_rows_that_met_a_condition_are_not_judged_by_it_again(told):
    """Upstream found them, whatever it made of the condition."""
    ask = told(row(anchor='"HÖME"'), row(anchor='"Welcome"', type='"lost"'),
               where='substring(anchor,"home")')
    reply = ask(where='type="lost",substring(anchor,"home")', select="anchor")
    assert reply.derived and reply.rows == [{"anchor": "Welcome"}]


# Values about which readings differ

MOOT = {
    "accents": [
        ("Höme", [
            'substring(anchor,"Home")', 'word(anchor,"Home")', 'anchor="Home"',
            'substring(anchor,"ome")',
        ]),
        ("Home", ['substring(anchor,"Höme")', 'word(anchor,"Höme")', 'anchor="Höme"']),
    ],
    "composed and not": [
        ("e\u0301t\u00e9", ['anchor="\u00e9t\u00e9"', 'substring(anchor,"e")', 'word(anchor,"t")']),
    ],
    "emoji": [
        ("😀", ['anchor="😁"', 'anchor<>"😁"', 'substring(anchor,"😁")', 'word(anchor,"😁")']),
    ],
    "what is not seen": [
        ("Ho\u00adme", ['anchor="Home"', 'substring(anchor,"Home")', 'word(anchor,"Home")']),
        ("Home\u200b", ['anchor="Home"']),
        ("Home\u00a0", ['anchor="Home"']),
        ("\u00ad", ['anchor=""', 'anchor<>""', 'anchor>""']),
    ],
    "space": [
        (" ", ['anchor=""', 'anchor<>""', 'anchor>""', 'word(anchor," ")', 'word(anchor,"")']),
        (" Home", ['anchor="Home"']),
        ("Home\n", ['anchor="Home"']),
        ("Home\t", ['anchor="Home"']),
    ],
    "wildcards": [
        ("fooXbar", ['substring(anchor,"foo_bar")', 'substring(anchor,"foo%bar")']),
        ("foo_bar", ['substring(anchor,"o%b")', 'word(anchor,"foo")', 'word(anchor,"bar")']),
    ],
    "ends of words": [
        ("wi-fi", ['word(anchor,"wi")', 'word(anchor,"fi")', 'word(anchor,"wi-fi")']),
        ("it's", ['word(anchor,"it")', 'word(anchor,"s")']),
        ("C++ x", ['word(anchor,"C++")']),
        ("3.14", ['word(anchor,"3")', 'word(anchor,"3.14")']),
        ("abc123", ['word(anchor,"abc")']),
        ("tips tricks", ['word(anchor,"tips tricks")', 'word(anchor,"tips trick")']),
    ],
    "words without spaces": [
        ("日本語のタイトル", ['word(anchor,"日本")', 'word(anchor,"語")', 'word(anchor,"タイトル")']),
        ("ภาษาไทย", ['word(anchor,"ภาษา")']),
    ],
    "case beyond ASCII": [
        ("straße STRASSE", ['word(anchor,"strasse")', 'substring(anchor,"ss")']),
        ("\u212a", ['anchor="k"', 'substring(anchor,"k")']),
        ("İ", ['anchor="i"']),
        ("ς", ['anchor="σ"', 'anchor="Σ"']),
        ("ı", ['anchor="I"']),
    ],
    "letters like others": [
        ("ﬁx", ['anchor="fix"', 'substring(anchor,"fi")']),
        ("ＡＢ", ['anchor="AB"']),
        ("①", ['anchor="1"', 'word(anchor,"1")']),
        ("æ", ['anchor="ae"']),
        ("ø", ['anchor="o"']),
        ("ё", ['anchor="е"', 'substring(anchor,"е")']),
        ("ł", ['anchor="l"']),
    ],
}


@pytest.mark.parametrize("cases", MOOT.values(), ids=list(MOOT))
def test_a_text_that_may_be_read_otherwise_is_not_judged(told, cases):
    for value, conditions in cases:
        for written in {json.dumps(value), json.dumps(value, ensure_ascii=False)}:
            ask = told(row(anchor=written))
            for text in conditions:
                assert is_silent(ask(where=text)), (value, text)


@pytest.mark.parametrize("column", ["first_seen", "date"])
def test_a_time_on_the_day_of_a_bound_is_not_judged(told, column):
    """It was: `>=` was taken to hold for all of that day."""
    for time in ("00:00:00Z", "10:00:00Z", "23:59:59Z"):
        ask = told(row(**{column: f'"2024-01-15T{time}"'}))
        for compare in ("=", "<>", "<", "<=", ">", ">=", ":"):
            assert is_silent(ask(where=f'{column}{compare}"2024-01-15"')), (time, compare)
        for condition in ('>"2024-01-13"', '<"2024-01-17"', '<>"2024-01-18"'):
            assert ask(where=column + condition).headers["X-Results-Count"] == "1"


ODD = {
    "domain_rating": (["50.5", "5e1", "50.0", '"50"', "-0", "1e400", "true", "[1]", "{}", '""'],
        ["domain_rating>=50", "domain_rating=50", "domain_rating<>50", "domain_rating=0"]),
    "nofollow": (["1", "0", '"true"', '"false"', '""', '"1"', "[]"],
        ["nofollow=true", "nofollow=1", "nofollow<>true", "nofollow=false", "nofollow<>0"]),
    "type": (["null", "1", "true", '["lost"]', '{"type":"lost"}'],
        ['type<>"lost"', 'type<"z"', 'type=""']),
    "first_seen": ([
        '""', '"0000-00-00"', '"2024-01-15 10:00:00"', '"2024-01-15T10:00:00"', "1705312800",
        "null", '"2024-01-15T23:30:00-05:00"', '"15.01.2024"', '"2024-01-15T24:00:00Z"',
    ], ['first_seen>"2024-01-14"', 'first_seen<"2024-01-16"', 'first_seen>="2024-01-15"']),
    "date": (['"2024-1-15"', '"20240115"', '"2024-01"', "null", '""'],
        ['date>="2024-01-15"', 'date<"2024-01-15"', 'date<="2024-01-31"']),
    "url_from": ([
        '"http://site1.example:80/"', '"HTTP://SITE1.EXAMPLE/"', '"http://site1.example./"',
        '"//site1.example/"', '"site1.example/"', '"http://u@site1.example/"',
        '"mailto:a@site1.example"', '"http://site1.example#@evil.example/"',
        '"http:\\/\\/www.site1.example\\/"', '"http://site1.example\\\\@evil.example/"',
        '"http://www.site1.example\\u002f"',
    ], ['subdomain(url_from,"site1.example")']),
}


@pytest.mark.parametrize("column", ODD)
def test_a_value_of_another_kind_is_not_judged(told, column):
    values, conditions = ODD[column]
    for value in values:
        ask = told(row(**{column: value}))
        for text in conditions:
            assert is_silent(ask(where=text)), (value, text)
        assert ask(select=column).derived


@pytest.mark.parametrize("column, values", [
    ("first_seen", ['"2024-01-15T10:00:00Z"', '"2024-01-15T10:00:00.5Z"']),
    ("first_seen", ['"2024-01-15T10:00:00Z"', '"2024-01-15T09:00:00-05:00"']),
    ("first_seen", ['"2024-01-15T10:00:00Z"', '"2024-01-15"']),
    ("first_seen", ['"2024-01-15T10:00:00Z"', '"2024-01-15 11:00:00"']),
    ("first_seen", ['"2024-01-15T10:00:00Z"', '""']),
    ("first_seen", ['"2024-01-15T10:00:00Z"', "null"]),
    ("first_seen", ['"2024-01-15T24:00:00Z"', '"2024-01-16T00:00:00Z"']),
    ("domain_rating", ["1", '"2"']), ("domain_rating", ["1", "1.5"]),
    ("domain_rating", ["1", "null"]),
    ("nofollow", ["true", "0"]), ("date", ['"2024-01-15"', '"2024-1-9"']),
    ("title", ['"a"', '"B"']), ("title", ['"9"', '"10"']), ("title", ['"a b"', '"ab"']),
    ("title", ['"-"', '"a"']), ("title", ['"a"', "null"]), ("title", ['"z"', '"ä"']),
    ("title", ['"\uff5e"', '"😀"']),
], ids=str)
def test_rows_whose_order_may_be_another_are_not_sorted(told, column, values):
    ask = told(*[row(**{column: value}) for value in values])
    for order in (column, column + ":desc", "ahrefs_rank," + column):
        for window in ({}, {"limit": 1}, {"limit": 1, "offset": 1}):
            assert is_silent(ask(order_by=order, **window)), (order, window)


@pytest.mark.parametrize("values", [
    ["1", "10", "9", "-1"], ["9007199254740993", "9007199254740992"],
    ["18446744073709551616", "18446744073709551615", "123456789012345678901234567890"],
], ids=str)
def test_whole_numbers_of_any_size_are_sorted_and_compared_as_such(told, values):
    ask = told(*[row(domain_rating=value) for value in values])
    ordered = sorted(map(int, values))
    assert [one["domain_rating"] for one in ask(order_by="domain_rating").rows] == ordered
    down = ask(order_by="domain_rating:desc").rows
    assert [one["domain_rating"] for one in down] == ordered[::-1]
    for value in ordered:
        reply = ask(where=f"domain_rating>={value}", order_by="domain_rating")
        assert is_silent(reply) or \
            [one["domain_rating"] for one in reply.rows] == ordered[ordered.index(value):]


# Rows that are none, or odd ones

USUAL_NEW = '"type":"new"'
BROKEN_ROWS = {
    "no object": "null", "a list": '["new"]', "a number": "1", "nothing in it": "{}",
    "a member twice": row().replace(USUAL_NEW, '"type":"new","type":"lost"'),
    "a member twice, once escaped": row().replace(USUAL_NEW, '"type":"new","ty\\u0070e":"lost"'),
    "a member is missing": row().replace(USUAL_NEW + ",", ""),
}


@pytest.mark.parametrize("odd", BROKEN_ROWS.values(), ids=list(BROKEN_ROWS))
def test_a_row_that_is_none_is_not_cut(told, odd):
    ask = told(row(ahrefs_rank="7"), odd)
    for params in ({"select": "type"}, LOST, {"having": 'type<>"lost"', "select": "type"},
                   {"order_by": "type"},
                   {"order_by": "ahrefs_rank,type:desc", "select": "type"},
                   {"output": "php", "select": "type"}):
        assert is_silent(ask(**params)), params
    assert ask().hit, "as it came"


def test_what_is_told_beside_the_rows_belongs_to_all_of_them(scripted, reader):
    for more in ({"after": ',"stats":{"total":2}'}, {"before": '"stats":{"total":2},'}):
        target = f"beside{len(scripted.asked)}.example"
        scripted.answer = answer(row(), row(type='"lost"'), **more)
        assert reader.ask(target).miss
        for params in (LOST, {"limit": 1}, {"order_by": "type"}, {"output": "php"}, {"offset": 1}):
            assert is_silent(reader.ask(target, headers=CACHED, **params)), params


@pytest.mark.parametrize("value, serialized", [
    ("9223372036854775807", "i:9223372036854775807;"),
    ("-9223372036854775808", "i:-9223372036854775808;"),
    ("true", "b:1;"), ("null", "N;"), ('""', 's:0:"";'), ('"\\/"', 's:1:"/";'), ('"é"', 's:2:"é";'),
    ('"\\ud83d\\ude00"', 's:4:"😀";'), ('"a\\u0000\\"b"', 's:4:"a\0"b";'),
])
def test_php_has_the_value(told, value, serialized):
    ask = told(row(title=value))
    body = ask(output="php", select="title").body.decode()
    assert body == f'a:1:{{s:8:"refpages";a:1:{{i:0;a:1:{{s:5:"title";{serialized}}}}}}}'


@pytest.mark.parametrize("value",
                         ["9223372036854775808", "-9223372036854775809", "-0", "0.1", "1.0", "1e5",
                          "1E400",
                                   '"\\ud83d"', "[1,{}]", '{"0":1}'])
def test_php_is_not_made_of_what_php_may_write_otherwise(told, value):
    assert is_silent(told(row(title=value))(output="php", select="title"))


def test_escaped_rows_are_read(told):
    ask = told(row().replace(USUAL_NEW, '"ty\\u0070e":"l\\u006fst"'),
               row(url_from='"http:\\/\\/b.example\\/p\\/1"'))
    assert len(ask(**LOST).rows) == 1
    assert len(ask(where='substring(url_from,"example/p/1")').rows) == 1
    assert ask(select="type").rows == [{"type": "lost"}, {"type": "new"}]


# What a client wishes, and what it is told


def test_no_tag_has_two_bodies(sim, rowcache):
    """In all forms, columns and codings, before and after the world changes."""
    daemon = rowcache()
    bodies, tags = {}, []
    questions = [{}, LOST, {"having": 'type="lost"'}, {"select": "type"}, {"limit": 40},
                 {"limit": 3}, {"output": "php"},
                 {"output": "php", "select": "type"}, {"where": 'type="xyz"'},
                 {"order_by": "first_seen"}]
    for edition in range(2):
        daemon.ask(ROWS, headers=wish("no-cache"))
        tags.append(set())
        for params in questions * 2:
            for coding in ("identity", "gzip"):
                headers = {"Accept-Encoding": coding}
                reply = daemon.ask(ROWS, headers=headers, **params)
                tag = reply.headers["ETag"]
                tags[edition].add(tag)
                assert bodies.setdefault(tag, reply.body) == reply.body, params
                with daemon.client() as client:
                    head = client.ask("HEAD", "/?" + encode(question(ROWS, **params)),
                                      headers=headers)
                assert head.headers["ETag"] == tag
                assert head.headers["Content-Length"] == str(len(reply.body))
                again = daemon.ask(ROWS, headers={**headers, "If-None-Match": tag}, **params)
                assert again.status == 304 and again.body == b""
        sim.change_world()
    old = {"If-None-Match": ", ".join(tags[0])}
    for params in questions:
        reply = daemon.ask(ROWS, headers=old, **params)
        assert reply.status == 200 or bodies[reply.headers["ETag"]] == b'{"refpages":[]}'


def test_an_answer_that_may_not_be_stored_is_not(rowcache):
    daemon = rowcache()
    daemon.ask(ROWS)
    for params in (LOST, {"output": "php"}, {"limit": 3}):
        assert daemon.ask(ROWS, headers=wish("no-store"), **params).derived
    assert daemon.metrics().value("rowcache_cache_entries") == 1


@pytest.mark.parametrize("text, answered", [
    ("min-fresh=1800", True), ("min-fresh=1801", False), ("max-age=1800", True),
    ("max-age=1799", False),
    ("max-stale", True), ("max-age=1799, max-stale", False), ("no-cache", False),
])
def test_a_derived_answer_is_as_old_as_its_source(sim, driven, clock, text, answered):
    daemon = driven("cache.ttl=1h")
    daemon.ask(ROWS)
    assert daemon.ask(ROWS, **LOST).headers["Age"] == "0"
    clock.go_on(minutes=30)
    for params in (LOST, {"limit": 3}, {"limit": 3, "output": "php"}):
        reply = daemon.ask(ROWS, headers=wish(text + ", only-if-cached"), **params)
        assert reply.derived == answered
        assert not answered or (reply.headers["Age"], reply.ttl) == ("1800", 1800)


def test_a_clock_that_is_set_back_makes_nothing_fresher(driven, clock):
    daemon = driven("cache.ttl=1h")
    daemon.ask(ROWS)
    daemon.ask(ROWS, **LOST)
    clock.set(clock.now - timedelta(hours=3))
    replies = [daemon.ask(ROWS, headers=CACHED, **params) for params in ({}, LOST, {"limit": 3})]
    assert len({reply.status for reply in replies}) == 1
    assert all(is_silent(reply) or reply.ttl <= 3600 for reply in replies)


def test_after_no_cache_nobody_is_told_the_old(sim, driven, clock):
    daemon = driven()
    questions = [{}, LOST, {"select": "type"}, {"limit": 3}, {"output": "php"},
                 {"order_by": "first_seen", "limit": 5},
                 {"limit": 10, "offset": 5}, {"limit": 2, **LOST}]
    for anew in ({}, {"select": "date"}, {"output": "php"}):
        for params in questions:
            daemon.ask(ROWS, **params)
        clock.go_on(minutes=10)
        sim.change_world()
        reply = daemon.ask(ROWS, headers=wish("no-cache"), **anew)
        assert reply.cache == "rowcache; fwd=request; stored"
        for params in questions * 2:
            reply = daemon.ask(ROWS, headers=CACHED, **params)
            assert reply.headers["Age"] == "0"
            assert is_upstreams(sim, reply, question(ROWS, **params))


def test_two_wholes_of_other_ages_are_each_as_old_as_they_say(sim, driven, clock):
    daemon = driven()
    old = daemon.ask(ROWS, limit=5000).rows
    clock.go_on(minutes=10)
    sim.change_world()
    new = daemon.ask(ROWS, headers=wish("no-cache"), limit=41).rows
    for params in (LOST, {"limit": 3}, {"order_by": "first_seen"}):
        reply = daemon.ask(ROWS, headers=CACHED, **params)
        source = {"600": old, "0": new}[reply.headers["Age"]]
        assert all(one in source for one in reply.rows)
        fresh = daemon.ask(ROWS, headers=wish("max-age=300, only-if-cached"), **params)
        assert fresh.derived and all(one in new for one in fresh.rows)


def test_a_shorter_life_is_that_of_derived_answers_too(rowcache, tmp_path):
    file = tmp_path / "rowcached.conf"
    file.write_text("[cache]\nttl = 24h\n")
    daemon = rowcache(arguments=["-c", str(file)])
    daemon.ask(ROWS)
    assert daemon.ask(ROWS, **LOST).derived
    reload(daemon, file, "[cache]\nttl = 0s\n")
    for params in ({}, LOST, {"limit": 3}):
        assert is_silent(daemon.ask(ROWS, headers=CACHED, **params))


def reload(daemon, file, text):
    file.write_text(text)
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(r"\binfo reload outcome=applied")


@pytest.mark.parametrize("how", ["at a reload", "at a restart"])
def test_derivation_that_is_turned_off_ends(rowcache, tmp_path, how):
    """The contract: cache.derive = off ends it."""
    file = tmp_path / "rowcached.conf"
    file.write_text("[cache]\nderive = on\n")
    daemon = rowcache(arguments=["-c", str(file)])
    daemon.ask(ROWS)
    questions = (LOST, {"limit": 3}, {"output": "php"})
    assert all(daemon.ask(ROWS, **params).derived for params in questions)
    if how == "at a reload":
        reload(daemon, file, "[cache]\nderive = off\n")
    else:
        daemon.restart("cache.derive=off")
    assert daemon.ask(ROWS).hit
    assert not any(daemon.ask(ROWS, headers=CACHED, **params).derived for params in questions)


def test_a_source_that_is_purged_takes_along_what_was_derived_from_it(rowcache):
    daemon = rowcache()
    daemon.ask(ROWS)
    questions = (LOST, {"limit": 3}, {"output": "php"})
    assert all(daemon.ask(ROWS, **params).derived for params in questions)
    entries = daemon.admin_json("/api/cache")["entries"]
    source, = [entry for entry in entries if not entry["derived"]]
    daemon.ctl_text("cache", "purge", "--key", source["key"])
    assert all(is_silent(daemon.ask(ROWS, headers=CACHED, **params)) for params in questions)


@pytest.mark.parametrize("params", [UNKNOWN, {"order_by": "title"}], ids=str)
def test_explain_does_not_promise_what_the_rows_do_not_hold(rowcache, params):
    """The contract: explain tells a derived hit from a miss, and the most that it could cost."""
    daemon = rowcache()
    daemon.ask(ROWS)
    said = daemon.admin_json("/api/explain?" + encode(question(ROWS, **params)))
    spent = daemon.ask(ROWS, **params).spent
    assert spent > 0
    assert tenths(said["most"]) >= spent


def test_explain_counts_a_whole_that_may_be_bought(rowcache):
    daemon = rowcache("cache.buy_whole=on")
    asked = question("rows-1500.example", **LOST)
    said = daemon.admin_json("/api/explain?" + encode(asked))
    assert daemon.get(asked).spent <= tenths(said["most"])


def test_explain_names_the_source(rowcache):
    """The contract: a derived hit, and from what."""
    daemon = rowcache()
    daemon.ask(ROWS, limit=5000)
    source, = daemon.admin_json("/api/cache")["entries"]
    said = daemon.admin("/api/explain?" + encode(question(ROWS, **LOST))).body.decode()
    assert '"derived"' in said and (source["key"] in said or "limit=5000" in said)


# Rights and budgets


def test_nobody_reads_a_derived_answer_without_a_right(start):
    with Simulator(tokens=[TOKEN]) as sim:
        daemon = start(sim.url)
        daemon.ask(ROWS)
        tag = daemon.ask(ROWS, **LOST).headers["ETag"]
        for headers in ({}, CACHED, {"If-None-Match": tag}, wish("max-stale")):
            for params in (LOST, {"limit": 3}, {"output": "php", "limit": 3}):
                reply = daemon.ask(ROWS, headers=headers, token=OTHER_TOKEN, **params)
                assert reply.status == 403 and "ETag" not in reply.headers
                assert daemon.ask(ROWS, headers=headers, token=None, **params).status == 401


def test_a_budget_that_is_spent_leaves_what_costs_nothing(sim, driven, clock):
    daemon = driven("cache.ttl=1h")
    daemon.register("alice", OTHER_TOKEN, "--budget", "0.5", "--per", "total")
    daemon.ask(ROWS)
    ask = lambda **params: daemon.ask(ROWS, token=OTHER_TOKEN, **params)
    assert ask(**LOST).derived and ask(output="php").derived
    assert ask(**UNKNOWN).status == 402
    clock.go_on(hours=2)
    for params in (LOST, {"limit": 4}):
        reply = ask(**params)
        assert reply.stale and reply.headers["Age"] == "7200"
    assert ask(**UNKNOWN).status == 402 and sim.bill(OTHER_TOKEN) == 0


@pytest.mark.parametrize("text",
                         ["no-cache", "max-age=0", "min-fresh=100000", "no-cache, no-store"])
def test_who_may_not_ask_anew_is_told_what_is_derived(sim, rowcache, text):
    daemon = rowcache()
    daemon.register("alice", OTHER_TOKEN)
    daemon.ctl_text("token", "deny", "alice", "no-cache")
    daemon.ask(ROWS)
    assert daemon.ask(ROWS, token=OTHER_TOKEN, headers=wish(text), **LOST).derived
    assert sim.bill(OTHER_TOKEN) == 0


@pytest.mark.xfail(strict=True, reason="nothing is left when all columns could not be cut")
def test_a_widened_miss_does_not_eat_the_budget_of_the_question(scripted, rowcache):
    """The client's own question fits into its budget; upstream would have answered it."""
    def reply(params):
        if "select" in params:
            return answer('{"type":"new"}', '{"type":"lost"}')
        return answer(row(), BROKEN_ROWS["a member is missing"])

    daemon = rowcache(upstream=scripted.url)
    daemon.register("alice", OTHER_TOKEN, "--budget", "2.0", "--per", "total")
    scripted.answer = reply
    assert daemon.ask(token=OTHER_TOKEN, select="type", limit=5).status == 200


# Many at once, and answers that break

def is_whole(params) -> bool:
    return "mode" in params and "where" not in params


SLICES = [{"select": "type"}, {"output": "php"}, {"output": "php", "select": "date"}, LOST,
          {"limit": 5},
          {"limit": 5, "select": "date"}, {"order_by": "first_seen"}, {"output": "xml"}, {}]


@pytest.mark.concurrent
def test_slices_that_are_asked_for_while_the_whole_is_under_way(sim, rowcache):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(daemon.ask, ROWS, **params) for params in SLICES * 3]
        wait_until_held(sim, 5)
        assert is_silent(daemon.ask(ROWS, headers=CACHED, select="anchor"))
        sim.release()
        replies = [one.result() for one in asked]
    for params, reply in zip(SLICES * 3, replies):
        assert is_upstreams(sim, reply, question(ROWS, **params)), params
        assert reply.spent == 0 or reply.miss
    assert sum(reply.spent for reply in replies) == sim.bill(TOKEN) == daemon.account["rows_spent"]


@pytest.mark.concurrent
def test_many_who_ask_what_the_rows_do_not_decide_pay_once(sim, rowcache):
    daemon = rowcache()
    daemon.ask(ROWS)
    sim.hold(match=QUESTIONS)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(daemon.ask, ROWS, select=name, **UNKNOWN) for name in COLUMNS[:12]]
        wait_until_held(sim)
        eventually(lambda: daemon.open_files > 12)
        sim.release()
        replies = [one.result() for one in asked]
    for name, reply in zip(COLUMNS, replies):
        assert is_upstreams(sim, reply, question(ROWS, select=name, **UNKNOWN))
    assert len(arrived(sim)) == 2


@pytest.mark.parametrize("kind, options", [
    ("cut", {"after": 300000}), ("garbage", {"after": 300000}), ("truncate", {"after": 300000}),
    ("late_error", {"text": "x"}), ("count", {"by": -1}), ("count", {"by": 1}), ("twice", {}),
])
def test_half_an_answer_is_no_source_and_never_whole(sim, rowcache, kind, options):
    daemon = rowcache()
    target = "rows-2000.example"
    for params in ({"select": "type"}, {"output": "php"}, {"select": "type", "output": "php"}):
        sim.fault(kind, match=QUESTIONS, **options)
        reply = daemon.ask(target, limit=5000, **params)
        assert reply.status == 502 or not reply.whole
        for other in (params, LOST, {"limit": 3}):
            assert is_silent(daemon.ask(target, headers=CACHED, **{"limit": 5000, **other}))
    assert daemon.metrics().value("rowcache_cache_entries") == 0


@pytest.mark.parametrize("kind, options",
                         [("status", {"code": 500}), ("html", {}), ("cut", {"after": 100}),
                                           ("error_first", {"text": "x"}), ("null_refpages", {}),
                                           ("more", {})])
def test_a_whole_that_goes_wrong_is_not_believed(sim, rowcache, kind, options):
    daemon = rowcache("cache.buy_whole=on")
    sim.fault(kind, match=is_whole, times=None, **options)
    for params in (LOST, {"where": 'type="new"'}):
        reply = daemon.ask(ROWS, **params)
        assert reply.status == 200
        assert kind == "null_refpages" or is_upstreams(sim, reply, question(ROWS, **params))


@pytest.mark.parametrize("rows", [1024, 1025, 1026])
def test_a_whole_that_may_be_cut_off_is_none(sim, rowcache, rows):
    """The first miss could cost 206 rows, which pay for 1025 results."""
    daemon = rowcache("cache.buy_whole=on")
    target = f"rows-{rows}.example"
    reply = daemon.ask(target, **LOST)
    assert is_upstreams(sim, reply, question(target, **LOST))
    assert len(arrived(sim)) == (1 if rows < 1025 else 2) and reply.spent == sim.bill(TOKEN)
    later = daemon.ask(target, headers=CACHED, where='type="new"')
    assert later.derived == (rows < 1025)


@pytest.mark.concurrent
def test_the_same_question_is_paid_once_while_a_whole_is_under_way(sim, rowcache):
    daemon = rowcache("cache.buy_whole=on")
    sim.hold(match=is_whole)
    with ThreadPoolExecutor() as pool:
        one = pool.submit(daemon.ask, ROWS, **LOST)
        wait_until_held(sim)
        open_files = daemon.open_files
        two = pool.submit(daemon.ask, ROWS, **LOST)
        eventually(lambda: two.done() or daemon.open_files > open_files)
        time.sleep(patience(0.1))  # its connection is there; now it joins
        sim.release()
        replies = one.result(), two.result()
    assert replies[0].json == replies[1].json
    assert len(arrived(sim)) == 1 and replies[1].cache == COLLAPSED


@pytest.mark.concurrent
def test_what_spent_rows_is_no_hit(sim, rowcache):
    """One question waits for the whole, and meanwhile another brings the same slice."""
    daemon = rowcache("cache.buy_whole=on")
    sim.hold(match=is_whole)
    with ThreadPoolExecutor() as pool:
        one = pool.submit(daemon.ask, ROWS, **LOST)
        wait_until_held(sim)
        daemon.ask(ROWS, headers=wish("no-cache"), **LOST)
        sim.release()
        reply = one.result()
    assert reply.spent == 0 or "hit" not in reply.cache
