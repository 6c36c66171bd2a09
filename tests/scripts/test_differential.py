"""What rowcache answers without asking is what upstream would have said, however it reads what is not
documented. differential.py makes the questions; here it is also shown what it would notice."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

import differential
from ahrefs import Simulator
from ahrefs.answer import Answer as ServerAnswer
from ahrefs.formats import row_array
from ahrefs.query import read_question
from ahrefs.readings import CHOICES, DEFAULT, at_random
from ahrefs.rowsets import Listed
from ahrefs.state import State
from ahrefs.tables import Price, answer
from daemon import ROWCACHED, question
from differential import PRICES, Answer, Comparer, Difference, World, content, params_of
from wire import patience

ANSWERS = int(os.environ.get("ROWCACHE_DIFFERENTIAL", "100000"))
OF = os.environ.get("ROWCACHE_DIFFERENTIAL_OF", "derived")


def compare(*options):
    done = subprocess.run(
        [sys.executable, differential.__file__, str(ROWCACHED.parent.parent), *options],
        capture_output=True, text=True, timeout=patience(900))
    print(done.stdout, done.stderr)
    assert done.returncode == 0


def test_a_few_answers_are_those_of_upstream():
    compare("--answers", "500", "--of", "derived", "--processes", "1", "--seed", "few")


@pytest.mark.heavy
def test_very_many_answers_are_those_of_upstream():
    compare("--answers", str(ANSWERS), "--of", OF)


# What the comparison notices


def guesser(world, readings):
    """A cache that knows every row, and answers by one reading of its own."""
    state = State(readings=replace(readings, members="table"), odd=world.odd)

    def ask(query, _cached):
        reply = answer(params_of(query), state)
        cost = f"{reply.cost_tenths // 10}.{reply.cost_tenths % 10}"
        return Answer(200, "rowcache; hit; ttl=9; detail=derived", str(reply.results), cost,
                      b"".join(reply.body))
    return ask


def noticed(readings, guess, worlds, odd) -> bool:
    sim = Simulator()  # only for direct answers: it is not started
    for number in range(worlds):
        world = World(f"guess-{number}")
        world.readings = readings
        world.odd = odd
        comparer = Comparer(sim, guesser(world, guess))
        try:
            comparer.visit(world)
        except Difference:
            return True
    return False


@pytest.mark.parametrize("switch, value", [
    (switch, value) for switch, values in CHOICES.items() for value in values[1:]
    if switch not in (*PRICES, "members")])
def test_a_guess_that_upstream_reads_otherwise_is_noticed(switch, value):
    assert noticed(replace(DEFAULT, **{switch: value}), DEFAULT, worlds=40, odd=True)


@pytest.mark.parametrize("odd", [False, True])
def test_a_cache_that_reads_as_upstream_does_is_never_wrong(odd):
    readings = at_random(Random(odd), fixed=PRICES)
    assert not noticed(readings, readings, 4, odd)


def test_values_count_with_their_types_and_rows_with_their_order():
    def same(one, other, output="json"):
        return content(output, one) == content(output, other)

    assert same(b'{"refpages":[{"a":1,"b":""}]}', b'{ "refpages": [{"b":"","a":1}]}')
    for other in (b'[{"a":true}]', b'[{"a":1.0}]', b'[{"a":"1"}]', b'[]', b'[{"a":1},{"a":1}]'):
        assert not same(b'[{"a":1}]', other)
    assert not same(b"[1,2]", b"[2,1]")


@pytest.mark.parametrize("output", ["php", "xml"])
def test_other_formats_are_read_as_the_same_data(output):
    sim = Simulator()
    params = question("rows-30.example", select="url_from,redirect,nofollow")
    rows = json.loads(sim.direct(params)[0])
    other = json.loads(content(output, sim.direct({**params, "output": output})[0]))
    if output == "php":
        assert other == rows
    else:
        assert [row["url_from"] for row in other["refpages"]] == \
            [row["url_from"] for row in rows["refpages"]]


class Deriver:
    """A cache that derives by upstream's readings, and does not look at one thing that it should."""

    def __init__(self, world, blind):
        self._state = State(readings=world.readings, odd=world.odd)
        self._blind = blind
        self._stored = []

    def ask(self, query, cached):
        params = params_of(query)
        if not cached:
            self._stored.append(params)
            return self._answer(answer(params, self._state), "miss")
        for source in self._stored:
            if self._holds(source, params):
                return self._answer(self._derived(source, params), "hit; detail=derived")
        return Answer(504, "", "", "", b"")

    def _holds(self, source, params):
        same = [source.get(name) == params.get(name) for name in ("target", "mode")]
        outputs = {one.get("output") or "json" for one in (source, params)}
        clauses = [source.get(name) in (None, "", params.get(name)) for name in ("where", "having")]
        results = answer(source, self._state).results
        return (
            all(same) and outputs == {"json"} and (source.get("select") or "*") == "*"
            and (all(clauses) or self._blind == "conditions")
            and (results < int(source.get("limit", 1000)) or self._blind == "limit")
            and (source.get("offset", "0") == "0" or self._blind == "offset")
            and (not source.get("order_by") or self._blind == "order")
        )

    def _derived(self, source, params):
        question = read_question(params, replace(self._state.readings, members="table"))
        rows = Listed(json.loads(b"".join(answer(source, self._state).body))["refpages"])
        for holds in filter(None, (question.where, question.having)):
            rows = rows.where(holds)
        rows = rows.order(question.order_by, replace(self._state.readings, unordered="stored"))
        rows = rows.window(question.offset, question.limit).select(question.columns)
        price = Price(10, 2, 50, 50).of(params, len(rows))
        return ServerAnswer(body=row_array("json", "refpages", rows), results=len(rows),
                            cost_tenths=price)

    def _answer(self, reply, how):
        cost = f"{reply.cost_tenths // 10}.{reply.cost_tenths % 10}"
        return Answer(200, f"rowcache; {how}", str(reply.results), cost, b"".join(reply.body))


@pytest.mark.parametrize("blind", ["conditions", "limit", "offset", "order", None])
def test_a_cache_that_takes_the_wrong_source_is_noticed(blind):
    sim = Simulator()
    counts, differences = Counter(), 0
    for number in range(5):
        world = World(f"blind-{number}")
        world.readings = replace(world.readings, functions_on_dates="text")
        comparer = Comparer(sim, Deriver(world, blind).ask)
        try:
            comparer.visit(world)
        except Difference:
            differences += 1
        counts += comparer.counts
    assert counts["derived"] > 0 and (differences > 0) == (blind is not None)
