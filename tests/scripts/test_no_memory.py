"""Each allocation of the daemon's own code fails once, in turn: nothing dies, nothing hangs, what
comes after is served, and the account is right.

The daemon here is rowcached with an allocator between its own code and libc (../fake/allocator.c).
"""

import gzip
import http.client
import json
import mmap
import os
import signal
import struct
from datetime import datetime, timezone

import pytest

from ahrefs import v3
from daemon import READY, ROWCACHED, TOKEN, Daemon, eventually, question
from v3 import BATCH, KEY, LIMITS, V3, bearer, path, simulator
from wire import encode, wish

FAILING = ROWCACHED.parent.parent / "tests" / "rowcached-failing"
NEVER = -1
MOST = 5000  # allocations of one scenario; far more than any has


class Allocator:
    """The file that the daemon's allocator shares with the test."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(struct.pack("qq", NEVER, 0))
        with open(path, "r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 16)

    def fail_after(self, count):
        """So many more allocations succeed, then one fails; NEVER: none does."""
        struct.pack_into("qq", self._shared, 0, count, 0)

    @property
    def has_failed(self):
        return struct.unpack_from("q", self._shared, 8)[0] > 0


@pytest.fixture
def allocator(tmp_path):
    return Allocator(tmp_path / "allocator")


def process(allocator) -> dict:
    """How a daemon is started whose allocator can be made to fail."""
    return {"command": lambda line: [str(FAILING), *line[1:]],
            "env": {**os.environ, "FAILING_ALLOCATOR": str(allocator.path)}}


@pytest.fixture
def failing(rowcache, allocator):
    """Starts a daemon whose allocator can be made to fail."""
    return lambda *options: rowcache(*options, **process(allocator))


def rows_of(reply) -> list:
    if "Content-Encoding" not in reply.headers:
        return reply.rows
    return json.loads(gzip.decompress(reply.body))["refpages"]


class Play:
    """Shared by the scenarios: a daemon, and new targets for every round."""

    usual = TOKEN

    def __init__(self, sim, daemon, tokens=()):
        self.sim, self.daemon = sim, daemon
        self.tokens = dict(tokens)
        self.round = 0

    @property
    def target(self):
        return f"rows-5.n{self.round}.example"

    def try_to_ask(self, **params):
        """An answer that is right or says that it is none; None where the connection broke."""
        try:
            reply = self.daemon.ask(params.pop("target", self.target), **params)
        except (ConnectionError, http.client.HTTPException):
            return None
        assert reply.status in (200, 402, 403, 429, 500, 502, 503, 504), reply
        if reply.status == 200 and reply.whole and params.get("output") is None:
            assert len(rows_of(reply)) == 5
        return reply

    def try_to_look(self, path):
        """The same of the admin side's answers."""
        try:
            reply = self.daemon.admin(path)
        except (ConnectionError, http.client.HTTPException):
            return
        assert reply.status in (200, 500, 503), (path, reply)


def miss_and_hit(play):
    play.try_to_ask()
    play.try_to_ask()


def unknown_token(play):
    play.try_to_ask(token=f"{play.round:040x}")


def opaque(play):
    play.try_to_ask(output="")


def packed(play):
    """A short answer as gzip, an error, and a long one, which is made gzip as it comes."""
    takes = {"Accept-Encoding": "gzip"}
    play.try_to_ask(headers=takes)
    play.try_to_ask(headers=takes)
    play.try_to_ask(headers=takes, token="JUNK")
    play.try_to_ask(headers=takes, target=f"rows-200.n{play.round}.example", limit=200, output="")


def other_forms(play):
    play.try_to_ask(output="xml")
    play.try_to_ask(output="php")


def derived(play):
    """A miss that is asked wider, two answers that are computed, and one that is explained."""
    play.try_to_ask(select="date,type")
    explained = encode(question(play.target, token=None, order_by="last_visited"))
    play.try_to_look("/api/explain?" + explained)
    play.try_to_ask(select="url_from")
    play.try_to_ask(order_by="first_seen:desc")


def budget(play):
    play.try_to_ask(token=play.tokens["alice"])
    play.try_to_ask(token=play.tokens["poor"])


