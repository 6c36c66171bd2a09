"""The simulator of v3 does what is known of v3, tells what v2 tells, and fails on demand."""

import csv
import gzip
import http.client
import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as tree
from math import floor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from . import Simulator as V2, v3
from .v3.columns import BACKLINKS
from .v3.links import links_of
from .targets import Scope

KEY = "a-key-of-an-integrator"
OTHER = "another-key-of-someone"
TOKEN = "0123456789abcdef" * 2 + "01234567"
WHOLE = ("url_rating_source domain_rating_source url_from url_to links_internal links_external "
         "encoding http_code title discovered_status drop_reason first_seen_link last_seen "
         "last_visited link_type redirect_code is_nofollow alt anchor snippet_left snippet_right"
         ).replace(" ", ",")
BACKLINKS_PATH = "site-explorer/all-backlinks"


@pytest.fixture
def sim():
    with v3.Simulator() as simulator:
        yield simulator


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def rows(self):
        return self.json["backlinks"]

    def cost(self, name):
        return int(self.headers["x-api-units-cost-" + name])


def send(sim, method, path, *, key=KEY, headers=None, body=None):
    connection = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=5)
    own = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request(method, path, body, {**own, **(headers or {})})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def ask(sim, target="rows-5.example", *, endpoint=BACKLINKS_PATH, key=KEY, headers=None, **params):
    given = {"target": target, "select": "url_from", "aggregation": "all", **params}
    given = {name: json.dumps(value) if isinstance(value, dict) else value
             for name, value in given.items() if value is not None}
    return send(sim, "GET", f"/v3/{endpoint}?{urlencode(given)}", key=key, headers=headers)


def limits(sim, key=KEY):
    return send(sim, "GET", "/v3/subscription-info/limits-and-usage", key=key).json[
        "limits_and_usage"]


def links(target="rows-5.example"):
    return links_of(Scope((target,), None), 0)


def field(name, op, value):
    return {"field": name, "is": [op, value]}


# Rows


def test_all_columns_come_in_their_types(sim):
    names = [name for name, column in BACKLINKS.items() if column.selectable]
    assert len(names) == 82 and len(BACKLINKS) == 86
    names.remove("link_group_count")
    rows = ask(sim, "rows-900.example", select=",".join(names), limit=5000).rows
    kinds = {"int": int, "float": (int, float), "bool": bool, "text": str, "time": str,
             "date": str, "list": list}
    assert len(rows) == 900 and list(rows[0]) == names
    for row in rows:
        for name, value in row.items():
            if value is None:
                assert BACKLINKS[name].nullable, name
            else:
                assert isinstance(value, kinds[BACKLINKS[name].kind]), name
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["first_seen_link"])
        assert row["is_lost"] == (row["last_seen"] is not None)
    seen = {name: {type(row[name]) for row in rows} for name in names}
    assert {name for name in names if type(None) in seen[name]} >= {
        "last_seen", "redirect_code", "alt", "discovered_status", "lost_reason"}


def test_ratings_are_integers_when_whole_and_have_one_decimal_otherwise(sim):
    body = ask(sim, "rows-500.example", select="domain_rating_source", limit=500).body.decode()
    numbers = re.findall(r"_source\":([0-9.]+)", body)
    assert len(numbers) == 500 and all(re.fullmatch(r"\d+|\d+\.[1-9]", one) for one in numbers)
    assert any("." in one for one in numbers) and any("." not in one for one in numbers)


def test_answers_do_not_depend_on_the_process(sim):
    with v3.Simulator() as other:
        assert ask(sim, "shop.example").body == ask(other, "shop.example").body


def test_limit_is_1000_unless_given_and_mode_subdomains(sim):
    assert len(ask(sim, "rows-1234.example").rows) == 1000
    assert len(ask(sim, "rows-1234.example", limit=7).rows) == 7
    whole = ask(sim, "shop.example", limit=9999).body
    assert whole == ask(sim, "shop.example", limit=9999, mode="subdomains").body
    assert len(whole) > len(ask(sim, "shop.example", limit=9999, mode="domain").body)


@pytest.mark.parametrize("plan, cap", [("Lite", 100), ("Standard", 250), ("Advanced", 500),
                                       ("Enterprise", 700)])
def test_plans_cut_without_a_word(plan, cap):
    with v3.Simulator(workspace=v3.Workspace(plan)) as sim:
        reply = ask(sim, "rows-700.example", select=WHOLE, limit=5000)
        assert len(reply.rows) == cap and reply.headers["x-api-rows"] == str(cap)
        assert sim.bill(KEY) == reply.cost("total-actual") == cap * 21
        assert limits(sim)["subscription"] == f"{plan}, billed monthly"


def test_a_cap_of_ones_own():
    with v3.Simulator(workspace=v3.Workspace("Standard", cap=25)) as sim:
        assert len(ask(sim, "rows-700.example").rows) == 25


