"""The front for tools that speak v3: what they send to Ahrefs they may send here."""

import gzip
import json
import re
from urllib.parse import quote, urlencode

import pytest

from ahrefs import v3 as ahrefs3
from daemon import TOKEN, eventually, question, wait_until_held
from v3 import (
    BACKLINKS, BATCH, CACHED, HOUSE_KEY, KEY, KEYWORDS, LEAST, LIMITS, NO_CACHE, OTHER_KEY, V3,
    bearer, call, field, is_paid, limits, paid, params, path, rows_of, send, simulator, start_call,
    truth,
)
from wire import BYPASS, COLLAPSED, MISS, wish

JSON = {"Content-Type": "application/json"}
DAY_OF_KEYWORDS = "2026-02-01"
FILTER = {"and": [field("domain_rating_source", "gte", 24.5), field("is_nofollow", "eq", False),
                  {"or": [field("anchor", "isubstring", "home"), field("links_external", "lt", 50)]}]}
ROWS_200 = 200 * 3  # units for 200 rows of three columns


def keywords(**given) -> dict:
    return {"endpoint": KEYWORDS, "date": DAY_OF_KEYWORDS, "aggregation": None,
            "select": "keyword,best_position", **given}


def is_silent(reply) -> bool:
    """True if rowcache says that it would have to ask."""
    return reply.status == 504 and list(reply.json) == ["error"]


# Hits and misses


def test_a_miss_is_forwarded_and_then_it_is_a_hit(sim3, rowcache3):
    daemon = rowcache3()
    first = call(daemon, "rows-200.example")
    rows, price = truth(sim3, "rows-200.example")
    assert first.status == 200 and first.miss and rows_of(first.json) == rows
    assert list(first.json) == ["backlinks"]
    assert first.headers["Content-Type"].startswith("application/json")
    assert (first.units_spent, first.units_saved) == (price, 0) == (ROWS_200, 0)
    assert first.api("rows") == "200" and first.api("cache") == "miss"
    assert first.api("units-cost-total") == first.api("units-cost-total-actual") == str(price)

    second = call(daemon, "rows-200.example")
    assert second.status == 200 and second.hit and second.body == first.body
    assert 86000 < second.ttl <= 86400 and int(second.headers["Age"]) == 86400 - second.ttl
    assert (second.units_spent, second.units_saved) == (0, price)
    assert second.api("rows") == "200" and second.api("cache") == "hit"
    assert second.api("units-cost-total") == str(price)
    assert second.api("units-cost-total-actual") == "0"
    assert second.headers["Content-Type"] == first.headers["Content-Type"]

    assert sim3.bill(KEY) == price == daemon.account["units_spent"]
    assert not [name for reply in (first, second) for name in reply.headers if "-Rows-" in name]


def test_who_asks_does_not_matter_to_the_cache(sim3, rowcache3):
    daemon = rowcache3()
    assert call(daemon).miss and call(daemon, key=OTHER_KEY).hit
    assert sim3.bills() == {KEY: LEAST}


def test_the_body_is_that_of_ahrefs_to_the_byte(sim3, rowcache3):
    daemon = rowcache3()
    asked = params("rows-37.example", select="url_from,domain_rating_source,languages,last_seen")
    body, *_ = sim3.direct(asked)
    for _ in range(2):
        reply = send(daemon, f"/v3/{BACKLINKS}?{urlencode(asked)}")
        assert json.loads(reply.body) == json.loads(body)
        assert re.findall(rb'source":([0-9.]+)', reply.body) == re.findall(
            rb'source":([0-9.]+)', body), "18 stays 18, and 4.9 is 4.9"


def test_an_answer_without_rows_is_kept_like_any_other(sim3, rowcache3):
    daemon = rowcache3()
    assert call(daemon, "rows-0.example").miss
    reply = call(daemon, "rows-0.example")
    assert reply.hit and reply.json == {"backlinks": []} and reply.api("rows") == "0"
    assert len(paid(sim3)) == 1 and daemon.account["units_spent"] == sim3.bill(KEY)


def test_the_account_is_in_units_and_rows_stay_apart(sim3, rowcache3):
    daemon = rowcache3()
    daemon.register("alice", KEY)
    for _ in range(2):
        call(daemon, "rows-200.example")
    eventually(lambda: daemon.account["hits"] == 1)
    expected = {"requests": 2, "hits": 1, "misses": 1, "results": 200, "units_spent": ROWS_200,
                "units_unknown": 0, "units_saved": ROWS_200, "rows_spent": 0, "rows_saved": 0}
    assert expected.items() <= daemon.account.items()
    assert expected.items() <= daemon.accounts["alice"].items()
    for by in ("day", "target"):
        line, = daemon.spend({"by": by})[by + "s"]
        assert int(line["units_spent"]) == ROWS_200
    metrics = daemon.metrics()
    assert metrics.value("rowcache_units_spent_total", token="alice") == ROWS_200
    assert metrics.value("rowcache_units_saved_total", token="alice") == ROWS_200
    assert metrics.types["rowcache_units_spent_total"] == "counter"
    assert metrics.value("rowcache_rows_spent_total") == 0
    table = daemon.ctl_text("spend")
    assert str(ROWS_200) in table.replace(",", "") and f"{ROWS_200}.0" not in table


