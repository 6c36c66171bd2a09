"""The way to upstream: connections that end, TLS, redirects, and the wait for a place."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ahrefs import Simulator
from certificates import make_certificate
from daemon import HOUSE, TOKEN, arrived, eventually, question
from nginx import Nginx

COST = 10 + 5 * 2
MISSES = 400


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
            return client.get(question(token=token, limit=1 + number))

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
def test_a_connection_that_upstream_closed_while_it_was_idle_is_not_used(sim, rowcache, nginx,
                                                                         house, budget):
    """Nothing is sent on it, so nothing is sent twice, nor is a budget in the way."""
    front = nginx("keepalive_timeout 1s")
    daemon = rowcache(house, front.trusted, upstream=front.url)
    token = daemon.issue("alice", "--budget", "100000", "--per", "total") if budget else TOKEN
    ask_many(daemon, range(8), token)
    eventually(lambda: front.closed)
    replies = ask_many(daemon, range(8, 16), token)
    assert {reply.status for reply in replies} == {200}
    account = daemon.account
    assert account["rows_spent"] == sim.bill(HOUSE) and account["rows_unknown"] == 0
