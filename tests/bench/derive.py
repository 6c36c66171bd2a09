#!/usr/bin/python3
"""What it costs to derive an answer: server time and CPU, beside exact hits.

    tests/bench/derive.py BUILD [--rows 1000] [--questions 200] [--repeat 20]

One connection asks, one question after the other. Server time is from the daemon's own histogram (from the
arrival of a request to the end of its reply); CPU is all of the daemon's. Each question is asked for the first
time (derived), and then --repeat times (its copy); `exact` are other stored answers of as many results.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "scripts")]


def slices(target, count):
    """Questions for 100 of a target's rows, no two alike."""
    from daemon import question
    kinds = (
        lambda n: {"limit": 100, "offset": n},
        lambda n: {"limit": 100, "where": f"domain_rating<>{1000 + n}"},
        lambda n: {"limit": 100, "select": "date,url_from,anchor,domain_rating", "offset": n},
        lambda n: {"limit": 100, "output": "php", "offset": n},
        lambda n: {"limit": 100, "where": f'substring(url_from,"/"),ahrefs_rank<>{1000 + n}'},
        lambda n: {"limit": 100, "order_by": "first_seen:desc", "offset": n},
    )
    names = ("window", "filter", "columns", "php", "substring", "sorted")
    for name, kind in zip(names, kinds):
        yield name, [question(target, **kind(number)) for number in range(count // len(kinds))]


class Meter:
    def __init__(self, daemon):
        self.daemon = daemon
        self.before = self._read()

    def _read(self):
        metrics = self.daemon.metrics()
        times = {outcome: (metrics.value("rowcache_request_duration_seconds_sum", outcome=outcome),
                           metrics.value("rowcache_request_duration_seconds_count", outcome=outcome))
                 for outcome in ("hit", "derived", "miss")}
        return metrics.value("process_cpu_seconds_total"), times

    def told(self, outcome, count):
        """Milliseconds of server time and of CPU for each of `count` requests."""
        cpu, times = self._read()
        (total, number), (total_before, number_before) = times[outcome], self.before[1][outcome]
        assert number - number_before == count, f"{number - number_before} of {count} were {outcome}"
        return 1000 * (total - total_before) / count, 1000 * (cpu - self.before[0]) / count


def ask(client, questions):
    for one in questions:
        assert client.get(one).status == 200


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args()
    os.environ["ROWCACHE_BUILD"] = options.build
    from ahrefs import Simulator
    from daemon import Daemon, question
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    target = f"rows-{options.rows}.example"
    print("| | requests | server time, ms | CPU, ms |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(dir=memory) as place, Simulator() as sim:
        daemon = Daemon(place, sim.url)
        daemon.start()
        with daemon.client() as client:
            ask(client, [question(target, limit=5 * options.rows)])
            ask(client, [question(target, limit=90 + number) for number in range(10)])  # warm
            for name, questions in slices(target, options.questions):
                meter = Meter(daemon)
                ask(client, questions)
                _print(f"derived: {name}", len(questions), meter.told("derived", len(questions)))
                meter = Meter(daemon)
                ask(client, questions * options.repeat)
                count = len(questions) * options.repeat
                _print("the same again", count, meter.told("derived", count))
            exact = [question(f"rows-100.n{number}.example") for number in range(40)]
            ask(client, exact)
            meter = Meter(daemon)
            ask(client, exact * options.repeat)
            _print("exact hits, 100 results", 40 * options.repeat,
                   meter.told("hit", 40 * options.repeat))
        daemon.end()


def _print(name, count, times):
    print(f"| {name} | {count} | {times[0]:.2f} | {times[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
