"""Nobody is served who would not be served by Ahrefs; and to find out costs nothing."""

from concurrent.futures import ThreadPoolExecutor

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
    yield lambda *options, **more: start(strict.url, *options, **more)
    strict.clear_faults()
    strict.release()


def checks(sim, token):
    """The number of times upstream was asked about a token."""
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
    assert checks(strict, OTHER_TOKEN) == checks(strict, TOKEN) == 1
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


# Every kind of question that a client may ask.
ANYTHING = {
    "results": question("rows-7.example"),
    "another output": question("rows-7.example", output="xml"),
    "an unknown output": question("rows-7.example", output=""),
    "another table": question("rows-7.example", from_="anchors", limit=5),
    "a table that there is not": question("rows-7.example", from_="nonsense", limit=5),
    "the account": question(None, from_="subscription_info", mode=None),
}


@pytest.mark.parametrize("query", ANYTHING.values(), ids=list(ANYTHING))
def test_an_unknown_token_is_checked_before_it_spends(strict, guarded, query):
    daemon = guarded()
    for token in (TOKEN, OTHER_TOKEN):
        assert daemon.get({**query, "token": token}).status == 200
        assert checks(strict, token) >= 1
    before, asked, lines = daemon.account, len(strict.requests), daemon.spend()["tokens"]
    for method in ("GET", "POST"):
        with daemon.client() as client:
            path = "/?" + encode({**query, "token": BAD_TOKEN})
            reply = client.ask(method, path, "x" if method == "POST" else None)
        assert reply.status == 403 and reply.headers["X-Status"] == "error"
        assert b"does not accept this token" in reply.body
    assert [record["params"]["from"] for record in strict.requests[asked:]] == [CHECK["from"]]
    told = eventually(lambda: daemon.account["errors"] == before["errors"] + 2 and daemon.account)
    assert told["misses"] == before["misses"] and told["rows_spent"] == before["rows_spent"]
    assert fingerprints(daemon.spend()["tokens"]) == fingerprints(lines)


def fingerprints(lines):
    """Who has a line in the account; requests of nobody known have one together."""
    return {line["token"] for line in lines} - {"00000000"}


def test_what_is_stored_cannot_be_found_out(strict, guarded):
    """only-if-cached is answered the same whether something is stored or not."""
    daemon = guarded()
    daemon.ask()
    cached = {"Cache-Control": "only-if-cached"}
    stored, absent = (daemon.ask(target, token=BAD_TOKEN, headers=cached)
                      for target in ("rows-5.example", "rows-6.example"))
    check_refused(stored)
    assert (stored.status, stored.body) == (absent.status, absent.body)
    strict.fault("status", match=CHECK, times=None)
    stored, absent = (daemon.ask(target, token="5e" * 20, headers=cached)
                      for target in ("rows-5.example", "rows-6.example"))
    assert (stored.status, stored.body) == (absent.status, absent.body)
    assert daemon.ask(headers=cached).hit


@pytest.mark.concurrent
def test_requests_with_the_same_token_share_one_check(strict, guarded):
    daemon = guarded()
    strict.hold(match=CHECK)
    clients = [daemon.client() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send("GET", "/?" + encode(question(f"rows-{number % 4}.example")))
    eventually(lambda: daemon.open_files > 20)
    strict.wait_for(lambda sim: sim.held == 1, patience(10))
    strict.release()
    assert [len(client.receive().rows) for client in clients] == [0, 1, 2, 3] * 5
    for client in clients:
        client.close()
    assert checks(strict, TOKEN) == 1 and len(arrived(strict)) == 4


def test_a_check_is_not_lost_when_its_client_leaves(strict, guarded):
    daemon = guarded()
    strict.hold(match=CHECK)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question()))
        strict.wait_for(lambda sim: sim.held == 1, patience(10))
    strict.release()
    eventually(lambda: results(daemon)["accepted"] == 1)
    assert daemon.ask("rows-6.example").miss
    assert checks(strict, TOKEN) == 1


def results(daemon):
    """The number of checks by result, from /metrics."""
    samples = daemon.metrics().all("rowcache_token_checks_total")
    return {labels["result"]: int(value) for labels, value in samples}


# Bounds


def stranger(number):
    """A token that nobody knows."""
    return f"{number:040x}"


def check_put_off(reply):
    assert reply.status == 429 and reply.headers["X-Status"] == "error", reply
    assert 1 <= int(reply.headers["Retry-After"]) <= 60 and list(reply.json) == ["error"]


def test_no_more_tokens_are_checked_in_a_minute_than_may_be(strict, guarded):
    daemon = guarded("access.checks_per_minute=3")
    daemon.register("reporting", OTHER_TOKEN)
    assert daemon.ask().miss
    for number in range(2):
        check_refused(daemon.ask(token=stranger(number)))
    for number in range(2, 5):
        for target in ("rows-5.example", "rows-6.example"):
            check_put_off(daemon.ask(target, token=stranger(number)))
    check_refused(daemon.ask(token=stranger(1)))  # it is remembered
    assert daemon.ask().hit and daemon.ask("rows-6.example").miss
    assert daemon.ask(token=OTHER_TOKEN).hit and daemon.ask("rows-7.example").miss
    assert results(daemon) == {"accepted": 1, "refused": 2, "failed": 0, "put_off": 6}
    assert sum(record["params"] == {**CHECK, "token": record["token"]}
               for record in strict.requests) == 3


