"""The way to upstream: connections that end, TLS, redirects, and the wait for a place."""

import asyncio
import os
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ahrefs import Simulator
from certificates import make_certificate
from daemon import (
    HOUSE, OTHER_TOKEN, QUESTIONS, TOKEN, arrived, eventually, question, wait_until_held,
)
from nginx import Nginx
from wire import SLOW, patience

COST = 10 + 5 * 2
MISSES = 400
needs_namespaces = pytest.mark.skipif(
    subprocess.run(["unshare", "--map-root-user", "--mount", "true"],
                   capture_output=True).returncode != 0,
    reason="this machine allows no namespaces")


@pytest.fixture
def nginx(sim, tmp_path):
    """Starts an nginx in front of the simulator: nginx("keepalive_requests 20")."""
    certificate, key = make_certificate(tmp_path, "ahrefs")
    running = []

    def start_one(*options):
        one = Nginx(tmp_path, sim.url, certificate, key, *options)
        running.append(one.__enter__())
        one.trusted = f"upstream.ca_file={certificate}"
        return one

    yield start_one
    for one in running:
        one.__exit__()


def ask_many(daemon, numbers, token=TOKEN, at_once=30):
    """A miss for each of the numbers."""
    def ask(number):
        with daemon.client() as client:
            return client.get(question(f"rows-5.n{number}.example", token=token))

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(ask, numbers))


@pytest.mark.parametrize("budget", [False, True], ids=["no budget", "budget"])
def test_connections_that_upstream_ends_by_their_count_lose_nothing(sim, rowcache, nginx, house,
                                                                    budget):
    """nginx ends a connection after keepalive_requests; what it did not process cost nothing."""
    front = nginx("keepalive_requests 20")
    daemon = rowcache(house, front.trusted, upstream=front.url)
    token = daemon.issue("alice", "--budget", "100000", "--per", "total") if budget else TOKEN
    replies = ask_many(daemon, range(MISSES), token)
    assert {reply.status for reply in replies} == {200}
    account = daemon.account
    assert account["rows_spent"] == sim.bill(HOUSE) and account["rows_unknown"] == 0
    assert len(arrived(sim)) == MISSES
    assert front.protocols == {"HTTP/1.1"}


@pytest.mark.parametrize("budget", [False, True], ids=["no budget", "budget"])
def test_a_connection_that_upstream_closed_while_it_was_idle_is_not_used(sim, driven, nginx,
                                                                         house, budget):
    """Nothing is sent on it, so nothing is sent twice, nor is a budget in the way."""
    front = nginx("keepalive_timeout 1s")
    daemon = driven(house, front.trusted, upstream=front.url)
    token = daemon.issue("alice", "--budget", "100000", "--per", "total") if budget else TOKEN
    ask_many(daemon, range(8), token)
    eventually(lambda: front.closed)
    replies = ask_many(daemon, range(8, 16), token)
    assert {reply.status for reply in replies} == {200}
    account = daemon.account
    assert account["rows_spent"] == sim.bill(HOUSE) and account["rows_unknown"] == 0


def test_the_connections_of_a_burst_are_kept_for_the_next(sim, rowcache, nginx):
    """Also if single questions come between the two."""
    front = nginx()
    daemon = rowcache(front.trusted, "access.mode=open", upstream=front.url)
    for burst in ("first", "second"):
        sim.hold(match=QUESTIONS)
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(daemon.ask, f"rows-5.{burst}{n}.example") for n in range(8)]
            wait_until_held(sim, 8)
            sim.release()
            assert all(one.result().miss for one in asked)
        for n in range(8):
            assert daemon.ask(f"rows-5.after-{burst}{n}.example").miss
    eventually(lambda: front.requests == 32)
    assert front.connections == 8


