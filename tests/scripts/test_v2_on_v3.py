"""v2 clients are served although Ahrefs speaks only v3: nothing changes on their side."""

import json
import re
from collections import Counter
from urllib.parse import urlencode

import pytest

from ahrefs import Simulator, v3 as ahrefs3
from ahrefs.v3.columns import BACKLINKS as V3_COLUMNS
from ahrefs.v3.query import MODES
from daemon import eventually, question
from dialects import UNTOLD, told, v2_of
from differential import content
from queries import COLUMNS
from v3 import (
    BACKLINKS, CACHED, DAY, KEY, NO_CACHE, OTHER_KEY, V3, days_before, is_paid, paid,
    send, simulator,
)
from wire import wish

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KNOWN = {"target", "select", "mode", "where", "order_by", "limit", "aggregation", "history",
         "protocol", "timeout", "output"}


def ask(daemon, target="rows-5.example", headers=None, **params):
    return daemon.get(question(target, token=KEY, **params), headers)


def truth(target, **params) -> list:
    """The rows that v2 had."""
    return json.loads(v2_of().direct(question(target, **{"limit": 100000, **params}))[0])["refpages"]


def same_set(one, other) -> bool:
    return Counter(told(one)) == Counter(told(other))


@pytest.fixture
def capped(start, clock):
    """Starts a daemon in front of a plan: capped("Lite")."""
    running = []

    def start_one(*options, **workspace):
        sim = simulator(workspace=ahrefs3.Workspace(**workspace),
                        readings=ahrefs3.Readings(own_cache="none", ties="asked"))
        running.append(sim.__enter__())
        daemon = start(sim.url, *V3, *options, **clock.drives())
        running.append(daemon)
        return sim, daemon

    yield start_one
    for daemon in running[1::2]:
        assert not daemon.running or daemon.stop() == 0
    for sim in running[::2]:
        sim.__exit__(None, None, None)


# Rows


@pytest.mark.parametrize("target", ["rows-150.example", "links-150.example", "both-60.example",
                                    "tied-80.example", "shop.example", "rows-0.example"])
def test_every_column_has_v2s_value_and_type(sim3, driven3, target):
    daemon = driven3()
    reply, expected = ask(daemon, target, limit=5000), truth(target)
    assert reply.status == 200 and reply.miss and list(reply.json) == ["refpages"]
    assert reply.headers["X-Results-Count"] == str(len(expected))
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert same_set(reply.rows, expected)
    for row in reply.rows:
        assert list(row) == COLUMNS
        assert isinstance(row["origin"], str) and isinstance(row["prev_visited"], str)
        assert {name: type(value) for name, value in row.items()} == {
            name: type(value) for name, value in expected[0].items()}
        assert TIME.fullmatch(row["first_seen"]) and TIME.fullmatch(row["last_visited"])
    assert ask(daemon, target, limit=5000).hit


def test_each_column_alone(sim3, driven3):
    daemon = driven3("cache.derive=off")
    for name in COLUMNS:
        reply = ask(daemon, "links-120.example", select=name)
        expected = truth("links-120.example", select=name)
        assert all(list(row) == [name] for row in reply.rows)
        assert len(reply.rows) == len(expected)
        assert name in UNTOLD or same_set(reply.rows, expected), name


def test_a_link_that_is_both_new_and_lost_is_two_rows(sim3, driven3):
    rows = ask(driven3(), "both-40.example").rows
    assert Counter(row["type"] for row in rows) == {"new": 40, "lost": 40}
    one, other = (sorted((row["url_from"], row["url_to"], row["first_seen"]) for row in rows
                         if row["type"] == kind) for kind in ("new", "lost"))
    assert one == other


def test_values_that_nobody_has_seen_are_passed_on(start, clock):
    """Unknown enumerations, nulls and ratings at .5."""
    with simulator(odd=True) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        reply = ask(daemon, "links-400.example", limit=5000)
        sim2 = Simulator(source=ahrefs3.as_v2(DAY), odd=True)
        expected = json.loads(sim2.direct(question("links-400.example", limit=5000))[0])["refpages"]
        assert reply.status == 200 and len(reply.rows) == len(expected)
        kinds = [Counter(row["link_type"] for row in rows) for rows in (reply.rows, expected)]
        assert kinds[0] == kinds[1] and "video" in kinds[0]
        for row in reply.rows:
            assert list(row) == COLUMNS
        assert daemon.stop() == 0


