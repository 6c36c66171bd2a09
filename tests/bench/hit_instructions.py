#!/usr/bin/python3
"""The instructions that a hit takes, counted by callgrind.

    tests/bench/hit_instructions.py BUILD [--hits 2000] [--top 25]

BUILD is a plain build. rowcached runs under valgrind with its shipped defaults, and answers --hits requests, one
after the other on one connection, of which each is a hit; only these are counted, in all threads. So the
figure does not depend on the machine's speed or load. What the kernel does is not in it: beside it stand the system
calls, and the readings of the clock, which are system calls under valgrind alone. Three kinds: one query with 10
and with 100 results, and 20 targets in turn. For each also the share of each library, and the functions that
take most (--top).
"""

import argparse
import http.client
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

from peers import path_of, require  # noqa: E402
from servers import Rowcached, Upstream  # noqa: E402

DISTINCT = 20  # so few that what is made anew for each of them in each second is little
CLOCK = ("clock_gettime", "time_syscall", "time", "gettimeofday")  # functions of libc
# memset and memcpy have no instruction that counts once for each byte.
NO_STRINGS = "glibc.cpu.x86_rep_stosb_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824"
WARM = 300  # hits before the counting
KINDS = (("10 results", [path_of("d10-0", 10)]), ("100 results", [path_of("d100-0", 100)]),
         (f"10 results, {DISTINCT} targets", [path_of(f"d10-{n}", 10) for n in range(DISTINCT)]))
_PLACE = re.compile(r".*?:(.*?)(?: \[(.*)\])?")


class Counted(Rowcached):
    """rowcached under callgrind, which counts from count() to the end."""

    def command(self):
        return ["env", f"GLIBC_TUNABLES={NO_STRINGS}", "valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-systime=yes",
                f"--callgrind-out-file={self.place}/counts", *super().command()]

    def count(self, how):
        subprocess.run(["callgrind_control", "-i", how, str(self.process.pid)],
                       check=True, capture_output=True)


def hits(client, paths, count):
    """Asks in turn; the answers after the first turn have to be hits."""
    for number in range(count):
        client.request("GET", paths[number % len(paths)])
        answer = client.getresponse()
        answer.read()
        require(answer.status == 200, f"{answer.status}")
        if number >= len(paths):
            require("; hit; " in answer.headers["Cache-Status"], answer.headers["Cache-Status"])


def measure(build, place, paths, count):
    """What callgrind has counted, as callgrind_annotate tells it."""
    upstream = Upstream(place / "upstream", build)
    upstream.start()
    server = Counted(place / "rowcached", upstream.port, build)
    server.start()
    client = http.client.HTTPConnection("127.0.0.1", server.port)
    hits(client, paths, len(paths) + 1)
    time.sleep(1)  # the answers are stored
    hits(client, paths, WARM + len(paths))
    server.count("on")
    hits(client, paths, count)
    server.count("off")
    client.close()
    server.process.terminate()
    server.process.wait(60)
    upstream.stop()
    return subprocess.run(["callgrind_annotate", "--threshold=100", "--show-percs=no",
                           "--show=Ir,sysCount", "--auto=no", str(server.place / "counts")],
                          check=True, capture_output=True, text=True).stdout


def read(told):
    """The instructions in all, instructions by function and library, and system calls by
    function. What the compiler has put into a function from another file has lines of its own, without a
    library."""
    lines, total, calls = [], 0, Counter()
    for line in told.splitlines():
        fields = line.split(None, 2)
        if len(fields) < 3 or not re.fullmatch(r"[\d,]+", fields[0]):
            continue
        counted = [0 if field == "." else int(field.replace(",", "")) for field in fields[:2]]
        if fields[2] == "PROGRAM TOTALS":
            total = counted[0]
            continue
        function, library = _PLACE.fullmatch(fields[2]).groups()
        calls[function] += counted[1]
        lines.append((counted[0], function, library and Path(library).name.partition(".so")[0]))
    libraries = {function: library for _, function, library in lines if library}
    functions = Counter()
    for count, function, library in lines:
        functions[function, library or libraries.get(function, "?")] += count
    return total, functions, calls


def report(name, told, count, top):
    total, functions, calls = read(told)
    libraries = Counter()
    for (_, library), value in functions.items():
        libraries[library] += value
    clock = sum(calls.pop(name) for name in list(calls) if name.startswith(CLOCK))
    print(f"\n## {name}: {total / count:,.0f} instructions, {calls.total() / count:.1f} system calls and "
          f"{clock / count:.1f} readings of the clock per hit\n")
    print(", ".join(f"{library} {100 * value / total:.1f} %"
                    for library, value in libraries.most_common(8)))
    print("\nSystem calls:", ", ".join(f"{function} {value / count:.1f}"
                                      for function, value in calls.most_common() if value / count >= 0.1))
    print("\n| function | instructions per hit | % |\n| --- | ---: | ---: |")
    for (function, library), value in functions.most_common(top):
        print(f"| {function} ({library}) | {value / count:,.0f} | {100 * value / total:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--hits", type=int, default=2000)
    parser.add_argument("--top", type=int, default=25)
    options = parser.parse_args()
    require(shutil.which("callgrind_control"), "valgrind is not installed; "
            "daemon/install-packages tests/bench/packages.txt installs it")
    for name, paths in KINDS:
        with tempfile.TemporaryDirectory() as place:
            told = measure(Path(options.build).resolve(), Path(place), paths, options.hits)
        report(name, told, options.hits, options.top)


if __name__ == "__main__":
    main()
