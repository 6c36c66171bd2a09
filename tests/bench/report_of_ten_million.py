#!/usr/bin/env python3
"""How long the account's reports take over ten million entries.

    python3 tests/bench/report_of_ten_million.py BUILD [ENTRIES]

Makes a state directory by running BUILD/daemon/rowcached once, so that the schema is its own,
fills the ledger with ENTRIES settled entries (10000000) over 400 days, 200 tokens and 50000
targets and with the totals that belong to them, and prints how long the commands take on the
directory and through the daemon, and how long the daemon takes to start. It asserts nothing
about speed; what it does assert is that totals and entries agree before anything is measured.
"""

import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path

DAYS, TOKENS, TARGETS = 400, 200, 50000
TIMES = 5
EPOCH = date(1970, 1, 1)
MS_A_DAY = 24 * 60 * 60 * 1000
_LISTENING = re.compile(r"\binfo listening side=admin address=(\S+)")

# Entry i: days in their order, as they come to be; what else it has is scattered over the rest
# by multiplying with odd numbers. One in a hundred has an amount that is not known.
ENTRIES = """
WITH RECURSIVE number(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM number WHERE i + 1 < :entries),
scattered AS (
  SELECT i, :first + i * :days / :entries AS day,
    (i * 2654435761 & 4294967295) % :tokens AS token,
    (i * 2246822519 & 4294967295) % :targets AS target,
    (i * 3266489917 & 4294967295) % 1001 AS results
  FROM number)
INSERT INTO entry(request, at, day, token, key, source, target, state, estimated, most, results,
  spent, settled_at)
SELECT printf('%032x', i), day * :day + i % :day, day, :token + token, NULL, 'backlinks_new_lost',
  'target-' || target || '.example', CASE WHEN i % 100 = 0 THEN 2 ELSE 1 END, 0, 2010, results,
  10 + 2 * results, day * :day + i % :day + 500
FROM scattered ORDER BY i
"""

# For each miss three hits, which have no entries.
TOTALS = """
INSERT INTO {table}(day, {by}, currency, requests, hits, misses, errors, results, spent, unknown, saved)
SELECT day, {by}, 0, 4 * count(*), 3 * count(*), count(*), 0, sum(results), sum(spent),
  sum(CASE state WHEN 2 THEN spent ELSE 0 END), 3 * sum(spent)
FROM entry GROUP BY day, {by}
"""

MONTHS = """
INSERT INTO target_month
SELECT unixepoch(day * 86400, 'unixepoch', 'start of month') / 86400 AS month, target, currency,
  sum(requests), sum(hits), sum(misses), sum(errors), sum(results), sum(spent), sum(unknown),
  sum(saved)
FROM target_day GROUP BY month, target, currency
"""

# One line for each of the four if they differ; the only one if they do not.
AGREE = """
SELECT count(*), sum(results), sum(spent), sum(CASE state WHEN 2 THEN spent ELSE 0 END) FROM entry
UNION SELECT sum(misses), sum(results), sum(spent), sum(unknown) FROM token_day
UNION SELECT sum(misses), sum(results), sum(spent), sum(unknown) FROM target_day
UNION SELECT sum(misses), sum(results), sum(spent), sum(unknown) FROM target_month
"""


class Programs:
    """The programs of a build, working in one state directory."""

    def __init__(self, build, state):
        self.state = state
        self._daemon, self._ctl = (Path(build).resolve() / "daemon" / name
                                   for name in ("rowcached", "rowcachectl"))

    @contextmanager
    def running(self):
        """Gives the address of the admin side and the seconds that the start took."""
        options = ["server.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0"]
        begin = time.perf_counter()
        process = subprocess.Popen(self._line(self._daemon, options), stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, text=True)
        try:
            address = _wait_until_ready(process)
            yield address, time.perf_counter() - begin
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()
        if process.returncode:
            sys.exit(f"rowcached ended with {process.returncode}")

    def ctl(self, address, arguments):
        """rowcachectl, run to its end; its output is read and thrown away."""
        line = self._line(self._ctl, [f"admin.listen={address}"]) + arguments
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def _line(self, program, options):
        options = [f"state.directory={self.state}", *options]
        return [str(program), *(word for option in options for word in ("-o", option))]


def _wait_until_ready(process):
    log, address = [], None
    for line in process.stderr:
        log.append(line)
        if found := _LISTENING.search(line):
            address = found[1]
        if "info ready" in line:
            return address
    sys.exit("rowcached does not start:\n" + "".join(log))


# The ledger


