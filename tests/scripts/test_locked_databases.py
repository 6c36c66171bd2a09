"""Another process works in a database: nobody waits for it longer than once, hits go on, and what was
paid for is handed on."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from daemon import QUESTIONS, TOKEN, eventually, wait_until_held
from wire import Client, patience

MANY = 16
ROWS_1 = 10 + 2
ONE_TIMEOUT = 5  # seconds


@contextmanager
def locked(daemon, name):
    """As by somebody's sqlite3 shell, after BEGIN IMMEDIATE."""
    with closing(sqlite3.connect(daemon.state / name, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            shell.execute("ROLLBACK")


def timed(ask):
    began = time.monotonic()
    return ask(), time.monotonic() - began


def ask_at_once(daemon, name, headers=None):
    """Sixteen questions that nobody has asked before: the answers, and how long each took."""
    with ThreadPoolExecutor(MANY) as pool:
        asking = [pool.submit(timed, lambda n=n: daemon.ask(f"rows-1.n{n}.{name}.example", headers))
                  for n in range(MANY)]
        return [one.result() for one in asking]


def test_a_locked_ledger_is_waited_for_once_however_many_wait(sim, rowcache):
    """They were told after 85 s, one after the other."""
    daemon = rowcache()
    assert daemon.ask("rows-1.example").miss
    with locked(daemon, "ledger.db"):
        told = ask_at_once(daemon, "waiting")
        assert daemon.ask("rows-1.example").hit
    assert {reply.status for reply, _ in told} == {503}
    assert all("ledger" in reply.error for reply, _ in told)
    assert max(seconds for _, seconds in told) < ONE_TIMEOUT + patience(5)
    eventually(lambda: daemon.ask("rows-1.after.example").miss)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 2 * ROWS_1


def test_who_comes_while_others_wait_for_the_ledger_waits_no_longer(sim, rowcache):
    daemon = rowcache()
    assert daemon.ask("rows-1.example").miss
    with locked(daemon, "ledger.db"), ThreadPoolExecutor(MANY) as pool:
        asking = []
        for number in range(MANY):
            target = f"rows-1.n{number}.example"
            asking.append(pool.submit(timed, lambda target=target: daemon.ask(target)))
            assert daemon.ask("rows-1.example").hit
            time.sleep(0.5)  # the clients' own pace, over more than one timeout
        told = [one.result() for one in asking]
    assert {reply.status for reply, _ in told} == {503}
    assert max(seconds for _, seconds in told) < ONE_TIMEOUT + patience(5)


def test_reports_wait_for_a_locked_ledger_no_longer_than_once(rowcache):
    """And tell what was written, as ever."""
    daemon = rowcache()
    assert daemon.ask("rows-1.example").miss
    before = daemon.account
    with locked(daemon, "ledger.db"):
        assert daemon.ask("rows-1.example").hit
        _, seconds = timed(lambda: [daemon.admin_json("/api/status"), daemon.metrics(),
                                    daemon.admin_json("/api/token"), daemon.spend()])
        assert seconds < 2 * ONE_TIMEOUT + patience(2)
        assert daemon.account["rows_spent"] == before["rows_spent"]
    eventually(lambda: daemon.account["hits"] == 1)


def test_no_client_waits_for_a_locked_cache(sim, rowcache):
    """An answer that is paid for is handed on, and just not stored; it was held back for 65 s."""
    daemon = rowcache()
    assert daemon.ask("rows-1.example").miss
    with locked(daemon, "cache.db"):
        told = ask_at_once(daemon, "paid")
        assert daemon.ask("rows-1.example").hit
    assert all(reply.status == 200 and len(reply.rows) == 1 for reply, _ in told)
    assert max(seconds for _, seconds in told) < patience(4)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == (1 + MANY) * ROWS_1
    assert daemon.account["rows_unknown"] == 0
    again = daemon.ask("rows-1.n0.paid.example")
    assert again.miss and daemon.ask("rows-1.n0.paid.example").hit


def test_a_long_answer_flows_although_the_cache_is_locked(sim, rowcache):
    """Whoever waits for its chunks to be stored would wait here for 5 s each."""
    daemon = rowcache()
    rows = 20000
    sim.hold(QUESTIONS)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(timed, lambda: daemon.ask(f"rows-{rows}.example", limit=rows))
        wait_until_held(sim)
        with locked(daemon, "cache.db"):
            sim.release()
            reply, seconds = asking.result()
    with Client(f"127.0.0.1:{sim.port}") as ahrefs:
        direct = ahrefs.get({"token": "d1ec7000" * 5, "from": QUESTIONS["from"], "mode": "domain",
                             "target": f"rows-{rows}.example", "limit": str(rows)})
    assert reply.whole and reply.body == direct.body
    assert seconds < patience(8)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == 10 + rows * 2
