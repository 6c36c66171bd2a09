#!/usr/bin/python3
"""A long run of mixed load with faults, reloads and kills; then the account against the bill.

    tests/bench/soak.py BUILD [--minutes 10] [--clients 8] [--seed N] [--no-kills]

BUILD is a meson build directory, plain or with a sanitizer. The simulated Ahrefs runs in this process. The
clients ask for hits, misses and derived answers, read slowly, hang up and break off (soak_clients.py); upstream
has faults. The first half has a reload every few seconds and a `kill -9` every twenty; the second half has
reloads alone, so that the resident memory and the open descriptors of one process can be followed. With
--no-kills all of the run is one process, and nothing is to be booked as unknown because of a death.

It fails if an answer is wrong, if the account does not bracket the bill (spent - unknown <= bill <= spent, for
all Ahrefs tokens; without an unknown part that is equality), if a budget is overshot, if an entry of the
ledger stays open after the stop, if a sanitizer has reported something, if descriptors are left open when the
clients have gone, or if the last process's memory grows: the median of its second half is compared with that of
the first, after a warm-up. It prints what was asked, and memory and descriptors over time.
"""

import argparse
import os
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import median

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "scripts"), str(TESTS / "bench")]

KILL_EVERY, RELOAD_EVERY, SAMPLE_EVERY = 20, 3, 5  # seconds
BUDGET = 20000  # rows, for one of the issued tokens: it is spent before the end
WARM_UP = 0.2  # the part of the last process's life in which its memory may grow
GROWTH, SLACK = 1.10, 4096  # times, and KiB: less is no growth
IDLE = 5  # seconds after which a connection is closed on which nothing moves
FAULTS = [
    ("cut", {}), ("cut", {"after": 0}), ("garbage", {}), ("truncate", {}), ("bad_gzip", {}),
    ("count", {}), ("no_count", {}), ("late_error", {}), ("error_first", {}), ("bom", {}),
    ("status", {"code": 500}), ("status", {"code": 429}), ("refuse", {}), ("html", {}),
    ("redirect", {"location": "https://elsewhere.example/?token=x"}),
    ("delay", {"seconds": 0.5}), ("slow", {"size": 4096, "pause": 0.01}),
    ("content_length", {}), ("stall", {}),
]