def test_parameters_that_it_does_not_know_are_ignored_and_billed(sim):
    first = ask(sim, "rows-900.example", limit=100)
    again = ask(sim, "rows-900.example", limit=100, offset=100, page=2)
    assert again.body == first.body and sim.bill(KEY) == 200


def test_history(sim):
    whole = links("shop.example")

    def count(history):
        return len(ask(sim, "shop.example", mode="domain", limit=9999, history=history).rows)

    assert count("all_time") == count(None) == len(whole)
    assert count("live") == sum(not link["is_lost"] for link in whole)
    assert count("since:2024-02-01") == sum(
        not link["is_lost"] or link["last_seen"] >= "2024-02-01T00:00:00Z" for link in whole)
    assert count("live") < count("since:2024-02-01") < count("since:2023-06-01") < len(whole)


def test_aggregation(sim):
    def rows(how):
        select = "url_from,root_name_source,link_group_count"
        return ask(sim, "rows-900.example", aggregation=how, select=select, limit=5000).rows

    assert rows(None) == rows("similar_links")
    assert sum(row["link_group_count"] for row in rows("similar_links")) == 900
    domains = [row["root_name_source"] for row in rows("1_per_domain")]
    assert len(domains) == len(set(domains)) < len(rows("similar_links")) < 900
    assert ask(sim, select="link_group_count").status == 400


def test_protocol(sim):
    both, plain, safe = (
        len(ask(sim, "rows-900.example", protocol=one).rows) for one in ("both", "http", "https"))
    assert plain + safe == both == 900 and plain and safe


def test_the_same_pair_of_urls_comes_several_times(sim):
    rows = ask(sim, "rows-900.example", select="url_from,url_to,anchor").rows
    pairs = [(row["url_from"], row["url_to"]) for row in rows]
    assert len(set(pairs)) < len(pairs)


FILTERS = [
    (field("domain_rating_source", "gte", 24.5), lambda row: row["domain_rating_source"] >= 24.5),
    (field("is_nofollow", "eq", True), lambda row: row["is_nofollow"]),
    (field("is_nofollow", "neq", 1), lambda row: not row["is_nofollow"]),
    (field("first_seen_link", "gte", "2024-01-15"),
     lambda row: row["first_seen_link"] >= "2024-01-15"),
    (field("last_seen", "gt", "2024-01-15T10:00:00Z"),
     lambda row: (row["last_seen"] or "") > "2024-01-15T10:00:00Z"),
    (field("title", "substring", "\"secrets\""), lambda row: '"secrets"' in row["title"]),
    (field("title", "isubstring", "AHREFS"), lambda row: "ahrefs" in row["title"].lower()),
    (field("anchor", "phrase_match", "here"), lambda row: re.search(r"\bhere\b", row["anchor"])),
    (field("anchor", "iphrase_match", "CLICK"), lambda row: re.search(r"\bclick\b", row["anchor"])),
    (field("url_from", "prefix", "https://"), lambda row: row["url_from"].startswith("https://")),
    (field("url_from", "suffix", "7"), lambda row: row["url_from"].endswith("7")),
    (field("url_from", "regex", r"site[34]\.example"),
     lambda row: re.search(r"site[34]\.example", row["url_from"])),
    ({"field": "alt", "is": "is_null"}, lambda row: row["alt"] is None),
    ({"field": "alt", "is": "empty"}, lambda row: row["alt"] == ""),
    ({"field": "languages", "list_is": {"any": ["eq", "en"]}},
     lambda row: "en" in row["languages"]),
    ({"field": "languages", "list_is": {"all": ["neq", "en"]}},
     lambda row: "en" not in row["languages"]),
    ({"field": "redirect_kind", "list_is": {"any": ["gte", 303]}},
     lambda row: any(code >= 303 for code in row["redirect_kind"])),
    ({"field": "len_url_redirect", "is": ["eq", 1]}, lambda row: row["redirect_kind"]),
    ({"and": [field("http_code", "gt", 200), {"not": field("http_code", "eq", 404)}]},
     lambda row: row["http_code"] > 200 and row["http_code"] != 404),
    ({"or": [field("http_code", "eq", 404), field("link_type", "eq", "rss")]},
     lambda row: row["http_code"] == 404 or row["link_type"] == "rss"),
    ({"and": []}, lambda row: True),
    ({"or": []}, lambda row: False),
]


@pytest.mark.parametrize("where, holds", FILTERS)
def test_filters(sim, where, holds):
    expected = [link["url_from"] for link in links("rows-900.example") if holds(link)]
    rows = ask(sim, "rows-900.example", where=where).rows
    assert [row["url_from"] for row in rows] == expected
    assert len(expected) in range(1, 900) or where in ({"and": []}, {"or": []})