@pytest.mark.parametrize("derive", ["on", "off"])
@pytest.mark.parametrize("first", ["json", "php"])
def test_php_has_the_same_rows(sim3, driven3, first, derive):
    daemon = driven3(f"cache.derive={derive}")
    assert ask(daemon, "links-60.example", output=first).status == 200
    for _ in range(2):
        reply = ask(daemon, "links-60.example", output="php")
        assert reply.status == 200
        assert same_set(json.loads(content("php", reply.body))["refpages"],
                        truth("links-60.example"))


def test_xml_is_refused_or_right(sim3, driven3):
    """How rows are laid out in v2's XML is not documented."""
    reply = ask(driven3(), output="xml")
    assert reply.status == 501 and reply.headers["X-Status"] == "error" or reply.status == 200


@pytest.mark.parametrize("mode", ["exact", "prefix", "domain", "subdomains"])
def test_modes_are_the_same(sim3, driven3, mode):
    assert mode in MODES
    target = "shop.example/api/" if mode in ("exact", "prefix") else "shop.example"
    reply = ask(driven3(), target, mode=mode, limit=5000)
    assert same_set(reply.rows, truth(target, mode=mode))
    assert paid(sim3)[0]["params"].get("mode", "subdomains") == mode


# What is sent


def price_of(record) -> int:
    """The units for a row of a request."""
    sent = record["params"]
    names = set(sent["select"].split(","))
    names |= {key.partition(":")[0] for key in sent.get("order_by", "").split(",") if key}
    names |= set(re.findall(r'"field": ?"(\w+)"', sent.get("where", "")))
    return sum(V3_COLUMNS[name].price for name in names)


@pytest.mark.parametrize("params, most", [
    ({"select": "url_from"}, 3), ({"select": "date,type"}, 2),
    ({"select": "url_from", "where": "nofollow=true"}, 4),
    ({"select": "url_from", "order_by": "domain_rating:desc"}, 4), ({}, 21)], ids=str)
def test_only_what_is_needed_is_bought(sim3, driven3, params, most):
    daemon = driven3()
    reply = ask(daemon, "rows-150.example", **params)
    assert reply.status == 200
    for record in paid(sim3):
        assert record["endpoint"] == BACKLINKS and set(record["params"]) <= KNOWN
        assert record["params"]["aggregation"] == "all"
        assert re.fullmatch(r"since:\d{4}-\d\d-\d\d", record["params"]["history"])
        assert price_of(record) <= most, record["params"]
    assert reply.units_spent == sim3.bill(KEY) == daemon.account["units_spent"]


def test_the_window_is_that_of_the_conditions_on_dates(sim3, driven3):
    """Links of before are not bought; in rows-N, most have their event before the last ten days."""
    since = days_before(9)
    reply = ask(driven3(), "rows-300.example", where=f'date>="{since}"', limit=5000)
    expected = truth("rows-300.example", where=f'date>="{since}"')
    assert 0 < len(expected) < 100 and same_set(reply.rows, expected)
    assert sum(record["results"] for record in paid(sim3)) <= len(expected) * 1.3 + 10


def test_one_canonical_spelling_is_sent(sim3, driven3):
    """Then Ahrefs' own cache answers the same again for nothing."""
    daemon = driven3()
    ask(daemon, "rows-90.example", select="url_from,anchor", where='type="new",nofollow=false')
    bill = sim3.bill(KEY)
    reply = ask(daemon, "rows-90.example", NO_CACHE, select="anchor,url_from",
                where="nofollow=false,type='new'")
    assert reply.status == 200 and sim3.bill(KEY) == bill
    assert reply.units_spent == 0 and len(paid(sim3)) > 1


