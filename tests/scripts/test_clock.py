"""A clock that was years ahead when something was stored, and was then corrected. The plays write the
moment into the databases of a stopped daemon, so that the machine's clock stays as it is."""

import sqlite3
import time
from contextlib import closing

import pytest

from daemon import TOKEN, arrived, question
from wire import REFRESHED, encode

TEN_YEARS = 10 * 365 * 86400
ROWS_5 = 10 + 5 * 2


def change(daemon, database, sql, *values):
    """Stops the daemon, changes its database and starts it again."""
    assert daemon.stop() == 0
    with closing(sqlite3.connect(daemon.state / database)) as handle, handle:
        assert handle.execute(sql, values).rowcount > 0
    daemon.start()


def store_ahead(daemon, seconds=TEN_YEARS):
    """Whatever is stored was stored in the future."""
    change(daemon, "cache.db", "UPDATE entry SET answered_at = ?", int(time.time()) + seconds)


@pytest.mark.parametrize("wish", [None, "max-age=10", "max-stale=3600", "min-fresh=10", "max-stale"])
def test_a_result_of_the_future_is_asked_for_again(sim, rowcache, wish):
    daemon = rowcache("cache.stale_while_revalidate=1h")
    old = daemon.ask().rows
    sim.change_world()
    store_ahead(daemon)
    reply = daemon.ask(headers={"Cache-Control": wish} if wish else None)
    assert reply.cache == REFRESHED and reply.rows != old and reply.headers["Age"] == "0"
    again = daemon.ask()
    assert again.hit and again.rows == reply.rows and 86390 < again.ttl <= 86400
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 2 * ROWS_5


def test_a_result_of_the_future_is_served_to_nobody(sim, rowcache):
    """Its age is not known: it may be older than cache.stale_if_error allows."""
    daemon = rowcache()
    daemon.ask()
    store_ahead(daemon)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
    sim.fault("status", times=None, code=500)
    assert daemon.ask().status >= 500
    sim.clear_faults()
    assert daemon.ask().cache == REFRESHED


def test_a_clock_that_is_set_back_by_a_second_costs_nothing(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    store_ahead(daemon, 2)
    reply = daemon.ask()
    assert reply.hit and reply.headers["Age"] == "0" and reply.ttl <= 86400
    assert len(arrived(sim)) == 1


def test_what_is_told_of_a_result_of_the_future(rowcache):
    daemon = rowcache()
    daemon.ask()
    store_ahead(daemon)
    plan = daemon.admin_json("/api/explain?" + encode(question()))
    assert plan["outcome"] == "miss" and plan["stored"] is True
    assert plan["age"] is None and plan["freshness"] is None
    entry, = daemon.admin_json("/api/cache")["entries"]
    assert entry["age"] is None and entry["freshness"] is None
    assert daemon.admin_json("/api/cache/" + entry["key"])["entries"] == [entry]
    for command in (["cache", "list"], ["cache", "show", entry["key"]],
                    ["explain", encode(question())]):
        done = daemon.ctl(*command)
        assert done.returncode == 0 and "fresh for" in done.stdout and "-" in done.stdout


def test_a_result_of_the_future_is_purged_by_age(rowcache):
    daemon = rowcache()
    daemon.ask()
    store_ahead(daemon)
    daemon.ask("rows-6.example")
    assert daemon.ctl_json("cache", "purge", "--older-than", "1h") == {"purged": 1}
    assert daemon.ask().miss and daemon.ask("rows-6.example").hit
