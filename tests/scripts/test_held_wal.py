"""Somebody's shell, or a backup, keeps an old state of the cache open: what that costs on the disk is
told, and has a bound."""

import sqlite3
from contextlib import closing, contextmanager

import pytest

from daemon import TOKEN, eventually, question

MIB = 1024 * 1024
ROWS = 20000  # one answer takes about 2 MiB on the disk
OPTIONS = ("cache.max_size=16MiB",)
MOST = (16 + 32 + 8) * MIB  # the size, its log at the most, and what is stored in the meantime


@contextmanager
def reader(daemon, name):
    """One that has begun to read, and does not end."""
    with closing(sqlite3.connect(daemon.state / name, isolation_level=None)) as shell:
        shell.execute("BEGIN")
        shell.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        yield
        shell.execute("ROLLBACK")


def on_disk(daemon):
    return sum(file.stat().st_size for file in daemon.state.glob("cache.db*"))


def told(daemon):
    return daemon.metrics().value("rowcache_cache_bytes")


@pytest.mark.heavy
def test_a_reader_that_holds_the_log_of_the_cache_is_named_and_bounded(sim, rowcache):
    daemon = rowcache(*OPTIONS)
    dear = question(where="redirect=-1", having="redirect=-1")
    assert daemon.get(dear).miss
    with reader(daemon, "cache.db"):
        for number in range(40):
            if "nothing is stored" in daemon.log:
                break
            reply = daemon.ask(f"rows-{ROWS}.n{number}.example", limit=ROWS)
            assert reply.whole and reply.status == 200
            assert told(daemon) >= 0.8 * on_disk(daemon) - 5 * MIB
            assert on_disk(daemon) <= MOST
        assert on_disk(daemon) > 32 * MIB
        assert 0.9 * on_disk(daemon) <= told(daemon) <= 1.1 * on_disk(daemon)
        assert daemon.admin_json("/api/status")["bytes"] == told(daemon)
        line = daemon.wait_for_log("warning wal_held ")
        assert "cache.db" in line and "another process" in line
        assert "nothing is stored" in daemon.wait_for_log("outcome=not-stored")
        assert daemon.get(dear).hit
    assert daemon.ask("rows-6.example").miss, "it is seen at once that the reader has gone"
    assert daemon.ask("rows-6.example").hit
    daemon.wait_for_log("info wal_freed ")
    assert daemon.log.count("wal_held") == 1, "once, and not with each commit"
    eventually(lambda: told(daemon) <= 16 * MIB)
    eventually(lambda: on_disk(daemon) <= 24 * MIB)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_a_reader_of_a_quiet_cache_is_no_reason_for_a_warning(rowcache):
    daemon = rowcache()
    with reader(daemon, "cache.db"), reader(daemon, "ledger.db"):
        for number in range(20):
            assert daemon.ask(f"rows-1.n{number}.example").miss
    assert "wal_held" not in daemon.log