@pytest.mark.parametrize("where", [
    "", "x", "[]", "3", "{}", '{"field":"title"}', '{"and":{}}', '{"not":[]}', "[" * 3000,
    '{"field":"title","is":["like","x"]}', '{"field":"title","is":["eq"]}',
    '{"field":"title","is":["eq",5]}', '{"field":"http_code","is":["eq","5"]}',
    '{"field":"http_code","is":["substring","5"]}', '{"field":"is_ugc","is":["gt",0]}',
    '{"field":"is_ugc","is":["eq",2]}', '{"field":"last_seen","is":["gt","2024-13-01"]}',
    '{"field":"languages","is":["eq","en"]}', '{"field":"title","list_is":{"any":["eq","x"]}}',
    '{"field":"languages","list_is":["eq","x"]}', '{"field":"languages","list_is":{"any":[]}}',
    '{"field":"title","is":["regex","("]}', '{"field":["title"],"is":"empty"}',
])
def test_bad_filters_are_refused_and_free(sim, where):
    reply = ask(sim, where=where)
    assert (reply.status, sim.bill(KEY)) == ((400, 0) if where else (200, 50))
    assert where == "" or reply.json["error"]


def test_order(sim):
    rows = links("rows-900.example")
    rows.sort(key=lambda row: row["url_from"], reverse=True)
    rows.sort(key=lambda row: row["http_code"])
    asked = ask(sim, "rows-900.example", order_by="http_code:asc,url_from:desc")
    assert [row["url_from"] for row in asked.rows] == [row["url_from"] for row in rows]


def test_a_keyset_gets_everything():
    with v3.Simulator(workspace=v3.Workspace("Standard")) as sim:
        last, seen = "2000-01-01", {}
        while True:
            rows = ask(sim, "rows-900.example", select=WHOLE, order_by="first_seen_link:asc",
                       where=field("first_seen_link", "gte", last)).rows
            seen.update((json.dumps(row), row) for row in rows)
            if len(rows) < 250:
                break
            last = rows[-1]["first_seen_link"]
    assert len(seen) == 900


# The same web through both


def rounded(rating):
    return None if rating is None else floor(rating + 0.5)


def translated(links_):
    """Rows of v2 from rows of v3, as the reference has it."""
    for link in links_:
        common = {
            "ahrefs_rank": rounded(link["url_rating_source"]),
            "domain_rating": rounded(link["domain_rating_source"]),
            **{name: link[name] for name in (
                "url_from", "url_to", "links_internal", "links_external", "encoding", "http_code",
                "title", "anchor", "last_visited")},
            "first_seen": link["first_seen_link"],
            "original": link["discovered_status"] == "pagefound",
            "link_type": "href" if link["link_type"] in ("text", "image") else link["link_type"],
            "redirect": link["redirect_code"] or 0, "nofollow": link["is_nofollow"],
            "text_pre": link["snippet_left"], "text_post": link["snippet_right"],
            "alt": link["alt"] or "",
        }
        yield {"date": link["first_seen_link"][:10], "type": "new", **common}
        if link["last_seen"]:
            yield {"date": link["last_seen"][:10], "type": "lost", **common}


def both(v2, v3_, target, mode, first, where_v2="", where_v3=None):
    """Two sorted lists of rows from that day on."""
    asked = {"token": TOKEN, "from": "backlinks_new_lost", "target": target, "mode": mode,
             "limit": "99999", "where": f'date>="{first}"{where_v2}'}
    old = json.loads(v2.direct(asked)[0])["refpages"]
    for row in old:
        del row["origin"], row["prev_visited"]
    window = {"or": [field("first_seen_link", "gte", first), field("last_seen", "gte", first)]}
    filters = {"and": [window, *([where_v3] if where_v3 else [])]}
    new = json.loads(v3_.direct({
        "target": target, "mode": mode, "select": WHOLE, "aggregation": "all", "limit": 99999,
        "history": f"since:{first}", "where": json.dumps(filters)})[0])["backlinks"]
    rows = [row for row in translated(new) if row["date"] >= first]
    return (sorted(json.dumps(row, sort_keys=True) for row in one) for one in (old, rows))


@pytest.mark.parametrize("target, mode", [
    ("shop.example", "domain"), ("shop.example", "subdomains"), ("example.com/api/", "exact"),
    ("https://example.com/api/", "prefix"), ("rows-300.example", "domain"),
    ("both-40.example", "domain"), ("tied-40.example", "subdomains"),
])
@pytest.mark.parametrize("first", ["2023-12-23", "2024-02-01"])
def test_v2_and_v3_tell_the_same(target, mode, first):
    old, new = both(V2(source=v3.as_v2()), v3.Simulator(), target, mode, first)
    assert old == new and old


