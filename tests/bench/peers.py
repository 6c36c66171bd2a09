#!/usr/bin/python3
"""rowcached beside nginx, Varnish, Squid, and libmicrohttpd with ready-made responses.

    tests/bench/peers.py BUILD [--quick] [--rounds 3] [--seconds 4] [--json FILE]
                         [--only PART,...] [--servers NAME,...]

BUILD is a meson build directory with the tests. All servers run on this machine, beside wrk and an upstream in
C that is faster than any of them. For each figure of a round one is measured after the other, each round
beginning with another, and a figure is the median of the rounds. The output is the table of README.md, in
Markdown. Parts: hits, misses, exports, huge, together, derived. The programs come with
`daemon/install-packages tests/bench/packages.txt`.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).resolve().parent))

from fetch import fetch, fetch_all  # noqa: E402
from peers_table import machine, print_table  # noqa: E402
from servers import PEERS, Ready, Rowcached, Upstream  # noqa: E402
from wrk import load  # noqa: E402

TOKEN = "c0ffee00" * 5
MEGABYTE = 10**6
ROWS_60_MB, ROWS_600_MB = 96_000, 960_000
DISTINCT = 2000
PAUSE = 5  # milliseconds at most: with 64 connections some 20,000 requests a second
SILENCE = 300  # milliseconds
NO_STORE = ("Cache-Control: no-store",)
SLOW = 100 * MEGABYTE  # bytes a second
HUGE = (("stored, fast", (), None), ("not stored, fast", NO_STORE, None),
        ("stored, slow", (), SLOW), ("not stored, slow", NO_STORE, SLOW))
SETTLE = 0.3  # seconds in which what an answer leaves to be done is done


def path_of(target, limit):
    return f"/?token={TOKEN}&from=backlinks_new_lost&target={target}.example&mode=domain&limit={limit}"


class Bench:
    def __init__(self, build, place, options):
        self.build, self.place = build, Path(place)
        self.rounds, self.seconds, self.quick = options.rounds, options.seconds, options.quick
        self.servers = [one for one in PEERS if one.name in options.servers.split(",")]
        self.samples = {}  # figure -> server -> values of the rounds
        self.upstream = Upstream(self.place / "upstream", build)
        self.number = 0

    def add(self, figure, server, value):
        self.samples.setdefault(figure, {}).setdefault(server.name, []).append(value)

    def fresh(self, kind="t"):
        """A target that nobody has asked for."""
        self.number += 1
        return f"{kind}-{self.number}"

    @contextmanager
    def running(self, but=()):
        servers = [one(self.place / one.__name__, self.upstream.port, self.build)
                   for one in self.servers if one not in but]
        for server in servers:
            server.start()
        try:
            yield servers
        finally:
            for server in servers:
                server.stop()

    def each_round(self, servers, kinds=(None,)):
        """(server, kind): in each round all servers for each kind, each round beginning with another."""
        for number in range(self.rounds):
            shift = number % len(servers)
            for kind in kinds:
                for server in servers[shift:] + servers[:shift]:
                    os.sync()  # none writes for the one before
                    yield server, kind

    # Hits, and memory

    def hits(self):
        with self.running() as servers:
            time.sleep(1)
            for server in servers:
                self.add("memory empty", server, server.resident())
                self.fill(server)
                self.add("memory filled", server, server.resident())
            for server in servers:
                for kind in self.HITS:
                    self.load(server, *kind, seconds=1)
            for server, kind in self.each_round(servers, self.HITS):
                self.hit(server, *kind)
            for server in servers:
                self.add("memory after the load", server, server.resident())

    HITS = (("hit", 10, 0), ("hit", 100, 0), ("hit", 1000, 0),
            ("distinct", 10, DISTINCT), ("distinct", 100, DISTINCT), ("paced", 10, 0), ("paced", 100, 0))

    def fill(self, server):
        paths = [path_of(f"d{rows}-{number}", rows) for rows in (10, 100) for number in range(DISTINCT)]
        paths += [path_of(f"hot{rows}-1", rows) for rows in (10, 100, 1000)]
        for at in range(0, len(paths), 16):
            for one in fetch_all(server.port, paths[at:at + 16]):
                sound(one, server)
        time.sleep(SETTLE)

    def load(self, server, kind, rows, distinct, seconds):
        path = path_of(f"d{rows}-%d" if distinct else f"hot{rows}-1", rows)
        asked = self.upstream.questions()
        done = load(server.port, path, seconds, distinct=distinct, pause=PAUSE if kind == "paced" else 0)
        require(not done.faults, f"{server.name}: {done.faults}")
        if missed := self.upstream.questions() - asked:
            print(f"{server.name}, {rows} results: {missed} hits went upstream", file=sys.stderr)
        return done

    def hit(self, server, kind, rows, distinct):
        before = server.cpu()
        done = self.load(server, kind, rows, distinct, self.seconds)
        cpu = server.cpu() - before
        figure = f"{kind} {rows}"
        self.add(figure, server, done.requests / cpu)
        self.add(f"{figure} with wrk", server, done.requests / (cpu + done.cpu))
        self.add(f"{figure} p50", server, done.p50)
        self.add(f"{figure} p99", server, done.p99)
        self.add(f"{figure} a second", server, done.requests / self.seconds)

    # Misses

    def misses(self):
        """One after the other, each beside the upstream's own answer."""
        count = 20 if self.quick else 60
        with self.running(but=(Ready,)) as servers:
            for server in servers:
                fetch_all(server.port, [path_of(self.fresh(), 1000) for _ in range(5)])
            for server, _ in self.each_round(servers):
                self.missed(server, 1000, count, "miss")

    def exports(self):
        with self.running(but=(Ready,)) as servers:
            for server, at_once in self.each_round(servers, (False, True)):
                if at_once:
                    self.exports_at_once(server)
                else:
                    self.missed(server, ROWS_60_MB, 2 if self.quick else 4, "export")

    def missed(self, server, rows, count, figure):
        direct, through = [], []
        before = server.cpu()
        for _ in range(count):
            path = path_of(self.fresh(), rows)
            direct.append(sound(fetch(self.upstream.port, path), self.upstream))
            through.append(sound(fetch(server.port, path), server))
        time.sleep(SETTLE)
        self.add(f"{figure} cpu", server, 1000 * (server.cpu() - before) / count)
        self.add(f"{figure} direct", self.upstream, 1000 * median(one.end for one in direct))
        first, end = (median(getattr(one, name) for one in through) for name in ("first", "end"))
        self.add(f"{figure} added", server, 1000 * (first - median(one.first for one in direct)))
        self.add(f"{figure} total", server, 1000 * end)
        self.add(f"{figure} x direct", server, end / median(one.end for one in direct))

    def exports_at_once(self, server):
        answers = fetch_all(server.port, [path_of(self.fresh(), ROWS_60_MB) for _ in range(16)])
        size = sum(sound(one, server).size for one in answers)
        self.add("16 exports", server, size / max(one.end for one in answers) / MEGABYTE)
        time.sleep(SETTLE)

    # 600 MB

    def huge(self):
        with self.running(but=(Ready,)) as servers:
            for server, kind in self.each_round(servers, HUGE):
                self.huge_one(server, *kind)

    def huge_one(self, server, kind, headers, pace):
        path = path_of(self.fresh(), ROWS_600_MB)
        direct = sound(fetch(self.upstream.port, path, headers, pace), self.upstream)
        server.forget_peak()
        before = server.cpu()
        through = sound(fetch(server.port, path, headers, pace), server)
        time.sleep(SETTLE)
        self.add(f"huge {kind} direct", self.upstream, direct.end)
        self.add(f"huge {kind} x direct", server, direct.end / through.end)
        self.add(f"huge {kind} cpu", server, server.cpu() - before)
        self.add(f"huge {kind} peak", server, server.peak())

    # Identical misses

    def together(self):
        with self.running(but=(Ready,)) as servers:
            for server, _ in self.each_round(servers):
                asked = self.upstream.questions()
                path = path_of(self.fresh(f"silence-{SILENCE}"), 1000)
                answers = fetch_all(server.port, [path] * 200)
                last = max(sound(one, server).first for one in answers)
                self.add("together questions", server, self.upstream.questions() - asked)
                self.add("together last", server, 1000 * last)

    # A derived answer again, beside an exact hit

    def derived(self):
        if Rowcached not in self.servers:
            return
        with self.running(but=[one for one in PEERS if one is not Rowcached]) as [server]:
            exact, source = path_of("exact-1", 100), path_of("source-1", 1000)
            derived = path_of("source-1", 100)
            for path in (exact, source):
                sound(fetch(server.port, path), server)
            time.sleep(SETTLE)
            require(b"detail=derived" in fetch(server.port, derived).head, "nothing was derived")
            time.sleep(SETTLE)
            for _, (kind, path) in self.each_round([server], (("exact", exact), ("derived", derived))):
                before = server.cpu()
                done = load(server.port, path, self.seconds)
                self.add(f"{kind} again", server, 1e6 * (server.cpu() - before) / done.requests)


