"""The trace of v3 calls of ../bench: it stays what its figures were measured with, and a part of it is replayed
with every answer compared."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

from daemon import ROWCACHED
from wire import patience

BENCH = Path(__file__).resolve().parent.parent / "bench"
sys.path.append(str(BENCH))

from team_v3 import BEGIN, DAYS, trace  # noqa: E402


def test_the_trace_is_the_same_one_every_time():
    """Figures of another trace cannot be compared: whoever changes it measures all of them again."""
    asked = trace()
    text = "\n".join(f"{one.at} {one.path} {one.body}" for one in asked)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "2f69250b3cae6b79"
    assert trace() == asked


def test_the_trace_is_of_fourteen_days_and_all_parts():
    asked = trace()
    assert (asked[0].at - BEGIN).days == 0 and (asked[-1].at - BEGIN).days == DAYS - 1
    assert set(Counter(one.part for one in asked)) == {
        "daily", "dashboard", "restart", "export", "analyst", "batch"}
    meant = {}
    for one in asked:
        meant.setdefault((one.endpoint, tuple(sorted(one.params.items()))), set()).add(one.path)
    assert sum(len(paths) > 1 for paths in meant.values()) > 100, "tools spell differently"


def test_a_part_of_it_is_answered_as_ahrefs_does():
    done = subprocess.run(
        [sys.executable, BENCH / "replay_v3.py", ROWCACHED.parent.parent, "--count", "400"],
        capture_output=True, text=True, timeout=patience(300))
    print(done.stdout, done.stderr)
    assert done.returncode == 0 and "| rowcached |" in done.stdout