def test_a_hit_at_ahrefs_costs_nothing_and_is_booked_so(sim3, rowcache3):
    daemon = rowcache3()
    call(daemon, "rows-200.example")
    reply = call(daemon, "rows-200.example", headers=NO_CACHE)
    assert reply.cache == "rowcache; fwd=request; stored"
    assert paid(sim3)[-1]["cache"] == "hit", "one canonical spelling is sent"
    assert reply.units_spent == 0 and reply.api("units-cost-total-actual") == "0"
    assert reply.api("units-cost-total") == str(ROWS_200)
    assert daemon.account["units_spent"] == sim3.bill(KEY) == ROWS_200


def test_a_free_target_costs_nothing(sim3, rowcache3):
    daemon = rowcache3()
    reply = call(daemon, "ahrefs.com", limit=100)
    assert reply.status == 200 and reply.units_spent == 0 and sim3.bills() == {}
    assert daemon.account["units_spent"] == daemon.account["units_unknown"] == 0


@pytest.mark.parametrize("headers", [["x-api-units-cost-total-actual"], None],
                         ids=["the charge", "all of them"])
def test_without_its_header_a_charge_is_booked_at_the_most(sim3, rowcache3, headers):
    daemon = rowcache3()
    sim3.fault("no_costs", names=headers)
    assert call(daemon, "rows-20.example", limit=60).status == 200
    account = daemon.account
    assert account["units_spent"] == account["units_unknown"] == 60 * 3 >= sim3.bill(KEY)


@pytest.mark.parametrize("value", ["many", "-1", "1.5", "", "99999999999999999999"])
def test_a_charge_that_is_no_number_is_booked_at_the_most(sim3, rowcache3, value):
    daemon = rowcache3()
    sim3.fault("costs", value=value)
    call(daemon, "rows-20.example", limit=60)
    account = daemon.account
    assert account["units_spent"] == account["units_unknown"] == 60 * 3


def test_compression_is_between_each_client_and_rowcache(sim3, rowcache3):
    daemon = rowcache3()
    expected, _ = truth(sim3, "rows-200.example")
    for _ in range(2):
        reply = call(daemon, "rows-200.example", headers={"Accept-Encoding": "gzip"})
        packed = reply.headers.get("Content-Encoding") == "gzip"
        assert not packed or "Accept-Encoding" in reply.headers["Vary"]
        body = gzip.decompress(reply.body) if packed else reply.body
        assert rows_of(json.loads(body)) == expected
        assert rows_of(call(daemon, "rows-200.example").json) == expected


def test_a_connection_is_kept_for_calls_and_questions(rowcache3):
    with rowcache3().client() as client:
        for number in (3, 4, 3, 4):
            reply = client.ask("GET", path(f"rows-{number}.example"), headers=bearer(KEY))
            assert reply.api("rows") == str(number)
        sock = client.connection.sock
        assert client.ask("GET", "/v3/", headers=bearer(KEY)).status == 404
        assert client.ask("GET", path("rows-3.example"), headers=bearer(KEY)).hit
        assert client.connection.sock is sock


# Keys


def respelled(name, value):
    """A pair in an encoding that only a determined client uses."""
    return f"{name}=" + "".join(f"%{byte:02x}" for byte in value.encode())


def test_the_same_call_in_other_spellings_is_a_hit(sim3, rowcache3):
    daemon = rowcache3()
    asked = params("rows-90.example", where=FILTER, order_by="domain_rating_source:desc", limit=50)
    plain = list(asked.items())
    spelled = [
        "&".join(f"{name}={quote(value)}" for name, value in plain),
        urlencode(plain),
        urlencode(plain[::-1]),
        "&".join(respelled(*pair) for pair in plain),
        urlencode([*plain, ("mode", "subdomains"), ("history", "all_time")]),
        urlencode([*plain, ("output", "json"), ("protocol", "both")]),
        urlencode({**asked, "select": "anchor,url_to,url_from"}),
        urlencode({**asked, "where": json.dumps(FILTER, separators=(",", ":"))}),
        urlencode({**asked, "where": json.dumps(FILTER, indent=3, sort_keys=True)}),
        urlencode({**asked, "where": json.dumps({"and": FILTER["and"][::-1]})}),
        urlencode({**asked, "where": json.dumps(turned(FILTER))}),
        urlencode({**asked, "where": json.dumps(FILTER).replace("home", "\\u0068ome")}),
    ]
    replies = [send(daemon, f"/v3/{BACKLINKS}?{query}") for query in spelled]
    assert replies[0].miss
    for query, reply in zip(spelled[1:], replies[1:]):
        assert reply.hit, f"{query} got {reply.cache}"
        assert reply.json == replies[0].json
    assert len(paid(sim3)) == 1


