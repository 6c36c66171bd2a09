"""A clock that was years ahead when something was stored, and was then corrected. The plays write the
moment into the databases of a stopped daemon, so that the daemon's clock stays as it is."""

import sqlite3
import time
from contextlib import closing

import pytest

from daemon import TOKEN, arrived, eventually, question
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
    """Moves all stored results into the future."""
    change(daemon, "cache.db", "UPDATE entry SET answered_at = ?", int(time.time()) + seconds)


@pytest.mark.parametrize("wish", [None, "max-age=10", "max-stale=3600", "min-fresh=10", "max-stale"])
def test_a_result_of_the_future_is_asked_for_again(sim, rowcache, wish):
    daemon = rowcache("cache.stale_while_revalidate=1h")
    old = daemon.ask().rows
    sim.change_world()
    store_ahead(daemon)
    reply = daemon.ask(headers={"Cache-Control": wish} if wish else None)
    assert reply.cache == REFRESHED and reply.rows != old and reply.headers["Age"] in ("0", "1")
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


def test_a_budget_is_warned_of_although_it_was_in_the_future(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "2", "--per", "month")
    change(daemon, "ledger.db", "UPDATE token SET warned = ? WHERE name = 'alice'",
           (int(time.time()) + TEN_YEARS) // 86400)
    assert daemon.ask(token=alice, limit=5).miss
    daemon.wait_for_log(r"\bwarning budget_warning token=alice used=2\.0 budget=2\.0\b")


def test_entries_of_the_future_leave_the_ledger_with_those_after_them(driven, clock):
    """Their amounts stay in the totals."""
    daemon = driven("ledger.retention=1s")
    daemon.ask()
    daemon.ask("rows-6.example")

    def entries():
        with closing(sqlite3.connect(f"file:{daemon.state}/ledger.db?mode=ro", uri=True)) as ledger:
            return ledger.execute("SELECT count(*) FROM entry").fetchone()[0]

    clock.go_on(seconds=2)
    eventually(lambda: entries() == 0)
    daemon.restart("ledger.retention=1h")
    daemon.ask("rows-7.example")
    daemon.ask("rows-8.example")
    ahead = "UPDATE entry SET at = CASE WHEN id = 1 THEN ? ELSE at - 7200000 END"
    change(daemon, "ledger.db", ahead, (int(clock.now.timestamp()) + TEN_YEARS) * 1000)
    with clock.flying():
        eventually(lambda: entries() == 0)
    assert daemon.account["rows_spent"] == sum(10 + 2 * rows for rows in (5, 6, 7, 8))