def test_a_type_needs_only_its_half(sim3, driven3):
    for kind in ("new", "lost"):
        reply = ask(driven3(), "both-60.example", where=f'type="{kind}"')
        assert same_set(reply.rows, truth("both-60.example", where=f'type="{kind}"'))


# Paging


@pytest.mark.parametrize("plan, cap", [("Lite", 100), ("Standard", 250), ("Enterprise", None)])
@pytest.mark.parametrize("target", ["rows-700.example", "both-130.example", "rows-250.example",
                                    "rows-100.example", "links-600.example", "tied-90.example"])
def test_more_rows_than_the_cap_are_fetched_page_by_page(capped, plan, cap, target):
    sim, daemon = capped(plan=plan)
    reply = ask(daemon, target, limit=5000)
    assert reply.status == 200 and same_set(reply.rows, truth(target))
    pages = paid(sim)
    assert not cap or len(pages) >= len(truth(target, where='type="new"')) // cap
    assert all(record["results"] <= (cap or 5000) for record in pages)
    sent = [urlencode(sorted(record["params"].items())) for record in pages]
    assert len(set(sent)) == len(sent)
    assert reply.units_spent == sim.bill(KEY) == daemon.account["units_spent"]
    assert daemon.account["requests"] >= 1
    assert ask(daemon, target, limit=5000).hit and len(paid(sim)) == len(pages)


@pytest.mark.parametrize("plan, cap, rows", [("Lite", 100, 150), ("Lite", 100, 320),
                                             ("Standard", 250, 300)])
def test_where_ties_fill_a_page_it_is_split_or_refused(capped, plan, cap, rows):
    """All links found in one second: no bound on the time takes one further."""
    sim, daemon = capped(plan=plan)
    target = f"tied-{rows}.example"
    reply = ask(daemon, target, limit=5000)
    assert reply.status in (200, 501, 502)
    if reply.status == 200:
        assert same_set(reply.rows, truth(target))
    else:
        assert reply.headers["X-Status"] == "error" and reply.error
    assert sim.bill(KEY) == daemon.account["units_spent"]


def test_ties_that_other_columns_tell_apart_are_split(capped):
    """The simulator's have different ratings, URLs and texts."""
    sim, daemon = capped(plan="Lite")
    reply = ask(daemon, "tied-150.example", limit=5000)
    assert reply.status == 200 and same_set(reply.rows, truth("tied-150.example"))


@pytest.mark.parametrize("limit, offset", [(10, 0), (10, 5), (1, 119), (50, 100), (5, 500),
                                           (120, 0), (121, 0), (100, 20)])
def test_limit_and_offset_keep_their_meaning(sim3, driven3, limit, offset):
    daemon = driven3()
    params = {"limit": limit, "offset": offset, "order_by": "first_seen"}
    reply = ask(daemon, "rows-120.example", **params)
    expected = truth("rows-120.example", **params)
    assert reply.status == 200 and reply.headers["X-Results-Count"] == str(len(expected))
    assert [row["first_seen"] for row in reply.rows] == [row["first_seen"] for row in expected]


def test_a_small_limit_does_not_buy_everything(capped):
    sim, daemon = capped(plan="Enterprise")
    reply = ask(daemon, "rows-900.example", limit=5, select="url_from")
    assert len(reply.rows) == 5 and set(told(reply.rows)) <= set(
        told(truth("rows-900.example", select="url_from")))
    assert sum(record["results"] for record in paid(sim)) <= 450


def test_the_cap_of_an_unknown_plan_is_learned_from_answers(capped):
    sim, daemon = capped(plan="Starter", cap=150)
    for target in ("rows-700.example", "rows-60.example", "rows-150.example"):
        reply = ask(daemon, target, limit=5000)
        assert reply.status == 200 and same_set(reply.rows, truth(target)), target
    assert daemon.account["units_spent"] == sim.bill(KEY)


def test_a_cap_that_is_set_counts(capped):
    """The plan has moved: its name says 250."""
    sim, daemon = capped("upstream.max_rows=25", plan="Standard", cap=25)
    reply = ask(daemon, "rows-120.example", limit=5000)
    assert same_set(reply.rows, truth("rows-120.example"))
    assert sim.bill(KEY) == reply.units_spent