def test_ratings_are_filtered_alike():
    old, new = V2(source=v3.as_v2()), v3.Simulator()
    name = "domain_rating_source"
    for number in (0, 1, 25, 50, 99, 100):
        above = both(old, new, "shop.example", "domain", "2024-01-01",
                     f",domain_rating>={number}", field(name, "gte", number - 0.5))
        below = both(old, new, "shop.example", "domain", "2024-01-01",
                     f",domain_rating<={number}", field(name, "lt", number + 0.5))
        equal = both(old, new, "shop.example", "domain", "2024-01-01", f",domain_rating={number}",
                     {"and": [field(name, "gte", number - 0.5), field(name, "lt", number + 0.5)]})
        for one, other in (above, below, equal):
            assert one == other
    assert any(link[name] % 1 == 0.5 for link in links("shop.example"))


def test_names_that_promise():
    v2 = V2(source=v3.as_v2())

    def rows(target, mode="domain"):
        asked = {"token": TOKEN, "from": "backlinks_new_lost", "target": target, "mode": mode,
                 "limit": "99999"}
        return json.loads(v2.direct(asked)[0])["refpages"]

    assert len(links("rows-30.example")) == len(rows("rows-30.example")) == 30
    assert len(links("both-30.example")) == 30 and len(rows("both-30.example", "subdomains")) == 60
    assert len({link["first_seen_link"] for link in links("tied-30.example")}) <= 2
    assert len({link["url_from"] for link in links("tied-300.example")}) > 200
    assert len(links("links-30.example")) == 30
    assert len(links("huge-3000.example")) == len(rows("huge-3000.example")) == 3000
    assert all("//links-30.example/" in link["url_to"] for link in links("links-30.example"))


def test_no_event_lies_just_before_the_period():
    for link in links("shop.example") + links("x.example"):
        for time in (link["first_seen_link"], link["last_seen"] or ""):
            assert not "2023-12-21" <= time[:10] < "2023-12-23"


def test_the_last_day_can_be_chosen():
    rows = json.loads(v3.Simulator(today="2026-11-26").direct(
        {"target": "rows-200.example", "select": "first_seen_link,last_seen,last_visited"})[0])
    times = [time for row in rows["backlinks"] for time in row.values() if time]
    assert "2026-11-20" < max(times) < "2026-11-27"
    source = V2(source=v3.as_v2("2026-11-26"))
    asked = {"token": TOKEN, "from": "backlinks_new_lost", "target": "rows-200.example",
             "mode": "domain"}
    days = [row["date"] for row in json.loads(source.direct(asked)[0])["refpages"]]
    assert "2026-09-28" <= min(days) and max(days) <= "2026-11-26" and len(days) == 200


def test_the_web_can_change(sim):
    before = ask(sim).body
    sim.change_world()
    assert ask(sim).body == before, "from Ahrefs' own cache"
    sim.forget_cache()
    assert ask(sim).body != before


def test_odd_links_have_values_that_nothing_documents():
    sim = v3.Simulator(odd=True)
    rows = json.loads(sim.direct({"target": "rows-2000.example", "select": WHOLE, "limit": 2000,
                                  "aggregation": "all"})[0])["backlinks"]
    assert "video" in {row["link_type"] for row in rows}
    assert None in {row["title"] for row in rows}
    alike = [one == other for one, other in zip(rows, rows[1:])]
    assert any(alike)


# Prices and headers


def test_price_is_50_or_rows_times_columns(sim):
    reply = ask(sim, "rows-700.example", select=WHOLE, limit=250)
    assert reply.cost("total") == reply.cost("total-actual") == 5250 == sim.bill(KEY)
    assert reply.cost("row") == 21 and reply.headers["x-api-cache"] == "miss"
    small = ask(sim, "rows-3.example")
    assert small.cost("total") == 50 and small.headers["x-api-units-cost-row"] == "16.67"
    assert ask(sim, "rows-0.example").cost("total-actual") == 50


def test_every_distinct_column_costs(sim):
    def cost(**params):
        return ask(sim, "rows-100.example", limit=100, **params).cost("total")

    assert cost(select="url_from,url_to,url_from") == 200
    assert cost(where=field("url_from", "neq", "")) == 100
    assert cost(where=field("traffic", "gte", 0), order_by="url_from:asc,class_c:asc") == 1600
    assert cost(select="refdomains_source,traffic_domain") == 1500


def test_its_own_cache(sim):
    first, again = ask(sim), ask(sim)
    assert first.body == again.body and again.headers["x-api-cache"] == "hit"
    assert (again.cost("total"), again.cost("total-actual"), sim.bill(KEY)) == (50, 0, 50)
    assert ask(sim, timeout=5).headers["x-api-cache"] == "miss"
    assert ask(sim, key=OTHER).headers["x-api-cache"] == "hit", "of the same workspace"
    assert "ETag" not in first.headers and "Cache-Control" not in first.headers


