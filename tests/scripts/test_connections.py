"""Connections that are held open, by many or for long, keep nobody out."""

import ctypes
import http.client
import platform
import resource
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daemon import QUESTIONS, TOKEN, eventually, question, wait_until_held
from sockets import connections
from wire import encode, has_ipv6, open_socket, patience, read_all

MOST = 4096
MIB = 1024 * 1024
RIGHT = f"GET /?{encode(question())} HTTP/1.1\r\nHost: x\r\n"
HIT = (RIGHT + "\r\n").encode()

IDLE = {  # what a client sends, and whether it is answered
    "nothing": (b"", False),
    "half a line": (b"GET /?from=back", False),
    "half a head": (RIGHT.encode(), False),
    "half a body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nfrom=", False),
    "a whole request": (HIT, True),
}


def wait_for_answer(sock):
    """One answer with a body, of a connection that stays open."""
    said = b""
    while b"]}" not in said:
        piece = sock.recv(65536)
        assert piece, said
        said += piece
    assert said.startswith(b"HTTP/1.1 200 ")


def is_open(sock):
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        sock.settimeout(patience(30))


def open_idle(daemon, count, data=b"", answered=False):
    socks = []
    for _ in range(count):
        sock = open_socket(daemon.address)
        socks.append(sock)
        if data:
            sock.sendall(data)
        if answered:
            wait_for_answer(sock)
    return socks


def store_one(daemon):
    """After this one result is stored, and no connection is open."""
    with open_socket(daemon.address) as sock:
        sock.sendall((RIGHT + "Connection: close\r\n\r\n").encode())
        assert b"fwd=uri-miss" in read_all(sock)
    time.sleep(patience(0.1))  # the daemon has ended the connection, and is about to forget it


def close_all(socks):
    for sock in socks:
        sock.close()


@pytest.mark.parametrize("data, answered", IDLE.values(), ids=list(IDLE))
def test_idle_connections_keep_nobody_out(rowcache, data, answered):
    daemon = rowcache("server.max_connections=50")
    store_one(daemon)
    held = open_idle(daemon, 50, data, answered)
    for _ in range(40):
        assert daemon.ask().hit
    eventually(lambda: not all(map(is_open, held)))  # one of them made room
    daemon.wait_for_log(r"\bwarning connections most=50 closed-idle=\d+ refused=0")
    close_all(held)
    assert daemon.ask().hit


