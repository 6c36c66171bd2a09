"""Queries of v2 are under way in front of v3, many at once: each page is paid once, by its own key,
and nothing of one client reaches another."""

import json
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from ahrefs import v3
from daemon import eventually, question, wait_until_held
from v3 import (
    BACKLINKS, KEY, LIMITS, OTHER_KEY, V3, bearer, is_paid, paid, simulator, start_call,
)
from wire import encode, patience, wish


def ask(daemon, target="rows-5.example", headers=None, *, key=KEY, **params):
    return daemon.get(question(target, token=key, **params), headers)


def send(daemon, target="rows-5.example", *, key=KEY, **params):
    """A client whose query is on its way."""
    return daemon.send(question(target, token=key, **params))


def counts(sim) -> int:
    """How often upstream was asked for its own count."""
    return sum(record["endpoint"] == LIMITS for record in sim.requests)


def test_php_is_made_of_the_pages(driven3, sim3):
    """The rows are those that JSON has; nothing is bought for the other form."""
    daemon = driven3()
    beginning = b'a:1:{s:8:"refpages";a:5:{'
    assert ask(daemon).miss
    first = ask(daemon, output="php")
    assert first.derived and first.body.startswith(beginning), first
    other = ask(daemon, "rows-5.other.example", output="php")
    assert other.miss and other.body.startswith(beginning), other
    assert ask(daemon, "rows-5.other.example").hit
    assert len(paid(sim3)) == 2


def test_php_is_made_where_nothing_is_derived(driven3, sim3):
    """The answer is made again, of the pages that are stored."""
    daemon = driven3("cache.derive=off")
    assert ask(daemon).miss
    spent = sim3.bill(KEY)
    for _ in range(2):
        reply = ask(daemon, output="php")
        assert reply.status == 200 and reply.body.startswith(b'a:1:{s:8:"refpages";'), reply
        assert reply.units_spent == 0
    assert len(paid(sim3)) == 1 and sim3.bill(KEY) == spent


@pytest.mark.concurrent
def test_the_plan_is_asked_for_once(driven3, sim3):
    """It is the same for all that come at once, and is not forgotten."""
    daemon = driven3("access.mode=open")
    sim3.hold(match=lambda asked: not is_paid(asked))
    clients = [send(daemon, f"rows-5.n{number}.example") for number in range(20)]
    eventually(lambda: sim3.held == 1)
    sim3.release()
    assert all(client.receive().miss for client in clients)
    assert ask(daemon, "rows-6.example").miss
    assert counts(sim3) == 1
    for client in clients:
        client.close()


def test_a_plan_of_another_name_is_asked_for_once(start, clock):
    with simulator(workspace=v3.Workspace("Gold", cap=250)) as sim:
        daemon = start(sim.url, *V3, "access.mode=open", **clock.drives())
        assert ask(daemon).miss and ask(daemon, "rows-6.example").miss
        assert counts(sim) == 1


# What upstream says to one key

def joined(daemon, first, second):
    """Two clients, the second of which waits for what the first one has asked; and their replies,
    after upstream has been let go."""
    sim, daemon = daemon
    sim.hold(match=is_paid)
    with send(daemon, key=first) as leader:
        wait_until_held(sim)
        before = daemon.open_files
        with send(daemon, key=second) as joiner:
            eventually(lambda: daemon.open_files > before)
            time.sleep(patience(0.1))
            sim.release()
            return leader.receive(), joiner.receive()


@pytest.fixture
def poor(start, clock):
    """A simulator that knows a key without backlinks and one with them, and its daemon."""
    lacking = v3.Workspace("Lite", lacks=frozenset({BACKLINKS}))
    with simulator(keys={KEY: v3.Key(lacking), OTHER_KEY: v3.Key()}) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        for name, key in (("one", KEY), ("two", OTHER_KEY)):
            daemon.register(name, key)
        yield sim, daemon


@pytest.mark.concurrent
def test_who_has_joined_another_key_asks_for_itself(poor):
    """What that key's plan lacks, its own may have."""
    sim, _ = poor
    refused, answered = joined(poor, KEY, OTHER_KEY)
    assert refused.status == 502 and "Insufficient plan" in refused.error, refused
    assert answered.miss and len(answered.rows) == 5, answered
    assert sim.bill(KEY) == 0 < sim.bill(OTHER_KEY)


@pytest.mark.concurrent
def test_what_is_said_to_another_key_is_not_told(poor):
    sim, _ = poor
    sim.fault("error", code=500, text="workspace 4711 of one@example.com", match=is_paid)
    told, withheld = joined(poor, OTHER_KEY, KEY)
    assert "workspace 4711" in told.error
    assert withheld.status == 502 and "workspace" not in withheld.error, withheld
    assert "500" in withheld.error


