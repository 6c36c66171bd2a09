"""Old results, while upstream works and while it fails."""

from contextlib import nullcontext

import pytest

from ahrefs import Simulator
from daemon import QUESTIONS, TOKEN, arrived, eventually, question, wait_until_held
from wire import REFRESHED, encode

ROWS_5 = 10 + 5 * 2

ILL = [
    ("status", {"code": 500}), ("status", {"code": 503}), ("refuse", {}),
    ("refuse", {"reset": True, "charged": True}), ("html", {}),
    ("cut", {"after": 0}), ("cut", {}), ("truncate", {}), ("garbage", {}), ("bad_gzip", {}),
    ("bad_utf8", {}), ("count", {}), ("no_refpages", {}), ("long_head", {}),
    ("content_length", {}), ("stall", {}), ("hold", {"charged": True}),
]
SILENT = ("stall", "hold")  # the time of upstream.stall_timeout has to pass


def grow_stale(daemon, clock, max_stale=None):
    """A result's second of freshness passes."""
    fresh = {"Cache-Control": "only-if-cached"}
    if max_stale is not None:
        fresh["Cache-Control"] += f", max-stale={max_stale}"
    assert daemon.ask(headers=fresh).hit
    clock.go_on(seconds=1 if max_stale is None else 1 + max_stale + 1)
    assert daemon.ask(headers=fresh).status == 504


def test_an_old_result_is_asked_for_again(sim, driven, clock):
    daemon = driven("cache.ttl=1s")
    old = daemon.ask().rows
    sim.change_world()
    grow_stale(daemon, clock)
    reply = daemon.ask()
    assert reply.cache == REFRESHED
    assert reply.rows != old and reply.spent == ROWS_5
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 2 * ROWS_5
    eventually(lambda: daemon.outcomes()["miss"] == 2)


def test_without_a_time_to_live_everything_is_asked_for_again(sim, rowcache):
    daemon = rowcache("cache.ttl=0")
    assert daemon.ask().status == 200
    assert daemon.ask().cache == REFRESHED
    assert len(arrived(sim)) == 2


@pytest.mark.parametrize("kind, options", ILL, ids=lambda value: str(value) or "plain")
def test_when_upstream_fails_an_old_result_is_better_than_none(sim, driven, clock, kind, options):
    daemon = driven("cache.ttl=1s")
    old = daemon.ask().rows
    sim.change_world()
    grow_stale(daemon, clock)
    sim.fault(kind, times=None, **options)
    with clock.flying() if kind in SILENT else nullcontext():
        reply = daemon.ask()
    assert reply.status == 200 and reply.stale and reply.rows == old
    if kind in SILENT:
        assert int(reply.headers["Age"]) + reply.ttl == 1, "at one moment, however long that took"
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN)

    sim.clear_faults()
    well = daemon.ask()
    assert well.cache == REFRESHED and well.rows != old
    eventually(lambda: daemon.outcomes().get("stale") == 1)


def test_when_upstream_is_gone_too_an_old_result_is_better_than_none(start, clock):
    with Simulator() as passing:
        daemon = start(passing.url, "cache.ttl=1s", **clock.drives())
        old = daemon.ask().rows
        grow_stale(daemon, clock)
    reply = daemon.ask()
    assert reply.stale and reply.rows == old
    assert daemon.account["rows_spent"] == ROWS_5
    assert daemon.ask("rows-6.example").status == 502
    assert daemon.account["rows_spent"] == ROWS_5


def test_many_hear_of_one_failure_and_all_get_the_old_result(sim, driven, clock):
    daemon = driven("cache.ttl=1s")
    old = daemon.ask().rows
    grow_stale(daemon, clock)
    failure = sim.fault("status", times=None, code=503)
    sim.hold(match=QUESTIONS)
    clients = [daemon.client() for _ in range(5)]
    for client in clients:
        client.send("GET", "/?" + encode(question()))
    sim.wait_for(lambda sim: sim.held >= 1)
    sim.release()
    for client in clients:
        reply = client.receive()
        assert reply.stale and reply.rows == old
        client.close()
    assert failure.hits <= 5 and sim.bill(TOKEN) == ROWS_5


def test_a_refusal_is_no_failure(sim, driven, clock):
    daemon = driven("cache.ttl=1s")
    daemon.ask()
    grow_stale(daemon, clock)
    sim.fault("error_first", text="no rows left")
    reply = daemon.ask()
    assert reply.error == "no rows left" or reply.stale
    assert daemon.ask().cache == REFRESHED


def test_no_result_is_served_for_ever(sim, driven, clock):
    daemon = driven("cache.ttl=1s", "cache.stale_if_error=0s")
    daemon.ask()
    grow_stale(daemon, clock)
    clock.go_on(seconds=1)
    sim.fault("refuse", times=None)
    reply = daemon.ask()
    assert reply.status == 502 and reply.headers["X-Status"] == "error"
    sim.clear_faults()
    assert daemon.ask().status == 200


def test_while_revalidating_the_old_result_is_served_at_once(sim, driven, clock):
    daemon = driven("cache.ttl=1s", "cache.stale_while_revalidate=1h")
    old = daemon.ask().rows
    sim.change_world()
    sim.hold(match=QUESTIONS)
    clock.go_on(seconds=1)
    first = daemon.ask()
    assert first.stale and first.rows == old and first.spent == 0
    wait_until_held(sim)
    for _ in range(5):
        reply = daemon.ask()
        assert reply.stale and reply.rows == old
    assert len(arrived(sim)) == 2, "one refresh is enough"

    sim.release()
    eventually(lambda: daemon.ask().rows != old)
    eventually(lambda: daemon.account["rows_spent"] == sim.bill(TOKEN) >= 2 * ROWS_5)


def test_while_revalidating_a_client_gets_no_staler_result_than_it_allows(sim, driven, clock):
    """max-stale=0 asks for a fresh answer, whatever the configuration allows for others."""
    daemon = driven("cache.ttl=1s", "cache.stale_while_revalidate=1h")
    old = daemon.ask().rows
    sim.change_world()
    grow_stale(daemon, clock, max_stale=0)
    reply = daemon.ask(headers={"Cache-Control": "max-stale=0"})
    assert reply.cache == REFRESHED and reply.rows != old


def test_a_refresh_that_fails_behind_the_back_does_no_harm(sim, driven, clock):
    daemon = driven("cache.ttl=1s", "cache.stale_while_revalidate=1h")
    old = daemon.ask().rows
    sim.change_world()
    broken = sim.fault("cut", times=1)
    clock.go_on(seconds=1)
    assert daemon.ask().stale
    eventually(lambda: broken.hits)
    eventually(lambda: daemon.ask().rows != old)
    eventually(lambda: sim.in_flight == 0 and daemon.account["rows_spent"] >= sim.bill(TOKEN))


def test_what_is_stored_stays_fresh_over_a_restart(sim, driven, clock):
    daemon = driven()
    rows = daemon.ask().rows
    daemon.restart()
    reply = daemon.ask()
    assert reply.hit and reply.rows == rows
    daemon.restart("cache.ttl=1s", "cache.stale_if_error=0")
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
