"""Other tables pass through untouched, and are counted at the usual price."""

import pytest

from daemon import TOKEN, arrived, direct, eventually, question, wait_until_held
from wire import BYPASS, encode

TABLES = [
    "ahrefs_rank", "anchors", "backlinks", "backlinks_new_lost_counters",
    "backlinks_one_per_domain", "broken_links", "domain_rating", "linked_domains", "metrics",
    "pages", "refdomains", "refips",
]


@pytest.mark.parametrize("table", TABLES)
def test_an_answer_passes_byte_for_byte_and_is_not_kept(sim, rowcache, table):
    daemon = rowcache()
    query = question("shop.example", from_=table)
    for _ in range(2):
        reply, expected = daemon.get(query), direct(sim, query)
        assert reply.status == 200 and reply.cache == BYPASS
        assert reply.body == expected.body
        assert reply.headers["X-Results-Count"] == expected.headers["X-Results-Count"]
        assert reply.headers["Content-Type"] == expected.headers["Content-Type"]
    account = daemon.account
    assert account["rows_spent"] == sim.bill(TOKEN) > 20
    assert account["rows_unknown"] == account["rows_saved"] == account["hits"] == 0
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    eventually(lambda: daemon.outcomes() == {"bypass": 2})


@pytest.mark.parametrize("output", ["xml", "php"])
@pytest.mark.parametrize("table", ["anchors", "backlinks"])
def test_other_outputs_pass_too(sim, rowcache, table, output):
    daemon = rowcache()
    query = question(from_=table, output=output)
    assert daemon.get(query).body == direct(sim, query).body
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_unknown_parameters_of_another_table_pass(sim, rowcache):
    query = question(from_="anchors", limit=3, colour="green & blue", where="anything goes")
    reply = rowcache().get(query)
    assert reply.body == direct(sim, query).body
    assert query.items() <= arrived(sim)[0]["params"].items()


def test_they_are_reckoned_at_the_tariff_for_other_tables(rowcache):
    daemon = rowcache("tariff.other_request=2", "tariff.other_result=0.5")
    reply = daemon.ask(from_="anchors", limit=3)
    assert len(reply.json["anchors"]) == 3
    assert daemon.spend()["total"]["rows_spent"] == "3.5"


def test_an_error_about_another_table_is_relayed_and_free(sim, rowcache):
    daemon = rowcache()
    reply = daemon.ask(from_="no_such_table")
    assert reply.status == 200 and reply.headers["X-Status"] == "error"
    assert reply.error == "from: table 'no_such_table' not found"
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 0


def test_other_tables_can_be_refused(sim, rowcache):
    daemon = rowcache("tables.other=refuse")
    reply = daemon.ask(from_="anchors")
    assert reply.status == 403 and reply.headers["X-Status"] == "error" and reply.error
    assert arrived(sim) == [] and daemon.account["rows_spent"] == 0
    assert daemon.ask().miss


@pytest.mark.parametrize("table", ["anchors", "subscription_info"])
def test_what_is_never_kept_is_never_only_cached(sim, rowcache, table):
    reply = rowcache().ask(from_=table, headers={"Cache-Control": "only-if-cached"})
    assert reply.status == 504 and reply.headers["X-Status"] == "error"
    assert sim.requests == []


def test_killed_while_it_was_under_way_it_may_have_cost_the_most(sim, rowcache):
    daemon = rowcache()
    sim.fault("hold", charged=True)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question("shop.example", from_="anchors", limit=30)))
        wait_until_held(sim)
        daemon.kill()
    daemon.start()
    account = daemon.account
    assert sim.bill(TOKEN) <= account["rows_spent"] == account["rows_unknown"] == 10 + 30 * 10


def test_subscription_info_is_free_and_never_kept(sim, rowcache):
    daemon = rowcache()
    query = {"token": TOKEN, "from": "subscription_info"}
    before = daemon.get(query)
    assert before.status == 200 and before.cache == BYPASS
    assert before.json["info"]["rows_left"] == 500000
    assert daemon.account["rows_spent"] == 0
    daemon.ask("rows-45.example")
    assert daemon.get(query).json["info"]["rows_left"] == 499990
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 100


@pytest.mark.parametrize("kind, options, free", [
    ("cut", {"after": 0}, False), ("cut", {}, False), ("bad_gzip", {}, False),
    ("content_length", {}, False), ("refuse", {}, True), ("refuse", {"charged": True}, False),
    ("status", {"code": 500}, True),
])
def test_a_broken_answer_is_not_whole_and_stays_on_the_account(sim, rowcache, kind, options, free):
    daemon = rowcache()
    query = question("shop.example", from_="anchors", limit=30)
    sim.fault(kind, times=None, **options)
    reply = daemon.get(query)
    assert not reply.whole or reply.status in (500, 502)
    account = eventually(
        lambda: sim.bill(TOKEN) <= daemon.account["rows_spent"] and daemon.account)
    assert account["rows_spent"] <= len(arrived(sim)) * (10 + 30 * 10)
    if kind == "status":
        assert reply.status == 500 and account["rows_spent"] == 0
    sim.clear_faults()
    assert daemon.get(query).body == direct(sim, query).body


def test_a_table_is_not_mistaken_for_another(sim, rowcache):
    daemon = rowcache()
    for table in ("backlinks_new_lost", "backlinks", "backlinks_new_lost_counters"):
        query = question("shop.example", from_=table)
        assert daemon.get(query).json == direct(sim, query).json
    assert daemon.ask("shop.example").hit
