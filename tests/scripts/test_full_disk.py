"""The disk is full when an answer has come: what it may have cost is in the account at once, and what
it did cost as soon as there is room, without a restart."""

import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from daemon import HOUSE, QUESTIONS, amounts, eventually, question, wait_until_held
from wire import encode, tenths

ROWS_7 = 10 + 7 * 2
MOST = 2010  # of a question with the usual limit
NOBODY_KNOWS = {"requests": 1, "hits": 0, "misses": 1, "errors": 0, "results": 0,
                "rows_spent": MOST, "rows_unknown": MOST, "rows_saved": 0,
                "units_spent": 0, "units_unknown": 0, "units_saved": 0}
AS_IT_WAS = {**NOBODY_KNOWS, "results": 7, "rows_spent": ROWS_7, "rows_unknown": 0}


def limit_files(daemon, size):
    """Of all files together, in effect: as a full disk would."""
    _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def answered_on_a_full_disk(sim, daemon, token):
    """One answer that comes when nothing can be written; the disk is full as long as this lasts."""
    sim.hold(QUESTIONS)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(daemon.ask, "rows-7.example", token=token)
        wait_until_held(sim)
        limit_files(daemon, 1)
        sim.release()
        yield asking.result()
    limit_files(daemon, resource.RLIM_INFINITY)


def totals(ask):
    """By token, target and day: they must agree."""
    found = [amounts(ask(by)["total"]) for by in ("token", "target", "day")]
    assert found[0] == found[1] == found[2]
    return found[0]


def budget(daemon):
    line, = (line for line in daemon.admin_json("/api/token")["tokens"] if line["token"] == "alice")
    found = {name: tenths(line["budget"][name]) for name in ("spent", "reserved", "left")}
    line, = (line for line in daemon.spend()["tokens"] if line["token"] == "alice")
    assert found == {name: tenths(line["budget"][name]) for name in found}
    return found


def counter(daemon):
    return round(daemon.metrics().value("rowcache_rows_spent_total", token="alice") * 10)


def start(rowcache, house):
    """Its signals are ignored, so that a full disk is an error, as it is for a real one."""
    return rowcache(house, restore_signals=False)


def test_what_could_not_be_settled_is_spent_and_unknown_until_it_can_be(sim, rowcache, house):
    daemon = start(rowcache, house)
    alice = daemon.issue("alice", "--budget", "500", "--per", "month")
    with answered_on_a_full_disk(sim, daemon, alice) as reply:
        assert reply.status == 200 and len(reply.rows) == 7
        for _ in range(3):
            assert totals(lambda by: daemon.spend({"by": by})) == NOBODY_KNOWS
            assert budget(daemon) == {"spent": MOST, "reserved": 0, "left": 5000 - MOST}
            assert daemon.request(reply)["state"] == "unknown"
            assert daemon.request(reply)["rows_spent"] == "201.0"
            assert counter(daemon) == 0, "it could only fall again"
    eventually(lambda: daemon.account == AS_IT_WAS)
    assert totals(lambda by: daemon.spend({"by": by})) == AS_IT_WAS
    assert budget(daemon) == {"spent": ROWS_7, "reserved": 0, "left": 5000 - ROWS_7}
    assert daemon.request(reply)["state"] == "settled"
    assert daemon.request(reply)["rows_spent"] == "2.4"
    assert counter(daemon) == ROWS_7 == sim.bill(HOUSE)
    daemon.wait_for_log("ledger_settled_late .*request=" + reply.headers["X-Request-Id"])


def test_a_stop_on_a_full_disk_leaves_it_in_the_account(sim, rowcache, house):
    """Whoever reads the directory sees what the next start books, and not nothing."""
    daemon = start(rowcache, house)
    alice = daemon.issue("alice", "--budget", "500", "--per", "month")
    with answered_on_a_full_disk(sim, daemon, alice):
        assert daemon.account == NOBODY_KNOWS
        assert daemon.stop() == 0
        assert totals(lambda by: daemon.ctl_json("spend", "--by", by)) == NOBODY_KNOWS
        daemon.start()
    assert totals(lambda by: daemon.spend({"by": by})) == NOBODY_KNOWS
    assert budget(daemon) == {"spent": MOST, "reserved": 0, "left": 5000 - MOST}


def test_what_is_under_way_is_neither_spent_nor_unknown(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "500", "--per", "month")
    sim.hold(QUESTIONS)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(daemon.ask, "rows-7.example", token=alice)
        wait_until_held(sim)
        assert budget(daemon) == {"spent": 0, "reserved": MOST, "left": 5000 - MOST}
        assert daemon.account == dict.fromkeys(NOBODY_KNOWS, 0)
        stopped = daemon.ctl_json("-o", "admin.listen=none", "spend")
        assert stopped["total"]["rows_spent"] == "0.0", "a daemon works in the directory"
        sim.release()
        assert asking.result().miss


def test_what_a_killed_daemon_left_is_told_before_the_next_start(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "500", "--per", "month")
    sim.hold(QUESTIONS)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question("rows-7.example", token=alice)))
        wait_until_held(sim)
        daemon.kill()
    assert totals(lambda by: daemon.ctl_json("spend", "--by", by)) == NOBODY_KNOWS
    sim.clear_faults()
    sim.release()
    daemon.start()
    assert totals(lambda by: daemon.spend({"by": by})) == NOBODY_KNOWS