def test_too_much_is_a_clear_error_or_an_answer(sim3, driven3):
    """Rows are sorted here, in bounded memory."""
    reply = ask(driven3(), "rows-20000.example", limit=100000, order_by="title")
    assert reply.status in (200, 501, 502) and ("error" in reply.json or len(reply.rows) == 20000)


# Order


ORDERS = [
    "domain_rating", "domain_rating:desc", "ahrefs_rank:desc", "first_seen", "first_seen:desc",
    "date", "date:desc", "links_external:desc", "http_code", "url_from", "url_from:desc",
    "nofollow,url_from", "type,date", "last_visited:desc", "domain_rating:desc,first_seen",
    "redirect", "original:desc"]


@pytest.mark.parametrize("limit", [1000, 20])
def test_orders_are_v2s(capped, limit):
    _, daemon = capped("cache.derive=off", plan="Lite")
    refused, wrong = [], []
    for order in ORDERS:
        names = [key.partition(":")[0] for key in order.split(",")]
        reply = ask(daemon, "links-230.example", order_by=order, limit=limit)
        if reply.status == 501:
            refused.append(order)
            continue
        expected = truth("links-230.example", order_by=order, limit=limit)
        if [[row[name] for name in names] for row in reply.rows] != [
                [row[name] for name in names] for row in expected]:
            wrong.append(order)
    assert not wrong
    assert not refused or all("url_from" in order or "type" in order for order in refused)


# Conditions


EXACT = [
    "domain_rating>=25", "domain_rating>25", "domain_rating<=25", "domain_rating<25",
    "domain_rating=25", "domain_rating<>25", "ahrefs_rank>=50,ahrefs_rank<60", "ahrefs_rank=0",
    "ahrefs_rank>100", "http_code=404", "http_code<>200", "links_external>50",
    "links_internal<=100", "nofollow=true", "nofollow=false", "nofollow<>true",
    "original=true", "original=false", 'type="new"', 'type="lost"', 'type<>"new"',
    'link_type="href"', 'link_type="redirect"', 'link_type<>"href"', "redirect=301", "redirect=0",
    "redirect>0", f'date>="{days_before(20)}"', f'date>"{days_before(20)}"',
    f'date<="{days_before(20)}"', f'date<"{days_before(20)}"', f'date="{days_before(20)}"',
    f'date<>"{days_before(20)}"', f'first_seen>="{days_before(10)}T12:00:00Z"',
    f'last_visited<"{days_before(10)}T12:00:00Z"',
    f'type="lost",date>="{days_before(30)}",nofollow=false,domain_rating>=20']
LOCAL = [
    'url_from="nowhere"', 'anchor=""', 'alt=""', 'alt<>""', 'encoding="utf8"', 'type="other"',
    'first_seen>="2020-01-01"', 'substring(url_from,"site1")', 'word(anchor,"qqqqqq")',
    'subdomain(url_from,"site1.example")', 'substring(title,"0")', 'anchor<>"Home"']


@pytest.mark.parametrize("clause, plan", [("where", "Standard"), ("having", "Enterprise")])
def test_conditions_mean_the_same(capped, clause, plan):
    """What is exact is answered; of the others, some have to be refused."""
    _, daemon = capped("cache.derive=off", plan=plan)
    bad = []
    for where in EXACT + LOCAL:
        for target in ("links-230.example", "both-70.example"):
            reply = ask(daemon, target, **{clause: where, "limit": 5000})
            if reply.status == 501 and where in LOCAL and reply.error:
                continue
            if reply.status != 200 or not same_set(reply.rows, truth(target, **{clause: where})):
                bad.append((where, target, reply.status, reply.body[:150]))
    assert not bad, "\n".join(map(str, bad))


def test_a_condition_that_v3_has_is_left_to_it(sim3, driven3):
    """What is filtered there is not bought."""
    ask(driven3(), "rows-400.example", where="domain_rating>=95", select="url_from")
    expected = truth("rows-400.example", where="domain_rating>=95")
    assert sum(record["results"] for record in paid(sim3)) <= len(expected) + 5


