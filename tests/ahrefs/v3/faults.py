"""The faults of v3: those of v2 that have a meaning here, and some more.

An answer damaged on its way costs what it would have cost; one put in its place costs nothing.
"""

import json
from functools import wraps

from .. import faults
from .endpoints import LIMITS


class Fault(faults.Fault):
    """A fault waiting for its requests; `match` sees the parameters and `endpoint`. Limits and
    usage is what a proxy may ask at moments of its own."""

    @staticmethod
    def kinds() -> dict:
        return KINDS

    @staticmethod
    def is_check(params) -> bool:
        return params.get("endpoint") == LIMITS


def _free(kind):
    """The fault as one that replaces the answer, and its price."""
    @wraps(kind)
    def free(answer, **options):
        kind(answer, **options)
        answer.results = answer.units = answer.list_units = 0
        answer.keep = None
    return free


def throttle(answer, retry_after=None, body='{"error":"Too many requests"}'):
    """429; `retry_after` is what the header says, None: there is none."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    faults.status(answer, 429, body, {"Content-Type": "application/json", **headers})


def error(answer, code=500, text="internal error"):
    """An error in the usual shape."""
    _put(answer, code, {"error": text})


def pair(answer, code=500, text="Internal"):
    """An error in the other shape."""
    _put(answer, code, ["Error", text])


def no_costs(answer, names=None):
    """Some of the x-api headers are missing, or all."""
    for name in list(answer.headers) if names is None else names:
        if name.startswith("x-api-"):
            answer.headers.pop(name, None)


def costs(answer, value="many", name="x-api-units-cost-total-actual"):
    """A header that says something else than the bill."""
    answer.headers[name] = value


def rows(answer, by=1):
    """x-api-rows is wrong by that."""
    answer.headers["x-api-rows"] = answer.results + by


def no_rows(answer):
    """Another member in place of the rows, which were paid."""
    answer.body = [b'{"something":[]}']


def null_rows(answer, member="backlinks"):
    """No rows, as a serializer writes a list that was never made; paid."""
    answer.body = [json.dumps({member: None}).encode()]


def more(answer, by=1, row="{}"):
    """More rows than were asked for, at the price without them."""
    answer.body = _with_end(answer.body, f",{row}".encode() * by + b"]}", b"]}")


def late_error(answer, text="internal error"):
    """A member `error` after the rows of JSON."""
    answer.body = _with_end(answer.body, b',"error":' + json.dumps(text).encode() + b"}", b"}")


def twice(answer, member="backlinks", second="[]"):
    """A second member of rows."""
    answer.body = _with_end(answer.body, f',"{member}":{second}}}'.encode(), b"}")


def deep(answer, levels=10000):
    """Nested arrays in a member after the rows."""
    nested = b',"deep":' + b"[" * levels + b"]" * levels + b"}"
    answer.body = _with_end(answer.body, nested, b"}")


def _put(answer, code, data):
    faults.status(answer, code, json.dumps(data), {"Content-Type": "application/json"})


def _with_end(body, end, old):
    last = b""
    for item in body:
        yield last
        last = item
    yield last.removesuffix(old) + end


# In the order in which they are applied when several meet in one request.
KINDS = {
    function.__name__: function
    for function in (
        *map(_free, (faults.status, faults.html, faults.redirect, throttle, error, pair)),
        no_rows, null_rows, faults.body, more,
        rows, no_costs, costs, faults.no_type, faults.long_head,
        deep, faults.bad_utf8, late_error, twice, faults.bom, faults.trailing, faults.bad_gzip,
        faults.garbage, faults.truncate, faults.content_length, faults.cut, faults.stall,
        faults.hold_body, faults.slow, faults.delay, faults.hold, faults.refuse,
    )
}
