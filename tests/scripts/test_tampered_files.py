"""What stands in the state directory is not trusted: links, other people's files and directories that
others can write are refused, and a database in which somebody has written crashes nothing."""

import os
import sqlite3
from contextlib import closing

import pytest

from daemon import HOUSE, OTHER_TOKEN, eventually, question

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away, for which it has to be root")
SOMEBODY = 12345
FILES = ["ledger.db", "cache.db", "cache.db-wal", "ledger.db-wal", "ledger.db-shm", "lock",
         "cache.state"]


def stopped(daemon):
    """A directory in which somebody has worked, and a token of whom."""
    alice = daemon.issue("alice", "--budget", "500", "--per", "month")
    assert daemon.ask("rows-1.example", token=alice).miss
    assert daemon.ask("rows-2.example", token=OTHER_TOKEN).miss
    assert daemon.stop() == 0
    return alice


def check_refused(daemon, *words):
    """By the daemon and by whoever works in the directory without it; both say why."""
    daemon.start(wait=False)
    assert daemon.wait() == 1
    told = [line for line in daemon.lines[-3:] if "error start" in line]
    asked = [daemon.ctl("-o", "admin.listen=none", *words_)
             for words_ in (["spend"], ["token", "add", "bob"])]
    assert all(done.returncode != 0 for done in asked[1:])
    for word in words:
        assert told and word in told[0]
        assert word in asked[1].stderr
    return told[0]


# Whose files they are


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o770, 0o702, 0o1777])
def test_a_directory_that_others_can_write_is_refused(rowcache, mode):
    daemon = rowcache()
    assert daemon.stop() == 0
    daemon.state.chmod(mode)
    check_refused(daemon, str(daemon.state), "chmod go-w")
    assert daemon.ctl("spend").returncode != 0
    daemon.state.chmod(0o755)
    daemon.start()


def test_a_directory_that_is_a_link_is_refused(rowcache, tmp_path):
    daemon = rowcache()
    assert daemon.stop() == 0
    link = tmp_path / "link"
    link.symlink_to(daemon.state)
    for name in (link, f"{link}/"):
        other = rowcache(f"state.directory={name}", wait=False)
        assert other.wait() == 1 and "symbolic link" in other.log
        assert other.ctl("-o", f"state.directory={name}", "spend").returncode != 0


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_the_directory_is_refused_and_not_followed(rowcache, tmp_path, name):
    daemon = rowcache()
    assert daemon.stop() == 0
    target = tmp_path / "target"
    target.write_bytes(b"somebody's")
    file = daemon.state / name
    kept = file.read_bytes() if file.exists() else None
    file.unlink(missing_ok=True)
    file.symlink_to(target)
    daemon.start(wait=False)
    assert daemon.wait() == 1
    assert name in daemon.log and "symbolic link" in daemon.log
    assert target.read_bytes() == b"somebody's" and file.is_symlink()
    file.unlink()
    if kept is not None:
        file.write_bytes(kept)
        file.chmod(0o600)
    daemon.start()


@pytest.mark.parametrize("name", ["ledger.db", "cache.db", "lock"])
def test_a_file_that_others_can_write_is_refused(rowcache, name):
    daemon = rowcache()
    assert daemon.stop() == 0
    (daemon.state / name).chmod(0o660)
    daemon.start(wait=False)
    assert daemon.wait() == 1 and name in daemon.log and "chmod go-w" in daemon.log
    (daemon.state / name).chmod(0o644)
    daemon.start()


def test_what_is_no_file_is_refused_and_not_waited_for(rowcache):
    daemon = rowcache()
    assert daemon.stop() == 0
    (daemon.state / "lock").unlink()
    os.mkfifo(daemon.state / "lock", 0o600)
    check_refused(daemon, "lock", "no regular file")
    (daemon.state / "lock").unlink()
    daemon.start()


@ROOT
def test_a_directory_or_file_of_somebody_else_is_refused(rowcache):
    """Root is somebody, too: what it writes in another's directory may lead anywhere."""
    daemon = rowcache()
    assert daemon.stop() == 0
    for path in (daemon.state, daemon.state / "ledger.db", daemon.state / "lock"):
        os.chown(path, SOMEBODY, -1)
        daemon.start(wait=False)
        assert daemon.wait() == 1 and "chown" in daemon.log and str(SOMEBODY) in daemon.log
        os.chown(path, 0, -1)
    daemon.start()


