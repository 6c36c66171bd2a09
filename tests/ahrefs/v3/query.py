"""From the parameters of a request for rows to a question, or to the error that v3 has for them.

Parameters that are not named here are ignored without a word.
"""

import re
from typing import Callable, NamedTuple, Optional

from ..errors import ApiError
from ..targets import Scope, resolve
from . import days
from .errors import refused
from .orders import AGGREGATIONS
from .where import UnknownColumn, compile_filter

OUTPUTS = ("json", "csv", "xml", "php")
MODES = ("exact", "prefix", "domain", "subdomains")
PROTOCOLS = ("both", "http", "https")
_NUMBER = re.compile("[0-9]{1,18}")
_HISTORY = re.compile(r"all_time|live|since:(.*)", re.DOTALL)


class Question(NamedTuple):
    """A checked request for rows."""

    scope: Scope
    columns: list
    used: frozenset  # names of the columns that are paid for
    where: Optional[Callable]
    order_by: list
    limit: int
    protocol: str


def read_question(params, endpoint, known, readings) -> Question:
    """What a request says. `known` are the columns of the endpoint that the plan has."""
    try:
        return _read(params, endpoint, known, readings)
    except UnknownColumn as error:
        raise _unknown_column(str(error), known, readings) from None


def _read(params, endpoint, known, readings):
    for name in endpoint.mandatory:
        need(params, name)
    select = need({"select": params.get("select") or endpoint.select}, "select")
    columns = _selected(select, known, readings)
    where, filtered = None, set()
    if params.get("where"):
        where, filtered = compile_filter(params["where"], known, readings)
    order = _order(params.get("order_by") or "", known, readings)
    one_of(params, "output", OUTPUTS)
    return Question(
        scope=read_scope(params["target"], one_of(params, "mode", MODES, "subdomains")),
        columns=columns, used=frozenset([*columns, *filtered, *(name for name, _ in order)]),
        where=where, order_by=order, limit=_limit(params),
        protocol=one_of(params, "protocol", PROTOCOLS),
    )


def need(params, name) -> str:
    """A mandatory parameter."""
    if not params.get(name):
        raise refused(400, f"missing parameter '{name}'")
    return params[name]


def one_of(params, name, values, default=None) -> str:
    """A parameter that has a few values, the first of them if nothing else is the default."""
    value = params.get(name) or default or values[0]
    if value not in values:
        raise refused(400, f"bad {name}: '{value}'")
    return value


def read_scope(target, mode) -> Scope:
    try:
        return resolve(target, mode)
    except ApiError as error:
        raise refused(400, str(error)) from None


def read_links_only(params):
    """The parameters that only all-backlinks has: (history, day or None, aggregation)."""
    history = params.get("history") or "all_time"
    found = _HISTORY.fullmatch(history)
    if not found or (found[1] is not None and not days.is_day(found[1])):
        raise refused(400, f"bad history: '{history}'")
    return history.partition(":")[0], found[1], one_of(
        params, "aggregation", AGGREGATIONS, "similar_links")


def _selected(text, known, readings):
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in known or not known[name].selectable:
            raise UnknownColumn(name)
    if known and readings.members == "table":
        return [name for name in known if name in names]
    return names


def _order(text, known, readings):
    """(column, descending) pairs."""
    return [_order_key(part.strip(), known, readings) for part in text.split(",") if part.strip()]


def _order_key(text, known, readings):
    name, _, way = text.partition(":")
    if name not in known or not known[name].sortable:
        raise UnknownColumn(name)
    if (way or readings.direction) not in ("asc", "desc"):
        raise refused(400, f"bad order_by: '{text}'")
    return name, (way or readings.direction) == "desc"


def _limit(params):
    text = params.get("limit") or "1000"
    if not _NUMBER.fullmatch(text) or int(text) == 0:
        raise refused(400, f"bad limit: '{text}'")
    return int(text)


def _unknown_column(name, known, readings):
    names = [own for own, column in known.items() if column.selectable]
    if readings.column_list == "array":
        return refused(400, {"message": f"column '{name}' not found", "columns": names})
    return refused(400, f"column '{name}' not found; available columns: {', '.join(names)}")