# What cannot be done


@pytest.mark.parametrize("params", [
    {"where": 'prev_visited>="2020-01-01T00:00:00Z"'}, {"order_by": "prev_visited"},
    {"where": 'origin="fresh"'}, {"from_": "anchors"}], ids=str)
def test_what_v3_has_not_is_refused_with_an_explanation(sim3, driven3, params):
    daemon = driven3()
    reply = ask(daemon, "rows-50.example", **params)
    assert reply.status == 501 and reply.headers["X-Status"] == "error"
    assert list(reply.json) == ["error"] and len(reply.error) > 20
    assert paid(sim3) == [] and daemon.account["units_spent"] == 0


def test_a_refusal_costs_nothing_and_is_not_stored(sim3, driven3):
    daemon = driven3()
    for _ in range(2):
        assert ask(daemon, where='origin="fresh"').status == 501
    assert daemon.metrics().value("rowcache_cache_entries") == 0 and sim3.bills() == {}


# Errors


@pytest.mark.parametrize("kind, options, statuses", [
    ("error", {"code": 500}, (502,)), ("pair", {"code": 500}, (502,)),
    ("error", {"code": 400, "text": "bad column"}, (200, 400, 502)), ("html", {}, (502,)),
    ("refuse", {}, (502,)), ("no_rows", {}, (502,)), ("late_error", {}, (502,)),
    ("bad_utf8", {}, (502,)), ("truncate", {"after": 100}, (502,)),
    ("error", {"code": 403, "text": "Insufficient plan"}, (403, 502))])
def test_errors_of_both_shapes_become_v2s(sim3, driven3, kind, options, statuses):
    daemon = driven3()
    sim3.fault(kind, match=is_paid, times=None, **options)
    reply = ask(daemon, "rows-20.example")
    assert reply.status in statuses, reply
    assert reply.headers["X-Status"] == "error" and list(reply.json) == ["error"]
    assert isinstance(reply.error, str) and reply.error
    sim3.clear_faults()
    assert ask(daemon, "rows-20.example", CACHED).status == 504, "nothing was stored"
    account = daemon.account
    assert account["units_spent"] - account["units_unknown"] <= sim3.bill(KEY)
    assert sim3.bill(KEY) <= account["units_spent"]
    assert ask(daemon, "rows-20.example").status == 200


@pytest.mark.parametrize("params, word", [
    ({"order_by": "foobar_rating"}, "foobar_rating"), ({"select": "foobar"}, "foobar"),
    ({"where": "foobar=1"}, "foobar")])
def test_a_column_that_there_is_not_is_a_v2_error(sim3, driven3, params, word):
    reply = ask(driven3(), **params)
    assert reply.headers["X-Status"] == "error" and word in reply.error
    assert reply.status in (200, 400, 501) and sim3.bills() == {}


def test_a_refused_key_is_a_v2_error(start, clock):
    with simulator(keys=[KEY]) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        reply = daemon.get(question(token=OTHER_KEY))
        assert reply.status == 403 and reply.headers["X-Status"] == "error"
        assert "token" in reply.error or "key" in reply.error
        assert daemon.get(question(token=None)).status == 401
        assert ask(daemon).status == 200
        assert daemon.stop() == 0


def test_when_upstream_fails_the_old_is_served(sim3, driven3, clock):
    daemon = driven3("cache.ttl=1h")
    first = ask(daemon, "rows-20.example")
    clock.go_on(hours=2)
    sim3.fault("error", match=is_paid, times=None)
    reply = ask(daemon, "rows-20.example")
    assert reply.status == 200 and reply.stale and reply.rows == first.rows


def test_the_units_of_the_key_are_told(capped):
    sim, daemon = capped(plan="Standard", units_limit=400000, units_used=5700)
    info = daemon.get({"token": KEY, "from": "subscription_info"}).json["info"]
    assert info["subscription"] == "Standard, billed monthly"
    assert (info["rows_limit"], info["rows_left"]) == (400000, 394300)
    assert sim.bills() == {}


