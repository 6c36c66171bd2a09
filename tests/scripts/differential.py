#!/usr/bin/python3
"""Random questions to a cache that computes answers, each compared with what upstream would say.

    tests/scripts/differential.py BUILD [--answers 100000] [--of derived|hit|any] [--processes 2]
                                  [--seed N] [--worlds N] [--default SWITCH,...] [-o section.key=value]...

Each process has a daemon and a simulated Ahrefs of its own, and goes from world to world. A world
has targets that no other has, one way to read every point that v2's documentation leaves open
(../ahrefs/README.md), and often values that are not documented either. First some broad questions fill the
cache; then come many that are close to them, most with `only-if-cached`, so that those which
the cache cannot answer cost nothing. Every answer is compared with the simulator's own: its rows as
JSON, by value and type, in their order; the number in X-Results-Count; and of hits, X-Rows-Saved
with the simulator's price. Since one reading holds throughout a world, the order of the simulator's
answer is the only right one: a cache that cannot know it has to ask.

--answers counts the answers compared that are --of that kind. A difference is printed with all that
led to it and ends its process; --seed and --worlds (the number to begin with) lead there again.
"""

import argparse
import json
import multiprocessing
import os
import re
import socket
import sys
import tempfile
import time
import xml.etree.ElementTree as tree
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import parse_qsl

SCRIPTS = Path(__file__).resolve().parent
sys.path += [str(SCRIPTS), str(SCRIPTS.parent)]

QUESTIONS, STORES = 400, 8  # of a world
PRICES = ("offset_price", "own_domain")  # a tariff is configured, and no reading
_TEXT = ("type", "encoding", "origin", "link_type", "title", "title", "anchor", "anchor", "url_from",
         "url_to", "alt")
_TIMES = ("first_seen", "last_visited", "prev_visited")
_NUMBERS = ("ahrefs_rank", "domain_rating", "http_code", "links_external", "redirect")
_TRUTHS = ("nofollow", "original")
_COMPARE = ("=", "<>", "<", "<=", ">", ">=")
_CONTROL = re.compile("[\0-\x1f\x7f]")  # may not be sent, and is not of interest
_CHUNK_END = b"\r\n0\r\n\r\n"
_COUNT = re.compile(rb"\r\nX-Results-Count: *(\d+)", re.I)
_STATUS = re.compile(rb"\r\nCache-Status: *([^\r]*)", re.I)
_SAVED = re.compile(rb"\r\nX-Rows-Saved: *([0-9.]+)", re.I)
_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.I)


class Answer(NamedTuple):
    """As much of a reply as is compared."""

    status: int
    cache: str
    count: str
    saved: str
    body: bytes

    @property
    def kind(self) -> str:
        """derived, stale, hit, bypass, miss, or the status of what is no answer."""
        if self.status != 200:
            return str(self.status)
        detail = self.cache.partition("detail=")[2].partition(";")[0]
        kind = "hit" if "; hit" in self.cache else "bypass" if "=bypass" in self.cache else "miss"
        return detail or kind


class Wire:
    """One connection to a daemon, kept open; http.client would take most of the time."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._sock = socket.create_connection((host.strip("[]"), int(port)), timeout=60)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self._sock.close()

    def ask(self, query, cached) -> Answer:
        wish = "Cache-Control: only-if-cached\r\n" if cached else ""
        self._sock.sendall(f"GET /?{query} HTTP/1.1\r\nHost: r\r\n{wish}\r\n".encode())
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, body = data[:end + 2], data[end + 4:]
        body = self._sized(body, int(found[1])) if (found := _LENGTH.search(head)) else \
            self._chunked(body)
        return Answer(int(head[9:12]), _header(_STATUS, head), _header(_COUNT, head),
                      _header(_SAVED, head), body)

    def _more(self):
        data = self._sock.recv(262144)
        if not data:
            raise ConnectionError("the daemon has closed the connection")
        return data

    def _sized(self, body, size):
        while len(body) < size:
            body += self._more()
        return body

    def _chunked(self, raw):
        while not raw.endswith(_CHUNK_END) and raw != _CHUNK_END[2:]:
            raw += self._more()
        pieces, at = [], 0
        while size := int(raw[at:(end := raw.index(b"\r\n", at))], 16):
            pieces.append(raw[end + 2:end + 2 + size])
            at = end + 2 + size + 2
        return b"".join(pieces)


def _header(pattern, head):
    found = pattern.search(head)
    return found[1].decode() if found else ""


# What is the same


def content(output, body):
    """An answer's data in a form that is equal if value, type and order are."""
    return json.dumps(_READ[output](body), sort_keys=True)


