"""Too many requests: rowcache keeps the pace that Ahrefs allows, and waits when told to."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ahrefs.v3 import Workspace
from daemon import eventually, question
from v3 import (
    CACHED, KEY, LIMITS, OTHER_KEY, V3, call, is_paid, paid, simulator, start_call,
)
from wire import patience, wish


PATIENT = ("upstream.stall_timeout=30m",)


class Times:
    """The driven time at which each request came upstream."""

    def __init__(self, sim, clock):
        self.seen = []
        self._clock = clock
        sim.fault("delay", match=self._note, times=None, seconds=0)

    def _note(self, record):
        if is_paid(record):
            self.seen.append(self._clock.now)
        return False

    def most_within(self, **time) -> int:
        """The most requests in any such stretch of time."""
        span = timedelta(**time)
        return max(sum(begin <= other < begin + span for other in self.seen)
                   for begin in self.seen)


def ask_all(daemon, count, key=KEY):
    """Clients that ask different things at once."""
    before = daemon.open_files
    clients = [start_call(daemon, f"rows-{number}.example", key=key) for number in range(count)]
    eventually(lambda: daemon.open_files >= before + count)
    return clients


def receive(clients) -> list:
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(lambda client: client.receive(), clients))
    for client in clients:
        client.close()
    return replies


# 429


def test_a_429_is_asked_again_and_the_client_sees_none(sim3, driven3, clock):
    daemon = driven3()
    fault = sim3.fault("throttle", match=is_paid)
    with clock.flying():
        reply = call(daemon)
    assert reply.status == 200 and reply.miss and fault.hits == 1
    assert len(paid(sim3)) == 2 and sim3.bill(KEY) == daemon.account["units_spent"] == 50
    assert daemon.account["units_unknown"] == 0


@pytest.mark.parametrize("seconds", [3, 20])
def test_retry_after_is_honoured(sim3, driven3, clock, seconds):
    daemon = driven3()
    times = Times(sim3, clock)
    sim3.fault("throttle", match=is_paid, retry_after=seconds)
    with clock.flying():
        assert call(daemon).status == 200
    first, second = times.seen
    assert (second - first).total_seconds() >= seconds - 1
    assert (second - first).total_seconds() < seconds + 30


def test_the_v2_front_waits_as_well(sim3, driven3, clock):
    daemon = driven3()
    sim3.fault("throttle", match=is_paid, retry_after=2)
    with clock.flying():
        reply = daemon.get(question("rows-5.example", token=KEY))
    assert reply.status == 200 and len(reply.rows) == 5


def test_a_client_is_told_when_it_does_not_end(sim3, driven3, clock):
    """Within the client's patience; then 429, and nothing was spent."""
    daemon = driven3("upstream.stall_timeout=60s")
    sim3.fault("throttle", match=is_paid, times=None, retry_after=3600)
    with clock.flying():
        reply = call(daemon)
        told = daemon.get(question("rows-6.example", token=KEY))
    assert reply.status == 429 and "error" in reply.json, reply
    assert 0 < int(reply.headers["Retry-After"]) <= 3600
    assert told.status == 429 and told.headers["X-Status"] == "error"
    assert sim3.bills() == {} and daemon.account["units_spent"] == 0


def test_it_is_not_asked_again_and_again(sim3, driven3, clock):
    """Backoff: each try waits longer than the one before; a few tries in a minute, not hundreds."""
    daemon = driven3("upstream.stall_timeout=60s")
    times = Times(sim3, clock)
    sim3.fault("throttle", match=is_paid, times=None)
    with clock.flying():
        assert call(daemon).status == 429
    assert 2 <= len(times.seen) <= 20


def test_a_stale_answer_is_better_than_429(sim3, driven3, clock):
    daemon = driven3("cache.ttl=1h")
    first = call(daemon)
    clock.go_on(hours=2)
    sim3.fault("throttle", match=is_paid, times=None, retry_after=3600)
    with clock.flying():
        reply = call(daemon)
    assert reply.status == 200 and reply.stale and reply.body == first.body


def test_hits_need_no_pace(sim3, driven3, clock):
    """Nor does a client that does not want to wait."""
    daemon = driven3("upstream.requests_per_minute=1", *PATIENT)
    with clock.flying():
        assert call(daemon).status == 200
    for _ in range(20):
        assert call(daemon).hit
    assert call(daemon, "rows-9.example", headers=CACHED).status == 504
    assert call(daemon, "rows-9.example", method="HEAD").status == 504
    assert len(paid(sim3)) == 1


