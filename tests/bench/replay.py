#!/usr/bin/python3
"""The team trace (team.py) against the simulated Ahrefs: the rows billed with different caches.

    tests/bench/replay.py BUILD [--count 5000] [--seed team] [--max-size SIZE]...
                          [--run "NAME: section.key=value ..."]...

Computed from the simulator's prices: no cache; a cache by exact URL, without its token, for 24 hours;
each target whole, once and once a day. Measured: rowcached, once for each --run (without any: one with its
defaults), driven through the fourteen days by a clock. With --max-size also at that
cache.max_size, beside what other orders of eviction would bill at it: computed from the keys and the stored
sizes of the --run before it, so they are meaningful only where each answer is stored under its own key. Less
than 1MiB, which rowcached does not take, is computed only.

Every answer of rowcached is compared with the simulator's, and the account with the bill.
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
from urllib.parse import urlencode

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "scripts"), str(TESTS / "bench")]

DAY = timedelta(hours=24)
UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
LEAST_SIZE = UNITS["MiB"]  # of cache.max_size


class Replay:
    def __init__(self, sim, asked):
        from differential import params_of
        self.sim, self.asked = sim, asked
        self.answers = {}
        for one in asked:
            plain = one.question.plain()
            if plain not in self.answers:
                self.answers[plain] = sim.direct(params_of(plain))

    def answer(self, one):
        return self.answers[one.question.plain()]

    def cost(self, one):
        return self.answer(one)[2]

    # Computed

    def no_cache(self):
        return sum(map(self.cost, self.asked))

    def exact_url(self):
        """As nginx or Varnish would do it whose configuration takes the token out."""
        return self._kept(lambda one: one.query.replace(self._token(one), ""))

    def _token(self, one):
        from differential import params_of
        return params_of(one.query)["token"]

    def _kept(self, key):
        until, spent = {}, 0
        for one in self.asked:
            name = key(one)
            if until.get(name, one.at) <= one.at:
                spent += self.cost(one)
                until[name] = one.at + DAY
        return spent

    def whole(self, again):
        """Each target bought whole: once, or again for each 24 hours in which it is asked for."""
        until, spent = {}, 0
        for one in self.asked:
            rows = int(one.question.target.partition(".")[0].removeprefix("rows-"))
            if one.question.target not in until or again and until[one.question.target] <= one.at:
                spent += 10 + 2 * rows
                until[one.question.target] = one.at + DAY
        return spent

    def evicting(self, keys, sizes, most, by):
        """By the keys and sizes of a run, with `most` bytes; a result is fresh for 24 hours. `by` gives
        the rank of a stored result when it is stored or used; the least one is evicted, but under
        anything else than LRU results that are not fresh go before. None is the key of what the run did
        not store."""
        kept, spent, used, inflation = {}, 0, 0, 0
        for number, one in enumerate(self.asked):
            key = keys[one.query]
            entry = kept.get(key)
            if entry and entry.until > one.at:
                entry.saved += entry.cost
                entry.rank = by(entry, number, inflation)
                continue
            spent += self.cost(one)
            if key is None:
                continue
            if not entry:
                used += sizes[key]
            entry = kept[key] = _Kept(one.at + DAY, self.cost(one), sizes[key])
            entry.rank = by(entry, number, inflation)
            while used > most:
                victim = min(kept, key=lambda key: (
                    by is not lru and min(kept[key].until, one.at), kept[key].rank))
                if kept[victim].until > one.at:
                    inflation = max(inflation, kept[victim].rank)
                used -= kept.pop(victim).size
        return spent

    # Measured

    def rowcached(self, options, learn=False):
        """Rows billed, kinds of answers, and if wished, the key of each query and the size of each
        key."""
        from clock import Clock
        from daemon import Daemon, eventually
        from team import BEGIN
        self.sim.reset()
        keys, sizes, counts, peak = {}, {}, Counter(), 0
        with tempfile.TemporaryDirectory(dir=_memory()) as place:
            clock = Clock(Path(place) / "clock", BEGIN)
            daemon = Daemon(Path(place) / "state", self.sim.url, options, **clock.drives())
            daemon.start()
            wire = _Wire(daemon.address)
            for number, one in enumerate(self.asked):
                if one.at > clock.now:
                    clock.go_on_until(one.at)
                reply = wire.ask(one.query)
                kind = self._check(one, reply)
                counts[kind] += 1
                if learn:
                    self._learn(daemon, one, kind, keys, sizes)
                if number % 50 == 0:
                    peak = max(peak, daemon.metrics().value("rowcache_cache_bytes"))
            wire.close()
            bill = sum(self.sim.bills().values())
            eventually(lambda: daemon.account["rows_spent"] == bill)
            daemon.end()
        return bill, counts, peak, keys, sizes

    def _check(self, one, reply):
        from differential import content
        body, results, _ = self.answer(one)
        right = reply.status == 200 and reply.count == str(results) and (
            reply.body == body
            or content(one.question.output, reply.body) == content(one.question.output, body))
        if not right:
            sys.exit(f"wrong answer at {one.at}: {reply.status} {reply.cache}\n{one.query}\n"
                     f"{reply.body[:2000]!r}\nupstream: {body[:2000]!r}")
        return reply.kind

    def _learn(self, daemon, one, kind, keys, sizes):
        if kind == "bypass":
            keys[one.query] = None
        elif one.query not in keys:
            keys[one.query] = daemon.admin_json("/api/explain?" + one.query)["key"]
        if kind == "miss":
            key = keys[one.query]
            entries = daemon.admin_json("/api/cache/" + key)["entries"]
            sizes[key] = entries[0]["bytes"] if entries else sizes.get(key, 0)


class _Kept:
    """A stored result of a computed cache."""

    def __init__(self, until, cost, size):
        self.until, self.cost, self.size, self.saved, self.rank = until, cost, size, 0, 0


def lru(_entry, number, _inflation):
    return number


def worth(entry, _number, _inflation):
    """Rows saved per byte."""
    return (entry.cost + entry.saved) / entry.size


def aged_worth(entry, number, inflation):
    """As rowcached does it: daemon/cache/sweep.c."""
    return inflation + worth(entry, number, inflation)


class _Wire:
    """A connection that is made again when the daemon has closed it."""

    def __init__(self, address):
        from differential import Wire
        self._make = lambda: Wire(address)
        self._wire = self._make()

    def ask(self, query):
        try:
            return self._wire.ask(query, cached=False)
        except ConnectionError:
            self.close()
            self._wire = self._make()
            return self._wire.ask(query, cached=False)

    def close(self):
        self._wire.close()


def _memory():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _size(text):
    return int(text[:-3]) * UNITS[text[-3:]]


def _run(text):
    name, _, options = text.partition(":")
    return name.strip(), options.split()


def _print(name, tenths, counts=None, more=""):
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted((counts or {}).items()))
    print(f"| {name} | {tenths / 10:,.1f} | {kinds}{more} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", default="team")
    parser.add_argument("--max-size", action="append", default=[])
    parser.add_argument("--run", type=_run, action="append", metavar="NAME: OPTIONS")
    options = parser.parse_args()
    os.environ["ROWCACHE_BUILD"] = options.build
    from ahrefs import Simulator
    from team import trace
    asked = trace(options.count, options.seed)
    print("questions:", ", ".join(f"{part} {number}" for part, number in
                                  Counter(one.part for one in asked).most_common()),
          f"; different {len({one.question.plain() for one in asked})},"
          f" URLs {len({one.query for one in asked})},"
          f" targets {len({one.question.target for one in asked})}\n")
    begin = time.monotonic()
    with Simulator() as sim:
        replay = Replay(sim, asked)
        print("| cache | rows | answers |\n| --- | ---: | --- |")
        _print("none", replay.no_cache())
        _print("exact URL, 24 h", replay.exact_url())
        for name, settings in options.run or [("rowcached", [])]:
            bill, counts, peak, keys, sizes = replay.rowcached(settings, bool(options.max_size))
            _print(name, bill, counts, f"; at most {peak / 1024:,.0f} KiB")
            for most in options.max_size:
                if _size(most) >= LEAST_SIZE:
                    small, counts, *_ = replay.rowcached([*settings, f"cache.max_size={most}"])
                    _print(f"{name}, {most}", small, counts)
                for by in (aged_worth, worth, lru):
                    _print(f"{name}, {most}, {by.__name__} (computed)",
                           replay.evicting(keys, sizes, _size(most), by))
        _print("each target whole, once a day", replay.whole(again=True))
        _print("each target whole, once", replay.whole(again=False))
    print(f"\nreplayed in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
