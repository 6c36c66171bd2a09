"""Ahrefs takes so many requests a minute with one key. More than that wait here, and a key that is
throttled all the same waits as a whole. The plays move the clock."""

import signal
from contextlib import ExitStack, contextmanager

import pytest

from ahrefs import v3
from daemon import eventually
from v3 import (
    HOUSE_KEY, KEY, LIMITS, OTHER_KEY, V3, call, is_paid, paid, simulator, start_call,
)
from wire import patience

PACE = "upstream.requests_per_minute=3"
# Keys are not checked before they ask, and their plans not asked for.
TRUSTING = ("access.mode=open", "upstream.max_rows=5000000")
TRANSLATING = (*V3, "upstream.stall_timeout=10m")


@pytest.fixture
def paced(driven3):
    """Starts daemons that send three requests a minute."""
    return lambda *options, **more: driven3(PACE, *TRUSTING, *options, **more)


def come(sim, count):
    """Until so many requests have come."""
    sim.wait_for(lambda sim: len(sim.requests) >= count, patience(10))


def waiting(daemon, count):
    eventually(lambda: daemon.metrics().value("rowcache_upstream_waiting") == count)


@contextmanager
def asking(daemon, *targets, key=KEY):
    """Clients that have asked for these, and wait."""
    with ExitStack() as stack:
        yield [stack.enter_context(start_call(daemon, target, key=key)) for target in targets]


def _status(reply):
    return reply.status


def targets(first, last):
    return [f"rows-{number}.example" for number in range(first, last + 1)]


# The pace


def test_what_is_above_the_pace_waits_and_is_answered(sim3, paced, clock):
    daemon = paced("upstream.stall_timeout=5m")
    with asking(daemon, *targets(1, 7)) as clients:
        come(sim3, 3)
        waiting(daemon, 4)
        clock.go_on(seconds=59)
        waiting(daemon, 4)
        assert len(sim3.requests) == 3
        clock.go_on(seconds=1)
        come(sim3, 6)
        waiting(daemon, 1)
        clock.go_on(seconds=60)
        assert [client.receive().status for client in clients] == [200] * 7
    assert len(paid(sim3)) == 7 and daemon.metrics().value("rowcache_upstream_waiting") == 0


def test_each_key_has_its_own_pace(sim3, paced):
    daemon = paced()
    with asking(daemon, *targets(1, 4)):
        come(sim3, 3)
        waiting(daemon, 1)
        assert call(daemon, "rows-9.example", key=OTHER_KEY).status == 200
        waiting(daemon, 1)


def test_what_is_stored_does_not_wait(sim3, paced):
    daemon = paced()
    for target in targets(1, 3):
        assert call(daemon, target).status == 200
    assert [call(daemon, target).status for target in targets(1, 3)] == [200] * 3
    assert len(sim3.requests) == 3


def test_the_free_account_counts_too(sim3, driven3, clock):
    daemon = driven3(PACE, "upstream.stall_timeout=5m")  # the key is checked first
    with asking(daemon, *targets(1, 3)) as clients:
        come(sim3, 3)
        waiting(daemon, 1)
        assert sum(record["endpoint"] == LIMITS for record in sim3.requests) == 1
        clock.go_on(seconds=60)
        assert [client.receive().status for client in clients] == [200] * 3


def test_upstream_sees_no_more_in_any_minute(start, clock):
    """One that counts by itself has nothing to throttle."""
    with v3.Simulator(pace=3, minute=0.5) as sim:
        daemon = start(sim.url, "upstream.api=v3", PACE, *TRUSTING, "upstream.stall_timeout=1h",
                       **clock.drives())
        with asking(daemon, *targets(1, 12)) as clients, clock.flying():
            assert [client.receive().status for client in clients] == [200] * 12
        assert daemon.metrics().value("rowcache_upstream_requests_total", code="200") == 12


def test_one_that_waits_for_too_long_is_answered_429(sim3, paced, clock):
    daemon = paced("upstream.stall_timeout=20s")
    with asking(daemon, *targets(1, 4)) as clients:
        come(sim3, 3)
        waiting(daemon, 1)
        clock.go_on(seconds=20)
        *answered, reply = sorted((client.receive() for client in clients), key=_status)
        assert [one.status for one in answered] == [200] * 3
        assert reply.status == 429 and 0 < int(reply.headers["Retry-After"]) <= 40
        assert "upstream.requests_per_minute" in reply.json["error"]
    waiting(daemon, 0)
    assert len(sim3.requests) == 3


def test_one_whose_client_leaves_is_not_sent(sim3, paced, clock):
    daemon = paced()
    with asking(daemon, *targets(1, 3)):
        come(sim3, 3)
        with asking(daemon, "rows-4.example"):
            waiting(daemon, 1)
        clock.go_on(seconds=5)
        waiting(daemon, 0)
    clock.go_on(seconds=60)
    assert call(daemon, "rows-5.example").status == 200 and len(sim3.requests) == 4


def test_a_reload_changes_the_pace_of_what_waits(sim3, start, clock, tmp_path):
    file = tmp_path / "paced.conf"
    file.write_text("[upstream]\nrequests_per_minute = 3\n")
    daemon = start(sim3.url, "upstream.api=v3", *TRUSTING, arguments=["-c", str(file)],
                   **clock.drives())
    with asking(daemon, *targets(1, 6)) as clients:
        come(sim3, 3)
        waiting(daemon, 3)
        file.write_text("[upstream]\nrequests_per_minute = 5\n")
        daemon.signal(signal.SIGHUP)
        come(sim3, 5)
        waiting(daemon, 1)
        file.write_text("[upstream]\nrequests_per_minute = 0\n")
        daemon.signal(signal.SIGHUP)
        assert [client.receive().status for client in clients] == [200] * 6


