"""Clients that leave before they have their answer."""

import socket
import struct

import pytest

from certificates import make_certificate, trust
from daemon import QUESTIONS, TOKEN, arrived, eventually, question, wait_until_held
from wire import Client, encode, open_socket, patience, read_all

pytestmark = pytest.mark.concurrent

ONE = "upstream.max_inflight=1"
PATIENT = "upstream.stall_timeout=1h"  # what is held upstream stays so while time passes
BIG = question("huge-20000.example", limit=20000)
COUNT = 40
ROWS_5 = 10 + 5 * 2


def request(query, version="1.1", method="GET", headers="") -> bytes:
    return f"{method} /?{encode(query)} HTTP/{version}\r\nHost: x\r\n{headers}\r\n".encode()


def send(address, query, **how):
    """A client that has asked and waits."""
    sock = open_socket(address)
    sock.sendall(request(query, **how))
    return sock


def waiting(daemon, count):
    """Until so many requests are on their way upstream, those that wait for a place included."""
    eventually(lambda: daemon.inflight == count)


def left(daemon, clock, count):
    """The second passes after which a silent client counts as gone; `count` requests stay."""
    with clock.flying():
        waiting(daemon, count)


def closed(daemon, clock, most):
    """That second passes; then fewer than `most` files are open."""
    with clock.flying():
        eventually(lambda: daemon.open_files < most)


def reset(sock):
    """Leaves as a program that was killed, or a router that lost its memory."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def half_close(sock):
    sock.shutdown(socket.SHUT_WR)


LEAVING = {"close": socket.socket.close, "reset": reset, "half": half_close}


def occupy(sim, daemon):
    """The one place upstream is taken by a question that is not answered yet."""
    sim.hold(match=QUESTIONS)
    first = send(daemon.address, question("rows-1.example"))
    wait_until_held(sim)
    return first


@pytest.mark.parametrize("leave", LEAVING.values(), ids=list(LEAVING))
def test_what_waits_for_a_place_is_dropped_when_its_client_leaves(sim, driven, clock, leave):
    """Nothing is sent for nobody, and what was reserved for it is free again at once."""
    daemon = driven(ONE, PATIENT)
    first = occupy(sim, daemon)
    others = [send(daemon.address, question(f"rows-{n}.example")) for n in (2, 3, 4)]
    waiting(daemon, 4)
    for sock in others:
        leave(sock)
    left(daemon, clock, 1)
    sim.release()
    assert b"200" in read_all_of(first)
    assert daemon.ask("rows-5.example").miss
    assert [record["params"]["target"] for record in arrived(sim)] == [
        "rows-1.example", "rows-5.example"]
    assert sim.bill(TOKEN) == daemon.account["rows_spent"] == 10 + 2 + ROWS_5
    assert daemon.account["rows_unknown"] == 0
    for sock in others:
        sock.close()


def read_all_of(sock):
    sock.sendall(request(question("rows-1.example"), headers="Connection: close\r\n"))
    said = read_all(sock)
    sock.close()
    return said


def test_its_reservation_is_released(sim, driven, clock, house):
    """What a client that left had reserved is its token's to spend again."""
    daemon = driven(ONE, PATIENT, house)
    token = daemon.issue("alice", "--budget", "300", "--per", "total")
    first = occupy(sim, daemon)
    with send(daemon.address, question("rows-2.example", token=token, limit=1000)):
        waiting(daemon, 2)
        told = daemon.get(question("rows-3.example", token=token, limit=1000))
        assert told.status == 402
    left(daemon, clock, 1)
    sim.release()
    assert daemon.get(question("rows-3.example", token=token, limit=1000)).miss
    entry, = (e for e in daemon.spend()["tokens"] if e["token"] == "alice")
    assert entry["rows_spent"] == "1.6" and entry["rows_unknown"] == "0.0"
    first.close()


def test_it_is_sent_as_long_as_one_client_waits_for_it(sim, driven, clock):
    daemon = driven(ONE, PATIENT)
    first = occupy(sim, daemon)
    leaver = send(daemon.address, question())
    waiting(daemon, 2)
    opened = min(daemon.open_files for _ in range(5))  # what comes and goes is not in all of them
    stayer = send(daemon.address, question())
    eventually(lambda: daemon.open_files > opened)
    leaver.close()
    with clock.flying():
        eventually(lambda: daemon.outcomes().get("error") == 1)
    sim.release()
    stayer.sendall(request(question(), headers="Connection: close\r\n"))
    said = read_all(stayer)
    assert said.count(b"HTTP/1.1 200 ") == 2 and b"; hit;" in said
    assert sim.bill(TOKEN) == 10 + 2 + ROWS_5
    first.close()
    stayer.close()


def test_who_asks_again_after_the_last_one_left_is_answered(sim, driven, clock):
    """However the two fall together: nobody gets the failure of a question that was dropped."""
    daemon = driven(ONE, PATIENT)
    first = occupy(sim, daemon)
    for _ in range(20):
        leaver = send(daemon.address, question())
        waiting(daemon, 2)
        leaver.close()
        stayer = send(daemon.address, question())
        stayer.close()
    stayer = send(daemon.address, question(), headers="Connection: close\r\n")
    left(daemon, clock, 2)
    sim.release()
    assert read_all(stayer).startswith(b"HTTP/1.1 200 ")
    assert sim.bill(TOKEN) == daemon.account["rows_spent"] == 10 + 2 + ROWS_5
    first.close()