def _xml(body):
    def data(element):
        rows = element.findall("row")
        return [data(row) for row in rows] if rows else \
            {one.tag: data(one) for one in element} or (element.text or "")
    return data(tree.fromstring(body))


def _php(body):
    """What PHP's unserialize() would make of it; an array is a list if its keys count from zero."""
    def value(at):
        kind, end = body[at:at + 1], body.find(b";", at)
        if kind == b"N":
            return None, at + 2
        if kind in b"bid":
            text = body[at + 2:end]
            return {b"b": lambda: text == b"1", b"i": lambda: int(text),
                    b"d": lambda: float(text)}[kind](), end + 1
        colon = body.index(b":", at + 2)
        size, start = int(body[at + 2:colon]), colon + 2
        if kind == b"s":
            assert body[start + size:start + size + 2] == b'";'
            return body[start:start + size].decode(), start + size + 2
        pairs = []
        for _ in range(size):
            key, start = value(start)
            inner, start = value(start)
            pairs.append((key, inner))
        assert kind == b"a" and body[start:start + 1] == b"}"
        listed = [key for key, _ in pairs] == list(range(size))
        return [inner for _, inner in pairs] if listed else dict(pairs), start + 1

    data, end = value(0)
    assert end == len(body)
    return data


_READ = {"json": json.loads, "php": _php, "xml": _xml}


# Worlds


class World:
    """Targets, the readings that hold for them, and questions about them."""

    def __init__(self, seed, default=PRICES):
        from ahrefs.readings import at_random  # the path is set by now
        random = self.random = Random(seed)
        self.readings = at_random(random, random.choice((0, 0.2, 0.6)), default)
        self.odd = random.random() < 0.4
        name = re.sub("[^a-z0-9]", "-", str(seed))
        self.targets = [self._target(name, number) for number in range(2)]
        self.rows = {}  # target and mode -> all rows, from which values are taken
        self.stored = {}  # likewise -> the questions that were asked to fill the cache

    def _target(self, name, number):
        count = self.random.choice((0, 1, 2, 5, 12, 25, 40, 60, 60, 120))
        if self.random.random() < 0.02:
            count = 900  # an answer of several chunks
        host = f"rows-{count}.t{number}.{name}.example"
        mode = self.random.choice(("domain", "domain", "subdomains", "prefix", "exact"))
        path = self.random.choice(("/", "/api/")) if mode in ("prefix", "exact") else ""
        return host + path, mode

    def learn(self, direct):
        """Takes the rows of all targets from the simulator."""
        from queries import Question
        for target, mode in self.targets:
            whole = Question(mode, target, limit=5000)
            self.rows[target, mode] = json.loads(direct(params_of(whole.plain()))[0])["refpages"]

    def store(self):
        """A question that is likely to hold the answers to others."""
        random, (target, mode) = self.random, self.random.choice(self.targets)
        question = self._question(mode, target)
        count = len(self.rows[target, mode])
        question = replace(
            question,
            select=random.choice(([], [], [], question.select)),
            where=question.where[:random.choice((0, 0, 1))],
            having=question.having[:random.choice((0, 0, 0, 1))],
            order_by=random.choice(([], question.order_by)),
            limit=random.choice((1000, 1000, 5000, count, count + 1, max(1, count - 1), 10)),
            offset=random.choice((0, 0, 0, 0, 3)),
        )
        self.stored.setdefault((target, mode), []).append(question)
        return question

    def question(self):
        """A question near a stored one, or now and then any."""
        random = self.random
        target, mode = random.choice(self.targets)
        stored = self.stored.get((target, mode))
        if not stored or random.random() < 0.1:
            return self._question(mode, target)
        question = random.choice(stored)
        for change in random.sample(_CHANGES, random.choice((0, 1, 1, 1, 2, 2, 3))):
            question = change(self, question)
        return question

    def _question(self, mode, target):
        from queries import Question
        random, rows = self.random, self.rows[target, mode]
        return Question(
            mode, target,
            select=self.columns(),
            where=[self.condition(rows) for _ in range(random.choice((0, 1, 1, 2)))],
            having=[self.condition(rows) for _ in range(random.choice((0, 0, 0, 1)))],
            order_by=self.order(),
            limit=random.choice((1000, 1000, 1, 2, 7, 50, 5000)),
            offset=random.choice((0, 0, 0, 1, 5)),
            output=random.choice(("json",) * 12 + ("php", "php", "xml")),
        )

    def columns(self):
        from queries import COLUMNS
        random = self.random
        return random.choice(([], random.sample(COLUMNS, random.randint(1, 6))))

    def order(self):
        from queries import COLUMNS
        random = self.random
        some = random.choice((COLUMNS, _TIMES + ("url_from", "title", "anchor")))
        names = random.sample(some, random.choice((0, 1, 1, 2, 3)))
        return [(name, random.random() < 0.5) for name in names]

    # Conditions, with values that rows have or nearly have

    def condition(self, rows, column=None):
        random = self.random
        row = random.choice(rows) if rows else {}
        rare = random.random() < 0.2 and [one for one in rows if _rare(one)]
        if rare and not column:
            row = random.choice(rare)
            column = _rare(row)
        make = random.choices((_number, _truth, _day, _time, _text, _call), (4, 2, 3, 4, 4, 4))[0]
        if column:
            make = next(make for make, names in _MAKERS.items() if column in names)
        return make(random, row, column)

    def near(self, rows, condition):
        """One about the same column."""
        return self.condition(rows, condition.column)


