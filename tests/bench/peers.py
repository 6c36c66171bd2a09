#!/usr/bin/python3
"""rowcached beside nginx, Varnish, Squid, and libmicrohttpd with ready-made responses.

    tests/bench/peers.py BUILD [--quick] [--rounds 3] [--seconds 4] [--only PART,...] [--json FILE]

BUILD is a meson build directory with the tests. All servers run on this machine, beside wrk and an upstream in
C that is faster than any of them; within a round each is measured after the other, and a figure is the median of
the rounds. The output is the table of README.md, in Markdown. Parts: hits, misses, exports, huge, together,
derived. The programs come with `daemon/install-packages tests/bench/packages.txt`.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).resolve().parent))

from fetch import fetch, fetch_all  # noqa: E402
from servers import PEERS, Ready, Rowcached, Upstream  # noqa: E402
from wrk import load  # noqa: E402

TOKEN = "c0ffee00" * 5
MEGABYTE = 10**6
ROWS_60_MB, ROWS_600_MB = 96_000, 960_000
DISTINCT = 2000
NO_STORE = ("Cache-Control: no-store",)
SLOW = 100 * MEGABYTE  # bytes a second
SETTLE = 0.3  # seconds in which what an answer leaves to be done is done


def path_of(target, limit):
    return f"/?token={TOKEN}&from=backlinks_new_lost&target={target}.example&mode=domain&limit={limit}"


class Bench:
    def __init__(self, build, place, options):
        self.build, self.place = build, Path(place)
        self.rounds, self.seconds, self.quick = options.rounds, options.seconds, options.quick
        self.samples = {}  # figure -> server -> values of the rounds
        self.upstream = Upstream(self.place / "upstream", build)
        self.number = 0

    def add(self, figure, server, value):
        name = server if isinstance(server, str) else server.name
        self.samples.setdefault(figure, {}).setdefault(name, []).append(value)

    def fresh(self, kind="t"):
        """A target that nobody has asked for."""
        self.number += 1
        return f"{kind}-{self.number}"

    @contextmanager
    def running(self, but=()):
        servers = [one(self.place / one.__name__, self.upstream.port, self.build)
                   for one in PEERS if one not in but]
        for server in servers:
            server.start()
        try:
            yield servers
        finally:
            for server in servers:
                server.stop()

    def each_round(self, servers):
        """The servers in turn, each round beginning with another."""
        for number in range(self.rounds):
            shift = number % len(servers)
            yield from servers[shift:] + servers[:shift]

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
            for server in self.each_round(servers):
                for kind in self.HITS:
                    self.hit(server, *kind)
            for server in servers:
                self.add("memory after the load", server, server.resident())

    HITS = (("hit", 10, 0), ("hit", 100, 0), ("hit", 1000, 0),
            ("distinct", 10, DISTINCT), ("distinct", 100, DISTINCT))

    def fill(self, server):
        paths = [path_of(f"d{rows}-{number}", rows) for rows in (10, 100) for number in range(DISTINCT)]
        paths += [path_of("hot-1", rows) for rows in (1000, 100, 10)]
        for at in range(0, len(paths), 16):
            for one in fetch_all(server.port, paths[at:at + 16]):
                require(one.sound, f"{server.name}: {one.head[:300]}")
        time.sleep(SETTLE)

    def load(self, server, _kind, rows, distinct, seconds):
        path = path_of(f"d{rows}-%d" if distinct else "hot-1", rows)
        asked = self.upstream.questions()
        done = load(server.port, path, seconds, distinct=distinct)
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


def require(condition, text):
    if not condition:
        raise SystemExit(f"peers.py: {text}")


# The table


class Table:
    """Cells of one server beside nginx's. A figure that was not measured is an empty cell."""

    def __init__(self, samples):
        self.samples = samples
        self.names = [one.name for one in PEERS]

    def value(self, figure, name):
        values = self.samples.get(figure, {}).get(name)
        return median(values) if values else None

    def ratio(self, figure, name):
        value, base = self.value(figure, name), self.value(figure, "nginx")
        return "" if value is None else f"{value / base:.2f} ({value:,.0f})" if base else f"({value:,.0f})"

    def numbers(self, figures, name, form):
        values = [self.value(figure, name) for figure in figures]
        return "" if None in values else "; ".join(form(value) for value in values)

    def print(self):
        print("| figure |", " | ".join(self.names), "|")
        print("| --- |", " | ".join("---:" for _ in self.names), "|")
        for title, cell in ROWS:
            cells = [cell(self, name) for name in self.names]
            if any(cells):
                print(f"| {title} |", " | ".join(cells), "|")


def ratio(figure):
    return lambda table, name: table.ratio(figure, name)


def numbers(*figures, form=lambda value: f"{value:.1f}"):
    return lambda table, name: table.numbers(figures, name, form)


ROWS = (
    ("hit, 10 results, 64 connections: requests per CPU-second, x nginx (number)", ratio("hit 10")),
    ("hit, 100 results", ratio("hit 100")),
    ("hit, 1,000 results", ratio("hit 1000")),
    ("hit, 1,000 results, load generator's CPU included", ratio("hit 1000 with wrk")),
    ("2,000 distinct targets, 10 results", ratio("distinct 10")),
    ("2,000 distinct targets, 100 results", ratio("distinct 100")),
    ("p50; p99 ms, 10 results", numbers("hit 10 p50", "hit 10 p99")),
    ("p50; p99 ms, 100 results", numbers("hit 100 p50", "hit 100 p99")),
    ("p50; p99 ms, 1,000 results", numbers("hit 1000 p50", "hit 1000 p99")),
    ("requests a second, 10; 100; 1,000 results",
     numbers("hit 10 a second", "hit 100 a second", "hit 1000 a second", form=lambda value: f"{value:,.0f}")),
    ("resident MiB: empty; with 4,003 URLs; after the load",
     numbers("memory empty", "memory filled", "memory after the load", form=lambda value: f"{value:.0f}")),
)


def machine():
    processor = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo")
                      if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} x {processor}, Linux {platform.release()}"


PARTS = ("hits",)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="one short round: only to try it")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of each measurement of hits")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PART,...")
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
    Table(bench.samples).print()


if __name__ == "__main__":
    main()