class Soak:
    def __init__(self, sim, daemon, clients, options):
        self.sim, self.daemon, self.clients = sim, daemon, clients
        self.count, self.kills = options.clients, not options.no_kills
        self.random = Random(options.seed)
        self.samples = []  # of the process that runs: seconds, KiB, descriptors
        self.kill_count = 0
        self.at_rest = 0

    # The load

    def run(self, seconds, deeds=()):
        """Clients and faults for so long. A deed is (function, seconds between, seconds until its end)."""
        threads = self.clients.begin(self.random, self.count)
        threads.append(threading.Thread(target=self._disturb))
        threads[-1].start()
        began = time.monotonic()
        due = {deed: every for deed, every, _ in deeds}
        while (now := time.monotonic() - began) < seconds:
            time.sleep(0.2)
            for deed, every, until in deeds:
                if due[deed] <= now < until:
                    due[deed] = now + every
                    deed(now)
        self.clients.over.set()
        self.sim.clear_faults()
        while any(thread.is_alive() for thread in threads):
            self.sim.release()
            time.sleep(0.05)

    def soak(self, seconds):
        self.run(min(10, seconds / 6))
        self.at_rest = self._descriptors_at_rest()
        self.run(seconds, ((self._reload, RELOAD_EVERY, seconds), (self._sample, SAMPLE_EVERY, seconds),
                           (self._kill, KILL_EVERY, seconds / 2 if self.kills else 0)))

    def _disturb(self):
        """Faults upstream, for whoever comes next; stalled and held answers are let go."""
        from daemon import TABLE
        random = Random(self.random.random())
        fault = None
        while not self.clients.over.wait(0.2):
            if not fault or fault.hits:  # one at a time: not all of them go together
                kind, options = random.choice(FAULTS)
                fault = self.sim.fault(kind, match={"from": TABLE}, **options)
            self.sim.release()

    def _reload(self, _now):
        self.daemon.signal(signal.SIGHUP)

    def _kill(self, _now):
        self.daemon.kill()
        self.kill_count += 1
        self.samples.clear()
        self.daemon.start()

    # What the process holds

    def _sample(self, now):
        status = (self._proc / "status").read_text().splitlines()
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        self.samples.append((round(now), resident, len(os.listdir(self._proc / "fd"))))

    @property
    def _proc(self):
        return Path(f"/proc/{self.daemon.process.pid}")

    def _descriptors(self):
        """Without those that are kept for the next request, of which there is a bounded number: connections
        to upstream, and to cache.db (16 at most)."""
        from sockets import connections

        kept = {f"socket:[{one.inode}]" for one in connections() if one.there == self.sim.port}
        count = 0
        for file in os.listdir(self._proc / "fd"):
            try:
                to = os.readlink(self._proc / "fd" / file)
                count += to not in kept and "/cache.db" not in to
            except OSError:
                pass  # closed meanwhile
        return count

    def _descriptors_at_rest(self, enough=0):
        """The number when nothing is under way: the least until what was left idle is closed."""
        self.sim.wait_for(lambda sim: sim.in_flight == 0, 30)
        end, least = time.monotonic() + 3 * IDLE, self._descriptors()
        while time.monotonic() < end and least > enough:
            time.sleep(0.5)
            least = min(least, self._descriptors())
        return least

    def _memory(self):
        """Whether it is flat, in words, and as a truth."""
        began = self.samples[0][0] if self.samples else 0
        whole = self.samples[-1][0] - began if self.samples else 0
        warm = [kib for at, kib, _ in self.samples if at - began >= WARM_UP * whole]
        if len(warm) < 4:
            return "too short to judge memory", True
        first, second = (median(part) for part in (warm[:len(warm) // 2], warm[len(warm) // 2:]))
        flat = second <= max(first * GROWTH, first + SLACK)
        return (f"resident, medians of the first and the second half after the warm-up: {first / 1024:.1f} and "
                f"{second / 1024:.1f} MiB ({100 * (second / first - 1):+.1f} %): {'flat' if flat else 'grows'}", flat)

    # The end

    def judge(self):
        from daemon import amounts, is_sanitized
        before, left = self.at_rest, self._descriptors_at_rest(self.at_rest)
        assert self.daemon.stop() == 0
        lines = {line["token"]: amounts(line) for line in self.daemon.ctl_json("spend")["tokens"]}
        with closing(sqlite3.connect(f"file:{self.daemon.state}/ledger.db?mode=ro",
                                     uri=True)) as ledger:
            still_open, = ledger.execute("SELECT count(*) FROM entry WHERE state = 0").fetchone()
        spent = sum(line["rows_spent"] for line in lines.values())
        unknown = sum(line["rows_unknown"] for line in lines.values())
        bill = sum(self.sim.bills().values())
        reports = [line for line in self.daemon.lines if "Sanitizer" in line or "Assert" in line]
        memory, flat = self._memory()
        wrong = self.clients.wrong
        for name, count in sorted(self.clients.asked.items()):
            print(f"{count:8} {name}")
        print(f"killed {self.kill_count} times; seconds, resident KiB, descriptors of the last process:")
        print("  ".join(f"{at}s {size} {files}" for at, size, files in self.samples))
        print(memory)
        print(f"descriptors at rest: {before} at the start, {left} at the end")
        print(f"bill {bill / 10}, booked {spent / 10}, of which unknown {unknown / 10}: "
              f"{'equal' if bill == spent else 'within' if spent - unknown <= bill <= spent else 'WRONG'}; "
              f"open entries {still_open}; wrong answers {len(wrong)}")
        assert not wrong, wrong[:3]
        assert spent - unknown <= bill <= spent
        assert lines["small"]["rows_spent"] <= BUDGET * 10
        assert still_open == 0 and not reports, reports
        assert left <= before, "descriptors are left open"
        assert flat or is_sanitized(), "memory grows"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-kills", action="store_true")
    given = parser.parse_args()
    os.environ.setdefault("ROWCACHE_BUILD", given.build)
    from ahrefs import Simulator
    from daemon import OTHER_TOKEN, TOKEN, Daemon
    from soak_clients import Clients
    with tempfile.TemporaryDirectory() as place, Simulator() as sim:
        house = Path(place) / "house"
        house.touch(0o600)
        house.write_text(TOKEN + "\n")
        options = [f"upstream.token_file={house}", "upstream.stall_timeout=5s", "cache.ttl=30s",
                   "cache.stale_while_revalidate=10s", "cache.max_size=16MiB",
                   "access.remember_no=1s", f"server.idle_timeout={IDLE}s"]
        daemon = Daemon(Path(place) / "state", sim.url, options)
        daemon.start()
        tokens = {"own": TOKEN, "other": OTHER_TOKEN, "large": daemon.issue("large"),
                  "small": daemon.issue("small", "--budget", str(BUDGET))}
        soak = Soak(sim, daemon, Clients(daemon, tokens), given)
        soak.soak(given.minutes * 60)
        soak.judge()


if __name__ == "__main__":
    main()