def test_a_full_queue_turns_away(sim3, paced):
    daemon = paced("upstream.max_waiting=2")
    with asking(daemon, *targets(1, 5)):
        come(sim3, 3)
        waiting(daemon, 2)
        reply = call(daemon, "rows-6.example")
        assert reply.status == 429 and "upstream.max_waiting" in reply.json["error"]
        waiting(daemon, 2)
    status = daemon.ctl_json("status")
    assert status["upstream"]["turned_away"] == 1
    assert daemon.metrics().value("rowcache_upstream_turned_away_total") == 1


# 429


def test_a_throttled_request_is_sent_again_under_a_budget(sim3, driven3, purse3, clock):
    """The second send costs what the first did not."""
    daemon = driven3(purse3)
    alice = daemon.issue("alice", "--budget", "60")
    sim3.fault("throttle", match=is_paid)
    with start_call(daemon, "rows-1.example", key=alice, limit=10) as client:
        eventually(lambda: daemon.metrics().value("rowcache_upstream_throttled_total") == 1)
        waiting(daemon, 1)
        clock.go_on(seconds=2)
        assert client.receive().status == 200
    assert sim3.bill(HOUSE_KEY) == 50


@pytest.mark.parametrize("retry_after, wait", [(7, 7), (None, 1.5)])
def test_all_of_a_throttled_key_wait(sim3, paced, clock, retry_after, wait):
    daemon = paced("upstream.requests_per_minute=9")
    sim3.fault("throttle", retry_after=retry_after)
    with asking(daemon, "rows-1.example") as (first,):
        waiting(daemon, 1)
        with asking(daemon, *targets(2, 4)) as others:
            waiting(daemon, 4)
            assert call(daemon, "rows-9.example", key=OTHER_KEY).status == 200
            assert len(sim3.requests) == 2
            with clock.flying():
                assert [client.receive().status for client in [first, *others]] == [200] * 4
    assert daemon.metrics().value("rowcache_upstream_throttled_total") == 1


def test_a_long_wait_is_said_at_once_and_heeded(sim3, paced, clock):
    daemon = paced()
    sim3.fault("throttle", retry_after=3600)
    reply = call(daemon)
    assert reply.status == 429 and reply.headers["Retry-After"] == "3600"
    assert "Too many requests" in str(reply.json)  # upstream's own words
    clock.go_on(minutes=20)
    reply = call(daemon, "rows-6.example")
    assert reply.status == 429 and reply.headers["Retry-After"] == "2400"
    assert len(sim3.requests) == 1
    clock.go_on(minutes=40)
    assert call(daemon).status == 200
    assert daemon.metrics().value("rowcache_upstream_throttled_total") == 1


def test_a_429_that_says_what_it_cost_is_booked(sim3, paced):
    """It is not known to happen."""
    daemon = paced()
    sim3.fault("throttle")
    sim3.fault("costs", value="50")
    assert call(daemon).status == 429
    assert len(sim3.requests) == 1 and daemon.spend()["total"]["units_spent"] == 50


def test_a_check_of_a_key_that_is_throttled_is_429(sim3, driven3, clock):
    daemon = driven3(PACE)
    sim3.fault("throttle", retry_after=3600, match=lambda asked: not is_paid(asked))
    assert call(daemon).headers["Retry-After"] == "3600"
    clock.go_on(minutes=30)
    reply = call(daemon)
    assert reply.status == 429 and reply.headers["Retry-After"] == "1800"
    assert len(sim3.requests) == 1


def test_a_stale_answer_is_served_instead(sim3, paced, clock):
    daemon = paced("cache.ttl=1m")
    assert call(daemon).status == 200
    clock.go_on(minutes=2)
    sim3.fault("throttle", retry_after=3600)
    reply = call(daemon)
    assert reply.status == 200 and "stale" in reply.headers["Cache-Status"]


def test_a_stop_does_not_wait_for_a_turn(sim3, paced, clock):
    daemon = paced("server.drain_timeout=1s")
    with asking(daemon, *targets(1, 4)) as clients:
        come(sim3, 3)
        waiting(daemon, 1)
        with clock.flying():
            assert daemon.stop() == 0
        *answered, reply = sorted((client.receive() for client in clients), key=_status)
        assert [one.status for one in answered] == [200] * 3 and reply.status == 503
    assert len(sim3.requests) == 3


# A query of v2, which is answered from calls


def test_pages_of_a_translation_keep_the_pace(start, clock):
    with simulator(keys=[KEY], workspace=v3.Workspace("Standard", cap=25)) as sim:
        daemon = start(sim.url, *TRANSLATING, PACE, "access.mode=open", **clock.drives())
        with clock.flying():
            reply = daemon.ask("rows-120.example", token=KEY)
        assert reply.status == 200 and len(reply.rows) == 120
        assert len(paid(sim)) >= 5


def test_a_page_that_is_throttled_is_sent_again(driven3, sim3, clock):
    daemon = driven3(PACE, *TRUSTING)
    sim3.fault("throttle", match=is_paid)
    with clock.flying():
        reply = daemon.ask("rows-20.example", token=KEY)
    assert reply.status == 200 and len(reply.rows) == 20
    assert daemon.metrics().value("rowcache_upstream_throttled_total") == 1


def test_a_key_that_is_throttled_for_an_hour_is_429_in_v2(driven3, sim3):
    daemon = driven3(PACE, *TRUSTING)
    sim3.fault("throttle", retry_after=3600, times=None, match=is_paid)
    reply = daemon.ask("rows-20.example", token=KEY)
    assert reply.status == 429 and "error" in reply.json
    assert 3590 < int(reply.headers["Retry-After"]) <= 3600