# The pace


@pytest.mark.concurrent
def test_no_more_go_out_in_a_minute_than_the_setting_says(sim3, driven3, clock):
    daemon = driven3("upstream.requests_per_minute=10", *PATIENT)
    times = Times(sim3, clock)
    clients = ask_all(daemon, 25)
    assert len(paid(sim3)) <= 10
    with clock.flying():
        replies = receive(clients)
    assert all(reply.status == 200 for reply in replies), [reply.status for reply in replies]
    assert len(times.seen) == 25 and times.most_within(seconds=50) <= 10
    assert daemon.account["units_spent"] == sim3.bill(KEY)


@pytest.mark.concurrent
def test_each_key_has_a_pace_of_its_own(sim3, driven3, clock):
    daemon = driven3("upstream.requests_per_minute=5", *PATIENT)
    with clock.flying():
        assert call(daemon, "rows-90.example", key=OTHER_KEY).status == 200
    clock.go_on(minutes=2)
    clients = ask_all(daemon, 12)
    with clock.flying():
        replies = receive(ask_all(daemon, 1, OTHER_KEY))
        assert replies[0].status == 200
        assert all(reply.status == 200 for reply in receive(clients))


def test_an_ahrefs_that_counts_more_strictly_is_borne(start, clock):
    """Its own minute is over before the one of the clock: what it refuses is asked again."""
    with simulator(pace=5, minute=0.3) as sim:
        daemon = start(sim.url, *V3, *PATIENT, **clock.drives())
        with clock.flying():
            replies = receive(ask_all(daemon, 20))
        assert [reply.status for reply in replies] == [200] * 20
        assert any(record["status"] == 429 for record in sim.requests)
        assert daemon.account["units_spent"] == sim.bill(KEY)
        assert daemon.account["units_unknown"] == 0
        assert daemon.stop() == 0


@pytest.mark.concurrent
def test_who_waits_too_long_is_told_so(sim3, driven3, clock):
    """Waiting for a turn counts towards the stall timeout; what was not sent costs nothing."""
    daemon = driven3("upstream.requests_per_minute=4", "upstream.stall_timeout=60s")
    clients = ask_all(daemon, 40)
    with clock.flying():
        replies = receive(clients)
    good = [reply for reply in replies if reply.status == 200]
    assert 2 <= len(good) < 40
    assert {reply.status for reply in replies} <= {200, 429, 503, 504}
    eventually(lambda: daemon.inflight == 0)
    account = daemon.account
    assert account["units_spent"] == sim3.bill(KEY) and account["units_unknown"] == 0


@pytest.mark.concurrent
def test_the_queue_is_bounded_and_counted(sim3, driven3, clock):
    daemon = driven3("upstream.requests_per_minute=2", "upstream.max_waiting=5",
                     "access.mode=open", *PATIENT)
    clients = ask_all(daemon, 20)
    count = lambda name: daemon.metrics().value(f"rowcache_upstream_{name}")
    eventually(lambda: count("turned_away_total") >= 20 - 5 - 2)
    assert count("waiting") == 5
    with clock.flying():
        replies = receive(clients)
    statuses = Counter(reply.status for reply in replies)
    assert set(statuses) == {200, 429} and statuses[200] >= 5
    assert statuses[429] == count("turned_away_total")
    assert daemon.account["units_spent"] == sim3.bill(KEY)
    assert daemon.metrics().value("rowcache_upstream_waiting") == 0


def test_the_pages_of_an_answer_keep_the_pace_and_come_whole(start, clock):
    with simulator(workspace=Workspace("Lite")) as sim:
        daemon = start(sim.url, *V3, "upstream.requests_per_minute=4", *PATIENT, **clock.drives())
        times = Times(sim, clock)
        with clock.flying():
            reply = daemon.get(question("rows-700.example", token=KEY))
        assert reply.status == 200 and len(reply.rows) == 700
        assert times.most_within(seconds=50) <= 4 and len(times.seen) >= 7
        assert daemon.stop() == 0


def test_a_check_of_a_key_is_no_way_around_the_pace(sim3, driven3, clock):
    daemon = driven3("upstream.requests_per_minute=3")
    with clock.flying():
        call(daemon)
        for _ in range(5):
            call(daemon, key="nobody-knows-this-key-1234567890", headers=wish("only-if-cached"))
    checks = [record for record in sim3.requests if record["endpoint"] == LIMITS]
    assert len(checks) <= 3
    sim3.wait_for(lambda sim: sim.in_flight == 0, patience(10))