def stale(play):
    """A refresh behind the client's back, as nothing is fresh with this cache.ttl."""
    play.try_to_ask(target="rows-5.stale.example")
    play.try_to_ask(target="rows-5.stale.example", select="date")


def joined(play):
    """Two clients, one flight."""
    with play.daemon.client() as first, play.daemon.client() as second:
        asked = question(play.target)
        for client in (first, second):
            client.send("GET", "/?" + encode(asked))
        for client in (first, second):
            try:
                reply = client.receive()
            except (ConnectionError, http.client.HTTPException):
                continue
            assert reply.status != 200 or not reply.whole or len(reply.rows) == 5


def administration(play):
    for path in ("/metrics", "/api/spend", "/api/spend?by=target", "/api/status", "/api/cache",
                 "/api/token", "/api/explain?from=backlinks_new_lost&target=a.example&mode=domain"):
        play.try_to_look(path)


def change_a_token(play):
    """Not one more token each time: what is kept of all would grow with them."""
    done = play.daemon.ctl("token", "budget", "alice", str(1000 + play.round), "--per", "day")
    assert done.returncode in (0, 1), done


def reload(play):
    """Applied, or refused with a reason."""
    before = len(play.daemon.lines)
    play.daemon.signal(signal.SIGHUP)
    eventually(lambda: any(" reload " in line and "outcome=" in line
                           for line in play.daemon.lines[before:]))


SCENARIOS = {
    "a miss and a hit": (miss_and_hit, []),
    "a token that is verified": (unknown_token, []),
    "an answer that is passed on": (opaque, []),
    "gzip": (packed, []),
    "other forms": (other_forms, []),
    "derived answers": (derived, []),
    "budgets": (budget, []),
    "a refresh": (stale, ["cache.ttl=0", "cache.stale_while_revalidate=1d"]),
    "a flight that is joined": (joined, []),
    "the admin side": (administration, []),
    "a token that is changed": (change_a_token, []),
    "a reload": (reload, []),
}


def is_at_rest(daemon):
    return daemon.admin_json("/api/status")["inflight"] == 0


def check_account(sim, daemon):
    total = daemon.account
    bill = sum(sim.bills().values())
    assert total["rows_spent"] - total["rows_unknown"] <= bill <= total["rows_spent"]


def fail_once_each(play, deed, allocator):
    """Runs the deed until none of its allocations is left to fail; between, it is served."""
    daemon = play.daemon
    deed(play)  # what is made once is made now
    for count in range(MOST):
        play.round += 1
        allocator.fail_after(count)
        deed(play)
        failed = allocator.has_failed
        allocator.fail_after(NEVER)
        assert daemon.running, f"it died at allocation {count}"
        if not failed:
            break
        eventually(lambda: daemon.ask("rows-5.after.example", token=play.usual).status == 200)
    else:
        pytest.fail("the scenario has no end")
    print(f"{count} allocations failed")
    assert count > 0
    eventually(lambda: is_at_rest(daemon))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_allocation_fails_once(sim, failing, allocator, house, scenario):
    deed, options = SCENARIOS[scenario]
    daemon = failing(house, *options)
    tokens = {"alice": daemon.issue("alice"), "poor": daemon.issue("poor", "--budget", "1")}
    fail_once_each(Play(sim, daemon, tokens), deed, allocator)
    check_account(sim, daemon)
    assert daemon.stop() == 0
    assert daemon.ctl_json("spend")["total"]["rows_spent"] is not None


# In front of v3

TARGETS = json.dumps({"select": ["url"], "targets": [
    {"url": "a.example", "mode": "exact", "protocol": "both"}]}).encode()


