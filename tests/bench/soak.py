#!/usr/bin/env python3
"""A long run of mixed load with faults, reloads and kills; then the account against the bill.

    python3 tests/bench/soak.py BUILD [--minutes 10] [--clients 8] [--seed N]

BUILD is a meson build directory, plain or with a sanitizer. The simulated Ahrefs runs in this
process. The first half has a reload every few seconds and a `kill -9` every twenty; the second
half has reloads alone, so that the resident memory and the open descriptors of one process can be
followed. It fails if an answer is wrong, if the account does not bracket the bill
(spent - unknown <= bill <= spent, for each Ahrefs token), if a budget is overshot, if an entry of
the ledger stays open after the stop, or if a sanitizer has reported something. It prints what was
asked, and memory and descriptors over time; their being flat is for the reader to judge.
"""

import argparse
import http.client
import os
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "scripts")]

KILL_EVERY, RELOAD_EVERY, SAMPLE_EVERY = 20, 3, 10  # seconds
TARGETS, MOST_ROWS = 200, 300
BUDGET = 20000  # rows, for one of the issued tokens: it is spent before the end
FAULTS = [
    ("cut", {}), ("cut", {"after": 0}), ("garbage", {}), ("truncate", {}), ("bad_gzip", {}),
    ("count", {}), ("no_count", {}), ("late_error", {}), ("error_first", {}), ("bom", {}),
    ("status", {"code": 500}), ("status", {"code": 429}), ("refuse", {}), ("html", {}),
    ("redirect", {"location": "https://elsewhere.example/?token=x"}),
    ("delay", {"seconds": 0.5}), ("slow", {"size": 4096, "pause": 0.01}),
    ("content_length", {}), ("stall", {}),
]


def rows_in(target):
    return int(target.partition(".")[0].removeprefix("rows-"))


