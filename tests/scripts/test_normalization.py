"""What is one question and what are two, as a client notices it: by what is paid.

The table of the pure module (tests/unit) has the cases; these are some of them on the wire.
"""

import pytest

from daemon import TABLE, TOKEN, arrived

START = f"token={TOKEN}&from={TABLE}&"

SAME = [
    ("mode=domain&target=rows-9.example", "target=rows-9.example&mode=domain"),
    ("mode=domain&target=rows-9.example", "mode=%64omain&t%61rget=rows%2D9%2eexample"),
    ("mode=domain&target=rows-9.example", "mode=domain&target=HTTPS://Rows-9.EXAMPLE.:443/x%3Fy"),
    ("mode=domain&target=rows-9.example", "mode=domain&mode=domain&target=rows-9.example"),
    ("mode=domain&target=rows-9.example",
     "mode=domain&target=rows-9.example&select=*&limit=1000&offset=0&output=json"),
    ("mode=domain&target=b%C3%BCcher.example", "mode=domain&target=xn--bcher-kva.example"),
    ("mode=exact&target=http://shop.example/api/",
     "mode=exact&target=HTTP://SHOP.example.:80/api/"),
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
    ("mode=exact&target=shop.example/api/", "mode=exact&target=shop.example/API/"),
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
def test_one_question_spelled_twice(sim, rowcache, one, other):
    daemon = rowcache()
    first = daemon.get(START + one)
    assert first.miss and "error" not in first.json
    second = daemon.get(other + "&" + START)
    assert second.hit and second.json == first.json
    assert len(arrived(sim)) == 1


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_two_questions_that_look_alike(rowcache, one, other):
    daemon = rowcache()
    assert "error" not in daemon.get(START + one).json
    assert not daemon.get(START + other).hit
    assert daemon.get(START + one).hit


def test_a_condition_that_cannot_be_parsed_goes_upstream_as_it_came(sim, rowcache):
    daemon = rowcache()
    for where in ("type ~ lost", "nope=1", 'substring(title,"x"', "a\tb  c"):
        reply = daemon.ask("rows-9.example", where=where)
        assert reply.status == 200 and "where:" in reply.error
        assert arrived(sim)[-1]["params"]["where"] == where
