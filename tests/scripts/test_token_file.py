"""The file with the token that issued tokens spend from."""

import os
import signal
from itertools import count
from pathlib import Path

import pytest

from daemon import AHREFS, ROWCACHED, TOKEN, eventually, run
from tokens import KNOWN, NEW_AHREFS

AHREFS_KNOWS = KNOWN
ROWS_5 = 10 + 5 * 2

# Contents of a token file that are no token; None: there is no such file.
BROKEN = {
    "gone": None, "a directory": Path, "empty": "", "an empty line": "\n",
    "a space": f"{AHREFS[:20]} {AHREFS[20:]}\n", "two lines": f"{AHREFS}\n{NEW_AHREFS}\n",
    "too short": AHREFS[:7], "too long": "a" * 1025,
}


@pytest.mark.parametrize("params", [{}, {"from_": "anchors"}, {"output": "xml"}], ids=str)
def test_without_a_token_to_spend_from_there_are_hits_only(sim, rowcache, params):
    daemon = rowcache()
    alice = daemon.issue()
    reply = daemon.ask(**{"token": alice, **params})
    assert reply.status == 503 and reply.headers["X-Status"] == "error"
    assert b"token" in reply.body and alice.encode() not in reply.body
    assert sim.requests == [] and daemon.account["rows_spent"] == 0
    assert daemon.ask().miss
    assert daemon.ask(token=alice).hit
    assert sim.bills() == {TOKEN: ROWS_5}


def put(file, content):
    """Has the file hold that, or be what it says."""
    file.unlink(missing_ok=True)
    if content is Path:
        file.mkdir()
    elif content is not None:
        file.write_text(content)


def check_named(text, file):
    """The key and the file are named, and nothing of what is in it."""
    assert "upstream.token_file" in text and file.name in text
    for piece in (AHREFS[:20], AHREFS[20:], NEW_AHREFS):
        assert piece not in text


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_it_does_not_start_with_a_token_that_is_none(rowcache, purse, content):
    put(purse, content)
    done = run(ROWCACHED, "-t", "-o", f"upstream.token_file={purse}")
    assert done.returncode == 1
    check_named(done.stderr, purse)
    daemon = rowcache(f"upstream.token_file={purse}", wait=False)
    assert daemon.wait() == 1
    check_named(daemon.log, purse)


@pytest.mark.parametrize("end", ["\n", ""], ids=["a line", "no end of line"])
def test_it_starts_with_a_token(purse, end):
    purse.write_text(AHREFS + end)
    done = run(ROWCACHED, "-t", "-o", f"upstream.token_file={purse}")
    assert done.returncode == 0, done.stderr


def test_another_token_is_taken_from_the_file_at_a_reload(sim, issuing, purse):
    daemon = issuing()
    alice = daemon.issue()
    purse.write_text(NEW_AHREFS + "\n")
    assert daemon.ask("rows-1.example", token=alice).miss
    assert set(sim.bills()) == {AHREFS}
    daemon.signal(signal.SIGHUP)
    number = count()
    eventually(lambda: daemon.ask(f"rows-0.n{next(number)}.example", token=alice).miss
               and sim.bill(NEW_AHREFS))
    assert daemon.ask("rows-1.example", token=alice).hit
    assert daemon.accounts["alice"]["rows_spent"] == sum(sim.bills().values())


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_a_file_that_is_broken_at_a_reload_leaves_the_old_token(sim, issuing, purse, content):
    daemon = issuing()
    alice = daemon.issue()
    put(purse, content)
    daemon.signal(signal.SIGHUP)
    line = daemon.wait_for_log(r"\b(warning|error)\b.*upstream\.token_file")
    check_named(line, purse)
    assert daemon.ask(token=alice).miss
    assert sim.bills() == {AHREFS: ROWS_5}
    check_named(daemon.log, purse)


def test_a_name_without_a_slash_is_a_credential_of_systemd(sim, rowcache, purse):
    here = {**os.environ, "CREDENTIALS_DIRECTORY": str(purse.parent)}
    daemon = rowcache(f"upstream.token_file={purse.name}", env=here)
    assert daemon.ask(token=daemon.issue()).miss
    assert sim.bills() == {AHREFS: ROWS_5}


@pytest.mark.parametrize("directory", [None, "/nowhere"])
def test_a_credential_that_was_not_given(purse, directory):
    """A file of that name in the working directory is not meant."""
    env = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
    if directory:
        env["CREDENTIALS_DIRECTORY"] = directory
    done = run(ROWCACHED, "-t", "-o", f"upstream.token_file={purse.name}", env=env,
               cwd=purse.parent)
    assert done.returncode == 1
    check_named(done.stderr, purse)
