"""Derived answers on the v3 front: what Ahrefs would have said, or nothing."""

import json
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from ahrefs import v3 as ahrefs3
from ahrefs.v3.readings import at_random
from calls import SELECTABLE, Calls
from daemon import eventually
from v3 import (
    CACHED, KEY, NO_CACHE, V3, bearer, call, field, paid, rows_of, send,
    simulator, truth,
)

# No two links of rows-203 were found in one second: their order is known. No plan gives as many rows at once.
WIDE = {"order_by": "first_seen_link:desc",
        "select": "url_from,url_to,anchor,title,domain_rating_source,is_nofollow,links_external,"
                  "first_seen_link,last_seen,lost_reason,languages"}
# A question has one answer, or else no two answers could be compared; and what costs nothing again
# at Ahrefs says nothing of what rowcache saved.
FIXED = ("ties", "own_cache", "members")


def derived_or_silent(daemon, sim, target="rows-203.example", **given) -> bool:
    """Whether rowcache answers without asking; then the answer is Ahrefs' own."""
    reply = call(daemon, target, headers=CACHED, **given)
    if reply.status == 504:
        return False
    rows, price = truth(sim, target, **given)
    assert reply.status == 200 and reply.derived, reply
    assert rows_of(reply.json) == rows
    assert reply.api("rows") == str(len(rows)) and reply.api("cache") == "hit"
    assert reply.api("units-cost-total-actual") == "0" and reply.units_spent == 0
    assert reply.units_saved == price
    return True


# What has to be derived


@pytest.mark.parametrize("given", [
    {"select": "anchor"},
    {"select": "last_seen,url_from"},
    {"limit": 300},
    {"limit": 10},
    {"limit": 10, "select": "title"},
    {"where": field("is_nofollow", "eq", True)},
    {"where": field("domain_rating_source", "gte", 24.5)},
    {"where": {"and": [field("links_external", "lt", 50), {"not": field("is_nofollow", "eq", 1)}]}},
    {"where": {"or": [field("links_external", "lt", 20), field("links_external", "gt", 150)]}},
    {"where": field("first_seen_link", "gte", "2026-02-01T12:00:00Z")},
    {"where": {"field": "lost_reason", "is": "is_null"}},
    {"where": field("is_nofollow", "eq", False), "select": "url_from", "limit": 5},
], ids=str)
def test_it_is_computed_from_a_complete_answer(sim3, rowcache3, given):
    daemon = rowcache3()
    assert call(daemon, "rows-203.example", **WIDE).miss
    assert derived_or_silent(daemon, sim3, **{**WIDE, **given})
    reply = call(daemon, "rows-203.example", **{**WIDE, **given})
    assert reply.hit or reply.derived, "its own copy, or computed again"
    eventually(lambda: daemon.account["hits"] == 2)
    assert len(paid(sim3)) == 1 and daemon.account["units_spent"] == sim3.bill(KEY)


def test_fewer_columns_and_rows_of_another_aggregation(sim3, rowcache3):
    daemon = rowcache3()
    whole = {**WIDE, "aggregation": "similar_links", "order_by": "first_seen_link:desc"}
    assert call(daemon, "shop.example", **whole).miss
    assert derived_or_silent(daemon, sim3, "shop.example", **{**whole, "select": "anchor"})
    assert derived_or_silent(daemon, sim3, "shop.example", **{**whole, "limit": 7})


def test_of_an_endpoint_without_a_table_nothing_is_derived(sim3, rowcache3):
    daemon = rowcache3()
    whole = {"endpoint": "site-explorer/refdomains", "aggregation": None, "select": "domain,links"}
    assert call(daemon, "rows-203.example", **whole).miss
    for given in ({"select": "domain"}, {"limit": 9}):
        assert call(daemon, "rows-203.example", headers=CACHED, **{**whole, **given}).status == 504


def test_what_is_derived_is_kept_and_has_a_tag(sim3, rowcache3):
    daemon = rowcache3()
    call(daemon, "rows-203.example", **WIDE)
    asked = {**WIDE, "select": "anchor,title"}
    first, second = (call(daemon, "rows-203.example", **asked) for _ in range(2))
    assert first.body == second.body
    tag = second.headers["ETag"]
    assert call(daemon, "rows-203.example", headers={"If-None-Match": tag}, **asked).status == 304
    sim3.forget_cache()
    sim3.change_world()
    call(daemon, "rows-203.example", headers=NO_CACHE, **WIDE)
    assert derived_or_silent(daemon, sim3, **asked), "and it is that of the new answer"


