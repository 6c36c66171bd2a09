"""The same v2 questions to a daemon before v2 and to one before v3, over the same web.

Where the order of rows is not defined, they are compared as sets: those of a question with a limit and no
order are any of all that it could have had.
"""

import json
from collections import Counter
from dataclasses import replace
from random import Random

from ahrefs import Simulator, v3
from ahrefs.columns import COLUMNS as kinds
from ahrefs.readings import at_random
from ahrefs.v3.readings import at_random as v3_at_random
from differential import PRICES, World, content, params_of
from queries import COLUMNS, Question
from v3 import DAY

UNTOLD = ("origin", "prev_visited")  # what v3 does not tell
PLANS = {100: "Lite", 250: "Standard", None: "Enterprise"}
# v3's mapping says nothing of a link that was found again; the order of text is that of its bytes,
# and nulls are not what the mapping is about.
FIXED = ("found_again", "own_cache", "retry_after", "throttle_body")
V2_FIXED = PRICES + ("order", "null_order", "nulls", "members")


def v2_of(odd=False, readings=None) -> Simulator:
    """A simulator of v2 that tells what v3 tells; for direct answers it need not be started."""
    more = {} if readings is None else {"readings": readings}
    return Simulator(source=v3.as_v2(DAY), odd=odd, **more)


class BothWorld(World):
    """Targets whose names promise something, and questions about them."""

    def __init__(self, seed, small=False):
        super().__init__(seed)
        random = Random(f"both {seed}")
        self.odd = False
        share = random.choice((0, 0.3, 0.6))
        self.readings = at_random(random, share, V2_FIXED)
        self.v3_readings = v3_at_random(random, share, FIXED)
        most = 90 if small else 420
        names = [f"rows-{random.randint(1, most)}", f"links-{random.randint(1, most)}",
                 f"both-{random.randint(1, most // 2)}", f"tied-{random.randint(1, most)}"]
        self.targets = [(f"{name}.{seed}.example", random.choice(("domain", "subdomains")))
                        for name in random.sample(names, 2)]
        self.targets.append((f"links-{most}.p{seed}.example/", "prefix"))

    def ask(self) -> Question:
        """Any question about them that can be asked of both; most are not sorted by text, which the
        daemon refuses."""
        question = self.question()
        while (question.output == "xml" or _names(question) & set(UNTOLD)
               or _sorts_text(question) and self.random.random() < 0.95):
            question = self.question()
        return question


def _names(question) -> set:
    """The columns that a question filters or sorts by."""
    clauses = [condition.column for condition in question.where + question.having]
    return {*clauses, *(name for name, _ in question.order_by)}


def _sorts_text(question) -> bool:
    return any(kinds[name] == "string" for name, _ in question.order_by)


def told(rows) -> list:
    """The rows, but for what v3 does not tell, in a form that is equal if they are."""
    return [json.dumps({name: value for name, value in row.items() if name not in UNTOLD},
                       sort_keys=True) for row in rows]


def rows_in(question, body) -> list:
    return json.loads(content(question.output, body))["refpages"]


def whole_of(sim, question) -> list:
    """All rows that a question could have, in v2's order."""
    asked = replace(question, limit=1000000, offset=0, output="json")
    return json.loads(sim.direct(params_of(asked.plain()))[0])["refpages"]


def wrong(sim, question, rows):
    """What is wrong with the rows of an answer by the v2 simulator; None: nothing."""
    whole = whole_of(sim, question)
    window = whole[question.offset:question.offset + question.limit]
    if len(rows) != len(window):
        return f"{len(rows)} rows, not {len(window)} of {len(whole)}"
    if Counter(told(rows)) - Counter(told(whole)):
        extra = Counter(told(rows)) - Counter(told(whole))
        return f"rows that v2 does not have: {list(extra)[:2]}"
    names = [name for name, _ in question.order_by]
    selected = question.select or COLUMNS
    if names and set(names) <= set(selected):
        if _keys(rows, names) != _keys(window, names):
            return "another order"
    return None


def _keys(rows, names):
    return [[row[name] for name in names] for row in rows]