def test_connections_that_are_too_old_for_another_request_are_closed(driven, nginx, sim, clock):
    """Not only at the next request, which may come tomorrow."""
    front = nginx()
    daemon = driven(front.trusted, "access.mode=open", upstream=front.url)
    ask_many(daemon, range(8))
    eventually(lambda: front.requests == 8)
    opened = front.connections
    clock.go_on(seconds=14)
    time.sleep(patience(0.1))  # the daemon has looked at its clock
    assert daemon.ask("rows-5.again.example").miss
    eventually(lambda: front.requests == 9)
    assert front.connections == opened and front.is_connected
    clock.go_on(seconds=17)
    eventually(lambda: not front.is_connected)
    assert daemon.ask("rows-5.tomorrow.example").miss
    eventually(lambda: front.requests == 10)
    assert front.connections == opened + 1
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_a_daemon_that_could_not_connect_does_nothing_afterwards(driven, clock):
    """libcurl does not report that it closes a socket which was never connected."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first:
        first.connect(full.getsockname())
        daemon = driven("access.mode=open", "upstream.connect_timeout=1s",
                        upstream=f"http://127.0.0.1:{full.getsockname()[1]}/")
        assert daemon.ask().status == 504
        clock.go_on(seconds=17)
        time.sleep(patience(0.1))
        before = sockets_of(daemon)
        for _ in range(5):
            clock.go_on(seconds=1)
            time.sleep(patience(0.1))
        assert sockets_of(daemon) == before


def sockets_of(daemon):
    """The numbers of all its sockets, of which none comes again."""
    names = set()
    for file in Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            names.add(os.readlink(file))
    return {name for name in names if name.startswith("socket:")}


# TLS


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])
def test_tls_before_1_2_is_not_spoken_to_upstream(sim, rowcache, nginx, version):
    front = nginx(f"ssl_protocols {version}", "ssl_ciphers ALL:@SECLEVEL=0")
    daemon = rowcache(front.trusted, upstream=front.url)
    reply = daemon.ask()
    if version in ("TLSv1.2", "TLSv1.3"):
        assert reply.miss
    else:
        assert reply.status == 502 and sim.requests == []
        assert daemon.account["rows_spent"] == 0


def with_system_trust(certificate, directory):
    """Starts a program where the system trusts only this certificate."""
    directory.mkdir()
    for name in ("ca-certificates.crt", "only.pem"):
        shutil.copy(certificate, directory / name)
    script = f'mount --bind "{directory}" /etc/ssl/certs && exec "$@"'
    return lambda line: ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *line]


@needs_namespaces
def test_a_ca_file_takes_the_place_of_what_the_system_trusts(start, tmp_path):
    """Who can get a certificate from any authority is not upstream for that."""
    certificate, key = make_certificate(tmp_path, "ahrefs")
    own, _ = make_certificate(tmp_path, "own")
    system = with_system_trust(certificate, tmp_path / "trust")
    with Simulator(ssl_files=(certificate, key)) as sim:
        trusting = start(sim.url, command=system)
        assert trusting.ask().miss
        asked = len(sim.requests)
        pinned = start(sim.url, f"upstream.ca_file={own}", command=system)
        assert pinned.ask("rows-6.example").status == 502
        assert len(sim.requests) == asked
        assert trusting.stop() == pinned.stop() == 0


# Redirects

ELSEWHERE = "https://elsewhere.example:8443/way"


def redirect(sim, location, code=301, body="moved", times=None, **more):
    headers = {"Location": location} if location else {}
    sim.fault("status", code=code, headers=headers, body=body, times=times, **more)


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("location", [ELSEWHERE, None], ids=["location", "none"])
def test_a_redirect_is_a_502_that_names_the_location(sim, rowcache, code, location):
    daemon = rowcache()
    assert daemon.ask("rows-6.example").miss
    redirect(sim, location and location + f"?token={TOKEN}#there", code,
             body="" if code == 304 else "moved")
    reply = daemon.ask()
    assert reply.status == 502 and reply.whole and reply.cache.endswith(f"; fwd-status={code}")
    assert "Location" not in reply.headers and reply.spent == 0
    assert str(code) in reply.error and "?token" not in reply.error and "#" not in reply.error
    assert (ELSEWHERE in reply.error) == bool(location)
    assert len(arrived(sim)) == 2
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) and daemon.account["rows_unknown"] == 0
    sim.clear_faults()
    assert daemon.ask().miss


@pytest.mark.parametrize("more", [{}, {"output": ""}, {"from_": "ahrefs_rank"}],
                         ids=["stored", "opaque", "other table"])
def test_the_page_of_a_redirect_reaches_no_client(sim, rowcache, more):
    """Not even one so long that it would go out before its end is known."""
    daemon = rowcache()
    redirect(sim, ELSEWHERE, body="<html>" + "x" * 500000, match=lambda params: "target" in params)
    reply = daemon.ask(**more)
    assert reply.status == 502 and reply.whole and b"xxx" not in reply.body
    assert ELSEWHERE.encode() in reply.body


def test_a_redirect_of_the_check_of_a_token_names_the_location(sim, rowcache):
    daemon = rowcache()
    assert daemon.ask().miss
    redirect(sim, ELSEWHERE, match={})
    reply = daemon.ask(token=OTHER_TOKEN)
    assert reply.status == 502 and ELSEWHERE in reply.error


def encoded(text):
    return "".join(f"%{ord(one):02x}" for one in text)


@pytest.mark.parametrize("spelled", [
    lambda token: token, lambda token: token.upper(), encoded, lambda token: encoded(encoded(token)),
    lambda token: token[:10] + encoded(token[10]) + token[11:],
], ids=["as it is", "upper case", "encoded", "encoded twice", "encoded in part"])
@pytest.mark.parametrize("place", ["https://elsewhere.example/{}/x", "https://{}@elsewhere.example/",
                                   "https://{}.example/", "/{}", "{}"])
def test_no_token_is_shown_of_a_redirect(sim, rowcache, spelled, place):
    daemon = rowcache()
    assert daemon.ask("rows-6.example").miss
    location = place.format(spelled(TOKEN))
    redirect(sim, location)
    reply = daemon.ask()
    status = daemon.admin("/api/status").body.decode()
    assert reply.status == 502
    for shown in (reply.error, daemon.log, status):
        assert spelled(TOKEN).lower() not in shown.lower()


def test_a_redirect_is_made_known(sim, rowcache):
    """Once in the log, however often it comes, and in the status until it is over."""
    daemon = rowcache()
    assert daemon.ask("rows-6.example").miss
    assert daemon.admin_json("/api/status")["upstream"]["redirect"] is None
    redirect(sim, ELSEWHERE + "?x")
    for _ in range(5):
        assert daemon.ask().status == 502
    daemon.wait_for_log(rf"warning redirect status=301 location=\S*{ELSEWHERE}\"? ")
    assert len([line for line in daemon.lines if " redirect " in line]) == 1
    upstream = daemon.admin_json("/api/status")["upstream"]
    assert upstream["state"] == "failing"
    assert upstream["redirect"] == {"status": 301, "location": ELSEWHERE}
    assert f"(status 301) to '{ELSEWHERE}'" in daemon.ctl("status").stdout
    sim.clear_faults()
    redirect(sim, "/login", 302)
    assert daemon.ask().status == 502
    daemon.wait_for_log(r"redirect status=302 location=\S*/login")
    sim.clear_faults()
    assert daemon.ask().miss
    upstream = daemon.admin_json("/api/status")["upstream"]
    assert upstream["state"] == "ok" and upstream["redirect"] is None
    assert "redirect" not in daemon.ctl("status").stdout


def test_instead_of_a_redirect_the_stale_copy_is_served(sim, rowcache):
    daemon = rowcache("cache.ttl=0")
    assert daemon.ask().miss
    redirect(sim, ELSEWHERE)
    assert daemon.ask().stale


# Waiting for a place upstream

WAIT = 2 * SLOW


STALL = 60  # of upstream.stall_timeout


def send_late(sim, daemon, clock, count=2):
    """The one upstream is answered when the one that waits first has a third of its time left; and
    then that passes as well. `count` are under way in all."""
    eventually(lambda: daemon.inflight == count)
    clock.go_on(seconds=STALL * 2 / 3)
    sim.release()
    sim.wait_for(lambda sim: sim.held == 1
                 and arrived(sim)[-1]["params"]["target"] == "rows-6.example")
    clock.go_on(seconds=STALL / 3)


def in_background(pool, daemon, target, **params):
    return pool.submit(daemon.ask, target, **params)


@pytest.mark.parametrize("budget", [False, True], ids=["no budget", "budget"])
def test_the_wait_for_a_place_upstream_has_an_end(sim, driven, clock, house, budget):
    """Then there is the stale copy, or 504; what was not sent cost nothing."""
    daemon = driven(house, "upstream.max_inflight=2", "cache.ttl=0")
    token = daemon.issue("alice", "--budget", "4000", "--per", "total") if budget else TOKEN
    assert daemon.ask("rows-3.example", token=token).miss
    before, spent = len(arrived(sim)), daemon.account["rows_spent"]
    before_outcomes = eventually(daemon.outcomes)
    sim.fault("hold", times=None)
    with ThreadPoolExecutor(12) as pool:
        hanging = [in_background(pool, daemon, f"rows-{40 + n}.example", token=token)
                   for n in range(2)]
        wait_until_held(sim, 2)
        clock.go_on(seconds=1)
        waiting = [in_background(pool, daemon, f"rows-{50 + n}.example", token=token)
                   for n in range(9)]
        stale = in_background(pool, daemon, "rows-3.example", token=token)
        eventually(lambda: daemon.inflight == 12)
        clock.go_on(seconds=STALL - 2)
        assert daemon.outcomes() == before_outcomes and sim.held == 2
        clock.go_on(seconds=2)  # no more: nobody waits for a turn
        assert stale.result().stale
        assert {reply.result().status for reply in waiting} == {504}
        assert {reply.result().spent for reply in waiting} == {0}
        assert {reply.result().status for reply in hanging} == {504}
    assert len(arrived(sim)) == before + 2
    eventually(lambda: daemon.inflight == 0)
    account = daemon.account
    assert account["rows_spent"] == spent + account["rows_unknown"]
    assert account["rows_unknown"] == 2 * 2010
    if budget:
        row = next(row for row in daemon.spend()["tokens"] if row["token"] == "alice")
        assert row["rows_spent"] == f"{account['rows_spent'] // 10}.{account['rows_spent'] % 10}"


def test_what_was_sent_after_a_long_wait_is_not_cut_off(sim, driven, clock):
    """Its client has waited for long enough, but it may have been charged: its answer is kept."""
    daemon = driven("upstream.max_inflight=1")
    assert daemon.ask("rows-3.example").miss
    sim.fault("hold", match={"target": "rows-4.example"})
    sim.fault("hold", match={"target": "rows-6.example"}, charged=True)
    with ThreadPoolExecutor(2) as pool:
        first = in_background(pool, daemon, "rows-4.example")
        sim.wait_for(lambda sim: sim.in_flight == 1)
        late = in_background(pool, daemon, "rows-6.example")
        send_late(sim, daemon, clock)
        assert first.result().miss
        reply = late.result()
    assert reply.status == 504 and "X-Rows-Spent" not in reply.headers
    assert sim.held == 1, "it was sent, and goes on"
    sim.release()
    eventually(lambda: daemon.ask("rows-6.example", {"Cache-Control": "only-if-cached"}).hit)
    account = daemon.account
    assert account["rows_spent"] == sim.bill(TOKEN) and account["rows_unknown"] == 0
    assert account["misses"] == 3
    told = daemon.request(reply)
    assert told["state"] == "settled" and told["rows_spent"] == "2.2"


class Relay:
    """Passes connections on to a port of this machine, each after so many seconds: a TLS handshake
    through it takes that long."""

    def __init__(self, port, seconds):
        self._port, self._seconds = port, seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._pass_on, "127.0.0.1", 0), self._loop).result()
        self.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return self

    def __exit__(self, *_exception):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _pass_on(self, reader, writer):
        await asyncio.sleep(self._seconds)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    @staticmethod
    async def _copy(source, sink):
        while data := await source.read(65536):
            sink.write(data)
        sink.close()


def test_what_was_sent_after_slow_connecting_is_not_cut_off(start, house, tmp_path):
    """It may have been charged: from then on upstream has as long as it may take."""
    certificate, key = make_certificate(tmp_path, "ahrefs")
    with Simulator(ssl_files=(certificate, key)) as sim, Relay(sim.port, 1.25 * WAIT) as relay:
        daemon = start(relay.url, house, f"upstream.ca_file={certificate}",
                       f"upstream.connect_timeout={int(4 * WAIT)}s",
                       f"upstream.stall_timeout={int(2 * WAIT)}s")
        token = daemon.issue("alice")
        sim.fault("delay", seconds=1.25 * WAIT, charged=True)
        reply = daemon.ask("rows-6.example", token=token)
        assert reply.status == 504
        eventually(lambda: daemon.request(reply)["state"] == "settled")
        assert daemon.ask("rows-6.example", {"Cache-Control": "only-if-cached"}, token=token).hit
        account = daemon.account
        assert account["rows_spent"] == sim.bill(HOUSE) == 22 and account["rows_unknown"] == 0
        assert daemon.stop() == 0


@pytest.mark.parametrize("headers, params", [
    (None, {"output": ""}), (None, {"from_": "ahrefs_rank"}), ({"Cache-Control": "no-store"}, {}),
], ids=["opaque", "other table", "no-store"])
def test_what_was_sent_late_and_is_not_stored_is_waited_for(
        sim, driven, clock, headers, params):
    """It would be paid for and thrown away, and paid for again by whoever asks again."""
    daemon = driven("upstream.max_inflight=1")
    assert daemon.ask("rows-3.example").miss
    before = sim.bill(TOKEN)
    sim.fault("hold", match={"target": "rows-4.example"})
    sim.fault("hold", match={"target": "rows-6.example"}, charged=True)
    with ThreadPoolExecutor(3) as pool:
        first = in_background(pool, daemon, "rows-4.example")
        sim.wait_for(lambda sim: sim.in_flight == 1)
        late = pool.submit(daemon.ask, "rows-6.example", headers, **params)
        eventually(lambda: daemon.inflight == 2)
        unsent = in_background(pool, daemon, "rows-7.example")
        send_late(sim, daemon, clock, 3)
        assert first.result().miss
        assert unsent.result().status == 504, "and whoever waited as long has no answer"
        assert not late.done()
        sim.release()
        reply = late.result()
    assert reply.status == 200 and reply.whole
    assert reply.spent == sim.bill(TOKEN) - before - 18
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_a_stale_copy_is_served_while_what_was_sent_late_goes_on(sim, driven, clock):
    """It can be asked about like whatever went upstream."""
    daemon = driven("upstream.max_inflight=1", "cache.ttl=0")
    assert daemon.ask("rows-6.example").miss
    before = daemon.account
    sim.fault("hold", match={"target": "rows-4.example"})
    sim.fault("hold", match={"target": "rows-6.example"}, charged=True)
    with ThreadPoolExecutor(2) as pool:
        first = in_background(pool, daemon, "rows-4.example")
        sim.wait_for(lambda sim: sim.in_flight == 1)
        late = in_background(pool, daemon, "rows-6.example")
        send_late(sim, daemon, clock)
        assert first.result().miss
        reply = late.result()
    assert reply.stale and reply.saved == 22 and "X-Rows-Spent" not in reply.headers
    assert sim.held == 1, "it was sent, and goes on"
    sim.release()
    eventually(lambda: daemon.request(reply)["state"] == "settled")
    account = daemon.account
    assert account["rows_spent"] == sim.bill(TOKEN) and account["rows_unknown"] == 0
    assert account["requests"] == before["requests"] + 2
    assert account["rows_saved"] == before["rows_saved"] + 22


def test_the_check_of_a_token_that_waits_for_a_place_has_an_end_too(sim, driven, clock):
    daemon = driven("upstream.max_inflight=1")
    assert daemon.ask().miss
    sim.fault("hold", times=None)
    with ThreadPoolExecutor(2) as pool:
        hanging = in_background(pool, daemon, "rows-4.example")
        wait_until_held(sim)
        check = in_background(pool, daemon, "rows-5.example", token=OTHER_TOKEN)
        eventually(lambda: daemon.inflight == 2)
        clock.go_on(seconds=STALL)
        assert check.result().status == hanging.result().status == 504


# Names


@pytest.fixture
def without_names(tmp_path):
    """Starts a program where the machine's only name server never answers."""
    here = "127.0.0.77"
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver {here}\noptions timeout:30 attempts:1\n")
    script = f'mount --bind "{resolv}" /etc/resolv.conf && exec "$@"'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((here, 53))
        except PermissionError:
            pytest.skip("only root can be a name server")
        yield lambda line: ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh",
                            *line]


@needs_namespaces
def test_nobody_waits_for_a_name_server_longer_than_for_a_connection(start, house, without_names):
    """Nor does all else that is under way, nor the end: they waited for 30 s, as the resolver does."""
    daemon = start("http://nobody.example/", house, "upstream.connect_timeout=1s",
                   command=without_names)
    token = daemon.issue("alice")
    began = time.monotonic()
    replies = [daemon.ask(f"rows-{n}.example", token=token) for n in range(2)]
    assert {reply.status for reply in replies} == {504}
    assert all("upstream.connect_timeout" in reply.error for reply in replies)
    assert time.monotonic() - began < patience(12)
    assert daemon.account["rows_spent"] == 0
    assert daemon.stop() == 0
    assert time.monotonic() - began < patience(20)