def _rare(row):
    """A column with a value on which readings differ that agree on most, or None."""
    for name in _TIMES + ("title", "anchor"):
        value = row[name] or ""
        if value.endswith("T00:00:00Z") or (name not in _TIMES and value[:1] > "\ud7ff"):
            return name
    return None


def _number(random, row, column):
    from queries import Comparison
    column = column or random.choice(_NUMBERS)
    value = (row.get(column) or 0) + random.choice((0, 0, 0, 1, -1))
    return Comparison(column, random.choice(_COMPARE), value)


def _truth(random, _row, column):
    from queries import Comparison
    return Comparison(column or random.choice(_TRUTHS), random.choice(("=", "<>")),
                      random.random() < 0.5)


def _day(random, row, column):
    from queries import Comparison
    value = _moved(random, (row.get("date") or "")[:10])
    if random.random() < 0.1:
        value += random.choice(("T00:00:00Z", "T12:00:00Z", " 12:00:00"))
    return Comparison(column or "date", random.choice(_COMPARE), value)


def _time(random, row, column):
    from queries import Call, Comparison
    column = column or random.choice(_TIMES)
    value = row.get(column) or "2023-07-01T10:20:30Z"
    if random.random() < 0.03:
        return Call("substring", column, value[:7])
    if value.endswith("T00:00:00Z"):
        value = value[:10]
    elif random.random() < 0.6:
        value = _moved(random, value[:10])
    elif random.random() < 0.1:
        value = random.choice((value.replace("T", " ").rstrip("Z"), value.rstrip("Z") + "+02:00"))
    return Comparison(column, random.choice(_COMPARE), value)


def _moved(random, day):
    try:
        return str(date.fromisoformat(day) + timedelta(random.choice((0, 0, 0, 1, -1))))
    except ValueError:
        return "2024-01-31"


def _text(random, row, column):
    from queries import Comparison
    column = column or random.choice(_TEXT)
    value = _recased(random, _CONTROL.sub("", row.get(column) or ""))
    operators = _COMPARE if value[:1] > "\ud7ff" else _COMPARE[:2] * 3 + _COMPARE
    return Comparison(column, random.choice(operators), value)