# What must not be


@pytest.mark.parametrize("stored, asked", [
    ({"order_by": "links_external:asc"}, {"order_by": "links_external:asc",
                                          "where": field("is_nofollow", "eq", True)}),
    ({"order_by": None}, {"order_by": None, "where": field("is_nofollow", "eq", True)}),
    ({}, {"order_by": "first_seen_link:asc"}), ({}, {"order_by": None}), ({"order_by": None}, {}),
    ({"aggregation": "similar_links"}, {"where": field("links_external", "lt", 50)}),
    ({"aggregation": None}, {"where": field("links_external", "lt", 50)}),
    ({"aggregation": "similar_links"}, {"aggregation": "all"}),
    ({}, {"aggregation": "similar_links"}), ({}, {"aggregation": "1_per_domain"}),
    ({"limit": 200}, {"where": field("links_external", "lt", 50)}),
    ({"limit": 200}, {"limit": 201}),
    ({"history": "live"}, {}), ({"history": "live"}, {"history": "since:2026-01-01"}),
    ({"history": "since:2026-02-01"}, {"history": "since:2026-01-01"}),
    ({}, {"mode": "domain"}), ({}, {"protocol": "https"}), ({}, {"select": "positions"}),
    ({}, {"output": "csv"}), ({"output": "csv"}, {}), ({}, {"timeout": 5}),
    ({"where": field("links_external", "lt", 50)}, {}),
    ({"where": field("links_external", "lt", 50)}, {"where": field("links_external", "lt", 51)}),
    ({"select": "anchor"}, {"select": "anchor", "where": field("links_external", "lt", 50)}),
], ids=str)
def test_what_the_rows_do_not_hold_is_asked(sim3, rowcache3, stored, asked):
    daemon = rowcache3()
    assert call(daemon, "rows-203.example", **{**WIDE, **stored}).miss
    reply = call(daemon, "rows-203.example", headers=CACHED, **{**WIDE, **asked})
    assert reply.status == 504, reply


@pytest.mark.parametrize("op, value", [("substring", "E"), ("phrase_match", "home"),
                                       ("eq", "home"), ("prefix", "h"), ("regex", "^H")])
def test_where_case_would_decide_it_is_asked(sim3, rowcache3, op, value):
    """Of the rows, some differ from the value only in case."""
    daemon = rowcache3()
    call(daemon, "rows-203.example", **WIDE)
    where = field("anchor", op, value)
    reply = call(daemon, "rows-203.example", headers=CACHED, where=where, **WIDE)
    assert reply.status == 504


@pytest.mark.parametrize("rows, complete", [(249, True), (250, False), (251, False)])
@pytest.mark.parametrize("limit", [250, 1000])
def test_as_many_rows_as_the_cap_are_never_complete(start, rows, complete, limit):
    workspace = ahrefs3.Workspace("Standard")
    target = f"rows-{rows}.example"
    with simulator(workspace=workspace) as sim:
        daemon = start(sim.url, *V3)
        assert call(daemon, target, limit=limit, **WIDE).miss
        where = {"where": field("links_external", "lt", 50), **WIDE}
        assert derived_or_silent(daemon, sim, target, limit=limit, **where) == complete
        assert derived_or_silent(daemon, sim, target, limit=10, **WIDE)
        assert daemon.stop() == 0


@pytest.mark.parametrize("rows, complete", [(24, True), (25, False), (26, False)])
def test_a_cap_that_is_set_counts_more_than_the_name_of_the_plan(start, rows, complete):
    workspace = ahrefs3.Workspace("Enterprise", cap=25)
    target = f"rows-{rows}.example"
    with simulator(workspace=workspace) as sim:
        daemon = start(sim.url, *V3, "upstream.max_rows=25")
        call(daemon, target, **WIDE)
        where = {"where": field("links_external", "lt", 50), **WIDE}
        assert derived_or_silent(daemon, sim, target, **where) == complete
        assert daemon.stop() == 0