class Echo(BaseHTTPRequestHandler):
    """An upstream whose sound answers hold the key that they were asked with."""

    def do_GET(self):
        key = self.headers["Authorization"].split()[1]
        self._answer({"limits_and_usage": {"subscription": "Lite"}} if LIMITS in self.path else
                     {"backlinks": [{**self._row(), "anchor": f"asked with {key}"}]})

    def _row(self):
        self.server.asked.append(self.path)
        self.server.go_on.wait(60)
        select = parse_qs(urlsplit(self.path).query)["select"][0].split(",")
        return {name: "2026-03-02T01:02:03Z" if "seen" in name else "x" for name in select}

    def _answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-api-units-cost-total-actual", "50")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.asked, server.go_on = [], Event()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.concurrent
def test_the_key_in_a_page_of_another_client_is_masked(echo, start, clock):
    """The page is asked for by a client of v3, and shared with one of v2."""
    daemon = start(f"http://127.0.0.1:{echo.server_port}/v3", *V3, "access.mode=open",
                   **clock.drives())
    daemon.client().close()
    query = question(token=OTHER_KEY, select="anchor", where='type="new"', limit=5)
    with daemon.send(query) as probe:
        eventually(lambda: echo.asked)
        asked = echo.asked[0]
        echo.go_on.set()
        assert OTHER_KEY in probe.receive().body.decode()
    echo.go_on.clear()
    with daemon.client() as leader:
        leader.send("GET", asked, headers=bearer(KEY))
        eventually(lambda: len(echo.asked) == 2)
        with daemon.send(query) as joiner:
            time.sleep(patience(0.3))
            echo.go_on.set()
            assert KEY in leader.receive().body.decode()
            reply = joiner.receive()
    assert reply.status == 200 and len(echo.asked) == 2, reply
    assert KEY not in reply.body.decode() and "asked with" in reply.body.decode()
    assert ask(daemon, headers=wish("only-if-cached"), select="anchor", where='type="new"',
               limit=5, key=KEY).status == 504


def test_a_key_that_upstream_has_not_seen_is_not_trusted(sim3, start, clock):
    """Its answer is made of pages that are stored."""
    with simulator(keys=[KEY], workspace=v3.Workspace("Lite")) as sim:
        daemon = start(sim.url, *V3, "access.mode=open", "cache.derive=off",
                       "upstream.max_rows=100", **clock.drives())
        assert ask(daemon, limit=1000).miss
        stranger = "never-seen.0123456789abcdefABCDEF"
        reply = ask(daemon, key=stranger, limit=900)
        assert reply.status == 200 and len(paid(sim)) == 1, (reply, paid(sim))
        assert eventually(lambda: len(daemon.accounts) == 2) and "00000000" in daemon.accounts


# Its clients leave

@pytest.mark.concurrent
def test_a_page_that_nobody_waits_for_is_not_bought(driven3, sim3, clock):
    daemon = driven3("access.mode=open", "upstream.max_inflight=1", "upstream.max_rows=250",
                     "upstream.stall_timeout=1h")
    sim3.hold(match=is_paid)
    with start_call(daemon, "rows-3.example") as first:
        wait_until_held(sim3)
        with send(daemon):
            eventually(lambda: daemon.inflight == 2)
        with clock.flying():
            eventually(lambda: daemon.inflight == 1)
        sim3.release()
        assert first.receive().miss
    assert len(paid(sim3)) == 1 and ask(daemon).miss


@pytest.mark.concurrent
def test_what_was_asked_for_is_stored_without_its_client(driven3, sim3):
    daemon = driven3("access.mode=open")
    sim3.hold(match=is_paid)
    with send(daemon):
        wait_until_held(sim3)
    sim3.release()
    eventually(lambda: daemon.inflight == 0)
    eventually(lambda: ask(daemon, headers=wish("only-if-cached")).hit)
    assert len(paid(sim3)) == 1


# It stops

@pytest.mark.concurrent
def test_an_answer_of_many_pages_is_finished_first(start, clock):
    """The drain gives the time for it."""
    with simulator(workspace=v3.Workspace("Lite")) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        sim.hold(match=is_paid)
        with send(daemon, "rows-250.example", limit=1000) as client:
            wait_until_held(sim)
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_log("drain")
            sim.release()
            reply = client.receive()
        assert reply.status == 200 and len(reply.rows) == 250, reply
        assert daemon.wait() == 0


@pytest.mark.concurrent
def test_a_client_that_does_not_read_does_not_hold_it_up(driven3, sim3, clock):
    """Nothing is stored, so that the answer waits for its client."""
    daemon = driven3("access.mode=open", "server.drain_timeout=1s")
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question("huge-20000.example", token=KEY, limit=20000)),
                    headers=wish("no-store"))
        eventually(lambda: daemon.inflight == 0 and len(paid(sim3)) == 1, 60)
        time.sleep(0.5)
        with clock.flying():
            assert daemon.stop() == 0
        assert "outcome=cut-off" in daemon.log