def test_free_targets(sim):
    for target in ("ahrefs.com", "yep.com", "https://firehose.com/x", "help.ahrefs.com"):
        reply = ask(sim, target, limit=100, mode="domain")
        assert reply.cost("total-actual") == 0 and reply.cost("total") >= 50
    assert sim.bill(KEY) == 0
    assert ask(sim, "ahrefs.com", limit=101).cost("total-actual") > 0
    assert ask(sim, "notahrefs.com", limit=100).cost("total-actual") > 0
    with v3.Simulator(workspace=v3.Workspace(paid=False)) as other:
        assert ask(other, "ahrefs.com", limit=100).cost("total-actual") > 0


# Limits


def test_limits_and_usage_is_free():
    keys = {KEY: v3.Key(units_limit=1000, units_used=7), OTHER: v3.Key()}
    with v3.Simulator(keys, workspace=v3.Workspace("Standard", units_limit=400000,
                                                   units_used=5000)) as sim:
        ask(sim, key=OTHER)
        ask(sim, "rows-100.example", key=KEY)
        assert limits(sim) == {
            "subscription": "Standard, billed monthly",
            "usage_reset_date": "2024-03-04T00:00:00Z", "units_limit_workspace": 400000,
            "units_usage_workspace": 5150, "units_limit_api_key": 1000,
            "units_usage_api_key": 107, "api_key_expiration_date": "2027-08-06T01:57:32Z"}
        assert limits(sim, OTHER)["units_limit_api_key"] is None
        assert sim.bills() == {KEY: 100, OTHER: 50}


def test_too_few_units_are_refused_by_the_most_that_it_may_cost():
    with v3.Simulator({KEY: v3.Key(units_limit=160)},
                      workspace=v3.Workspace("Standard", units_limit=900)) as sim:
        reply = ask(sim, "rows-3.example", limit=200)
        assert (reply.status, reply.json["error"]) == (
            403, "API units limit reached. Expected usage: 200, API units left: 160.")
        assert ask(sim, "rows-3.example", limit=150).status == 200, "a smaller limit passes"
        assert sim.bill(KEY) == 50
        assert ask(sim, "rows-3.example", limit=100).status == 200
        assert ask(sim, "rows-4.example", limit=100).status == 403, "60 are left"
        assert ask(sim, "rows-4.example", limit=60).status == 200, "which is enough"
        assert ask(sim, "rows-5.example", limit=1).status == 403, "but now 10 are"
        assert ask(sim, "rows-3.example", limit=150).status == 200, "what is cached is free"
        assert ask(sim, "ahrefs.com", limit=100).status == 200, "and so are free targets"


def test_the_limit_of_the_workspace_holds_for_all_its_keys():
    with v3.Simulator([KEY, OTHER], workspace=v3.Workspace(units_limit=120)) as sim:
        assert ask(sim, limit=5).status == 200
        assert ask(sim, "rows-6.example", limit=5, key=OTHER).status == 200
        reply = ask(sim, "rows-7.example", limit=5, key=OTHER)
        assert "Expected usage: 50, API units left: 20." in reply.json["error"]


def test_workspaces_of_their_own():
    mine = v3.Workspace("Lite", units_limit=100)
    with v3.Simulator({KEY: v3.Key(mine), OTHER: v3.Key()}) as sim:
        assert len(ask(sim, "rows-700.example").rows) == 100
        assert len(ask(sim, "rows-700.example", key=OTHER).rows) == 700
        assert limits(sim)["units_usage_workspace"] == 100
        assert limits(sim, OTHER)["units_usage_workspace"] == 700


# Errors


def test_keys():
    with v3.Simulator({KEY: v3.Key(), OTHER: v3.Key(expired=True)}) as sim:
        for key, status, word in [(None, 403, "Forbidden"), ("", 403, "Forbidden"),
                                  ("nobody", 401, "Unauthorized"), (OTHER, 401, "Unauthorized")]:
            reply = ask(sim, key=key)
            assert (reply.status, reply.json) == (status, ["Error", word])
        assert send(sim, "GET", "/v3/nothing", key="x" * 30).status == 401
        assert ask(sim).status == 200


def test_unknown_columns_list_the_others_and_are_free():
    with v3.Simulator(workspace=v3.Workspace(lacks={"traffic"})) as sim:
        for params in ({"select": "__probe__"}, {"where": field("__probe__", "eq", 1)},
                       {"order_by": "__probe__:asc"}):
            reply = ask(sim, **params)
            assert reply.status == 400
            assert reply.json["error"].startswith("column '__probe__' not found")
            assert "url_from" in reply.json["error"] and "traffic_domain" in reply.json["error"]
            assert " traffic," not in reply.json["error"]
        for name in ("traffic", "is_non_html", "__probe__"):
            assert ask(sim, select=name).status == 400
        assert ask(sim, order_by="link_group_count:asc", aggregation=None).status == 400
        assert sim.bills() == {}


