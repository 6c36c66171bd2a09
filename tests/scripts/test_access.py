"""Nobody is served who would not be served by Ahrefs; and to find out costs nothing."""

import pytest

from ahrefs import Simulator
from daemon import OTHER_TOKEN, QUESTIONS, TOKEN, arrived, eventually, question
from wire import encode, patience

BAD_TOKEN = "deadbeef" * 5
ROWS_5 = 10 + 5 * 2
CHECK = {"from": "subscription_info"}


@pytest.fixture
def strict():
    """An Ahrefs that knows two tokens."""
    with Simulator(tokens=[TOKEN, OTHER_TOKEN]) as simulator:
        yield simulator


@pytest.fixture
def guarded(strict, start):
    """Starts daemons in front of it."""
    yield lambda *options: start(strict.url, *options)
    strict.clear_faults()
    strict.release()


def checks(sim, token):
    """How often upstream was asked whether it knows a token."""
    return sum(record["token"] == token and record["params"]["from"] == "subscription_info"
               for record in sim.requests)


def check_refused(reply):
    assert reply.status == 403 and reply.headers["X-Status"] == "error", reply
    assert list(reply.json) == ["error"] and BAD_TOKEN not in reply.error


def test_an_unknown_token_is_checked_before_it_reads_the_cache(strict, guarded):
    daemon = guarded()
    daemon.ask()
    for _ in range(3):
        assert daemon.ask(token=OTHER_TOKEN).hit
    assert checks(strict, OTHER_TOKEN) == 1 and checks(strict, TOKEN) == 0
    for _ in range(3):
        check_refused(daemon.ask(token=BAD_TOKEN))
    assert checks(strict, BAD_TOKEN) == 1
    assert strict.bills() == {TOKEN: ROWS_5}
    assert daemon.account["rows_spent"] == ROWS_5


@pytest.mark.parametrize("text", ["only-if-cached", "max-stale", "no-cache"])
def test_no_wish_gets_around_the_check(guarded, text):
    daemon = guarded()
    daemon.ask()
    reply = daemon.ask(token=BAD_TOKEN, headers={"Cache-Control": text})
    assert reply.headers["X-Status"] == "error" and "refpages" not in reply.json


def test_a_miss_needs_no_check(strict, guarded):
    daemon = guarded()
    assert daemon.ask().miss
    assert daemon.ask("rows-6.example", token=OTHER_TOKEN).miss
    refused = daemon.ask("rows-7.example", token=BAD_TOKEN)
    assert refused.headers["X-Status"] == "error" and "token" in refused.error
    assert checks(strict, TOKEN) == checks(strict, OTHER_TOKEN) == 0
    assert len(strict.requests) == 3


@pytest.mark.concurrent
def test_a_bad_token_does_not_join_a_miss(strict, guarded):
    daemon = guarded()
    strict.hold(match=QUESTIONS)
    with daemon.client() as good, daemon.client() as bad:
        good.send("GET", "/?" + encode(question()))
        strict.wait_for(lambda sim: sim.held == 1, patience(10))
        bad.send("GET", "/?" + encode(question(token=BAD_TOKEN)))
        strict.wait_for(lambda sim: BAD_TOKEN in [record["token"] for record in sim.requests],
                        patience(10))
        strict.release()
        assert good.receive().miss
        reply = bad.receive()
        assert reply.headers["X-Status"] == "error" and "refpages" not in reply.json
    assert strict.bills() == {TOKEN: ROWS_5}


def test_while_upstream_is_down_known_tokens_are_served(strict, guarded):
    daemon = guarded("cache.ttl=1s")
    rows = daemon.ask().rows
    eventually(lambda: daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504)
    strict.fault("refuse", times=None)
    known = daemon.ask()
    assert known.stale and known.rows == rows
    for token in (OTHER_TOKEN, BAD_TOKEN):
        unknown = daemon.ask(token=token)
        assert unknown.status >= 400 and unknown.headers["X-Status"] == "error"
        assert list(unknown.json) == ["error"]
    strict.clear_faults()
    eventually(lambda: daemon.ask(token=OTHER_TOKEN).status == 200)


@pytest.mark.parametrize("kind, options", [
    ("status", {"code": 500}), ("html", {}), ("cut", {}), ("garbage", {}), ("redirect", {}),
])
def test_a_check_that_fails_lets_nobody_in(strict, guarded, kind, options):
    daemon = guarded()
    daemon.ask()
    strict.fault(kind, match=CHECK, times=None, **options)
    reply = daemon.ask(token=BAD_TOKEN)
    assert reply.status >= 400 and "refpages" not in reply.json
    strict.clear_faults()
    assert eventually(lambda: daemon.ask(token=OTHER_TOKEN)).hit
    check_refused(daemon.ask(token=BAD_TOKEN))


def test_a_verdict_is_not_kept_for_ever(strict, guarded):
    daemon = guarded("access.remember_yes=1s", "access.remember_no=1s")
    daemon.ask()
    eventually(lambda: daemon.ask(token=OTHER_TOKEN).hit and checks(strict, OTHER_TOKEN) >= 2)
    eventually(lambda: daemon.ask(token=BAD_TOKEN).status == 403 and checks(strict, BAD_TOKEN) >= 2)


def test_with_open_access_any_token_reads_the_cache(strict, guarded):
    daemon = guarded("access.mode=open")
    daemon.ask()
    strict.fault("refuse", times=None)
    assert daemon.ask(token=BAD_TOKEN).hit
    strict.clear_faults()
    assert "token" in daemon.ask("rows-6.example", token=BAD_TOKEN).error
    assert checks(strict, BAD_TOKEN) == 0 and len(arrived(strict)) == 2
    assert daemon.account["rows_spent"] == ROWS_5
