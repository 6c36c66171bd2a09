"""The same v2 question through a daemon before v2 and through one before v3: the same rows."""

import os
from collections import Counter

import pytest

from ahrefs import Simulator, v3
from ahrefs.v3 import Workspace
from daemon import TOKEN, eventually
from dialects import PLANS, BothWorld, rows_in, wrong
from differential import Wire, params_of
from v3 import DAY, V3, simulator

QUESTIONS = int(os.environ.get("ROWCACHE_DIALECTS", "2400"))
EACH = 40  # of a world


@pytest.mark.parametrize("cap", [100, 250, None])
@pytest.mark.parametrize("derive", ["on", "off"])
def test_both_dialects_give_the_same_rows(start, clock, cap, derive):
    """derive=off: each question is translated by itself."""
    counts = Counter()
    with Simulator(source=v3.as_v2(DAY)) as sim2, \
            simulator(workspace=Workspace(PLANS[cap])) as sim3:
        old = start(sim2.url, f"cache.derive={derive}", **clock.drives())
        new = start(sim3.url, *V3, f"cache.derive={derive}", **clock.drives())
        wires = Wire(old.address), Wire(new.address)
        number = 0
        while counts["questions"] < QUESTIONS / 6:
            visit(f"c{cap}{derive}{number}".lower(), sim2, sim3, wires, counts)
            number += 1
        for wire in wires:
            wire.close()
        eventually(lambda: new.inflight == 0)
        assert new.account["units_spent"] == sim3.bill(TOKEN)
        assert old.stop() == new.stop() == 0
    print(counts)
    assert counts["compared"] > counts["questions"] / 2, counts


def visit(seed, sim2, sim3, wires, counts):
    """Questions about the targets of one world, under one reading of what is not documented."""
    world = BothWorld(seed)
    sim2.read_as(world.readings)
    sim3.read_as(world.v3_readings)
    world.learn(sim2.direct)
    for _ in range(EACH):
        question = world.ask()
        old, new = (wire.ask(question.plain(), cached=False) for wire in wires)
        counts["questions"] += 1
        if old.status != 200 or new.status == 501:
            counts[f"refused {new.status}"] += 1
            continue
        assert new.status == 200, report(world, question, new)
        rows = rows_in(question, new.body)
        why = wrong(sim2, question, rows)
        assert not why, f"{why}\n{report(world, question, new)}"
        assert not (why := wrong(sim2, question, rows_in(question, old.body))), f"v2: {why}"
        assert new.count == str(len(rows))
        counts["compared"] += 1
        counts[new.kind] += 1


def report(world, question, reply):
    return (f"{question.plain()}\n{params_of(question.plain())}\n"
            f"v2 {world.readings.changed()}\nv3 {world.v3_readings.changed()}\n"
            f"{reply.status} {reply.cache} {reply.body[:1500]!r}")