class Soak:
    def __init__(self, sim, daemon, house, seed):
        self.sim, self.daemon, self.house = sim, daemon, house
        self.random = Random(seed)
        self.asked, self.wrong, self.samples = Counter(), [], []
        self.over = threading.Event()
        self.tokens = {}

    # One client: an endless loop of requests of every kind

    def client(self, seed):
        random = Random(seed)
        while not self.over.is_set():
            kind = random.choice(self.KINDS)
            try:
                outcome = kind(self, random)
            except (OSError, http.client.HTTPException, IndexError):  # no address: not up yet
                outcome = "broke off"
                self.over.wait(0.05)  # the daemon may be down
            self.asked[f"{kind.__name__}: {outcome}"] += 1

    def question(self, random):
        target = f"rows-{random.randrange(MOST_ROWS)}.n{random.randrange(TARGETS)}.example"
        token = random.choice(list(self.tokens.values()))
        return target, question(target, token=token, limit=MOST_ROWS)

    def check(self, target, reply):
        """Half an answer, and an error, are said to be that; all else is right."""
        if reply.status == 200 and reply.whole and "error" not in reply.json:
            if len(reply.rows) != rows_in(target):
                self.wrong.append((target, repr(reply)))
        return reply.cache.split(";")[1].split("=")[0].strip() if reply.cache else reply.status

    def ask(self, random):
        target, asked = self.question(random)
        return self.check(target, self.daemon.get(asked))

    def ask_twice(self, random):
        """On one connection, spelled alike: most of these second ones are hits."""
        target, asked = self.question(random)
        with self.daemon.client() as client:
            self.check(target, client.get(asked))
            return self.check(target, client.get(asked))

    def insist(self, random):
        target, asked = self.question(random)
        return self.check(target, self.daemon.get(asked, {"Cache-Control": "no-cache"}))

    def head(self, random):
        with self.daemon.client() as client:
            return client.ask("HEAD", "/?" + encode(self.question(random)[1])).status

    def other_table(self, random):
        return self.daemon.get({**self.question(random)[1], "from": "anchors"}).status

    def xml(self, random):
        return self.daemon.get({**self.question(random)[1], "output": "xml"}).status

    def stranger(self, random):
        return self.daemon.get({**self.question(random)[1], "token": "guess"}).status

    def malformed(self, random):
        line = random.choice((b"GET /?from", b"GET / HTTP/1.1\r\nX Y: z\r\n\r\n", b"\0\r\n\r\n"))
        return len(talk(self.daemon.address, line)) > 0

    def leave(self, random):
        """Asks and hangs up, before or after the answer has begun."""
        line = f"GET /?{encode(self.question(random)[1])} HTTP/1.1\r\nHost: x\r\n\r\n"
        with open_socket(self.daemon.address) as sock:
            sock.sendall(line.encode())
            if random.random() < 0.5:
                sock.recv(1)
        return "left"

    def read_slowly(self, random):
        """Two megabytes through a small window."""
        number = random.randrange(50)
        asked = question(f"huge-{4000 + number}.example", token=TOKEN, limit=5000)
        with open_socket(self.daemon.address, receive_buffer=4096) as sock:
            line = f"GET /?{encode(asked)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            sock.sendall(line.encode())
            while not self.over.is_set() and sock.recv(65536):
                time.sleep(0.005)
        return "read"

    KINDS = [ask] * 8 + [ask_twice] * 4 + [insist, head, other_table, xml, stranger, malformed,
                                           leave, leave, read_slowly]

    # What goes wrong

    def disturb(self):
        """Faults upstream, for whoever comes next; stalled and held answers are let go."""
        random = Random(self.random.random())
        fault = None
        while not self.over.wait(0.2):
            if not fault or fault.hits:  # one at a time: not all of them go together
                kind, options = random.choice(FAULTS)
                fault = self.sim.fault(kind, match={"from": TABLE}, **options)
            self.sim.release()

    def sample(self, since):
        process = Path(f"/proc/{self.daemon.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        kilobytes = int(status["VmRSS"].split()[0])
        files = len(os.listdir(process / "fd"))
        self.samples.append((round(time.monotonic() - since), kilobytes // 1024, files))

    def run(self, seconds, clients):
        began = time.monotonic()
        threads = [threading.Thread(target=self.client, args=(self.random.random(),))
                   for _ in range(clients)] + [threading.Thread(target=self.disturb)]
        for thread in threads:
            thread.start()
        due = {self.daemon_reload: RELOAD_EVERY, self.daemon_kill: KILL_EVERY}
        next_sample = SAMPLE_EVERY
        while (now := time.monotonic() - began) < seconds:
            time.sleep(0.2)
            for deed in [deed for deed, at in due.items() if at <= now]:
                due[deed] = now + (RELOAD_EVERY if deed == self.daemon_reload else KILL_EVERY)
                if deed == self.daemon_reload or now < seconds / 2:
                    deed()
            if now >= next_sample:
                self.sample(began)
                next_sample += SAMPLE_EVERY
        self.over.set()
        self.sim.clear_faults()
        while any(thread.is_alive() for thread in threads):
            self.sim.release()
            time.sleep(0.05)

    def daemon_reload(self):
        self.daemon.signal(signal.SIGHUP)

    def daemon_kill(self):
        self.daemon.kill()
        self.asked["killed"] += 1
        self.daemon.start()

    # The end

    def judge(self):
        self.sim.release()
        self.sim.wait_for(lambda sim: sim.in_flight == 0, 30)
        assert self.daemon.stop() == 0
        lines = {line["token"]: amounts(line) for line in self.daemon.ctl_json("spend")["tokens"]}
        with closing(sqlite3.connect(f"file:{self.daemon.state}/ledger.db?mode=ro",
                                     uri=True)) as ledger:
            still_open, = ledger.execute("SELECT count(*) FROM entry WHERE state = 0").fetchone()
        spent = sum(line["rows_spent"] for line in lines.values())
        unknown = sum(line["rows_unknown"] for line in lines.values())
        bill = sum(self.sim.bills().values())
        reports = [line for line in self.daemon.lines if "Sanitizer" in line or "Assert" in line]
        for name, count in sorted(self.asked.items()):
            print(f"{count:8} {name}")
        print("seconds, resident MiB, descriptors:")
        print("  ".join(f"{at}s {size} {files}" for at, size, files in self.samples))
        print(f"bill {bill / 10}, booked {spent / 10}, of which unknown {unknown / 10}; "
              f"open entries {still_open}; wrong answers {len(self.wrong)}")
        assert not self.wrong, self.wrong[:3]
        assert spent - unknown <= bill <= spent
        assert lines["small"]["rows_spent"] <= BUDGET * 10
        assert still_open == 0 and not reports, reports


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, Simulator() as sim:
        house = Path(place) / "house"
        house.touch(0o600)
        house.write_text(TOKEN + "\n")
        options = [f"upstream.token_file={house}", "upstream.stall_timeout=5s", "cache.ttl=30s",
                   "cache.stale_while_revalidate=10s", "cache.max_size=16MiB",
                   "access.remember_no=1s"]
        daemon = Daemon(Path(place) / "state", sim.url, options)
        daemon.start()
        soak = Soak(sim, daemon, house, given.seed)
        soak.tokens = {"own": TOKEN, "other": OTHER_TOKEN, "large": daemon.issue("large"),
                       "small": daemon.issue("small", "--budget", str(BUDGET))}
        soak.run(given.minutes * 60, given.clients)
        soak.judge()


if __name__ == "__main__":
    os.environ.setdefault("ROWCACHE_BUILD", sys.argv[1] if len(sys.argv) > 1 else "build")
    from ahrefs import Simulator  # noqa: E402
    from daemon import (OTHER_TOKEN, TABLE, TOKEN, Daemon, amounts, question)  # noqa: E402
    from wire import encode, open_socket, talk  # noqa: E402
    main()