def turned(tree):
    """A filter with the members of its objects and the parts of its lists the other way round."""
    if isinstance(tree, dict):
        return {name: turned_list(value) if name in ("and", "or") else turned(value)
                for name, value in reversed(tree.items())}
    return tree


def turned_list(parts):
    return [turned(part) for part in reversed(parts)]


@pytest.mark.parametrize("name, value", [
    ("limit", "1000"), ("aggregation", "similar_links"), ("mode", "subdomains"),
    ("history", "all_time"), ("protocol", "both"), ("output", "json")])
def test_a_default_may_be_said(rowcache3, name, value):
    daemon = rowcache3()
    assert call(daemon, "rows-30.example", aggregation=None).miss
    assert call(daemon, "rows-30.example", **{"aggregation": None, name: value}).hit


@pytest.mark.parametrize("one, other", [
    ({}, {"aggregation": None}),
    ({}, {"history": "live"}),
    ({}, {"mode": "exact"}),
    ({}, {"protocol": "https"}),
    ({}, {"select": "url_from,url_to,anchor,title"}),
    ({}, {"limit": 1001}),
    ({"order_by": "url_from:asc,anchor:desc"}, {"order_by": "anchor:desc,url_from:asc"}),
    ({"order_by": "url_from:asc"}, {"order_by": "url_from:desc"}),
    ({"where": {"and": FILTER["and"]}}, {"where": {"or": FILTER["and"]}}),
    ({"where": field("anchor", "eq", "Home")}, {"where": field("anchor", "eq", "home")}),
    ({"where": field("anchor", "eq", "a  b")}, {"where": field("anchor", "eq", "a b")}),
    ({}, {"timeout": 30}),
    ({}, {"volume_mode": "average"}),
    ({"output": "csv"}, {"output": "xml"}),
], ids=str)
def test_another_call_has_another_key(sim3, rowcache3, one, other):
    daemon = rowcache3("cache.derive=off")
    assert call(daemon, "rows-30.example", **one).miss
    assert call(daemon, "rows-30.example", **other).miss
    for given in (one, other):
        assert call(daemon, "rows-30.example", **given).hit
    assert len(paid(sim3)) == 2


def test_what_rowcache_does_not_know_is_passed_on_and_stays_in_the_key(sim3, rowcache3):
    daemon = rowcache3()
    assert call(daemon, "rows-30.example", limit=10, offset=10).miss
    assert call(daemon, "rows-30.example", limit=10, offset=20).miss
    assert call(daemon, "rows-30.example", offset=20, limit=10).hit
    assert [record["params"]["offset"] for record in paid(sim3)] == ["10", "20"]


def test_what_goes_upstream_is_what_the_client_asked(sim3, rowcache3):
    asked = params("https://shop.example/API/", mode="prefix", where=FILTER, limit=7,
                   order_by="anchor:asc,url_from:desc", history="since:2026-01-10", timeout=20)
    reply = send(rowcache3(), f"/v3/{BACKLINKS}?{urlencode(asked)}")
    sent, = paid(sim3)
    assert reply.status == 200 and sent["token"] == KEY and sent["method"] == "GET"
    told, wanted = dict(sent["params"]), dict(asked)
    assert sorted(told.pop("select").split(",")) == sorted(wanted.pop("select").split(","))
    assert told.pop("where") and wanted.pop("where")
    defaults = {"output": "json", "protocol": "both"}
    assert {**defaults, **told} == {**defaults, **wanted}
    body, *_ = sim3.direct(asked)
    assert reply.json == json.loads(body), "the filter means the same"


@pytest.mark.parametrize("where", [
    "not json", "[]", '{"and":1}', '{"field":"anchor"}', '{"field":"anchor","is":["like","x"]}',
    '{"field":"anchor","is":["eq","\\ud800"]}', "{" * 3000, '{"a":1,"a":2}', '{"field":"x","is":["eq",1e999]}',
])
def test_a_filter_that_rowcache_cannot_read_is_upstreams_business(sim3, rowcache3, where):
    """It may be one that Ahrefs knows."""
    reply = call(rowcache3(), where=where)
    sent, = paid(sim3)
    assert sent["params"]["where"] == where and reply.status == sent["status"]


@pytest.mark.parametrize("query", ["limit=5&limit=6", "select=url_from&select=anchor",
                                   "target=a.example&target=b.example"])
def test_what_is_said_twice_in_two_ways_is_refused(sim3, rowcache3, query):
    reply = send(rowcache3(), f"{path()}&{query}")
    assert reply.status == 400 and list(reply.json) == ["error"] and paid(sim3) == []


# Other endpoints and methods