class Play3(Play):
    usual = KEY

    @property
    def target(self):
        return f"rows-120.n{self.round}.example"  # two pages

    def try_to_translate(self, headers=None, **params):
        """A query of v2, whose answer is right or says that it is none."""
        asked = question(params.pop("target", self.target),
                         **{"token": KEY, "limit": 1000, **params})
        reply = self.try_to("GET", "/?" + encode(asked), headers)
        if reply and reply.status == 200 and reply.whole and params.get("output") != "php":
            assert len(reply.rows) == 120

    def try_to_call(self, method="GET", what=None, key=KEY, body=None):
        what = what or path(self.target, limit=100)
        self.try_to(method, what, bearer(key), body)

    def try_to(self, method, what, headers, body=None):
        try:
            with self.daemon.client() as client:
                reply = client.ask(method, what, body, headers)
        except (ConnectionError, http.client.HTTPException):
            return None
        assert reply.status in (200, 402, 403, 429, 500, 502, 503, 504), reply
        return reply


def translated(play):
    play.try_to_translate()
    play.try_to_translate(output="php")
    play.try_to_translate(wish("no-store"), target=f"rows-120.m{play.round}.example")


def translated_on_budgets(play):
    play.try_to_translate(token=play.tokens["alice"])
    play.try_to_translate(token=play.tokens["poor"])


def translated_stale(play):
    play.try_to_translate(target="rows-120.stale.example")


def pages_that_are_shared(play):
    """Two queries with the same pages."""
    with play.daemon.client() as first, play.daemon.client() as second:
        for client, limit in ((first, 1000), (second, 999)):
            client.send("GET", "/?" + encode(question(play.target, token=KEY, limit=limit)))
        for client in (first, second):
            try:
                reply = client.receive()
            except (ConnectionError, http.client.HTTPException):
                continue
            assert reply.status != 200 or not reply.whole or len(reply.rows) == 120


def calls(play):
    play.try_to_call()
    play.try_to_call(what=path(play.target, limit=10, select="url_from"))
    play.try_to_call(what=f"/v3/site-explorer/metrics?target={play.target}")
    play.try_to_call("POST", "/v3/" + BATCH, body=TARGETS)
    play.try_to_call(key=play.tokens["poor"], what=path(f"rows-9.n{play.round}.example"))


def accounts(play):
    play.try_to_call(what="/v3/" + LIMITS)
    play.try_to_call(what="/v3/" + LIMITS, key=play.tokens["alice"])
    for token in KEY, play.tokens["alice"]:
        play.try_to("GET", "/?" + encode({"from": "subscription_info", "token": token}), None)


SCENARIOS3 = {
    "a query of two pages": (translated, []),
    "budgets": (translated_on_budgets, []),
    "a refresh": (translated_stale, ["cache.ttl=0", "cache.stale_while_revalidate=1d"]),
    "pages that are shared": (pages_that_are_shared, []),
    "calls": (calls, []),
    "accounts": (accounts, []),
}


def check_units(sim, daemon):
    total = daemon.account
    bill = sum(sim.bills().values())
    assert total["units_spent"] - total["units_unknown"] <= bill <= total["units_spent"]


@pytest.mark.parametrize("scenario", SCENARIOS3)
def test_each_allocation_fails_once_in_front_of_v3(start, allocator, purse3, scenario):
    deed, options = SCENARIOS3[scenario]
    today = datetime.now(timezone.utc).date().isoformat()
    with simulator(workspace=v3.Workspace("Lite"), today=today) as sim:
        daemon = start(sim.url, *V3, purse3, *options, **process(allocator))
        tokens = {"alice": daemon.issue("alice"), "poor": daemon.issue("poor", "--budget", "100")}
        fail_once_each(Play3(sim, daemon, tokens), deed, allocator)
        check_units(sim, daemon)
        assert daemon.stop() == 0


def test_a_start_without_memory_ends_with_a_reason(sim, allocator, tmp_path, house):
    """Or it starts all the same; it does neither hang nor crash."""
    daemon = Daemon(tmp_path / "state", sim.url, [house], **process(allocator))
    for count in range(MOST):
        allocator.fail_after(count)
        daemon.start(wait=False)
        eventually(lambda: not daemon.running or daemon._find(READY))
        failed = allocator.has_failed
        allocator.fail_after(NEVER)
        if daemon.running:
            assert daemon.stop() == 0
        elif daemon.wait() != 0:
            assert daemon.process.returncode == 1 and daemon.lines, daemon.log
        if not failed:
            break
    assert 0 < count < MOST
