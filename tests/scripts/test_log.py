"""The log as whoever reads it has it, or does not: a pipe that is full keeps nobody waiting."""

import fcntl
import os
import re
import signal
import subprocess
import tempfile
import threading
from datetime import timedelta

import pytest

from daemon import QUESTIONS, ROWCACHED, TOKEN, eventually, question
from wire import Client, encode, patience

MANY = 4000  # lines of hits; some hundreds more than the daemon keeps


class Pipe:
    """A daemon's standard error: a pipe of one page, which is read when the play says so."""

    def __init__(self):
        self.out, self.end = os.pipe()
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 4096)
        self.text = b""

    def close_end(self):
        os.close(self.end)

    def read(self):
        """From now on, until the daemon has ended."""
        thread = threading.Thread(target=self._read, daemon=True)
        thread.start()
        return thread

    def _read(self):
        while piece := os.read(self.out, 65536):
            self.text += piece

    def lines(self, pattern):
        return re.findall(pattern, self.text.decode())


class Unread:
    """A daemon whose log nobody reads, on unix sockets, since its log cannot tell its ports."""

    def __init__(self, sim, place, *options, command=lambda line: line, env=None):
        self.pipe = Pipe()
        self.address, self.admin = f"unix:{place}/client", f"unix:{place}/admin"
        words = [f"server.listen={self.address}", f"admin.listen={self.admin}",
                 f"state.directory={place}/state", f"upstream.url={sim.url}", *options]
        self.process = subprocess.Popen(
            command([ROWCACHED, *(word for option in words for word in ("-o", option))]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.pipe.end, env=env)
        self.pipe.close_end()
        eventually(self.is_ready)

    def is_ready(self):
        try:
            with Client(self.admin) as client:
                return client.ask("GET", "/health").status == 200
        except OSError:
            return False

    def ask(self, *targets):
        with Client(self.address) as client:
            return [client.get(question(target)) for target in targets]

    def wait(self) -> int:
        return self.process.wait(patience(60))


@pytest.fixture
def unread(sim):
    """Starts daemons whose log nobody reads."""
    started = []
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        def start_one(*options, **more):
            started.append(Unread(sim, place, *options, **more))
            return started[-1]

        yield start_one
        for daemon in started:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
            os.close(daemon.pipe.out)


def test_a_log_that_nobody_reads_delays_no_hit(unread):
    """What found no room in the daemon's buffer is counted, and told of once somebody reads."""
    daemon = unread("server.log_requests=all")
    first, = daemon.ask("rows-5.example")
    assert first.miss
    assert all(reply.hit for reply in daemon.ask(*["rows-5.example"] * MANY))

    reading = daemon.pipe.read()
    eventually(lambda: daemon.pipe.lines(r"warning log_dropped lines=(\d+)"))
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.wait() == 0
    reading.join(patience(10))
    dropped = sum(map(int, daemon.pipe.lines(r"warning log_dropped lines=(\d+)")))
    hits = daemon.pipe.lines(r"\ninfo request id=\w+ outcome=hit ")
    assert dropped > 0 and len(hits) > 500
    assert len(hits) + dropped == MANY
    assert daemon.pipe.text.endswith(b"info stopped outcome=clean\n")


def test_what_was_spent_is_told_although_hits_fill_the_log(unread):
    daemon = unread("server.log_requests=all")
    daemon.ask("rows-5.example")
    daemon.ask(*["rows-5.example"] * MANY)
    targets = [f"rows-{rows}.example" for rows in range(6, 26)]
    assert all(reply.miss for reply in daemon.ask(*targets))
    reading = daemon.pipe.read()
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.wait() == 0
    reading.join(patience(10))
    spent = daemon.pipe.lines(r"outcome=miss status=200 token=\w+ target=(\S+) spent=[1-9]")
    assert spent == ["rows-5.example", *targets]


def test_a_stop_does_not_wait_for_a_log_that_nobody_reads(unread, clock):
    daemon = unread("server.log_requests=all", **clock.drives())
    daemon.ask(*["rows-5.example"] * 200)
    daemon.process.send_signal(signal.SIGTERM)
    began = clock.now
    with clock.flying():
        assert daemon.wait() == 0
    assert clock.now - began < timedelta(minutes=10)


def test_what_was_logged_before_a_crash_comes_out(unread):
    daemon = unread("server.log_requests=all")
    daemon.ask(*["rows-5.example"] * 200)
    # A request is logged before the next one of its connection is read.
    last, _next = daemon.ask("rows-6.example", "rows-7.example")
    name = last.headers["X-Request-Id"]
    daemon.process.send_signal(signal.SIGABRT)
    reading = daemon.pipe.read()
    daemon.wait()
    reading.join(patience(10))
    assert daemon.pipe.lines(rf"info request id={name} outcome=miss ")


def test_only_what_spends_or_fails_is_logged(rowcache):
    """Unless server.log_requests says otherwise."""
    daemon = rowcache()
    miss, hit = daemon.ask(), daemon.ask()
    failed = daemon.ask(mode=None)
    assert miss.miss and hit.hit and failed.status == 400
    daemon.wait_for_log(failed.headers["X-Request-Id"])
    assert daemon.stop() == 0
    lines = [line for line in daemon.lines if line.startswith("info request ")]
    assert sorted(re.search(r"outcome=(\w+)", line)[1] for line in lines) == ["error", "miss"]


def test_what_went_upstream_or_failed_has_a_name(sim, driven, clock):
    """A hit has none, unless all requests are logged."""
    daemon = driven()
    named = [daemon.ask(), daemon.ask(from_="anchors"), daemon.ask(output="xml"),
             daemon.ask(from_="subscription_info"), daemon.ask(mode=None), daemon.ask(token=None),
             daemon.ask("rows-6.example", {"Cache-Control": "only-if-cached"})]
    assert all(reply.headers["X-Request-Id"] for reply in named)
    hit = daemon.ask()
    assert hit.hit and "X-Request-Id" not in hit.headers

    daemon.restart("cache.ttl=1s")
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
    assert "X-Request-Id" not in daemon.ask(headers={"Cache-Control": "max-stale"}).headers
    sim.fault("status", times=None, code=500)
    stale = daemon.ask()
    assert stale.stale and daemon.request(stale)["id"] == stale.headers["X-Request-Id"]
    daemon.restart("server.log_requests=all")
    assert daemon.ask(headers={"Cache-Control": "max-stale"}).headers["X-Request-Id"]


def test_a_refresh_has_the_name_of_the_request_that_began_it(sim, driven, clock):
    """So the log and the ledger tell whose it was."""
    daemon = driven("cache.ttl=1s", "cache.stale_while_revalidate=1h")
    daemon.ask()
    sim.hold(match=QUESTIONS)
    clock.go_on(seconds=1)
    stale = daemon.ask()
    assert stale.stale
    name = stale.headers["X-Request-Id"]
    assert "X-Request-Id" not in daemon.ask().headers
    sim.release()
    eventually(lambda: daemon.account["misses"] == 2)
    assert daemon.request(stale)["rows_spent"] == "2.0"
    daemon.wait_for_log(rf"info request id={name} outcome=stale ")


def test_a_spending_whose_client_did_not_wait_is_logged(sim, rowcache):
    """The cost was not known as the client left."""
    daemon = rowcache()
    sim.hold()
    client = daemon.client()
    client.send("GET", "/?" + encode(question(token=TOKEN)))
    sim.wait_for(lambda sim: sim.held >= 1)
    client.close()
    sim.release()
    eventually(lambda: daemon.account["misses"] == 1)
    assert daemon.stop() == 0
    assert re.search(r"info request id=\w+ outcome=\w+ ", daemon.log)


@pytest.mark.parametrize("kind, options", [
    ("error_first", {"text": "no such column"}),
    ("status", {"code": 403, "body": '{"error":"no"}'}),
    ("status", {"code": 429, "body": '{"error":"slowly"}'}),
    ("status", {"code": 500, "body": "broken"}),
], ids=["an error with status 200", "403", "429", "500"])
def test_what_upstream_refuses_is_logged(sim, rowcache, kind, options):
    """It spent nothing and is relayed as it came, but who asked has no answer."""
    daemon = rowcache()
    assert daemon.ask().miss
    sim.fault(kind, match=QUESTIONS, **options)
    reply = daemon.ask("rows-6.example")
    name, status = reply.headers["X-Request-Id"], options.get("code", 200)
    assert reply.status == status
    line = daemon.wait_for_log(rf"info request id={name} ")
    assert f" status={status} " in line and " spent=0.0 " in line