def test_an_endpoint_of_another_shape(sim3, rowcache3):
    daemon = rowcache3()
    for expected in ("miss", "hit"):
        reply = call(daemon, "rows-40.example", **keywords(order_by="best_position:asc"))
        assert getattr(reply, expected) and list(reply.json) == ["keywords"]
        assert len(rows_of(reply.json)) == 40 and reply.api("units-cost-total") == "80"
    assert sim3.bill(KEY) == daemon.account["units_spent"] == 80


@pytest.mark.parametrize("endpoint", ["site-explorer/refdomains", "site-explorer/top-pages",
                                      "site-explorer/metrics-history", "site-explorer/metrics"])
def test_an_endpoint_without_a_table_has_exact_hits(sim3, rowcache3, endpoint):
    daemon = rowcache3()
    given = {"endpoint": endpoint, "aggregation": None, "select": None, "date": DAY_OF_KEYWORDS}
    if "metrics" not in endpoint:
        given["select"] = "domain,links"
    first, second = (call(daemon, "rows-60.example", **given) for _ in range(2))
    assert first.miss and second.hit and first.json == second.json
    charged = sim3.bill(KEY)
    assert charged == first.units_spent == second.units_saved == daemon.account["units_spent"] > 0
    assert daemon.account["units_unknown"] == 0


def test_what_an_unknown_endpoint_costs_is_known_afterwards(sim3, rowcache3):
    """Between, it is reserved; without a header it is booked as what was reserved."""
    daemon = rowcache3("tariff.other_units=777")
    sim3.fault("no_costs")
    call(daemon, endpoint="site-explorer/refdomains", aggregation=None, select="domain")
    account = daemon.account
    assert account["units_spent"] == account["units_unknown"] == 777


def test_an_endpoint_that_ahrefs_does_not_have(sim3, rowcache3):
    daemon = rowcache3()
    for _ in range(2):
        reply = call(daemon, endpoint="site-explorer/no-such-thing")
        assert reply.status == 404 and "no-such-thing" in reply.error
    assert len(paid(sim3)) == 2 and daemon.account["units_spent"] == 0


def batch(*names):
    return json.dumps({"select": ["url", "backlinks", "refdomains"], "targets": [
        {"url": name, "mode": "domain", "protocol": "both"} for name in names]})


def test_a_post_is_forwarded_as_it_came_and_accounted(sim3, rowcache3):
    daemon = rowcache3()
    body = batch(*(f"site{number}.example" for number in range(20)))
    for _ in range(2):
        reply = send(daemon, f"/v3/{BATCH}", "POST", headers=JSON, body=body)
        assert reply.status == 200 and reply.cache == BYPASS and len(reply.json["targets"]) == 20
        assert reply.api("units-cost-total-actual") == "140"
    sent = paid(sim3)
    assert [record["body"] for record in sent] == [body.encode()] * 2
    assert {record["headers"]["content-type"] for record in sent} == {"application/json"}
    eventually(lambda: daemon.account["units_spent"] == sim3.bill(KEY) == 280)
    assert daemon.account["units_unknown"] == 0 and daemon.account["units_saved"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_upstreams_business(sim3, rowcache3, method):
    reply = call(rowcache3(), method=method)
    assert reply.status == 405 and list(reply.json) == ["error"]


def test_a_post_with_a_broken_body_is_ahrefs_error(sim3, rowcache3):
    reply = send(rowcache3(), f"/v3/{BATCH}", "POST", headers=JSON, body="{}")
    assert reply.status == 400 and "select" in reply.error and sim3.bills() == {}


@pytest.mark.parametrize("output", ["csv", "xml", "php"])
def test_other_formats_are_stored_as_they_came(sim3, rowcache3, output):
    daemon = rowcache3()
    body, _, price = sim3.direct(params("rows-37.example", output=output))
    first, second = (call(daemon, "rows-37.example", output=output) for _ in range(2))
    assert first.miss and second.hit and first.body == second.body
    assert len(first.body) == len(body)
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert first.units_spent == second.units_saved == price


# Who may ask


def test_without_a_key_it_is_401(sim3, rowcache3):
    daemon = rowcache3()
    call(daemon)
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"},
                    {"Authorization": "Bearer "}, {"Authorization": KEY}):
        reply = call(daemon, key=None, headers=headers)
        assert reply.status == 401 and list(reply.json) == ["error"], headers
    assert len(paid(sim3)) == 1


def test_a_key_that_ahrefs_refuses_sees_nothing(start):
    with simulator(keys=[KEY]) as sim:
        daemon = start(sim.url, *V3)
        call(daemon)
        for headers in ({}, CACHED, NO_CACHE, wish("max-stale")):
            for target in ("rows-5.example", "rows-6.example"):
                reply = call(daemon, target, key=OTHER_KEY, headers=headers)
                assert reply.status == 403 and list(reply.json) == ["error"]
                assert OTHER_KEY not in reply.error and "ETag" not in reply.headers
        assert sim.bills() == {KEY: LEAST} and call(daemon).hit
        assert daemon.stop() == 0