def _call(random, row, column):
    from queries import Call
    column = column or random.choice(_TEXT[:-1] + ("url_from",) * 4)
    value = _CONTROL.sub("", row.get(column) or "Home")
    kind = random.choice(("substring", "word", "subdomain") if "url" in column else
                         ("substring", "substring", "word"))
    if kind == "substring":
        start = random.randint(0, len(value))
        value = value[start:start + random.randint(1, 6)] or "e"
    elif kind == "word":
        word = random.choice((r"\w+", r"\S+", "[A-Za-z]+|."))
        value = random.choice(re.findall(word, value) or ["here"])
    else:
        host = value.partition("://")[2].partition("/")[0].partition(":")[0] or "site1.example"
        value = random.choice((host, host.partition(".")[2] or host, "example"))
    return Call(kind, column, _recased(random, value))


def _recased(random, text):
    return random.choice((text,) * 8 + (text.upper(), text.lower(), text.capitalize(), text + " "))


_MAKERS = {_number: _NUMBERS, _truth: _TRUTHS, _day: ("date",), _time: _TIMES,
           _text: _TEXT + ("text_pre", "text_post")}

# What makes a question another, close to it


def _other_columns(world, question):
    return replace(question, select=world.columns())


def _more_conditions(world, question):
    clause = world.random.choice(("where", "having"))
    more = world.condition(world.rows[question.target, question.mode])
    return replace(question, **{clause: getattr(question, clause) + [more]})


def _near_conditions(world, question):
    rows = world.rows[question.target, question.mode]
    return replace(question, where=[world.near(rows, one) for one in question.where])


def _clauses_swapped(_world, question):
    return replace(question, where=question.having, having=question.where)


def _fewer_conditions(_world, question):
    return replace(question, where=question.where[:-1])


def _other_order(world, question):
    return replace(question, order_by=world.order())


