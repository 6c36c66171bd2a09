"""Much at once: the account still agrees with the bill, and memory stays bounded."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from daemon import OTHER_TOKEN, TOKEN, amounts, arrived, eventually, is_sanitized, question
from queries import questions
from wire import encode, open_socket, patience

MIB = 1024 * 1024
HUGE = question("huge-1000000.example", limit=1000001)  # about 600 MB, and complete
LARGE = question("huge-200000.example", limit=200000)  # about 120 MB
MARK = b'"prev_visited":'


@pytest.mark.concurrent
def test_clients_of_every_kind_at_once(sim, rowcache):
    """Hits, misses, joined misses, errors and other tables, from two tokens: to the tenth."""
    daemon = rowcache()
    asked = questions(40, "load")
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(_client, daemon, asked, seed) for seed in range(8)]:
            done.result()
    eventually(lambda: daemon.account["requests"] == 8 * 40)
    spend = daemon.spend()
    assert sorted(amounts(line)["rows_spent"] for line in spend["tokens"]) == sorted(
        sim.bills().values())
    total = amounts(spend["total"])
    assert total["rows_spent"] == sum(sim.bills().values()) and total["rows_unknown"] == 0
    eventually(lambda: sum(daemon.outcomes().values()) == 8 * 40)
    assert daemon.metrics().value("rowcache_upstream_requests_total") == len(sim.requests)


def _client(daemon, asked, seed):
    random = Random(seed)
    with daemon.client() as client:
        for _ in range(40):
            token = random.choice((TOKEN, OTHER_TOKEN))
            chance = random.random()
            if chance < 0.1:
                reply = client.get(question(from_="anchors", token=token))
            elif chance < 0.2:
                reply = client.get(question(order_by="nope", token=token))
                assert reply.error
            elif chance < 0.3:
                reply = client.get(question(token=token), {"Cache-Control": "no-cache"})
            else:
                reply = client.get(random.choice(asked).respelled(random, token))
            assert reply.status == 200 and reply.whole and reply.json


@pytest.mark.concurrent
def test_faults_at_random_leave_the_account_above_the_bill(sim, rowcache):
    daemon = rowcache("cache.ttl=0", "cache.stale_if_error=0")
    random = Random("faults")
    for kind in ("cut", "garbage", "count", "status", "refuse", "late_error", "bad_gzip") * 6:
        sim.fault(kind, match={"target": f"rows-{random.randrange(20)}.example"})
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(daemon.ask, [f"rows-{n % 20}.example" for n in range(160)]))
    for number, reply in enumerate(replies):
        assert reply.status in (200, 500, 502)
        if reply.status == 200 and "refpages" in reply.json and "error" not in reply.json:
            assert len(reply.rows) == number % 20
    account = daemon.account
    assert account["rows_spent"] - account["rows_unknown"] <= sim.bill(TOKEN)
    assert sim.bill(TOKEN) <= account["rows_spent"]


@pytest.mark.concurrent
def test_it_may_be_killed_at_random_moments(sim, rowcache):
    daemon = rowcache()
    random = Random("kill")
    for _ in range(6):
        seen = len(sim.requests)
        wanted = random.randrange(1, 40)
        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(_try_to_ask, daemon, random.randrange(1000)) for _ in range(60)]
            sim.wait_for(lambda sim: len(sim.requests) >= seen + wanted, patience(20))
            time.sleep(random.random() / 20)
            daemon.kill()
            assert False not in [done.result() for done in running]
        sim.wait_for(lambda sim: sim.in_flight == 0, patience(10))
        daemon.start()
        account = daemon.account
        assert account["rows_spent"] - account["rows_unknown"] <= sim.bill(TOKEN)
        assert sim.bill(TOKEN) <= account["rows_spent"]
        for rows in random.sample(range(1000), 8):
            assert _try_to_ask(daemon, rows), "no half entry is served"


def _try_to_ask(daemon, rows):
    """True for a right answer, None for none; False would be a wrong one."""
    try:
        reply = daemon.ask(f"rows-{rows}.example")
    except (OSError, http.client.HTTPException):
        return None
    return len(reply.rows) == rows if reply.whole and reply.status == 200 else None


# Quantity


def peak(daemon):
    """The most memory that was ever resident, in bytes."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def check_memory(daemon):
    if not is_sanitized():
        assert peak(daemon) < 64 * MIB


def count_results(response):
    """Counts the results of an answer while it streams, and keeps none."""
    count, tail = 0, b""
    while piece := response.read(MIB):
        piece = tail + piece
        count += piece.count(MARK)
        tail = piece[len(piece) - len(MARK) + 1:]
    return count


def stream(daemon, query):
    """Cache-Status and number of results, or an exception where the end is missing."""
    with daemon.client() as client:
        client.send("GET", "/?" + encode(query))
        response = client.head()
        assert response.status == 200
        return response.headers["Cache-Status"], count_results(response)


@pytest.mark.heavy
def test_six_hundred_megabytes_take_little_memory(sim, rowcache):
    daemon = rowcache()
    cache, count = stream(daemon, HUGE)
    assert cache == "rowcache; fwd=uri-miss; stored" and count == 1000000
    check_memory(daemon)
    cache, count = stream(daemon, HUGE)
    assert cache.startswith("rowcache; hit; ttl=") and count == 1000000
    check_memory(daemon)
    daemon.restart()
    cache, count = stream(daemon, HUGE)
    assert cache.startswith("rowcache; hit; ttl=") and count == 1000000
    check_memory(daemon)
    cache, count = stream(daemon, {**HUGE, "select": "date,url_from,prev_visited"})
    assert cache.endswith("; detail=derived") and count == 1000000
    cache, count = stream(daemon, {**HUGE, "where": "domain_rating<>101", "limit": "900000"})
    assert cache.endswith("; detail=derived") and count == 900000
    check_memory(daemon)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 10 + 2 * 1000000


@pytest.mark.heavy
def test_slow_readers_cost_little_memory(sim, rowcache):
    daemon = rowcache()
    sim.fault("hold_body", after=MIB)
    line = f"GET /?{encode(LARGE)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    slow = [open_socket(daemon.address, receive_buffer=4096) for _ in range(10)]
    for sock in slow:
        sock.sendall(line)
    responses = [http.client.HTTPResponse(sock) for sock in slow]
    for response in responses:
        response.begin()
        assert response.status == 200
    sim.release()
    assert stream(daemon, LARGE)[1] == 200000
    check_memory(daemon)
    for sock, response in zip(slow[1:], responses[1:]):
        response.close()
        sock.close()
    assert count_results(responses[0]) == 200000
    slow[0].close()
    check_memory(daemon)
    assert len(arrived(sim)) == 1


@pytest.mark.heavy
def test_many_questions_take_little_memory(sim, rowcache):
    """Hundreds of questions, of which each takes some memory and gives it back."""
    daemon = rowcache()
    with daemon.client() as client:
        for number in range(300):
            reply = client.get(question(f"rows-100.n{number}.example"))
            assert reply.miss and len(json.loads(reply.body)["refpages"]) == 100
    check_memory(daemon)