def test_bearer_is_no_matter_of_case(rowcache3):
    daemon = rowcache3()
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert call(daemon, key=None, headers={"Authorization": f"{scheme} {KEY}"}).status == 200


def test_a_key_is_checked_with_what_is_free(sim3, rowcache3):
    daemon = rowcache3()
    for number in range(3):
        call(daemon, f"rows-{number}.example")
    checks = [record for record in sim3.requests if record["endpoint"] == LIMITS]
    assert len(checks) <= 1 and sum(record["units"] for record in checks) == 0


def test_only_listed_keys(sim3, rowcache3):
    daemon = rowcache3("access.mode=listed")
    assert call(daemon).status == 403
    daemon.register("alice", KEY)
    assert call(daemon).miss and sim3.bill(KEY) == LEAST


def test_issued_tokens_spend_from_the_key_of_the_house(sim3, issuing3):
    daemon = issuing3()
    alice = daemon.issue()
    assert call(daemon, "rows-200.example", key=alice).miss
    assert call(daemon, "rows-200.example", key=KEY).hit
    assert sim3.bills() == {HOUSE_KEY: ROWS_200}
    assert daemon.accounts["alice"]["units_spent"] == ROWS_200
    daemon.ctl_text("token", "revoke", "alice")
    assert call(daemon, "rows-200.example", key=alice).status == 403


def test_with_v2_upstream_the_v3_front_says_why_it_is_not_there(rowcache):
    daemon = rowcache()
    for key in (TOKEN, None):
        for method in ("GET", "POST"):
            reply = call(daemon, key=key, method=method)
            assert reply.status == 404 and "upstream.api" in reply.error
            assert list(reply.json) == ["error"]


@pytest.mark.parametrize("what", ["/v3", "/v3/", "/v4/site-explorer/all-backlinks",
                                  "/site-explorer/all-backlinks", "/v3/../v3/x", "/v3//x"])
def test_other_paths_are_not_found(sim3, rowcache3, what):
    reply = send(rowcache3(), what)
    assert reply.status in (400, 404) and list(reply.json) == ["error"] and sim3.bills() == {}


# Limits and usage


def test_an_own_key_is_told_what_ahrefs_tells(start):
    workspace = ahrefs3.Workspace("Standard", units_limit=400000, units_used=5700)
    with simulator(workspace=workspace) as sim:
        daemon = start(sim.url, *V3)
        call(daemon)
        told = limits(daemon)
        assert told["subscription"] == "Standard, billed monthly"
        assert (told["units_limit_workspace"], told["units_usage_workspace"]) == (400000, 5750)
        assert sim.bills() == {KEY: LEAST} and daemon.account["units_spent"] == LEAST
        assert daemon.stop() == 0


def test_an_issued_token_is_told_its_own_budget_and_spending(sim3, issuing3):
    daemon = issuing3()
    alice = daemon.issue("alice", "--budget", "1000", "--per", "month")
    bob = daemon.issue("bob")
    assert call(daemon, "rows-200.example", limit=200, key=alice).miss
    told = limits(daemon, alice)
    assert (told["units_limit_api_key"], told["units_usage_api_key"]) == (1000, ROWS_200)
    told = limits(daemon, bob)
    assert (told["units_limit_api_key"], told["units_usage_api_key"]) == (None, 0)
    daemon.get(question("rows-0.example", token=bob))
    info = daemon.get({"token": alice, "from": "subscription_info"}).json["info"]
    assert (info["rows_limit"], info["rows_left"]) == (1000, 400)
    assert sim3.bill(HOUSE_KEY) == daemon.account["units_spent"]


def test_limits_and_usage_costs_nothing_and_needs_a_key(sim3, issuing3):
    daemon = issuing3()
    assert send(daemon, "/v3/" + LIMITS, key=None).status == 401
    alice = daemon.issue("alice", "--budget", "60", "--per", "total")
    call(daemon, limit=5, key=alice)
    for _ in range(3):
        assert limits(daemon, alice)["units_usage_api_key"] == LEAST
    daemon.ctl_text("token", "revoke", "alice")
    assert send(daemon, "/v3/" + LIMITS, key=alice).status == 403


# HEAD, ETag, Cache-Control


MOVING = ("Date", "Age", "Cache-Status", "X-Request-Id")


def steady(reply) -> dict:
    return {name: value for name, value in reply.headers.items() if name not in MOVING}


def test_head_has_the_headers_of_get_and_never_spends(sim3, rowcache3):
    daemon = rowcache3()
    reply = call(daemon, method="HEAD")
    assert reply.status == 504 and reply.body == b"" and paid(sim3) == []
    call(daemon)
    get, head = call(daemon), call(daemon, method="HEAD")
    assert head.status == 200 and head.body == b"" and steady(head) == steady(get)
    for headers in (NO_CACHE, wish("no-store")):
        call(daemon, method="HEAD", headers=headers)
    assert len(paid(sim3)) == 1