def test_a_minute_later_as_many_are_checked_again(strict, guarded, clock):
    daemon = guarded("access.checks_per_minute=2", **clock.drives())
    check_refused(daemon.ask(token=stranger(0)))
    clock.go_on(seconds=20)
    check_refused(daemon.ask(token=stranger(1)))
    for first, wait in ((2, 40), (3, 20)):
        reply = daemon.ask(token=stranger(first))
        check_put_off(reply)
        assert reply.headers["Retry-After"] == str(wait)
        clock.go_on(seconds=wait - 1)
        check_put_off(daemon.ask(token=stranger(first)))
        clock.go_on(seconds=1)
        check_refused(daemon.ask(token=stranger(first)))


def test_no_more_tokens_are_checked_at_once_than_may_be(strict, guarded):
    daemon = guarded("access.checks_inflight=2")
    strict.hold(match=CHECK)
    with daemon.client() as one, daemon.client() as two:
        for number, client in enumerate((one, two)):
            client.send("GET", "/?" + encode(question(token=stranger(number))))
        strict.wait_for(lambda sim: sim.held == 2, patience(10))
        check_put_off(daemon.ask())
        strict.release()
        for client in (one, two):
            check_refused(client.receive())
    assert daemon.ask().miss


def test_strangers_do_not_use_up_the_checks_of_tokens_that_were_accepted(strict, guarded, clock):
    """Neither when a verdict is over, nor, for a token that has spent, after a restart."""
    daemon = guarded("access.checks_per_minute=1", "access.remember_yes=1s",
                     "access.remember_no=1s", **clock.drives())
    daemon.ask()
    check_put_off(daemon.ask(token=BAD_TOKEN))
    clock.go_on(seconds=1)
    assert daemon.ask().hit and checks(strict, TOKEN) == 2
    daemon.restart("access.remember_yes=1h")
    check_refused(daemon.ask(token=BAD_TOKEN))
    check_put_off(daemon.ask(token=stranger(1)))
    assert daemon.ask().hit and checks(strict, TOKEN) == 3


def flood(daemon, count, first=0):
    """Questions of as many strangers, on a few connections; the replies' statuses."""
    def ask(turn):
        with daemon.client() as client:
            return [client.get(question(f"rows-{number}.example", token=stranger(number))).status
                    for number in range(first + turn, first + count, 4)]
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(ask, range(4)), [])


@pytest.mark.concurrent
@pytest.mark.parametrize("options, statuses", [
    (("access.mode=verify",), {403, 429}), (("access.mode=open",), {200}),
], ids=["verify", "open"])
def test_a_flood_of_strangers_leaves_nothing_but_a_counter(strict, guarded, options, statuses):
    daemon = guarded(*options)
    daemon.ask()
    flood(daemon, 1)
    eventually(lambda: daemon.account["requests"] == 2)
    daemon.restart()
    ledger = daemon.state / "ledger.db"
    before, lines = ledger.stat().st_size, fingerprints(daemon.spend()["tokens"])
    assert set(flood(daemon, 2000, first=1)) == statuses
    told = eventually(lambda: daemon.account["requests"] == 2002 and daemon.account)
    assert told["rows_spent"] == strict.bill(TOKEN) == ROWS_5 and told["rows_unknown"] == 0
    assert fingerprints(daemon.spend()["tokens"]) == lines and len(lines) == 1
    targets = {line["target"] for line in daemon.spend({"by": "target"})["targets"]}
    assert targets == {"rows-5.example", ""}
    labels = {labels["token"] for labels, _ in daemon.metrics().all("rowcache_rows_spent_total")}
    assert labels <= lines | {"00000000"}
    assert daemon.stop() == 0
    assert ledger.stat().st_size == before


# Answers that say nothing about a token


@pytest.mark.parametrize("code, status", [
    (401, 502), (403, 502), (404, 502), (407, 502), (429, 429), (503, 502),
])
def test_a_status_is_no_verdict(strict, guarded, code, status):
    """v2 refuses a token with status 200: another one is of a proxy, a limit or a fault."""
    daemon = guarded()
    strict.fault("status", match=CHECK, code=code, body='{"error":"no"}',
                 headers={"Retry-After": "7"})
    reply = daemon.ask()
    assert reply.status == status and reply.headers["X-Status"] == "error"
    assert reply.headers["Retry-After"] == "7"
    assert daemon.ask().miss
    assert results(daemon) == {"accepted": 1, "refused": 0, "failed": 1, "put_off": 0}


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


def test_while_upstream_is_down_known_tokens_are_served(strict, guarded, clock):
    daemon = guarded("cache.ttl=1s", **clock.drives())
    rows = daemon.ask().rows
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
    strict.fault("refuse", match={}, times=None)
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


def test_a_verdict_is_not_kept_for_ever(strict, guarded, clock):
    daemon = guarded("access.remember_yes=1s", "access.remember_no=1s", **clock.drives())
    daemon.ask()
    for count in (1, 2):
        assert daemon.ask(token=OTHER_TOKEN).hit and checks(strict, OTHER_TOKEN) == count
        check_refused(daemon.ask(token=BAD_TOKEN))
        assert checks(strict, BAD_TOKEN) == count
        clock.go_on(seconds=1)


def test_with_open_access_any_token_reads_the_cache(strict, guarded):
    daemon = guarded("access.mode=open")
    daemon.ask()
    strict.fault("refuse", match={}, times=None)
    assert daemon.ask(token=BAD_TOKEN).hit
    strict.clear_faults()
    assert "token" in daemon.ask("rows-6.example", token=BAD_TOKEN).error
    assert checks(strict, BAD_TOKEN) == 0 and len(arrived(strict)) == 2
    assert daemon.account["rows_spent"] == ROWS_5
