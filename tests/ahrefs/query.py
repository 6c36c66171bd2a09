"""From request parameters to a question, or to the error that v2 has for them."""

import re
from typing import Callable, NamedTuple, Optional

from .columns import COLUMNS
from .conditions import compile_conditions
from .errors import ApiError
from .formats import CONTENT_TYPES
from .readings import DEFAULT
from .targets import Scope, resolve

_DEFAULT_LIMIT = "1000"
_MOST_RESULTS = 5_000_000
_NUMBER = re.compile("[0-9]{1,18}")


class Question(NamedTuple):
    """A checked request for rows of backlinks_new_lost."""

    scope: Scope
    columns: list
    where: Optional[Callable]
    having: Optional[Callable]
    order_by: list
    limit: int
    offset: int


def output_of(params) -> str:
    """The format to answer in; JSON also for the error that another value is."""
    output = params.get("output") or "json"
    return output if output in CONTENT_TYPES else "json"


def check_output(params):
    if output_of(params) != (params.get("output") or "json"):
        raise ApiError(f"output: unknown format '{params['output']}'")


def need(params, name) -> str:
    """A mandatory parameter."""
    if not params.get(name):
        raise ApiError(f"missing mandatory parameter '{name}'")
    return params[name]


def read_scope(params) -> Scope:
    target, mode = need(params, "target"), need(params, "mode")
    return resolve(target, mode)


def read_limit(params) -> int:
    return _number(params, "limit", _DEFAULT_LIMIT, _MOST_RESULTS)


def read_question(params, readings=DEFAULT) -> Question:
    """Everything that a request for rows says, checked."""
    return Question(
        scope=read_scope(params),
        columns=_columns(params.get("select") or "*", readings),
        where=_conditions(params, "where", readings),
        having=_conditions(params, "having", readings),
        order_by=_order(params.get("order_by") or ""),
        limit=read_limit(params),
        offset=_number(params, "offset", "0", None),
    )


def _columns(text, readings):
    """The columns, each once, in the order asked for or in that of the table."""
    names = []
    for name in _items(text):
        names += COLUMNS if name == "*" else [_known(name, "select")]
    if readings.members == "table":
        return [name for name in COLUMNS if name in names]
    return list(dict.fromkeys(names))


def _conditions(params, clause, readings):
    text = params.get(clause)
    return compile_conditions(clause, text, readings) if text else None


def _order(text):
    """(column, descending) pairs."""
    return [_order_key(item) for item in _items(text)] if text else []


def _order_key(item):
    name, _, direction = item.partition(":")
    if direction not in ("", "asc", "desc"):
        raise ApiError(f"order_by: bad direction '{direction}'")
    return _known(name, "order_by"), direction == "desc"


def _items(text):
    return [item.strip() for item in text.split(",")]


def _known(name, clause):
    if name not in COLUMNS:
        raise ApiError(f"{clause}: column '{name}' not found")
    return name


def _number(params, name, default, most):
    text = params.get(name) or default
    if not _NUMBER.fullmatch(text) or (most is not None and int(text) > most):
        raise ApiError(f"{name}: bad value '{text}'")
    return int(text)
