"""What rowcache answers without asking is what upstream would have said, however it reads what is not
documented. differential.py makes the questions; here it is also shown what it would notice."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

import differential
from ahrefs import Simulator
from ahrefs.readings import CHOICES, DEFAULT, at_random
from ahrefs.state import State
from ahrefs.tables import answer
from daemon import ROWCACHED, question
from differential import PRICES, Answer, Comparer, Difference, World, content, params_of
from wire import patience

ANSWERS = int(os.environ.get("ROWCACHE_DIFFERENTIAL", "100000"))
OF = os.environ.get("ROWCACHE_DIFFERENTIAL_OF", "hit")


def compare(*options):
    done = subprocess.run(
        [sys.executable, differential.__file__, str(ROWCACHED.parent.parent), *options],
        capture_output=True, text=True, timeout=patience(900))
    print(done.stdout, done.stderr)
    assert done.returncode == 0


def test_a_few_answers_are_those_of_upstream():
    compare("--answers", "500", "--of", "hit", "--processes", "1", "--seed", "few")


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
