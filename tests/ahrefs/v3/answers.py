"""An answer with its price in units, and what an endpoint knows when it makes one."""

import json
from dataclasses import dataclass
from typing import NamedTuple, Optional

from .. import answer as plain
from .output import CONTENT_TYPES

LEAST = 50  # units


@dataclass
class Answer(plain.Answer):
    """What is to be sent, and what it costs. `keep`: under which name Ahrefs caches it; `whole`:
    the answer as it was before anything went wrong with it."""

    units: int = 0
    list_units: int = 0
    cache: str = "no_cache"
    keep: Optional[tuple] = None
    whole: Optional["Answer"] = None


class Context(NamedTuple):
    """Who asks what of whom."""

    state: object
    name: str
    request: object
    params: dict
    text: str
    key: object
    today: str

    @property
    def readings(self):
        return self.state.readings

    def check_units(self, expected):
        self.state.check_units(self.text, self.key, expected)


def refusal(error) -> Answer:
    """What is sent for a Refused."""
    body = error.data if isinstance(error.data, str) else json.dumps(error.data)
    kind = "text/plain" if isinstance(error.data, str) else "application/json"
    return Answer(error.status, {"Content-Type": kind, **error.headers}, [body.encode()],
                  framing="length", compress=False)


def with_costs(made, row_cost, readings):
    """The answer with its headers; on small answers the price of a row is not that of a row."""
    if readings.cost_row == "share" and made.results:
        row_cost = f"{made.list_units / made.results:.4g}"
    made.headers |= {
        "x-api-rows": made.results, "x-api-units-cost-row": row_cost,
        "x-api-units-cost-total": made.list_units,
        "x-api-units-cost-total-actual": made.units, "x-api-cache": made.cache,
    }
    return made


def document(context, data, rows, cost):
    made = Answer(body=[json.dumps(data, ensure_ascii=False).encode()], results=rows,
                  units=cost, list_units=cost)
    made.headers = {"Content-Type": CONTENT_TYPES["json"]}
    return with_costs(made, cost, context.readings)