def test_root_works_in_a_directory_as_its_owner(theirs):
    """As rowcachectl does where no daemon runs: what it makes there is not root's."""
    daemon = theirs()
    assert daemon.stop() == 0
    # Whoever has changed his user cannot be looked into, not by LeakSanitizer either.
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    assert daemon.ctl("token", "add", "bob", env=env).returncode == 0
    assert "bob" in daemon.ctl("spend", env=env).stdout
    assert {path.stat().st_uid for path in daemon.state.iterdir()} == {daemon.state.stat().st_uid}
    daemon.start()
    assert [line["token"] for line in daemon.spend()["tokens"]] == ["bob"]


# Their content

GREAT = 2**62
MOST, LEAST = 2**63 - 1, -(2**63)
LEDGER = [
    "UPDATE token SET kind = 7",
    "UPDATE token SET kind = -1",
    f"UPDATE token SET kind = {GREAT}",
    "UPDATE token SET per = 9",
    "UPDATE token SET per = -2",
    "UPDATE token SET budget = -5",
    f"UPDATE token SET budget = {GREAT}, created_at = {GREAT}, revoked_at = {-GREAT}, warned = {GREAT}",
    "UPDATE token SET name = 'a' || char(10) || 'error forged' WHERE name IS NOT NULL",
    "UPDATE token SET name = CAST(zeroblob(70) AS TEXT) WHERE name IS NOT NULL",
    "UPDATE token SET name = 'other' WHERE name IS NOT NULL",
    "UPDATE token SET fingerprint = CAST(zeroblob(31) || id AS BLOB)",
    "UPDATE token SET fingerprint = zeroblob(id)",
    "DELETE FROM token",
    "INSERT INTO token_retired SELECT randomblob(32), 999",
    "INSERT INTO token_retired SELECT fingerprint, 999 FROM token; DELETE FROM token",
    "UPDATE token_day SET spent = -1, unknown = -1, saved = -1, results = -1",
    f"UPDATE token_day SET spent = {-GREAT}, unknown = {-GREAT}, saved = {-GREAT}",
    f"UPDATE token_day SET requests = {GREAT}, hits = {GREAT}, misses = {GREAT}, errors = {GREAT}",
    f"UPDATE token_day SET spent = {MOST}, saved = {GREAT}",
    f"UPDATE token_day SET day = {GREAT} + token",
    f"UPDATE token_day SET day = {-GREAT} + token",
    "UPDATE token_day SET day = 2147483647",
    f"UPDATE target_day SET day = {GREAT}, spent = -3; UPDATE target_month SET month = -9, spent = -3",
    "UPDATE entry SET state = 9",
    f"UPDATE entry SET at = {GREAT}, day = {GREAT}, results = {-GREAT}, spent = {-GREAT}",
    f"UPDATE entry SET state = 0, spent = NULL, settled_at = NULL, day = {GREAT}",
    f"UPDATE entry SET state = 0, spent = NULL, settled_at = NULL, day = {-GREAT}",
    "UPDATE entry SET state = 0, spent = NULL, settled_at = NULL, most = -7",
    f"UPDATE entry SET state = 0, spent = NULL, settled_at = NULL, most = {GREAT}",
    "UPDATE entry SET state = 0, spent = NULL, settled_at = NULL, token = 999",
    f"INSERT INTO correction VALUES (1, {GREAT}, {GREAT}, 1, {GREAT}, {-GREAT}, char(10, 1), 0)",
    f"INSERT INTO correction VALUES (1, -1, -1, 999, {-GREAT}, 1, 'why', 9)",
    f"INSERT INTO reconciliation VALUES (1, {GREAT}, 1, 9, {-GREAT}, {GREAT}, {-GREAT}, -1, -1, 0, 7, {-GREAT})",
    "UPDATE entry SET currency = 7; UPDATE token SET budget_currency = -1; UPDATE token_day SET currency = 2",
    "UPDATE entry SET currency = 1; UPDATE token SET budget_currency = 1; UPDATE token_day SET currency = 1",
]
ASKED = ["/api/spend?by=token", "/api/spend?by=target", "/api/spend?by=day", "/api/token",
         "/api/correction", "/api/status", "/metrics", "/health"]


def tamper(daemon, name, *statements):
    with closing(sqlite3.connect(daemon.state / name, isolation_level=None)) as shell:
        shell.execute("PRAGMA busy_timeout = 10000")
        shell.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            shell.executescript(statement)