@pytest.mark.parametrize("params", [
    {"select": None}, {"select": ""}, {"target": ""}, {"mode": "all"}, {"limit": "x"},
    {"limit": "0"}, {"limit": "-1"}, {"history": "since"}, {"history": "since:yesterday"},
    {"history": "dead"}, {"aggregation": "some"}, {"protocol": "ftp"}, {"output": "yaml"},
    {"order_by": "url_from:up"}, {"target": "ftp://x.example"}, {"select": "url_from,"},
])
def test_bad_parameters(sim, params):
    reply = ask(sim, **params)
    assert reply.status == 400 and reply.json["error"] and sim.bill(KEY) == 0


def test_paths_methods_and_plans():
    with v3.Simulator(workspace=v3.Workspace(lacks={"site-explorer/organic-keywords"})) as sim:
        assert send(sim, "GET", "/v3/site-explorer/nothing").status == 404
        assert send(sim, "GET", "/").status == 404
        assert send(sim, "POST", "/v3/" + BACKLINKS_PATH).status == 405
        assert send(sim, "GET", "/v3/batch-analysis").status == 405
        reply = ask(sim, endpoint="site-explorer/organic-keywords")
        assert reply.status == 403 and "Insufficient plan" in reply.json["error"]


def test_the_pace_is_limited():
    with v3.Simulator(pace=3, minute=600) as sim:
        assert [ask(sim).status for _ in range(5)] == [200, 200, 200, 429, 429]
        assert ask(sim, key=OTHER).status == 200, "per key"
        assert "Retry-After" not in ask(sim).headers
    with v3.Simulator(pace=1, minute=0.05) as sim:
        ask(sim)
        assert any(ask(sim).status == 200 for _ in range(1000)), "when the minute is over"


# Other shapes


def test_output(sim):
    select = "url_from,alt,is_ugc,languages,domain_rating_source"
    rows = ask(sim, "rows-40.example", select=select).rows
    table = ask(sim, "rows-40.example", select=select, output="csv")
    lines = list(csv.reader(io.StringIO(table.body.decode())))
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert lines[0] == select.split(",") and len(lines) == 41
    assert [line[0] for line in lines[1:]] == [row["url_from"] for row in rows]
    assert lines[1][2] in ("true", "false")
    root = tree.fromstring(ask(sim, "rows-40.example", select=select, output="xml").body)
    assert len(root.findall("backlinks/row")) == 40
    assert ask(sim, output="php").body.startswith(b'a:1:{s:9:"backlinks";a:5:{')


def test_organic_keywords(sim):
    def keywords(**params):
        return ask(sim, "rows-300.example", endpoint="site-explorer/organic-keywords",
                   **{"select": "keyword,volume,keyword_difficulty,sum_traffic,best_position",
                      "date": "2024-02-01", **params})

    reply = keywords(order_by="volume:desc", where=field("volume", "gte", 10))
    volumes = [row["volume"] for row in reply.json["keywords"]]
    assert volumes == sorted(volumes, reverse=True) and min(volumes) >= 10
    assert reply.cost("total-actual") == 32 * len(volumes)
    assert keywords(date=None).status == keywords(date="x").status == 400
    assert keywords(select="url_from").status == 400
    assert 0 < len(keywords(country="de").json["keywords"]) < 300


def test_batch_analysis(sim):
    asked = {"select": ["url", "domain_rating", "org_traffic"], "targets": [
        {"url": f"x{'y' * n}.example", "mode": "domain", "protocol": "both"} for n in range(9)]}

    def post(data):
        return send(sim, "POST", "/v3/batch-analysis", body=json.dumps(data),
                    headers={"Content-Type": "application/json"})

    reply = post(asked)
    assert [row["url"] for row in reply.json["targets"]] == [
        target["url"] for target in asked["targets"]]
    assert reply.cost("total-actual") == 9 * 12 == sim.bill(KEY)
    assert reply.headers["x-api-rows"] == "9" and reply.headers["x-api-cache"] == "no_cache"
    for bad in ({}, [], {"select": [], "targets": []}, {"select": 1, "targets": 1},
                {**asked, "select": ["nope"]}, {**asked, "targets": [{"url": "x.example"}]},
                {**asked, "targets": ["x.example"]}):
        assert post(bad).status == 400
    assert sim.bill(KEY) == 108


def test_endpoints_without_a_table(sim):
    for name, member in [("broken-backlinks", "backlinks"), ("top-pages", "pages"),
                         ("metrics-history", "metrics")]:
        reply = ask(sim, endpoint=f"site-explorer/{name}", select="a,b", order_by="c:desc")
        assert len(reply.json[member]) == 5 and list(reply.json[member][0]) == ["a", "b"]
        assert reply.cost("total") == 50
    assert ask(sim, endpoint="site-explorer/top-pages", select=None).status == 400
    assert set(ask(sim, endpoint="site-explorer/metrics").json) == {"metrics"}
    assert sim.bill(KEY) == 200


