"""The team trace of ../bench: it stays what its figures were measured with, and a part of it is replayed with
every answer compared."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

from daemon import ROWCACHED
from wire import patience

BENCH = Path(__file__).resolve().parent.parent / "bench"
sys.path.append(str(BENCH))

from team import BEGIN, DAYS, trace  # noqa: E402


def test_the_trace_is_the_same_one_every_time():
    """Figures of another trace cannot be compared: whoever changes it measures all of them again."""
    asked = trace()
    text = "\n".join(f"{one.at} {one.query}" for one in asked)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "91341375d640da32"
    assert trace() == asked


def test_the_trace_is_of_fourteen_days_and_all_parts():
    asked = trace()
    assert len(asked) == 5000 and asked == sorted(asked, key=lambda one: one.at)
    assert (asked[0].at - BEGIN).days == 0 and (asked[-1].at - BEGIN).days == DAYS - 1
    parts = Counter(one.part for one in asked)
    assert set(parts) == {"export", "delta", "board", "session", "best", "xml"}
    assert {one.question.output for one in asked} == {"json", "php", "xml"}
    spelled = Counter(question for question, _ in {(one.question.plain(), one.query.replace(
        one.query.partition("token=")[2][:40], "")) for one in asked})
    assert sum(count > 1 for count in spelled.values()) > 100, "tools spell one question differently"


def test_a_part_of_it_is_answered_as_upstream_does():
    done = subprocess.run(
        [sys.executable, BENCH / "replay.py", ROWCACHED.parent.parent, "--count", "700"],
        capture_output=True, text=True, timeout=patience(300))
    print(done.stdout, done.stderr)
    assert done.returncode == 0 and "| rowcached |" in done.stdout