@pytest.mark.parametrize("statement", LEDGER)
def test_a_ledger_in_which_somebody_has_written_crashes_nothing(rowcache, house, statement):
    """It is taken as it is, or refused at the start by a line that names it."""
    daemon = rowcache(house)
    alice = stopped(daemon)
    tamper(daemon, "ledger.db", statement)
    starts = daemon.log.count("info ready")
    daemon.start(wait=False)
    eventually(lambda: not daemon.running or daemon.log.count("info ready") > starts)
    if not daemon.running:
        assert daemon.wait() == 1
        assert "ledger.db" in daemon.lines[-1] and "restore it" in daemon.lines[-1]
    else:
        for path in ASKED:
            assert daemon.admin(path).status in (200, 500, 503)
        for token in (alice, OTHER_TOKEN, HOUSE):
            daemon.get(question("rows-3.example", token=token))
        for words in (["token", "rotate", "alice"], ["token", "budget", "alice", "7"],
                      ["correction", "add", "alice", "--spent", "1", "--reason", "why"]):
            daemon.ctl(*words)
        assert daemon.admin("/health").status == 200
        assert daemon.stop() == 0
    for words in (["spend"], ["token", "list"], ["correction", "list"]):
        assert daemon.ctl(*words).returncode in (0, 1, 2)
    assert not [line for line in daemon.lines if line.startswith("error forged")]


def test_a_token_whose_kind_is_none_is_a_stranger(rowcache, house):
    daemon = rowcache(house, "access.mode=listed")
    alice = daemon.issue("alice")
    assert daemon.ask("rows-1.example", token=alice).miss
    assert daemon.stop() == 0
    tamper(daemon, "ledger.db", "UPDATE token SET kind = 7")
    daemon.start()
    assert daemon.ask("rows-1.example", token=alice).status == 403
    line, = daemon.admin_json("/api/token")["tokens"]
    assert (line["token"], line["kind"]) == ("alice", "seen")


def test_a_budget_below_zero_is_none_left_and_not_no_budget(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "500")
    assert daemon.stop() == 0
    tamper(daemon, "ledger.db", "UPDATE token SET budget = -1")
    daemon.start()
    assert daemon.ask("rows-1.example", token=alice).status == 402


CACHE = [
    "UPDATE entry SET id = -id",
    "UPDATE entry SET id = id - 1000, state = 2",
    f"UPDATE entry SET id = id + {2**45}",
    f"UPDATE entry SET id = id + {2**45}, state = 2",
    f"UPDATE entry SET body_length = {LEAST}",
    f"UPDATE entry SET body_length = {GREAT}",
    f"UPDATE entry SET results = {-GREAT}, cost = -1, hits = -9",
    f"UPDATE entry SET cost = {MOST}, hits = {MOST}, stored_bytes = {LEAST}",
    f"UPDATE entry SET stored_bytes = {MOST}, state = 2",
    "UPDATE entry SET state = 9",
    "UPDATE entry SET currency = 1",
    "UPDATE entry SET currency = 7",
    "UPDATE entry SET source = id, subject = zeroblob(32), conditions = -1",
    f"UPDATE entry SET source = 1, saved = {MOST}",
    f"UPDATE entry SET rank = {LEAST}",
    f"UPDATE entry SET rank = {MOST}, hits = {MOST}",
    "UPDATE entry SET content_type = 'a' || char(13, 10) || 'X-Forged: 1'",
    "UPDATE entry SET key = zeroblob(31) WHERE id = (SELECT max(id) FROM entry)",
    "UPDATE entry SET normal = char(0, 255), target = char(10)",
    "UPDATE chunk SET raw_length = -1",
    f"UPDATE chunk SET raw_length = {GREAT}, data = zeroblob(2000000)",
    "UPDATE chunk SET id = -id",
    "DELETE FROM chunk",
]


@pytest.mark.parametrize("statement", CACHE)
def test_a_cache_in_which_somebody_writes_crashes_nothing(rowcache, statement):
    """While it is used, and at the next start: right answers, whatever stands there."""
    daemon = rowcache("cache.max_size=1MiB")
    for number in range(4):
        assert daemon.ask(f"rows-{100 + number}.example").miss
    for again in range(2):
        if again:
            assert daemon.stop() == 0
        tamper(daemon, "cache.db", statement)
        if again:
            daemon.start()
        for number in range(4):
            reply = daemon.ask(f"rows-{100 + number}.example")
            assert not reply.whole or len(reply.rows) == 100 + number
            assert "X-Forged" not in reply.headers
        for path in ("/api/cache", "/metrics", "/api/status"):
            assert daemon.admin(path).status in (200, 503)
        assert daemon.ask(f"rows-2000.n{again}.example", limit=2000).whole
        assert daemon.ctl("cache", "purge", "--all").returncode in (0, 1)
    assert daemon.admin("/health").status == 200
