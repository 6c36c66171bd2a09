"""What is one question and what are two, as a client notices it: by what is paid.

The table of the pure module (tests/unit) has the cases; these are some of them on the wire.
"""

from urllib.parse import unquote_plus

import pytest

from ahrefs import Simulator
from daemon import TABLE, TOKEN, arrived

START = f"token={TOKEN}&from={TABLE}&"

SAME = [
    ("mode=domain&target=rows-9.example", "target=rows-9.example&mode=domain"),
    ("mode=domain&target=rows-9.example", "mode=%64omain&t%61rget=rows%2D9%2eexample"),
    ("mode=domain&target=rows-9.example", "mode=domain&target=Rows-9.EXAMPLE."),
    ("mode=domain&target=rows-9.example", "mode=domain&mode=domain&target=rows-9.example"),
    ("mode=domain&target=rows-9.example",
     "mode=domain&target=rows-9.example&select=*&limit=1000&offset=0&output=json"),
    ("mode=domain&target=b%C3%BCcher.example", "mode=domain&target=xn--bcher-kva.example"),
    ("mode=domain&target=b%C3%BCcher.example", "mode=domain&target=B%C3%9CCHER.Example."),
    ("mode=exact&target=http://shop.example/api/", "mode=exact&target=HTTP://SHOP.example./api/"),
    ("mode=domain&target=http://rows-9.example:80/a", "mode=domain&target=HTTP://ROWS-9.example:80/a"),
    ("mode=domain&target=rows-9.example&select=url_to,date",
     "mode=domain&target=rows-9.example&select=date%2Curl_to"),
    ("mode=domain&target=rows-9.example&order_by=date:asc,type:desc",
     "mode=domain&target=rows-9.example&order_by=date,type%3Adesc"),
    ('mode=domain&target=rows-9.example&where=type%3D%22lost%22',
     "mode=domain&target=rows-9.example&where=+type%20:'lost'"),
    ('mode=domain&target=rows-9.example&where=domain_rating%3E%3D10,type%3A%22new%22',
     'mode=domain&target=rows-9.example&where=type%3D%22new%22,domain_rating%3E%3D%2210%22,'
     'type%3D%22new%22'),
    ('mode=domain&target=rows-9.example&where=title%3D%22a+b%22',
     'mode=domain&target=rows-9.example&where=title%3D%22a%20b%22'),
]

DIFFERENT = [
    ("mode=domain&target=shop.example", "mode=subdomains&target=shop.example"),
    ("mode=domain&target=shop.example", "mode=domain&target=www.shop.example"),
    ("mode=domain&target=shop.example", "mode=domain&target=shop.example:8080"),
    ("mode=domain&target=shop.example", "mode=domain&target=shop.example:80"),
    ("mode=domain&target=shop.example", "mode=domain&target=http://shop.example"),
    ("mode=domain&target=shop.example", "mode=domain&target=shop.example/"),
    ("mode=exact&target=shop.example/api/", "mode=exact&target=shop.example/API/"),
    ("mode=exact&target=http://shop.example/api/", "mode=exact&target=http://shop.example:80/api/"),
    ("mode=exact&target=shop.example/api/", "mode=exact&target=http://shop.example/api/"),
    ("mode=exact&target=shop.example/api/", "mode=prefix&target=shop.example/api/"),
    ("mode=domain&target=rows-9.example&order_by=date,type",
     "mode=domain&target=rows-9.example&order_by=type,date"),
    ('mode=domain&target=rows-9.example&where=type%3D%22lost%22',
     'mode=domain&target=rows-9.example&where=type%3D%22Lost%22'),
    ('mode=domain&target=rows-9.example&where=type%3D%22lost%22',
     'mode=domain&target=rows-9.example&having=type%3D%22lost%22'),
    ('mode=domain&target=rows-9.example&where=title%3D%22a+b%22',
     'mode=domain&target=rows-9.example&where=title%3D%22a%2Bb%22'),
    ('mode=domain&target=rows-9.example&where=title%3D%22a%26limit%3D5%22',
     'mode=domain&target=rows-9.example&where=title%3D%22a%22&limit=5'),
    ('mode=domain&target=rows-9.example&where=date%3C%222024-01-15%22',
     'mode=domain&target=rows-9.example&where=date%3C%3D%222024-01-15%22'),
]


@pytest.mark.parametrize("one, other", SAME)
def test_two_spellings_of_a_question_are_one(sim, rowcache, one, other):
    daemon = rowcache()
    first = daemon.get(START + one)
    assert first.miss and "error" not in first.json
    second = daemon.get(other + "&" + START)
    assert (second.hit or second.derived) and second.json == first.json
    assert len(arrived(sim)) == 1


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_two_questions_that_look_alike_stay_two(rowcache, one, other):
    daemon = rowcache()
    assert "error" not in daemon.get(START + one).json
    assert not daemon.get(START + other).hit
    assert daemon.get(START + one).hit


