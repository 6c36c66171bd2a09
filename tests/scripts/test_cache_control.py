"""Wishes of a client in Cache-Control."""

import pytest

from daemon import TOKEN, arrived
from wire import MISS, wish

ROWS_5 = 10 + 5 * 2
STALE_OR_REQUEST = ("rowcache; fwd=request; stored", "rowcache; fwd=stale; stored")


def grow_old(daemon, clock, text):
    """Two seconds later, what is stored no longer does for this wish."""
    clock.go_on(seconds=2)
    assert daemon.ask(headers=wish(f"only-if-cached, {text}")).status == 504


def test_no_cache_asks_upstream_and_stores_the_answer(sim, rowcache):
    daemon = rowcache()
    old = daemon.ask().rows
    sim.change_world()
    fresh = daemon.ask(headers=wish("no-cache"))
    assert fresh.cache == "rowcache; fwd=request; stored"
    assert fresh.rows != old and fresh.spent == ROWS_5
    after = daemon.ask()
    assert after.hit and after.rows == fresh.rows
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 2 * ROWS_5


def test_no_cache_for_what_is_not_there_is_a_miss(sim, rowcache):
    reply = rowcache().ask(headers=wish("no-cache"))
    assert reply.cache in (MISS, "rowcache; fwd=request; stored")
    assert sim.bill(TOKEN) == ROWS_5


def test_no_store_leaves_nothing_behind(sim, rowcache):
    daemon = rowcache()
    reply = daemon.ask(headers=wish("no-store"))
    assert len(reply.rows) == 5
    assert reply.cache.startswith("rowcache; fwd=") and "stored" not in reply.cache
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == ROWS_5
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    assert daemon.ask().miss


def test_max_age_bounds_the_age(sim, driven, clock):
    daemon = driven()
    daemon.ask()
    assert daemon.ask(headers=wish("max-age=3600")).hit
    grow_old(daemon, clock, "max-age=0")
    sim.change_world()
    reply = daemon.ask(headers=wish("max-age=0"))
    assert reply.cache in STALE_OR_REQUEST and reply.spent == ROWS_5
    assert daemon.ask().rows == reply.rows
    assert len(arrived(sim)) == 2


def test_min_fresh_asks_for_time_left(sim, rowcache):
    daemon = rowcache("cache.ttl=1h")
    daemon.ask()
    assert daemon.ask(headers=wish("min-fresh=3000")).hit
    assert len(arrived(sim)) == 1
    assert daemon.ask(headers=wish("min-fresh=4000")).cache in STALE_OR_REQUEST
    assert len(arrived(sim)) == 2


def test_max_stale_is_content_with_less(sim, driven, clock):
    daemon = driven("cache.ttl=1s")
    old = daemon.ask().rows
    sim.change_world()
    grow_old(daemon, clock, "max-stale=0")
    for text in ("max-stale", "max-stale=3600"):
        reply = daemon.ask(headers=wish(text))
        assert reply.stale and reply.rows == old and reply.spent == 0
    assert len(arrived(sim)) == 1
    assert daemon.ask(headers=wish("max-stale=0")).cache == "rowcache; fwd=stale; stored"


def test_only_if_cached_spends_nothing(sim, rowcache):
    daemon = rowcache()
    reply = daemon.ask(headers=wish("only-if-cached"))
    assert reply.status == 504 and reply.headers["X-Status"] == "error" and reply.error
    assert arrived(sim) == []
    daemon.ask()
    assert daemon.ask(headers=wish("only-if-cached")).hit
    assert daemon.ask(headers=wish("only-if-cached, min-fresh=90000")).status == 504
    assert len(arrived(sim)) == 1


@pytest.mark.parametrize("text", ["", "banana", "private, foo=bar", "max-age=3600, x=\"a, b\""])
def test_what_is_not_understood_is_passed_over(rowcache, text):
    daemon = rowcache()
    assert daemon.ask(headers=wish(text)).miss
    assert daemon.ask(headers=wish(text)).hit


@pytest.mark.parametrize("text", ["No-Cache", "max-age=3600,no-cache", " no-cache ,"])
def test_the_spelling_of_a_wish_is_free(rowcache, text):
    daemon = rowcache()
    daemon.ask()
    assert daemon.ask(headers=wish(text)).cache == "rowcache; fwd=request; stored"


@pytest.mark.parametrize("text", ["max-age=99999999999999999999", "min-fresh=0", "max-stale=1s"])
def test_odd_numbers_do_no_harm(rowcache, text):
    daemon = rowcache()
    daemon.ask()
    reply = daemon.ask(headers=wish(text))
    assert reply.status == 200 and len(reply.rows) == 5