def sound(answer, server):
    require(answer.sound, f"{server.name}: {answer.head[:400]} ... {answer.tail}")
    return answer


def require(condition, text):
    if not condition:
        raise SystemExit(f"peers.py: {text}")


PARTS = ("hits", "misses", "exports", "huge", "together", "derived")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="one short round: only to try it")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of each measurement of hits")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PART,...")
    parser.add_argument("--servers", default=",".join(one.name for one in PEERS), metavar="NAME,...")
    parser.add_argument("--json", metavar="FILE", help="all samples")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1 if options.quick else 4)
    missing = [program for one in PEERS for program in one.programs if not shutil.which(program)]
    missing += [program for program in ("wrk",) if not shutil.which(program)]
    require(not missing, f"not installed: {' '.join(missing)}; "
                         "daemon/install-packages tests/bench/packages.txt installs them")
    with tempfile.TemporaryDirectory(prefix="rowcache-bench.") as place:
        os.chmod(place, 0o755)  # the servers' users look into it
        bench = Bench(Path(options.build).resolve(), place, options)
        bench.upstream.start()
        try:
            for part in options.only.split(","):
                getattr(bench, part)()
        finally:
            bench.upstream.stop()
    if options.json:
        Path(options.json).write_text(json.dumps(bench.samples, indent=1))
    print(f"{machine()}; medians of {options.rounds} rounds\n")
    print_table(bench.samples)


if __name__ == "__main__":
    main()