def test_a_refresh_is_sent_though_nobody_waits_for_it(sim, driven, clock):
    daemon = driven(ONE, "cache.ttl=1s", "cache.stale_while_revalidate=1h")
    assert daemon.ask().miss
    clock.go_on(seconds=1)
    first = occupy(sim, daemon)
    with send(daemon.address, question()) as sock:  # stale, at once
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
    waiting(daemon, 2)
    sim.release()
    sim.wait_for(lambda sim: len([r for r in arrived(sim) if r["params"]["target"]
                                  == "rows-5.example"]) >= 2, patience(10))
    first.close()


@pytest.mark.parametrize("leave", LEAVING.values(), ids=list(LEAVING))
@pytest.mark.parametrize("fault, options, query", [
    ("hold", {}, question()), ("hold_body", {"after": 200000}, BIG),
], ids=["before the first byte", "in the stream"])
def test_what_was_sent_is_finished_and_its_connection_is_free_at_once(
        sim, driven, clock, leave, fault, options, query):
    """Upstream may take its time; the dead connections are not kept for it."""
    daemon = driven(PATIENT)
    sim.fault(fault, match=QUESTIONS, **options)
    before = daemon.open_files
    socks = [send(daemon.address, query) for _ in range(COUNT)]
    wait_until_held(sim)
    eventually(lambda: daemon.open_files >= before + COUNT)
    for sock in socks:
        leave(sock)
    closed(daemon, clock, before + COUNT / 2)
    assert sim.held == 1
    sim.release()
    eventually(lambda: daemon.metrics().value("rowcache_cache_entries") == 1, 30)
    assert daemon.get(query).hit
    assert sim.bill(TOKEN) == daemon.account["rows_spent"]
    assert len(arrived(sim)) == 1
    for sock in socks:
        sock.close()
    # Each is counted once, in both; who was reset before the question was read has asked nothing.
    eventually(lambda: daemon.account["requests"] == sum(daemon.outcomes().values()))
    assert not [line for line in daemon.lines if "warning http" in line]
    assert 2 <= daemon.account["requests"] <= COUNT + 1 and daemon.account["misses"] == 1


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_old_clients_may_leave_too(sim, driven, clock, version):
    """An HTTP/1.0 client waits for the end of an answer before it is told of its beginning."""
    daemon = driven(PATIENT)
    sim.fault("hold_body", after=200000)
    before = daemon.open_files
    socks = [send(daemon.address, BIG, version=version) for _ in range(COUNT)]
    wait_until_held(sim)
    eventually(lambda: daemon.open_files >= before + COUNT)
    for sock in socks:
        sock.close()
    closed(daemon, clock, before + COUNT / 2)
    sim.release()
    eventually(lambda: daemon.metrics().value("rowcache_cache_entries") == 1, 30)


def test_leaving_is_noticed_over_a_unix_socket(sim, driven, clock, tmp_path):
    path = f"unix:{tmp_path}/socket"
    daemon = driven(ONE, PATIENT, f"server.listen=127.0.0.1:0,{path}")
    first = occupy(sim, daemon)
    with send(path, question()):
        waiting(daemon, 2)
    left(daemon, clock, 1)
    sim.release()
    first.close()


def test_leaving_is_noticed_over_tls(sim, driven, clock, tmp_path):
    certificate, key = make_certificate(tmp_path, "client")
    daemon = driven(ONE, PATIENT, f"server.tls_certificate={certificate}", f"server.tls_key={key}")
    sim.hold(match=QUESTIONS)
    first = daemon.client(trust(certificate))
    first.send("GET", "/?" + encode(question("rows-1.example")))
    wait_until_held(sim)
    second = daemon.client(trust(certificate))
    second.send("GET", "/?" + encode(question()))
    waiting(daemon, 2)
    second.close()
    left(daemon, clock, 1)
    sim.release()
    assert first.receive().miss
    first.close()


def test_the_next_request_in_the_socket_is_no_disconnect(sim, driven, clock):
    """Whoever sends two at once waits for both."""
    daemon = driven(ONE, PATIENT)
    first = occupy(sim, daemon)
    with open_socket(daemon.address) as sock:
        sock.sendall(request(question()) + request(
            question("rows-6.example"), headers="Connection: close\r\n"))
        waiting(daemon, 2)
        sim.release()
        with clock.flying():
            said = read_all(sock)
        assert said.count(b"HTTP/1.1 200 ") == 2
    first.close()


def test_who_only_closes_the_sending_side_is_served_when_there_is_a_place(sim, rowcache):
    daemon = rowcache()
    with send(daemon.address, question(), headers="Connection: close\r\n") as sock:
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_what_became_of_it_can_be_looked_up(sim, driven, clock):
    daemon = driven(PATIENT, "server.log_requests=all")
    sim.fault("hold", match=QUESTIONS)
    with send(daemon.address, question()):
        wait_until_held(sim)
    with clock.flying():
        line = daemon.wait_for_log(r"\brequest id=\w+ outcome=error status=499")
    sim.release()
    where = "/api/request/" + line.split("id=")[1].split()[0]
    eventually(lambda: daemon.admin_json(where)["rows_spent"])
    told = daemon.admin_json(where)
    assert told["status"] == 499 and told["rows_spent"] == "2.0"


def test_a_client_may_leave_a_reconciliation(sim, driven, clock, house):
    daemon = driven(house, PATIENT)
    sim.hold(match={"from": "subscription_info"})
    before = daemon.open_files
    pages = [Client(daemon.addresses("admin")[0]) for _ in range(COUNT)]
    for page in pages:
        page.send("POST", "/api/reconcile")
    wait_until_held(sim, COUNT)
    eventually(lambda: daemon.open_files >= before + COUNT)
    for page in pages:
        page.close()
    closed(daemon, clock, before + COUNT * 1.5)  # those upstream go on
    sim.release()