def test_derivation_can_be_turned_off(sim3, rowcache3):
    daemon = rowcache3("cache.derive=off")
    call(daemon, "rows-203.example", **WIDE)
    for given in ({"select": "anchor"}, {"limit": 5}):
        assert not derived_or_silent(daemon, sim3, **{**WIDE, **given})


def test_a_miss_asks_for_no_more_columns_than_the_client(sim3, rowcache3):
    """In v3 every column costs."""
    call(rowcache3(), "rows-203.example", select="anchor")
    sent, = paid(sim3)
    assert sent["params"]["select"] == "anchor" and sim3.bill(KEY) == 203


# At random, whatever is not known of v3


def visit(sim, daemon, seed, counts, number):
    """A world: a few broad answers are stored, and many close ones are asked for."""
    random = Random(seed)
    odd = random.random() < 0.3
    sim.read_as(at_random(random, random.choice((0, 0.3, 0.6)), FIXED), odd)
    names = [f"rows-{random.randint(5, 120)}.w{seed}.example", f"links-60.w{seed}.example",
             f"w{seed}.example"]
    calls = Calls(sim, names, seed)
    stored = [calls.broad() for _ in range(6)]
    with daemon.client() as client:
        for one in stored:
            client.ask("GET", one.path, headers=bearer(KEY))
        for _ in range(number):
            asked = calls.near(random.choice(stored))
            reply = client.ask("GET", asked.path, headers=bearer(KEY, CACHED))
            counts[check(sim, asked, reply)] += 1


def check(sim, asked, reply) -> str:
    """The kind of an answer, which is the simulator's own."""
    if reply.status == 504:
        return "asked"
    assert reply.status == 200 and (reply.derived or reply.hit), reply
    body, *_ = sim.direct(asked.params)
    assert rows_of(reply.json) == rows_of(json.loads(body)), (
        f"{asked.params} with {sim._state.readings.changed()} got {reply.cache}")
    return "derived" if reply.derived else "hit"


@pytest.mark.parametrize("plan", ["Standard", "Enterprise"])
def test_what_is_answered_without_asking_is_what_ahrefs_says(start, plan):
    counts = Counter()
    with simulator(workspace=ahrefs3.Workspace(plan)) as sim:
        daemon = start(sim.url, *V3)
        for number in range(16):
            visit(sim, daemon, f"{plan.lower()}{number}", counts, 60)
        assert daemon.stop() == 0
    assert counts["derived"] > 150, counts


def same_set(*bodies) -> bool:
    one, other = (sorted(json.dumps(row, sort_keys=True) for row in rows_of(json.loads(body)))
                  for body in bodies)
    return one == other


def test_rows_whose_order_hangs_on_the_question_are_not_cut(start):
    """Ties in an order that is another for each question: what is derived is a right answer still."""
    random = Random("ties")
    with simulator(readings=ahrefs3.Readings(ties="asked", own_cache="none")) as sim:
        daemon = start(sim.url, *V3)
        for number in range(10):
            calls = Calls(sim, [f"tied-90.n{number}.example"], number)
            stored = replace(calls.broad(), limit=1000, aggregation="all", where=None,
                             select=tuple(SELECTABLE), order_by=calls.order())
            send(daemon, stored.path)
            for _ in range(15):
                asked = replace(stored, limit=random.choice((1000, 10, 50)),
                                select=stored.select[:random.randint(1, 30)])
                reply = send(daemon, asked.path, headers=CACHED)
                if reply.status == 200 and asked.limit >= 90:
                    assert same_set(reply.body, sim.direct(asked.params)[0])
        assert daemon.stop() == 0


def test_a_source_under_way_is_no_source_yet(sim3, rowcache3):
    """An answer that breaks off holds nothing."""
    daemon = rowcache3()
    for kind in ("cut", "truncate", "late_error", "garbage"):
        sim3.fault(kind)
        call(daemon, "rows-203.example", **WIDE)
        assert not derived_or_silent(daemon, sim3, **{**WIDE, "limit": 1})
        assert not derived_or_silent(daemon, sim3, **{**WIDE, "select": "anchor"})