# Spellings that are not certain to mean the plain host, and the plain host.
ODD = [
    "ex%E2%80%8Bample.com", "ex%C2%ADample.com", "ex%EF%BB%BFample.com", "ex%E2%81%A0ample.com",
    "ex%EF%B8%8Fample.com", "%EF%BD%85xample.com", "example%E3%80%82com", "example.com%23x",
    "example.com%3Fx", "example.com:80", "http://example.com/", "http://example.com",
    "example.com/path", "example.com/", "https://example.com:443", "//example.com", "+example.com",
    "x@example.com", "example.com:080",
]


@pytest.mark.parametrize("mode", ["domain", "subdomains"])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_spelling_says_nothing_about_the_plain_host(start, odd, mode):
    """Upstream, asked in odd words, may answer that there is nothing; who asks in plain words must
    not get that answer. What goes upstream is what the key says."""
    with Simulator(literal=True) as sim:
        daemon = start(sim.url)
        first = daemon.get(f"{START}mode={mode}&target={odd}")
        assert first.json.get("refpages") in ([], None)
        plain = daemon.get(f"{START}mode={mode}&target=example.com")
        assert plain.miss and len(plain.rows) > 100
        assert daemon.get(f"{START}mode={mode}&target=EXAMPLE.com.").hit
        sent = [record["params"]["target"] for record in arrived(sim)]
        assert sent == [unquote_plus(odd), "example.com"]


@pytest.mark.parametrize("odd, plain", [
    ("ROWS-9.Example.", "rows-9.example"),
    ("rows-9.B%C3%9Ccher.example", "rows-9.xn--bcher-kva.example"),
    ("rows-9.b%C3%BCcher.example.", "rows-9.xn--bcher-kva.example"),
])
def test_the_one_spelling_of_a_host_is_what_goes_upstream(start, odd, plain):
    """So what comes back is the plain host's answer, also from an upstream that reads literally."""
    with Simulator(literal=True) as sim:
        daemon = start(sim.url)
        rows = daemon.get(f"{START}mode=domain&target={odd}").rows
        assert len(rows) > 5 and daemon.ask(plain).hit
        assert [record["params"]["target"] for record in arrived(sim)] == [plain]


SENT = [
    ("limit=007", {"limit": "7"}), ("", {"limit": "1000"}), ("limit=1000", {"limit": "1000"}),
    ("offset=00", {"offset": None}), ("offset=03", {"offset": "3"}),
    ("select=+url_to+,date,%09url_to", {"select": "url_to,date"}), ("select=*", {"select": None}),
    ("where=type:'lost'", {"where": 'type="lost"'}),
    ("where=type='new',domain_rating>%22007%22,type:%22new%22",
     {"where": 'domain_rating>7,type="new"'}),
    ("having=+nofollow+:%22true%22+", {"having": "nofollow=true"}),
    ("order_by=+date:asc,type:desc+", {"order_by": "date,type:desc"}),
    ("output=json", {"output": None}), ("output=xml", {"output": "xml"}),
    ("x=1&a", {"x": "1", "a": ""}), ("where=type+~+x", {"where": "type ~ x"}),
]


@pytest.mark.parametrize("spelled, sent", SENT)
def test_what_goes_upstream_is_what_the_key_says(sim, rowcache, spelled, sent):
    daemon = rowcache("cache.widen_select=off")
    daemon.get(f"{START}mode=domain&target=rows-9.example&{spelled}")
    params = arrived(sim)[0]["params"]
    assert {name: params.get(name) for name in sent} == sent


def test_columns_come_in_the_order_of_the_first_who_asks(sim, rowcache):
    daemon = rowcache("cache.widen_select=off")
    first = daemon.ask("rows-3.example", select="url_to,date")
    assert list(first.rows[0]) == ["url_to", "date"]
    second = daemon.ask("rows-3.example", select="date,url_to")
    assert second.hit and second.rows == first.rows


def test_a_condition_that_cannot_be_parsed_goes_upstream_as_it_came(sim, rowcache):
    daemon = rowcache()
    for where in ("type ~ lost", "nope=1", 'substring(title,"x"', "a\tb  c"):
        reply = daemon.ask("rows-9.example", where=where)
        assert reply.status == 200 and "where:" in reply.error
        assert arrived(sim)[-1]["params"]["where"] == where
