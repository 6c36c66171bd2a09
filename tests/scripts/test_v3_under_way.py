"""Queries of v2 are under way in front of v3, many at once: each page is paid once, by its own key,
and nothing of one client reaches another."""

import pytest

from ahrefs import v3
from daemon import eventually, question
from v3 import KEY, LIMITS, V3, is_paid, paid, simulator


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
