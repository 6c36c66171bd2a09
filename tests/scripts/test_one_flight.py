"""Many who ask the same at once make one request upstream, and pay once."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ahrefs import Simulator
from daemon import OTHER_TOKEN, QUESTIONS, TOKEN, arrived, eventually, question, wait_until_held
from wire import COLLAPSED, MISS, Client, encode, open_socket, patience

pytestmark = pytest.mark.concurrent

ROWS_5 = 10 + 5 * 2
BIG = question("huge-20000.example", limit=20000)  # 12 MB: more than any buffer on the way
BIG_COST = 10 + 20000 * 2


def send_from_many(daemon, count, query):
    before = daemon.open_files
    clients = [daemon.send(query) for _ in range(count)]
    eventually(lambda: daemon.open_files >= before + count)
    return clients


def receive_all(clients):
    """The answers, read at the same time."""
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(Client.receive, clients))
    for client in clients:
        client.close()
    return replies


def test_two_hundred_at_once_pay_once(sim, rowcache):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    clients = send_from_many(daemon, 200, question())
    wait_until_held(sim)
    sim.release()
    replies = receive_all(clients)

    assert len(arrived(sim)) == 1 and sim.bill(TOKEN) == ROWS_5
    rows = replies[0].rows
    assert len(rows) == 5
    for reply in replies:
        assert reply.status == 200 and reply.whole and reply.rows == rows
        assert reply.cache in (MISS, COLLAPSED) or reply.hit
        if not reply.miss:
            assert (reply.spent, reply.saved) == (0, ROWS_5)
    assert sum(reply.miss for reply in replies) == 1
    assert any(reply.cache == COLLAPSED for reply in replies)
    assert sum(reply.spent for reply in replies) == ROWS_5

    eventually(lambda: daemon.account["requests"] == 200)
    assert daemon.account["rows_spent"] == ROWS_5
    assert daemon.account["rows_saved"] == 199 * ROWS_5
    eventually(lambda: sum(daemon.outcomes().values()) == 200)
    assert daemon.outcomes()["miss"] == 1


def test_at_whichever_moment_the_others_come_it_is_paid_once(sim, rowcache):
    """Also just as the answer is published, and its flight leaves the table."""
    daemon = rowcache()
    asked = [question(f"rows-{number}.example") for number in range(100)]

    def ask_all(_):
        with daemon.client() as client:
            return [client.get(query) for query in asked]

    with ThreadPoolExecutor(12) as pool:
        replies = [reply for answers in pool.map(ask_all, range(12)) for reply in answers]
    assert all(reply.status == 200 and reply.whole for reply in replies)
    assert sum(reply.miss for reply in replies) == len(arrived(sim)) == len(asked)
    cost = sum(10 + 2 * number for number in range(100))
    assert sum(reply.spent for reply in replies) == sim.bill(TOKEN) == cost
    eventually(lambda: daemon.account["requests"] == len(replies))
    assert daemon.account["rows_spent"] == cost
    assert daemon.account["rows_saved"] == 11 * cost


def test_they_all_get_the_whole_of_a_big_answer(sim, rowcache):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    clients = send_from_many(daemon, 10, BIG)
    wait_until_held(sim)
    sim.release()
    replies = receive_all(clients)
    assert len({reply.body for reply in replies}) == 1
    assert all(reply.whole for reply in replies) and len(replies[0].rows) == 20000
    assert len(arrived(sim)) == 1 and sim.bill(TOKEN) == BIG_COST
    assert daemon.account["rows_spent"] == BIG_COST


@pytest.mark.parametrize("fault, query", [("hold", question()), ("hold_body", BIG)],
                         ids=["small", "big"])
def test_the_first_may_leave_and_the_others_are_served(sim, rowcache, fault, query):
    daemon = rowcache()
    sim.fault(fault)
    first = daemon.send(query)
    wait_until_held(sim)
    others = send_from_many(daemon, 20, query)
    first.close()
    more = send_from_many(daemon, 20, query)
    sim.release()
    replies = receive_all(others + more)
    assert all(reply.status == 200 and reply.whole for reply in replies)
    assert len({reply.body for reply in replies}) == 1
    assert len(arrived(sim)) == 1 and sim.bill(TOKEN) == daemon.account["rows_spent"]


@pytest.mark.parametrize("fault, query, cost", [
    ("hold", question(), ROWS_5), ("hold_body", BIG, BIG_COST),
], ids=["small", "big"])
def test_what_is_paid_for_is_stored_even_if_nobody_waits(sim, rowcache, fault, query, cost):
    daemon = rowcache()
    sim.fault(fault)
    client = daemon.send(query)
    wait_until_held(sim)
    client.close()
    sim.release()
    eventually(lambda: daemon.metrics().value("rowcache_cache_entries") == 1, 30)
    reply = daemon.get(query)
    assert reply.hit and reply.whole
    assert sim.bill(TOKEN) == daemon.account["rows_spent"] == cost


def test_a_slow_reader_holds_nobody_up(sim, rowcache):
    daemon = rowcache()
    sim.fault("hold_body", after=200000)
    with open_socket(daemon.address, receive_buffer=4096) as slow:
        slow.sendall(
            f"GET /?{encode(BIG)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        begun = slow.recv(1000)
        wait_until_held(sim)
        joined = daemon.send(BIG)
        sim.release()
        quick = joined.receive()
        joined.close()
        assert quick.whole and len(quick.rows) == 20000
        hit = daemon.get(BIG)
        assert hit.hit and hit.json == quick.json
        rest = b"".join(iter(lambda: slow.recv(1 << 20), b""))
    assert begun.startswith(b"HTTP/1.1 200 ") and rest.endswith(b"0\r\n\r\n")
    assert len(begun + rest) > len(quick.body)
    assert len(arrived(sim)) == 1


def test_a_slow_reader_of_a_hit_holds_nobody_up(rowcache):
    daemon = rowcache()
    expected = daemon.get(BIG).body
    slow = daemon.send(BIG)
    response = slow.head()
    beginning = response.read(1000)
    assert daemon.get(BIG).body == expected
    assert daemon.ask().miss
    assert beginning + response.read() == expected
    slow.close()


def test_a_result_that_is_purged_while_it_is_read_is_read_to_its_end(rowcache):
    daemon = rowcache()
    expected = daemon.get(BIG).json
    slow = daemon.send(BIG)
    response = slow.head()
    assert response.headers["Cache-Status"].startswith("rowcache; hit")
    assert daemon.ctl("cache", "purge", "--all").returncode == 0
    reply = _rest(response)
    assert reply is None or reply == expected
    slow.close()
    assert daemon.get(BIG).miss


def _rest(response):
    """The answer; None where it broke off so that the client can tell."""
    try:
        return json.loads(response.read())
    except http.client.IncompleteRead:
        return None


def test_nobody_is_served_what_another_ones_token_was_told(start):
    with Simulator() as sim:
        daemon = start(sim.url)
        sim.fault("error_first", match={**QUESTIONS, "token": OTHER_TOKEN}, text="invalid token")
        sim.hold(match=QUESTIONS)
        bad = daemon.send(question(token=OTHER_TOKEN))
        sim.wait_for(lambda sim: arrived(sim), patience(10))
        good = [daemon.send(question()) for _ in range(5)]
        eventually(lambda: daemon.open_files > 6)
        sim.release()
        refused = bad.receive()
        assert refused.headers["X-Status"] == "error" and "token" in refused.error
        for reply in receive_all(good):
            assert reply.status == 200 and len(reply.rows) == 5
        assert sim.bills() == {TOKEN: ROWS_5}
        assert daemon.account["rows_spent"] == ROWS_5
        bad.close()
        assert daemon.stop() == 0


@pytest.mark.parametrize("kind, options, status", [
    ("status", {"code": 503}, 503), ("error_first", {}, 200), ("count", {}, 502), ("cut", {}, 502),
])
def test_a_failure_costs_once_whoever_waited_for_it(sim, rowcache, kind, options, status):
    daemon = rowcache()
    sim.fault(kind, times=None, **options)
    sim.hold(match=QUESTIONS)
    clients = send_from_many(daemon, 30, question())
    wait_until_held(sim)
    sim.release()
    replies = receive_all(clients)
    assert all(reply.status in (status, 502) and reply.whole for reply in replies)
    assert all(reply.error for reply in replies if kind != "status")
    failures = len(arrived(sim))
    assert failures <= 3, "those who waited are told, and do not ask again each for itself"
    assert sim.bill(TOKEN) <= daemon.account["rows_spent"] <= failures * (10 + 2 * 1000)

    sim.clear_faults()
    assert daemon.ask().miss


def test_different_questions_do_not_wait_for_each_other(sim, rowcache):
    daemon = rowcache()
    sim.hold(match={"target": "rows-5.example"})
    waiting = daemon.send(question())
    wait_until_held(sim)
    assert daemon.ask("rows-6.example").miss
    assert daemon.ask("rows-6.example").hit
    assert daemon.inflight == 1
    sim.release()
    assert waiting.receive().miss
    waiting.close()


def test_more_misses_than_may_be_under_way_wait_their_turn(sim, rowcache):
    daemon = rowcache("upstream.max_inflight=3")
    sim.hold(match=QUESTIONS)
    clients = [daemon.send(question(f"rows-{n}.example")) for n in range(10)]
    wait_until_held(sim, 3)
    sim.release()
    assert [len(reply.rows) for reply in receive_all(clients)] == list(range(10))
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)
