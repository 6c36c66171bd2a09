"""Shared by the plays about budgets: budgets, spending, and requests that are held back."""

import re
from contextlib import contextmanager

from daemon import QUESTIONS, eventually, wait_until_held
from wire import encode, tenths

ROWS_5 = 10 + 5 * 2
AMOUNTS = ("rows", "spent", "reserved", "left")


def add(daemon, name="alice", rows=None, per=None) -> str:
    """A new token of rowcache's own, with that budget."""
    budget = ["--budget", rows] if rows else []
    budget += ["--per", per] if per else []
    return daemon.issue(name, *budget)


def set_budget(daemon, name, rows, *per):
    daemon.ctl_text("token", "budget", name, rows, *per)


def budget(daemon, name="alice") -> dict:
    """A token's budget, its amounts in tenths of a row."""
    return {key: tenths(value) if key in AMOUNTS else value
            for key, value in daemon.budget(name).items()}


def fresh(number, rows=5):
    """A target with that many rows; one for each number."""
    return f"rows-{rows}.n{number}.example"


def spend(daemon, token, times, start=0):
    """Has a token spend 2 rows that many times."""
    for number in range(start, start + times):
        reply = daemon.ask(fresh(number), token=token, limit=5)
        assert reply.miss and reply.spent == ROWS_5


def check_held_back(reply, left=None, most=None):
    """402 in v2's form, which says what is left and what it could have cost."""
    assert reply.status == 402 and reply.headers["X-Status"] == "error", reply
    assert list(reply.json) == ["error"]
    said = [tenths(amount) for amount in re.findall(r"\d+\.\d", reply.error)]
    assert left is None or left in said, reply.error
    assert most is None or most in said, reply.error


@contextmanager
def under_way(sim, daemon, query):
    """A question that upstream holds; at the end it is let go and answered."""
    sim.hold(match=QUESTIONS)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(query))
        wait_until_held(sim)
        yield
        sim.release()
        assert client.receive().miss


def send_from_many(daemon, count, query) -> list:
    """Clients whose questions have come, as far as can be told from here."""
    before = daemon.open_files
    clients = [daemon.send(query) for _ in range(count)]
    eventually(lambda: daemon.open_files >= before + count)
    return clients


def receive_all(clients) -> list:
    replies = [client.receive() for client in clients]
    for client in clients:
        client.close()
    return replies


def grow_stale(daemon, clock):
    """The second of freshness passes."""
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
