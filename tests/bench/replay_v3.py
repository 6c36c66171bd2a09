#!/usr/bin/python3
"""The trace of v3 calls (team_v3.py) against the simulated v3: the units billed with different caches.

    tests/bench/replay_v3.py BUILD [--plan Standard] [--seed "team of today"] [--count N]
                             [--run "NAME: section.key=value ..."]...

Computed from the simulator's prices: no cache, and a cache by exact URL for 24 hours. Measured: rowcached,
once for each --run (without any: one with its defaults), driven through the fourteen days by a clock. Ahrefs' own
cache, whose life is not known, is off throughout.

Every answer is compared with the simulator's, and the account with the bill.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "scripts"), str(TESTS / "bench")]

DAY = timedelta(hours=24)
BATCH_COST = 64  # 8 targets, 8 units each


class Replay:
    def __init__(self, sim, asked):
        self.sim, self.asked = sim, asked
        self._answers = {}

    def answer(self, one):
        """The simulator's (body, list price)."""
        name = one.endpoint, tuple(one.params.items())
        if name not in self._answers:
            body, _, cost = self.sim.direct(one.params, one.endpoint)
            self._answers[name] = body, cost
        return self._answers[name]

    def cost(self, one):
        return BATCH_COST if one.body else self.answer(one)[1]

    # Computed

    def no_cache(self):
        return sum(map(self.cost, self.asked))

    def exact_url(self):
        """As a cache does it that knows nothing of the questions."""
        until, spent = {}, 0
        for one in self.asked:
            if one.body or until.get(one.path, one.at) <= one.at:
                spent += self.cost(one)
                until[one.path] = one.at + DAY
        return spent

    # Measured

    def rowcached(self, options):
        """Units billed, and kinds of answers."""
        from clock import Clock
        from daemon import Daemon, eventually
        from team_v3 import BEGIN
        from v3 import V3
        self.sim.reset()
        counts = Counter()
        with tempfile.TemporaryDirectory(dir=_memory()) as place:
            clock = Clock(Path(place) / "clock", BEGIN)
            daemon = Daemon(Path(place) / "state", self.sim.url, [*V3, *options], **clock.drives())
            daemon.start()
            client = _Client(daemon)
            for one in self.asked:
                if one.at > clock.now:
                    clock.go_on_until(one.at)
                counts[self._check(one, client.ask(one))] += 1
            client.close()
            bill = sum(self.sim.bills().values())
            eventually(lambda: daemon.account["units_spent"] == bill)
            daemon.end()
        return bill, counts

    def _check(self, one, reply):
        """The kind of an answer, which has to be right."""
        right = reply.status == 200 and (one.body or self._same(one, reply.body))
        if not right:
            sys.exit(f"wrong answer at {one.at}: {reply.status} {reply.cache}\n{one.path}\n"
                     f"{reply.body[:2000]!r}\nupstream: {self.answer(one)[0][:2000]!r}")
        return "derived" if reply.derived else "hit" if reply.hit else \
            "forwarded" if one.body else "miss"

    def _same(self, one, body):
        own = self.answer(one)[0]
        if one.params.get("output") == "csv":
            return len(body) == len(own)  # its columns may be in another order
        return json.loads(body) == json.loads(own)


class _Client:
    """A connection that is made again when the daemon has closed it."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._client = daemon.client()

    def ask(self, one):
        from v3 import bearer
        more = {"Content-Type": "application/json"} if one.body else {}
        request = "POST" if one.body else "GET", one.path, one.body, bearer(one.key, more)
        try:
            return self._client.ask(*request)
        except ConnectionError:
            self.close()
            self._client = self._daemon.client()
            return self._client.ask(*request)

    def close(self):
        self._client.close()


def _memory():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _run(text):
    name, _, options = text.partition(":")
    return name.strip(), options.split()


def _print(name, units, counts=None):
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted((counts or {}).items()))
    print(f"| {name} | {units:,} | {kinds} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--plan", default="Standard")
    parser.add_argument("--seed", default="team of today")
    parser.add_argument("--count", type=int, help="only so many requests")
    parser.add_argument("--run", type=_run, action="append", metavar="NAME: OPTIONS")
    options = parser.parse_args()
    os.environ["ROWCACHE_BUILD"] = options.build
    from ahrefs.v3 import Readings, Workspace
    from team_v3 import trace
    from v3 import simulator
    asked = trace(options.seed)[:options.count]
    print("calls:", ", ".join(f"{part} {number}" for part, number in
                              Counter(one.part for one in asked).most_common()),
          f"; URLs {len({one.path for one in asked})}\n")
    begin = time.monotonic()
    with simulator(workspace=Workspace(options.plan), readings=Readings(own_cache="none")) as sim:
        replay = Replay(sim, asked)
        print("| cache | units | answers |\n| --- | ---: | --- |")
        _print("none", replay.no_cache())
        _print("exact URL, 24 h", replay.exact_url())
        for name, settings in options.run or [("rowcached", [])]:
            _print(name, *replay.rowcached(settings))
    print(f"\nreplayed in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