def test_what_a_client_has_it_is_not_sent_again(sim3, rowcache3):
    daemon = rowcache3()
    call(daemon)
    tag = call(daemon).headers["ETag"]
    again = call(daemon, headers={"If-None-Match": tag})
    assert tag.startswith('"') and again.status == 304 and again.body == b""
    assert again.headers["ETag"] == tag and again.units_spent == 0
    assert call(daemon, headers={"If-None-Match": '"other"'}).status == 200
    sim3.forget_cache()
    sim3.change_world()
    assert call(daemon, headers=NO_CACHE).status == 200
    assert call(daemon, headers={"If-None-Match": tag}).status == 200


def test_only_if_cached_is_504_where_it_would_be_a_miss(sim3, rowcache3):
    daemon = rowcache3()
    assert is_silent(call(daemon, headers=CACHED)) and paid(sim3) == []
    call(daemon)
    assert call(daemon, headers=CACHED).hit


def test_no_store_is_not_stored(sim3, rowcache3):
    daemon = rowcache3()
    for _ in range(2):
        reply = call(daemon, headers=wish("no-store"))
        assert reply.status == 200 and "stored" not in reply.cache and not reply.hit
    assert len(paid(sim3)) == 2 and daemon.metrics().value("rowcache_cache_entries") == 0


@pytest.mark.parametrize("text, answered", [
    ("min-fresh=1800", True), ("min-fresh=1801", False), ("max-age=1800", True),
    ("max-age=1799", False), ("max-age=1799, max-stale", False), ("no-cache", False)])
def test_a_hit_is_as_old_as_its_answer(driven3, clock, text, answered):
    daemon = driven3("cache.ttl=1h")
    call(daemon)
    clock.go_on(minutes=30)
    reply = call(daemon, headers=wish(text + ", only-if-cached"))
    assert reply.hit == answered
    assert not answered or (reply.headers["Age"], reply.ttl) == ("1800", 1800)


def test_what_is_too_old_is_asked_anew(sim3, driven3, clock):
    daemon = driven3("cache.ttl=1h")
    call(daemon)
    clock.go_on(hours=2)
    sim3.forget_cache()
    assert is_silent(call(daemon, headers=CACHED))
    assert call(daemon, headers=wish("only-if-cached, max-stale")).stale
    reply = call(daemon)
    assert reply.cache == "rowcache; fwd=stale; stored" and reply.units_spent == LEAST
    assert call(daemon).hit and len(paid(sim3)) == 2


@pytest.mark.parametrize("kind, options", [
    ("error", {}), ("pair", {}), ("status", {"code": 503}), ("refuse", {}), ("html", {}),
    ("cut", {"after": 10}), ("garbage", {"after": 10})])
def test_when_upstream_fails_the_old_is_served(sim3, driven3, clock, kind, options):
    daemon = driven3("cache.ttl=1h")
    first = call(daemon)
    clock.go_on(hours=2)
    sim3.forget_cache()
    sim3.fault(kind, times=None, **options)
    reply = call(daemon)
    assert reply.status == 200 and reply.stale and reply.body == first.body
    assert reply.api("cache") == "hit" and reply.api("units-cost-total-actual") == "0"
    clock.go_on(days=8)
    assert call(daemon).status >= 500 or not call(daemon).whole


# Errors


@pytest.mark.parametrize("given, status", [
    ({"select": "nope"}, 400), ({"where": field("nope", "eq", 1)}, 400), ({"select": None}, 400),
    ({"history": "since:yesterday"}, 400), ({"order_by": "nope:asc"}, 400), ({"limit": 0}, 400),
    ({"target": None}, 400)], ids=str)
def test_errors_of_ahrefs_are_relayed_and_never_stored(sim3, rowcache3, given, status):
    daemon = rowcache3()
    for _ in range(2):
        reply = call(daemon, **{"target": "rows-5.example", **given})
        assert reply.status == status and list(reply.json) == ["error"]
        assert "stored" not in reply.cache and not reply.hit
    assert daemon.account["units_spent"] == 0 == daemon.account["units_unknown"]
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    if len(paid(sim3)) == 2:  # what rowcache itself refuses, it has not asked
        assert f"fwd-status={status}" in reply.cache


@pytest.mark.parametrize("kind, code, body", [
    ("error", 500, {"error": "internal error"}), ("pair", 500, ["Error", "Internal"]),
    ("error", 400, {"error": "internal error"}), ("error", 404, {"error": "internal error"}),
    ("pair", 403, ["Error", "Internal"])])
def test_both_shapes_of_an_error_are_relayed_with_their_status(sim3, rowcache3, kind, code, body):
    daemon = rowcache3()
    sim3.fault(kind, code=code)
    reply = call(daemon)
    assert reply.status == code and reply.json == body and f"fwd-status={code}" in reply.cache
    assert daemon.account["units_spent"] == 0
    assert call(daemon).miss, "nothing was stored"