@pytest.mark.parametrize("endpoint, params", [
    ("broken-backlinks", {
        "select": "title,url_from,url_to,traffic_domain", "limit": 50, "mode": "prefix",
        "order_by": "domain_rating_source:desc,traffic_domain:desc", "where": {"and": [
            field("domain_rating_source", "gte", 29.5), field("traffic_domain", "gte", 500),
            field("links_external", "lte", 300)]}}),
    ("top-pages", {
        "select": "url,sum_traffic,top_keyword", "order_by": "sum_traffic", "date": "2024-02-20",
        "limit": 200, "mode": "prefix", "where": {"and": [field("sum_traffic", "gt", 0)]}}),
    ("all-backlinks", {
        "select": "title,url_from,url_to", "limit": 200, "mode": "prefix", "aggregation": None,
        "order_by": "domain_rating_source:desc,traffic_domain:desc", "where": {"and": [
            field("domain_rating_source", "gte", 29.5), field("traffic_domain", "gte", 500),
            field("links_external", "lte", 300)]}}),
    ("metrics-history", {
        "select": None, "date_from": "2024-01-01", "date_to": "2024-02-01",
        "history_grouping": "weekly", "volume_mode": "average", "mode": "prefix"}),
    ("organic-keywords", {
        "select": "keyword,keyword_country,language,sum_traffic,volume,best_position,"
                  "best_position_url,cpc,last_update,is_branded,is_navigational,is_informational,"
                  "is_commercial,is_transactional,serp_features",
        "country": "us", "date": "2024-02-20", "order_by": "sum_traffic:desc", "limit": 100,
        "mode": "prefix", "where": {"and": [
            field("is_branded", "eq", 0), {"or": [field("keyword", "iphrase_match", "Best")]}]}}),
    ("paid-pages", {
        "select": "url,top_keyword,top_keyword_best_position_title,top_keyword_country,"
                  "top_keyword_volume,sum_traffic,value", "date": "2024-02-20", "mode": "exact",
        "order_by": "sum_traffic:desc", "limit": 200}),
    ("metrics", {"select": None, "date": "2024-02-20"}),
    ("metrics-by-country", {"select": None, "date": "2024-02-20"}),
])
def test_what_an_integrator_asks(sim, endpoint, params):
    reply = ask(sim, "rows-300.example/", endpoint=f"site-explorer/{endpoint}", output="json",
                **params)
    assert reply.status == 200 and int(reply.headers["x-api-rows"]) > 0
    assert reply.cost("total-actual") == sim.bill(KEY) >= 50


def test_gzip_when_accepted(sim):
    packed = ask(sim, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == ask(sim, headers={}).body


def test_huge_answers(sim):
    reply = ask(sim, "huge-30000.example", limit=30000, order_by="first_seen_link:asc")
    assert len(reply.rows) == 30000 and reply.headers["x-api-cache"] == "no_cache"


# Controls and faults


def test_records_and_bills(sim):
    ask(sim)
    ask(sim, key=OTHER)
    record, other = sim.requests
    assert (record["token"], record["endpoint"], record["status"], record["results"],
            record["units"], record["cache"], record["completed"]) == (
        KEY, BACKLINKS_PATH, 200, 5, 50, "miss", True)
    assert record["params"]["target"] == "rows-5.example" and other["units"] == 0
    sim.reset()
    assert sim.bills() == {} and sim.requests == []


def test_direct_asks_without_a_trace(sim):
    params = {"target": "rows-5.example", "select": "url_from", "aggregation": "all"}
    body, rows, units = sim.direct(params)
    assert (rows, units, sim.requests, sim.bills()) == (5, 50, [], {})
    assert ask(sim).body == body
    with pytest.raises(v3.Refused) as error:
        sim.direct({**params, "select": "x"})
    assert error.value.status == 400
    assert json.loads(sim.direct({**params, "date": "2024-01-01", "select": "keyword"},
                                 "site-explorer/organic-keywords")[0])["keywords"]


@pytest.mark.parametrize("kind", ["cut", "garbage", "truncate"])
def test_an_error_may_be_damaged_as_well(sim, kind):
    """And what is asked next on its connection is answered."""
    sim.fault(kind, after=10)
    connection = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=5)
    try:
        connection.request("GET", "/v3/no-such", headers={"Authorization": f"Bearer {KEY}"})
        reply = connection.getresponse()
        assert reply.status == 404 and (kind == "cut" or reply.read())
    finally:
        connection.close()
    assert ask(sim).status == 200


@pytest.mark.parametrize("kind, options", [
    ("cut", {}), ("truncate", {}), ("garbage", {}), ("no_costs", {}), ("costs", {}), ("rows", {}),
    ("no_rows", {}), ("null_rows", {}), ("more", {}), ("late_error", {}), ("twice", {}),
    ("deep", {}), ("bad_utf8", {}), ("bom", {}), ("trailing", {}), ("no_type", {}), ("body", {}),
    ("long_head", {"size": 1000}), ("slow", {"size": 100, "pause": 0}), ("bad_gzip", {}),
    ("content_length", {}), ("delay", {"seconds": 0}),
])
def test_what_is_damaged_costs_all_and_is_whole_in_the_cache(sim, kind, options):
    fault = sim.fault(kind, **options)
    try:
        ask(sim, "rows-70.example")
    except (http.client.HTTPException, ConnectionError):
        pass
    assert fault.hits == 1 and sim.bill(KEY) == 70
    again = ask(sim, "rows-70.example")
    assert len(again.rows) == 70 and again.headers["x-api-cache"] == "hit"