def fill(file, entries):
    """All in one transaction, without a journal: who interrupts it begins anew."""
    with closing(sqlite3.connect(file, isolation_level=None)) as ledger:
        journal, = ledger.execute("PRAGMA journal_mode").fetchone()
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000",
                       "temp_store = MEMORY"):
            ledger.execute("PRAGMA " + pragma)
        ledger.execute("BEGIN")
        said("tokens", lambda: _add_tokens(ledger))
        said("entries", lambda: ledger.execute(ENTRIES, _numbers(ledger, entries)))
        for table, by in (("token_day", "token"), ("target_day", "target")):
            said(table, lambda: ledger.execute(TOTALS.format(table=table, by=by)))
        said("target_month", lambda: ledger.execute(MONTHS))
        ledger.execute("COMMIT")
        found = said("comparing totals and entries", lambda: ledger.execute(AGREE).fetchall())
        if len(found) != 1 or found[0][0] != entries:
            sys.exit(f"totals and entries do not agree: {found}")
        ledger.execute(f"PRAGMA journal_mode = {journal}")


def _add_tokens(ledger):
    """Half of them registered and half of them issued, where this schema knows of that."""
    columns = {row[1] for row in ledger.execute("PRAGMA table_info(token)")}
    values = {"fingerprint": lambda _: os.urandom(32), "name": "token-{:03}".format}
    if "kind" in columns:
        values |= {"kind": lambda n: 1 + n % 2, "budget": lambda n: None if n % 4 else 10 ** 9,
                   "per": lambda n: n // 4 % 3, "created_at": lambda _: int(time.time() * 1000)}
    ledger.executemany(
        f"INSERT INTO token({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
        ([make(n) for make in values.values()] for n in range(TOKENS)))


def _numbers(ledger, entries):
    """The first of the tokens that were added, and of the days, of which the last is today."""
    token, = ledger.execute("SELECT max(id) - ? + 1 FROM token", [TOKENS]).fetchone()
    first = (date.today() - EPOCH).days - DAYS + 1
    return {"entries": entries, "days": DAYS, "tokens": TOKENS, "targets": TARGETS,
            "token": token, "first": first, "day": MS_A_DAY}


def said(what, do):
    """Does it, and says how long it took."""
    begin = time.perf_counter()
    result = do()
    print(f"  {what}: {time.perf_counter() - begin:.1f} s", flush=True)
    return result


# Measuring


def commands():
    until = date.today() - timedelta(60)
    month = ["--since", str(until - timedelta(30)), "--until", str(until)]
    return [
        ["spend"], ["spend", "--by", "target"], ["spend", "--by", "day"], ["spend", *month],
        ["spend", "--by", "target", *month], ["token", "list"],
    ]


def measure(programs, address):
    for arguments in commands():
        show(" ".join(["rowcachectl", *arguments]), _times(programs, address, arguments))


def _times(programs, address, arguments):
    """Seconds, one number for each time; or what it says instead."""
    seconds = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        done = programs.ctl(address, arguments)
        seconds.append(time.perf_counter() - begin)
        if done.returncode:
            return done.stderr.partition("\n")[0] or f"exit status {done.returncode}"
    return seconds


def show(what, seconds):
    if isinstance(seconds, str):
        print(f"  {what:70} {seconds}", flush=True)
    else:
        best, median = min(seconds), statistics.median(seconds)
        print(f"  {what:70} {best:8.3f} {median:8.3f}", flush=True)


def starts(programs):
    seconds = []
    for _ in range(TIMES):
        with programs.running() as (_, took):
            seconds.append(took)
    return seconds


def bench(build, entries):
    with tempfile.TemporaryDirectory(prefix="rowcache-bench-") as state:
        programs = Programs(build, state)
        with programs.running():
            pass
        ledger = Path(state) / "ledger.db"
        print(f"{entries} entries, {DAYS} days, {TOKENS} tokens, {TARGETS} targets in {ledger}")
        fill(ledger, entries)
        print(f"  {ledger.stat().st_size / 2 ** 20:.0f} MiB")
        print(f"{'seconds, of ' + str(TIMES):72} {'best':>8} {'median':>8}")
        print("on the state directory:")
        measure(programs, "127.0.0.1:1")  # where nobody listens
        show("rowcached, until it is ready", starts(programs))
        print("through the daemon:")
        with programs.running() as (address, _):
            measure(programs, address)


def main(arguments):
    if len(arguments) not in (1, 2) or not (arguments + ["1"])[1].isdecimal():
        sys.exit(__doc__)
    entries = int(arguments[1]) if len(arguments) == 2 else 10000000
    bench(arguments[0], max(1, entries))


if __name__ == "__main__":
    main(sys.argv[1:])