def test_too_few_units_are_relayed(start):
    with simulator(workspace=ahrefs3.Workspace("Standard", units_limit=100)) as sim:
        daemon = start(sim.url, *V3)
        reply = call(daemon, "rows-200.example", limit=200)
        assert reply.status == 403 and "Expected usage: 600" in reply.error
        assert call(daemon, "rows-200.example", limit=33).miss, "a smaller limit may pass"
        assert daemon.account["units_spent"] == sim.bill(KEY) == 99
        assert daemon.stop() == 0


@pytest.mark.parametrize("kind, options", [
    ("cut", {"after": 500}), ("garbage", {"after": 500}), ("truncate", {"after": 500}),
    ("late_error", {}), ("bad_gzip", {}), ("trailing", {"data": "{}"}), ("content_length", {}),
    ("html", {}), ("body", {"data": ""}), ("body", {"data": "null"}), ("no_rows", {}),
    ("twice", {}), ("bad_utf8", {})])
def test_what_is_broken_is_not_stored_and_not_forgotten(sim3, rowcache3, kind, options):
    daemon = rowcache3()
    sim3.fault(kind, **options)
    reply = call(daemon, "rows-200.example", limit=200)
    assert reply.status >= 500 or not reply.whole or "stored" not in reply.cache, reply
    assert is_silent(call(daemon, "rows-200.example", limit=200, headers=CACHED))
    eventually(lambda: sim3.in_flight == 0)
    account = daemon.account
    assert account["units_spent"] - account["units_unknown"] <= sim3.bill(KEY)
    assert sim3.bill(KEY) <= account["units_spent"] <= ROWS_200


# Many at once


@pytest.mark.concurrent
def test_thirty_who_ask_the_same_at_once_pay_once(sim3, rowcache3):
    daemon = rowcache3()
    sim3.hold(match=is_paid)
    before = daemon.open_files
    clients = [start_call(daemon, "rows-200.example") for _ in range(30)]
    wait_until_held(sim3)
    eventually(lambda: daemon.open_files >= before + 30)
    sim3.release()
    replies = [client.receive() for client in clients]
    for client in clients:
        client.close()
    assert len(paid(sim3)) == 1 and sim3.bill(KEY) == ROWS_200
    assert all(reply.json == replies[0].json and reply.api("rows") == "200" for reply in replies)
    assert sum(reply.cache == MISS for reply in replies) == 1
    for reply in replies:
        assert reply.miss or (reply.cache == COLLAPSED or reply.hit) and reply.units_saved == ROWS_200
    eventually(lambda: daemon.account["requests"] == 30)
    account = daemon.account
    assert (account["units_spent"], account["units_saved"]) == (ROWS_200, 29 * ROWS_200)


# Budgets


def test_a_budget_is_in_units(sim3, issuing3):
    daemon = issuing3()
    alice = daemon.issue("alice", "--budget", "300", "--per", "month")
    ask = lambda limit: call(daemon, "rows-200.example", limit=limit, key=alice)
    reply = ask(101)
    assert reply.status == 402 and list(reply.json) == ["error"]
    assert "300" in reply.error and "303" in reply.error and int(reply.headers["Retry-After"]) > 0
    assert paid(sim3) == []
    assert ask(100).miss and sim3.bill(HOUSE_KEY) == 300
    assert ask(99).status in (402, 200) and sim3.bill(HOUSE_KEY) == 300
    assert ask(100).hit
    assert limits(daemon, alice)["units_usage_api_key"] == 300
    assert call(daemon, "rows-5.example", limit=1, key=alice).status == 402, "50 at least"


def test_a_budget_for_all_time_has_no_retry_after(issuing3):
    daemon = issuing3()
    alice = daemon.issue("alice", "--budget", "49", "--per", "total")
    reply = call(daemon, limit=1, key=alice)
    assert reply.status == 402 and "Retry-After" not in reply.headers


def test_what_does_not_fit_is_answered_stale(sim3, issuing3, clock):
    daemon = issuing3("cache.ttl=1h", **clock.drives())
    alice = daemon.issue("alice", "--budget", "60", "--per", "total")
    assert call(daemon, limit=10, key=alice).miss
    clock.go_on(hours=2)
    assert call(daemon, limit=10, key=alice).stale and sim3.bill(HOUSE_KEY) == LEAST


def test_a_post_and_an_unknown_endpoint_are_held_to_a_budget(sim3, issuing3):
    daemon = issuing3("tariff.other_units=5000")
    alice = daemon.issue("alice", "--budget", "4999", "--per", "total")
    unknown = {"endpoint": "site-explorer/refdomains", "select": "domain", "aggregation": None}
    assert call(daemon, key=alice, **unknown).status == 402
    assert send(daemon, f"/v3/{BATCH}", "POST", alice, JSON, batch("a.example")).status == 402
    assert paid(sim3) == []
    daemon.ctl_text("token", "budget", "alice", "5000", "--per", "total")
    assert call(daemon, key=alice, **unknown).miss
    assert limits(daemon, alice)["units_usage_api_key"] == sim3.bill(HOUSE_KEY) == LEAST