@pytest.mark.parametrize("listen", [
    pytest.param("127.0.0.1:0", id="one"),
    pytest.param("127.0.0.1:0,[::1]:0", id="two",
                 marks=pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6")),
])
def test_the_one_that_was_idle_the_longest_makes_room(rowcache, listen):
    """A byte in either direction ends idleness. All addresses share one limit."""
    daemon = rowcache("server.max_connections=4", f"server.listen={listen}")
    store_one(daemon)
    addresses = daemon.addresses("client")
    held = [open_socket(addresses[n % len(addresses)]) for n in range(4)]
    for n, sock in enumerate(held):  # in this order, whichever thread accepted them
        sock.sendall(HIT)
        wait_for_answer(sock)
        time.sleep(patience(0.05))  # nothing shows that one thread has come to its end before the next begins
    held[0].sendall(HIT)
    wait_for_answer(held[0])
    time.sleep(patience(0.05))
    held[2].sendall(RIGHT.encode())  # a part of the next request
    time.sleep(patience(0.2))
    for victim in (1, 3, 0, 2):
        newcomer = open_socket(addresses[-1])
        held.append(newcomer)
        newcomer.sendall(HIT)
        wait_for_answer(newcomer)
        eventually(lambda: not is_open(held[victim]))
        assert all(is_open(sock) for sock in held[4:])
    close_all(held)


def test_who_is_being_served_is_not_closed(sim, rowcache):
    """Where all are, the one that came last is told at once, by the end of its connection."""
    daemon = rowcache("server.max_connections=4", "server.threads=2")
    sim.hold(match=QUESTIONS)
    ask = (RIGHT + "Connection: close\r\n\r\n").encode()
    busy = [open_socket(daemon.address) for _ in range(4)]
    for sock in busy:
        sock.sendall(ask)
    wait_until_held(sim)
    eventually(lambda: all_are_busy(daemon))
    sim.release()
    for sock in busy:
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")
    close_all(busy)
    assert daemon.ask().hit
    daemon.wait_for_log(r"\bwarning connections most=4 closed-idle=0 refused=[1-9]")
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def stop_reading(daemon, count):
    """Clients, with no token, that ask until the daemon cannot write any answer of theirs."""
    held = [open_socket(daemon.address) for _ in range(count)]
    sent = [0] * count

    def are_stuck():
        for n, sock in enumerate(held):
            sent[n] += ask_while_possible(sock, sent[n])
        return looks_stuck(daemon, held)

    eventually(are_stuck, seconds=60)
    return held


def ask_while_possible(sock, sent) -> int:
    """How many bytes the connection took, after those that were sent."""
    ask = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    many = ask * 30000
    sock.setblocking(False)
    before = sent
    try:
        while True:
            sent += sock.send(many[sent % len(ask):])
    except BlockingIOError:
        return sent - before


def looks_stuck(daemon, held):
    """Unlike a slow daemon, one that cannot write has nothing to do, look after look."""
    def look():
        time.sleep(0.02)
        return leaves_unread(daemon, held) and are_asleep(serving_threads(daemon))

    return all(look() for _ in range(5))


def leaves_unread(daemon, held):
    port = int(daemon.address.rpartition(":")[2])
    unread = {one.there for one in connections() if one.here == port and one.unread}
    return all(sock.getsockname()[1] in unread for sock in held)


def are_asleep(threads):
    stats = [(thread / "stat").read_text() for thread in threads]
    return all(stat.rpartition(")")[2].split()[0] == "S" for stat in stats)


def serving_threads(daemon):
    """Those that read and write connections, as directories of /proc."""
    threads = Path(f"/proc/{daemon.process.pid}/task")
    return [thread for thread in threads.iterdir()
            if (thread / "comm").read_text().startswith("MHD")]


def test_who_does_not_read_the_answer_keeps_nobody_out(driven, clock):
    """Two seconds without a byte taken are enough to be closed when there is no room."""
    daemon = driven("server.max_connections=4")
    store_one(daemon)
    held = stop_reading(daemon, 4)
    assert not is_let_in(daemon)
    clock.go_on(seconds=2)
    eventually(lambda: is_let_in(daemon))
    for _ in range(40):
        assert daemon.ask().hit
    close_all(held)


def test_an_answer_that_is_closed_to_make_room_does_not_look_whole(driven, clock):
    """Over HTTP/1.0 nothing but the end of the connection says where the answer ends."""
    daemon = driven("server.max_connections=1")
    ask = encode(question("huge-20000.example", limit=20000, output=""))
    with open_socket(daemon.address, receive_buffer=2048) as slow:
        slow.sendall(f"GET /?{ask} HTTP/1.0\r\n\r\n".encode())
        assert slow.recv(5) == b"HTTP/"
        with clock.flying():
            eventually(lambda: is_let_in(daemon))
        with pytest.raises(ConnectionError):
            while slow.recv(65536):
                pass


def is_let_in(daemon):
    try:
        return daemon.ask("rows-1.example").status == 200
    except (ConnectionError, http.client.HTTPException):
        return False


def all_are_busy(daemon):
    """True if a new connection is closed at once."""
    with open_socket(daemon.address) as sock:
        return read_all(sock) == b""


def test_the_admin_side_has_a_limit_of_its_own(rowcache):
    daemon = rowcache("server.max_connections=4")
    held = [open_socket(daemon.addresses("admin")[0]) for _ in range(100)]
    assert daemon.admin("/health").status == 200
    assert daemon.ask().miss
    close_all(held)


def test_too_few_files_are_said_and_kept_to(rowcache):
    """With a hard limit of open files that leaves room for fewer connections, so many are served."""
    daemon = rowcache(command=lambda line: ["prlimit", "--nofile=450:450", *line])
    line = daemon.wait_for_log(r"\bwarning descriptors ")
    now = int(line.split(" now=")[1].split()[0])
    assert "server.max_connections=4096" in line and "limit=450" in line and 50 < now < 200
    held = open_idle(daemon, 300)
    assert daemon.ask().miss
    for _ in range(40):
        assert daemon.ask().hit
    assert sum(map(is_open, held)) < now
    close_all(held)


def test_the_limit_of_files_is_raised(rowcache):
    daemon = rowcache(command=lambda line: ["prlimit", "--nofile=256:8192", *line])
    assert daemon.metrics().value("process_max_fds") >= 4096
    assert not any("descriptors" in line for line in daemon.lines)


@pytest.fixture
def many_files():
    """This side of the connections needs descriptors as well."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1] if before[1] != resource.RLIM_INFINITY else MOST * 4
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, MOST * 4), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.heavy
@pytest.mark.parametrize("data, answered", IDLE.values(), ids=list(IDLE))
def test_four_thousand_idle_connections_cost_little(rowcache, many_files, data, answered):
    daemon = rowcache()
    assert daemon.ask().miss
    before = daemon.metrics().value("process_resident_memory_bytes")
    held = open_idle(daemon, MOST, data, answered)
    if not answered:  # of the others only as many stay open as server.max_kept allows
        eventually(lambda: daemon.open_files >= MOST)
    for _ in range(40):
        assert daemon.ask().hit
    cost = daemon.metrics().value("process_resident_memory_bytes") - before
    assert cost <= 64 * MIB, f"{cost / MIB:.1f} MiB"
    close_all(held)


# sched_setattr(2) and sched_getattr(2), which neither Python nor this C library has
CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}.get(platform.machine())


def turn_of(thread) -> int:
    """The nanoseconds of a thread's turns; 0 where it cannot have its own."""
    set_it, get_it = CALLS
    attributes = ctypes.create_string_buffer(48)
    call = ctypes.CDLL(None).syscall
    known = call(get_it, thread, attributes, len(attributes), 0) == 0
    if thread == 0:  # of this process: whether it may be set
        known = known and call(set_it, thread, attributes, 0) == 0
    return struct.unpack_from("Q", attributes, 24)[0] if known else 0


@pytest.mark.skipif(not CALLS or not turn_of(0), reason="turns cannot be set here: Linux before 6.12?")
def test_who_serves_clients_takes_short_turns(rowcache):
    """Woken for a client, it does not wait until somebody has had a long one."""
    daemon = rowcache("server.threads=1")
    assert daemon.ask().miss and daemon.admin("/health").status == 200
    turns = [turn_of(int(thread.name)) for thread in serving_threads(daemon)]
    assert turns.count(100_000) >= 2, "one of the clients', and one of the admin side"