@pytest.mark.parametrize("kind, options, status", [
    ("status", {"code": 503}, 503), ("html", {}, 200), ("redirect", {}, 302), ("throttle", {}, 429),
    ("error", {}, 500), ("pair", {"code": 401, "text": "Unauthorized"}, 401),
    ("error", {"code": 403, "text": "Exported rows limit reached"}, 403),
])
def test_what_is_replaced_is_free(sim, kind, options, status):
    sim.fault(kind, **options)
    assert ask(sim).status == status and sim.bill(KEY) == 0
    again = ask(sim)
    assert again.status == 200 and again.headers["x-api-cache"] == "miss"


def test_what_faults_look_like(sim):
    def struck(kind, **options):
        sim.fault(kind, **options)
        sim.forget_cache()
        return ask(sim)

    assert struck("error", text="x").json == {"error": "x"}
    assert struck("pair", text="x").json == ["Error", "x"]
    assert struck("throttle", retry_after=7).headers["Retry-After"] == "7"
    assert "Retry-After" not in struck("throttle").headers
    assert not [name for name in struck("no_costs").headers if name.startswith("x-api")]
    some = struck("no_costs", names=["x-api-units-cost-total-actual"]).headers
    assert "x-api-units-cost-total" in some and "x-api-units-cost-total-actual" not in some
    assert struck("costs", value=7).cost("total-actual") == 7
    assert struck("rows", by=2).headers["x-api-rows"] == "7"
    assert struck("null_rows").json == {"backlinks": None}
    assert len(struck("more", by=2).rows) == 7
    assert struck("late_error", text="late").json["error"] == "late"
    assert struck("twice").json["backlinks"] == []


def test_faults_choose_their_requests(sim):
    sim.fault("error", match={"endpoint": BACKLINKS_PATH, "target": "rows-6.example"})
    fault = sim.fault("error", times=None,
                      match=lambda params: params["target"] == "rows-7.example")
    assert ask(sim).status == 200
    assert ask(sim, "rows-6.example").status == 500 and ask(sim, "rows-6.example").status == 200
    assert ask(sim, "rows-7.example").status == ask(sim, "rows-7.example").status == 500
    assert fault.hits == 2
    sim.clear_faults()
    sim.fault("error", times=None)
    assert limits(sim)["units_usage_api_key"] == 100, "which a proxy may ask at any time"


def test_answers_wait_for_a_release(sim):
    from .test_ahrefs import in_background
    sim.hold()
    thread = in_background(ask, sim)
    sim.wait_for(lambda it: it.held == 1)
    assert sim.bill(KEY) == 0
    sim.release()
    thread.join()
    assert sim.bill(KEY) == 50


def test_controls_over_http(sim):
    def control(method, name, data=None):
        reply = send(sim, method, "/_sim/" + name, key=None, body=data and json.dumps(data))
        assert reply.status == 200, reply.body
        return reply.json

    control("POST", "fault", {"kind": "throttle", "retry_after": 3})
    assert ask(sim).status == 429 and ask(sim).status == 200
    assert control("GET", "bill") == {KEY: 50}
    assert [record["units"] for record in control("GET", "requests")] == [0, 50]
    assert control("POST", "readings", {"empty_price": "free"})["empty_price"] == "free"
    assert ask(sim, "rows-0.example").cost("total") == 0
    assert ask(sim).headers["x-api-cache"] == "hit"
    control("POST", "forget")
    assert ask(sim).headers["x-api-cache"] == "miss"
    control("POST", "change")
    control("POST", "clear")
    control("POST", "release")
    control("POST", "reset")
    assert control("GET", "bill") == {}
    assert send(sim, "POST", "/_sim/fault", key=None, body='{"kind":"count"}').status == 400


def test_it_runs_on_its_own():
    command = [sys.executable, "-m", "ahrefs", "--api", "v3", "--token", KEY, "--plan", "Lite",
               "--units-limit", "500", "--today", "2026-11-26"]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            url = process.stdout.readline().split()[-1]
            assert url.endswith("/v3")
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
            connection.request("GET", "/v3/subscription-info/limits-and-usage", None,
                               {"Authorization": f"Bearer {KEY}"})
            said = json.loads(connection.getresponse().read())["limits_and_usage"]
            assert (said["subscription"], said["units_limit_workspace"]) == (
                "Lite, billed monthly", 500)
            connection.close()
        finally:
            process.terminate()
        assert process.wait(5) == 0