# The admin side


def test_explain_says_what_a_call_would_be(sim3, rowcache3):
    daemon = rowcache3()
    asked = path("rows-200.example", limit=300)
    told = daemon.ctl_json("explain", asked)
    assert told["outcome"] == "miss" and (int(told["least"]), int(told["most"])) == (50, 900)
    assert told["status"] == 401 and "Authorization: Bearer" in told["error"]
    assert sim3.requests == []
    call(daemon, "rows-200.example", limit=300)
    told = daemon.ctl_json("explain", asked)
    assert told["outcome"] == "hit" and int(told["most"]) == 0
    entry, = daemon.admin_json("/api/cache")["entries"]
    assert told["key"] == entry["key"]
    escaped = "".join(f"%{ord(letter):02X}" for letter in KEY)
    told = daemon.admin_json(f"/api/explain?{asked}&token={escaped}")
    assert told["token"] == "admitted" and told["outcome"] == "hit"


def test_the_cache_is_listed_and_purged(sim3, rowcache3):
    daemon = rowcache3()
    for target in ("rows-5.example", "rows-6.example"):
        call(daemon, target)
    call(daemon, "rows-5.example", **keywords())
    entries = daemon.ctl_json("cache", "list")["entries"]
    assert len(entries) == 3 and KEY not in json.dumps(entries)
    shown = json.dumps(entries)
    assert BACKLINKS in shown and KEYWORDS in shown
    daemon.ctl_text("cache", "purge", "--target", "rows-5.example")
    assert is_silent(call(daemon, headers=CACHED))
    assert is_silent(call(daemon, headers=CACHED, **keywords()))
    assert call(daemon, "rows-6.example").hit
    left, = daemon.ctl_json("cache", "list")["entries"]
    daemon.ctl_text("cache", "purge", "--key", left["key"])
    assert is_silent(call(daemon, "rows-6.example", headers=CACHED))


def test_the_admin_side_tells_what_became_of_a_call(rowcache3):
    daemon = rowcache3("server.log_requests=all")
    miss, hit = call(daemon, "rows-200.example"), call(daemon, "rows-200.example")
    assert int(daemon.request(miss)["units_spent"]) == ROWS_200
    eventually(lambda: daemon.request(miss)["outcome"] == "miss")
    eventually(lambda: daemon.request(hit)["outcome"] == "hit")
    line = daemon.wait_for_log(miss.headers["X-Request-Id"])
    assert str(ROWS_200) in line and f"{ROWS_200}.0" not in line


def test_the_answers_survive_a_restart(sim3, rowcache3):
    daemon = rowcache3()
    first = call(daemon, "rows-200.example")
    spend = daemon.spend()
    daemon.restart()
    assert daemon.spend() == spend
    reply = call(daemon, "rows-200.example")
    assert reply.hit and reply.body == first.body and reply.api("units-cost-total") == str(ROWS_200)


def forms(key):
    """A key as it could stand in a file."""
    return [key.encode(), "".join(f"%{byte:02X}" for byte in key.encode()).encode(),
            "".join(f"%{byte:02x}" for byte in key.encode()).encode(), quote(key).encode()]


@pytest.mark.parametrize("log", ["all", "spending"])
def test_no_key_is_anywhere(start, purse3, log):
    with simulator(keys=[KEY, HOUSE_KEY]) as sim:
        daemon = start(sim.url, *V3, purse3, f"server.log_requests={log}")
        alice = daemon.issue()
        told = [call(daemon, key=key, **given) for key in (KEY, OTHER_KEY, alice)
                for given in ({}, {"select": "nope"})]
        told += [send(daemon, path("rows-6.example") + "&token=" + KEY)]
        told += [send(daemon, f"/v3/{BATCH}", "POST", headers=JSON, body=batch(KEY))]
        told += [send(daemon, "/v3/" + LIMITS, key=key) for key in (KEY, OTHER_KEY, alice)]
        told += [daemon.get(question("rows-5.example", token=key)) for key in (KEY, OTHER_KEY)]
        for kind in ("cut", "error", "throttle", "refuse", "redirect"):
            sim.fault(kind)
            told += [call(daemon, f"rows-4.{kind}.example")]
            sim.clear_faults()
        looked = [daemon.admin(what).body for what in
                  ("/", "/metrics", "/api/spend", "/api/cache", "/api/token", "/api/spend?by=target")]
        looked += [str(reply.headers).encode() for reply in told]
        assert daemon.stop() == 0
        looked += [daemon.log.encode()]
        looked += [file.read_bytes() for file in daemon.state.rglob("*") if file.is_file()]
        secrets = [form for key in (KEY, HOUSE_KEY, alice) for form in forms(key)]
        for data in looked:
            assert not [form for form in secrets if form in data]
