"""Limits on what clients may take: connections, requests, memory. ../house/test_every_limit.py says
where the others are tested."""

import socket

from daemon import OTHER_TOKEN, TOKEN, eventually, question, wait_until_held
from v3 import KEY, is_paid, paid
from wire import encode, open_socket, patience, wish

GET = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


def is_served(sock):
    said = b""
    try:
        sock.sendall(GET)
        while not said.endswith(b"}"):
            piece = sock.recv(65536)
            if not piece:
                return False
            said += piece
    except ConnectionError:
        return False
    return said.startswith(b"HTTP/1.1 404 ")


def comes_from(address, daemon):
    """A connection from another address of this machine."""
    host, _, port = daemon.address.rpartition(":")
    return socket.create_connection((host, int(port)), patience(30), source_address=(address, 0))


# Connections of one address


def test_an_address_has_so_many_connections(rowcache):
    daemon = rowcache("server.max_connections_per_address=3")
    held = [open_socket(daemon.address) for _ in range(3)]
    assert all(map(is_served, held))
    for _ in range(20):
        with open_socket(daemon.address) as further:
            assert not is_served(further)
    assert all(map(is_served, held))
    with comes_from("127.0.0.2", daemon) as other:
        assert is_served(other)
    held.pop().close()

    def is_let_in():
        with open_socket(daemon.address) as sock:
            return is_served(sock)

    eventually(is_let_in)
    warned = [line for line in daemon.lines if "warning connections" in line]
    assert len(warned) == 1  # the others will be told a minute later
    assert "refused-per-address=0" not in warned[0]
    for sock in held:
        sock.close()


def test_who_has_no_address_does_not_count(rowcache, tmp_path):
    daemon = rowcache("server.max_connections_per_address=1",
                      f"server.listen=unix:{tmp_path}/client")
    held = [open_socket(daemon.address) for _ in range(5)]
    assert all(map(is_served, held))
    for sock in held:
        sock.close()


def test_without_the_limit_one_address_may_have_many(rowcache):
    daemon = rowcache()
    held = [open_socket(daemon.address) for _ in range(50)]
    assert all(map(is_served, held))
    for sock in held:
        sock.close()


# Requests of one token


def statuses(daemon, count, **params):
    return [daemon.ask(**params).status for _ in range(count)]


def test_a_token_has_so_many_requests_in_a_second(sim, driven, clock):
    """Hits and misses count alike; what is refused spends nothing."""
    daemon = driven("access.requests_per_second=3")
    assert statuses(daemon, 3) == [200] * 3
    bill = sim.bill(TOKEN)
    for target in ("rows-10.example", "rows-7.example"):  # stored, and not
        refused = daemon.ask(target)
        assert refused.status == 429 and refused.headers["X-Status"] == "error"
        assert refused.headers["Retry-After"] == "1"
        assert "access.requests_per_second" in refused.error
    assert daemon.ask(token=OTHER_TOKEN).status == 200  # the limit is each token's own
    told = daemon.admin("/api/explain?" + encode(question("rows-7.example")))
    assert told.json["outcome"] == "miss"
    clock.go_on(seconds=1)
    assert statuses(daemon, 4) == [200] * 3 + [429]
    assert sim.bill(TOKEN) == bill == daemon.account["rows_spent"]


def test_the_refusals_are_logged_once_with_their_number(driven, clock):
    daemon = driven("access.requests_per_second=1")
    assert statuses(daemon, 20) == [200] + [429] * 19
    clock.go_on(seconds=60)
    assert statuses(daemon, 2) == [200, 429]
    eventually(lambda: len([line for line in daemon.lines if "warning rate" in line]) >= 2)
    warned = [line for line in daemon.lines if "warning rate" in line]
    assert ["requests=1 " in warned[0], "requests=19 " in warned[1], len(warned)] == [True, True, 2]
    assert not [line for line in daemon.lines if "status=429" in line]


def test_who_is_not_let_in_is_not_counted(rowcache):
    daemon = rowcache("access.mode=listed", "access.requests_per_second=1")
    assert statuses(daemon, 5, token="made-up") == [403] * 5
    assert statuses(daemon, 5, token=None) == [401] * 5


# Memory of answers on their way


def read_nothing(daemon, target):
    """A client whose answer is not stored, and who reads nothing of it."""
    sock = open_socket(daemon.address, receive_buffer=4096)
    query = encode(question(target, limit=20000, output=""))
    sock.sendall(f"GET /?{query} HTTP/1.1\r\nHost: x\r\nCache-Control: no-store\r\n\r\n".encode())
    return sock


def test_answers_that_nobody_reads_fill_no_memory(sim, rowcache):
    """What is stored is answered all the same; so is the rest, when there is room again."""
    daemon = rowcache("server.max_answers=1MiB")
    assert daemon.ask().miss
    slow = read_nothing(daemon, "huge-20000.example")

    def refused():
        reply = daemon.ask("rows-1.example", headers={"Cache-Control": "no-cache"})
        return reply if reply.status == 503 else None

    reply = eventually(refused)
    assert reply.headers["Retry-After"] == "1" and "server.max_answers" in reply.error
    bill = sim.bill(TOKEN)
    assert [daemon.ask("rows-2.example").status for _ in range(20)] == [503] * 20
    assert daemon.ask().hit
    assert sim.bill(TOKEN) == bill
    daemon.wait_for_log(r"\bwarning answers requests=1$")
    assert not [line for line in daemon.lines if "status=503" in line]
    slow.close()
    eventually(lambda: daemon.ask("rows-2.example").status == 200)
    assert len([line for line in daemon.lines if "warning answers" in line]) == 1
    eventually(lambda: daemon.account["rows_spent"] == sim.bill(TOKEN))


def test_a_translation_that_needs_too_much_memory_is_refused(sim3, rowcache3):
    daemon = rowcache3("upstream.max_translated=1MiB")
    reply = daemon.get(question("rows-5.example", token=KEY, limit=100000))
    assert reply.status == 501 and "upstream.max_translated" in reply.error
    assert not paid(sim3)
    assert daemon.get(question("rows-5.example", token=KEY, limit=1000)).status == 200


def test_the_rows_of_a_translation_take_of_the_memory_of_answers(sim3, driven3):
    """What waits for its next page holds the rows of those before."""
    daemon = driven3("server.max_answers=1MiB", "upstream.max_rows=2000", "cache.derive=off",
                     "upstream.requests_per_minute=0")
    sim3.hold(match=lambda asked: is_paid(asked) and len(paid(sim3)) == 3)
    with daemon.send(question("rows-20000.example", token=KEY, limit=20000)) as slow:
        wait_until_held(sim3)

        def refused():
            reply = daemon.get(question("rows-5.example", token=KEY), wish("no-cache"))
            return reply if reply.status == 503 else None

        assert "server.max_answers" in eventually(refused).error
        sim3.release()
        assert slow.receive().status == 200
    eventually(lambda: daemon.get(question("rows-7.example", token=KEY)).status == 200)