# The cache


def test_the_way_of_a_question_is_that_of_v2(sim3, driven3, clock):
    daemon = driven3("cache.ttl=1h")
    first = ask(daemon, "rows-90.example")
    assert (first.units_spent, first.units_saved) == (sim3.bill(KEY), 0)
    hit = ask(daemon, "rows-90.example")
    assert hit.hit and hit.body == first.body
    assert (hit.units_spent, hit.units_saved) == (0, sim3.bill(KEY))
    tag = hit.headers["ETag"]
    assert ask(daemon, "rows-90.example", {"If-None-Match": tag}).status == 304
    with daemon.client() as client:
        asked = urlencode(question("rows-90.example", token=KEY))
        assert client.ask("HEAD", "/?" + asked).hit
        assert client.ask("HEAD", "/?" + asked.replace("rows-90", "rows-91")).status == 504
    assert ask(daemon, "rows-91.example", CACHED).status == 504
    clock.go_on(hours=2)
    assert ask(daemon, "rows-90.example", wish("max-stale, only-if-cached")).stale
    assert daemon.get(question("rows-90.example", token=OTHER_KEY)).status == 200
    assert not [name for name in first.headers if "-Rows-" in name]


def test_derived_answers_are_made_of_v2_rows(sim3, driven3):
    daemon = driven3()
    ask(daemon, "links-150.example", limit=5000)
    count = len(paid(sim3))
    for params in ({"select": "url_from"}, {"where": 'type="lost"'}, {"limit": 5},
                   {"where": "domain_rating>=30,nofollow=false"}, {"output": "php"},
                   {"order_by": "first_seen", "limit": 10}):
        reply = ask(daemon, "links-150.example", CACHED, **{"limit": 5000, **params})
        assert reply.derived or reply.status == 504 and "order_by" in params, (params, reply)
        if reply.status == 200 and "limit" not in params and "output" not in params:
            assert same_set(reply.rows, truth("links-150.example", **params))
    assert len(paid(sim3)) == count


def test_what_v3_clients_bought_is_not_bought_again(sim3, driven3):
    """Pages are calls like any other."""
    daemon = driven3()
    ask(daemon, "rows-90.example", select="url_from")
    for record in paid(sim3):
        assert send(daemon, f"/v3/{BACKLINKS}?{urlencode(record['params'])}").hit
    daemon.ctl_text("cache", "purge", "--all")
    sim3.forget_cache()
    for record in paid(sim3):
        send(daemon, f"/v3/{BACKLINKS}?{urlencode(record['params'])}")
    bill = sim3.bill(KEY)
    assert ask(daemon, "rows-90.example", select="url_from").status == 200
    assert sim3.bill(KEY) == bill


def test_explain_tells_the_price_in_units(sim3, driven3):
    daemon = driven3()
    asked = urlencode(question("rows-90.example", token=KEY, select="url_from", limit=500))
    told_ = daemon.ctl_json("explain", asked)
    assert told_["outcome"] == "miss" and int(told_["least"]) <= 50
    spent = ask(daemon, "rows-90.example", select="url_from", limit=500).units_spent
    assert spent <= int(told_["most"])
    assert daemon.ctl_json("explain", asked)["outcome"] == "hit"


def test_the_account_has_the_question_and_not_its_pages(capped):
    """One flight, one answer, one account."""
    sim, daemon = capped(plan="Lite")
    daemon.register("alice", KEY)
    ask(daemon, "rows-350.example", limit=5000)
    ask(daemon, "rows-350.example", limit=5000)
    eventually(lambda: daemon.account["hits"] == 1)
    account = daemon.accounts["alice"]
    assert account["units_spent"] == sim.bill(KEY) == account["units_saved"]
    line, = [line for line in daemon.spend({"by": "target"})["targets"]]
    assert line["target"] == "rows-350.example" and int(line["units_spent"]) == sim.bill(KEY)
    eventually(lambda: daemon.outcomes() == {"miss": 1, "hit": 1})