def _other_window(world, question):
    count = len(world.rows[question.target, question.mode])
    return replace(
        question,
        limit=max(1, world.random.choice((1, 2, 5, count // 2, count - 1, count, count + 1, 5000))),
        offset=world.random.choice((0, 0, 1, 3, count // 2, count, count + 1)),
    )


def _other_format(_world, question):
    return replace(question, output="php")


_CHANGES = (
    _other_columns, _other_columns, _more_conditions, _more_conditions, _near_conditions,
    _clauses_swapped, _fewer_conditions, _other_order, _other_order, _other_window, _other_window,
    _other_format,
)


def params_of(query) -> dict:
    return dict(parse_qsl(query, keep_blank_values=True))


# The comparison


class Difference(Exception):
    """An answer that upstream would not have given."""


class Comparer:
    """Asks worlds' questions of one cache, and counts what it answered."""

    def __init__(self, sim, ask):
        """`ask(query, cached)` gives an Answer; `cached` forbids to ask upstream."""
        self.counts = Counter()
        self.features = Counter()  # of derived answers
        self._sim = sim
        self._ask = ask

    def visit(self, world, questions=QUESTIONS, enough=lambda: False):
        self._sim.read_as(world.readings, world.odd)
        world.learn(self._sim.direct)
        for _ in range(STORES):
            self.compare(world, world.store())
        for _ in range(questions):
            if enough():
                break
            question = world.question()
            stores = world.random.random() < 0.01
            if stores:
                world.stored.setdefault((question.target, question.mode), []).append(question)
            self.compare(world, question, cached=not stores)

    def compare(self, world, question, cached=False):
        respelled = world.random.random() < 0.1
        query = question.respelled(world.random) if respelled else question.plain()
        answer = self._ask(query, cached)
        kind = answer.kind
        self.counts["questions"] += 1
        self.counts[kind] += 1
        if kind == "504" and cached:
            return
        body, results, cost = self._sim.direct(params_of(question.plain()))
        if why := _difference(question, answer, body, results, cost):
            raise Difference(_report(world, question, query, answer, body, why))
        if kind == "derived":
            self.features.update(_features(question))


def _difference(question, answer, body, results, cost):
    if answer.status != 200:
        return f"status {answer.status}"
    if answer.body != body:
        if content(question.output, answer.body) != content(question.output, body):
            return "other content"
        if answer.kind == "derived" and not _in_order_of_columns(question, answer.body):
            return "columns not in upstream's order"
    if answer.count != str(results):
        return f"X-Results-Count {answer.count}, not {results}"
    if answer.kind not in ("miss", "bypass") and answer.saved.replace(".", "") != f"{cost:02}":
        return f"X-Rows-Saved {answer.saved}, not {cost} tenths"
    return None


def _in_order_of_columns(question, body):
    from queries import COLUMNS
    rows = _READ[question.output](body)["refpages"]
    return all(list(row) == [name for name in COLUMNS if name in row] for row in rows[:1])


def _features(question):
    yield "output=" + question.output
    for name in ("select", "where", "having", "order_by", "offset"):
        if getattr(question, name):
            yield name
    for condition in question.where + question.having:
        yield getattr(condition, "function", None) or f"{condition.column} {condition.operator}"


def _report(world, question, query, answer, body, why):
    stored = world.stored.get((question.target, question.mode), [])
    lines = [
        why, f"readings: {world.readings.changed()} odd={world.odd}", "stored before:",
        *(f"  {one.plain()}" for one in stored), "question:", f"  {query}",
        f"rowcache: {answer.cache} {answer.body.decode(errors='replace')[:3000]}",
        f"upstream: {body.decode(errors='replace')[:3000]}",
    ]
    return "\n".join(lines)


# The command


def _work(options, number, seconds, results):
    """One process: worlds until it has its share of the answers."""
    os.environ["ROWCACHE_BUILD"] = options.build
    from ahrefs import Simulator
    from daemon import Daemon, eventually, TOKEN
    share = -(-options.answers // options.processes)
    with tempfile.TemporaryDirectory(dir=_memory()) as place, Simulator() as sim:
        daemon = Daemon(place, sim.url, ["cache.max_size=256MiB", *options.o])
        daemon.start()
        wire = Wire(daemon.address)
        comparer = Comparer(sim, wire.ask)
        failure = None
        end = time.monotonic() + seconds
        world = options.worlds

        def enough():
            return _compared(comparer.counts, options.of) >= share or time.monotonic() > end
        try:
            while not enough():
                seed = f"{options.seed}-{number}-{world}"
                comparer.visit(World(seed, PRICES + tuple(options.default)), enough=enough)
                world += 1
            eventually(lambda: daemon.account["rows_spent"] == sim.bill(TOKEN))
        except Difference as difference:
            failure = f"--seed {options.seed} --worlds {world}, process {number}: {difference}"
        except Exception as error:
            failure = f"{type(error).__name__} in world {seed}: {error}\n" + \
                "\n".join(daemon.lines[-20:])
        wire.close()
        daemon.stop()
    results.put((comparer.counts, comparer.features, failure))


def _compared(counts, kind):
    return sum(counts[one] for one in _KINDS[kind])


_KINDS = {"derived": ("derived",), "hit": ("derived", "hit"), "any": ("derived", "hit", "miss", "bypass")}


def _memory():
    """A directory that no disk slows down, if there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--answers", type=int, default=100000)
    parser.add_argument("--of", choices=_KINDS, default="derived")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1e9, help="give up after so long")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--worlds", type=int, default=0, help="the first world's number")
    parser.add_argument("--default", type=lambda text: text.split(","), default=[],
                        help="switches that keep their default reading")
    parser.add_argument("-o", action="append", default=[], metavar="SECTION.KEY=VALUE")
    options = parser.parse_args()
    results = multiprocessing.Queue()
    begin = time.monotonic()
    workers = [multiprocessing.Process(target=_work, args=(options, n, options.seconds, results))
               for n in range(options.processes)]
    for worker in workers:
        worker.start()
    done = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    took = time.monotonic() - begin
    counts, features = (sum((one[place] for one in done), Counter()) for place in (0, 1))
    number = _compared(counts, options.of)
    print(f"compared {number} answers ({options.of}) in {took:.0f} s, {number / took:.0f}/s;",
          ", ".join(f"{name} {value}" for name, value in sorted(counts.items())))
    if features:
        print("derived:", ", ".join(f"{name} {value}" for name, value in features.most_common()))
    failures = [failure for *_, failure in done if failure]
    for failure in failures:
        print(f"DIFFERENCE {failure}")
    sys.exit(bool(failures) or number < options.answers)


if __name__ == "__main__":
    main()
