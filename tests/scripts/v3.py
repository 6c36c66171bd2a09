"""Shared by the plays in which upstream speaks v3: keys, calls, and what their answers cost."""

import json
from datetime import date
from urllib.parse import quote, urlencode

from ahrefs import v3
from wire import Client

DAY = "2026-03-03"  # the last day of the simulated data: that of the driven clock
KEY = "team-key.0123456789_abcdefABCDEF"
OTHER_KEY = "other-key.fedcba9876543210~ABCDEF"
HOUSE_KEY = "house-key.5ec2e7c0ffee_0badcafe1337"  # in upstream.token_file (issuing3)
BACKLINKS = "site-explorer/all-backlinks"
KEYWORDS = "site-explorer/organic-keywords"
BATCH = "batch-analysis"
LIMITS = "subscription-info/limits-and-usage"
V3 = ("upstream.api=v3", "upstream.requests_per_minute=0")
CACHED = {"Cache-Control": "only-if-cached"}
NO_CACHE = {"Cache-Control": "no-cache"}
LEAST = 50  # units that a request costs if it costs any


def field(name, op, value) -> dict:
    """One condition of a filter."""
    return {"field": name, "is": [op, value]}


def params(target="rows-5.example", **given) -> dict:
    """The parameters of a question for backlinks, with whatever else is given; a filter may be a
    dict; None leaves a parameter out."""
    usual = {"target": target, "select": "url_from,url_to,anchor", "aggregation": "all"}
    return {name: json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in {**usual, **given}.items() if value is not None}


def path(target="rows-5.example", endpoint=BACKLINKS, **given) -> str:
    """What a client asks for."""
    return f"/v3/{endpoint}?{urlencode(params(target, **given), quote_via=quote)}"


def bearer(key, headers=None) -> dict:
    return {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}


def send(daemon, what, method="GET", key=KEY, headers=None, body=None):
    """One request to a path as it is, on a connection of its own."""
    with daemon.client() as client:
        return client.ask(method, what, body, bearer(key, headers))


def call(daemon, target="rows-5.example", *, endpoint=BACKLINKS, method="GET", key=KEY,
         headers=None, **given):
    """One call of an endpoint."""
    return send(daemon, path(target, endpoint, **given), method, key, headers)


def start_call(daemon, target="rows-5.example", *, key=KEY, headers=None, **given) -> Client:
    """A client whose call is on its way."""
    client = daemon.client()
    client.send("GET", path(target, **given), headers=bearer(key, headers))
    return client


def truth(sim, target="rows-5.example", *, endpoint=BACKLINKS, **given) -> tuple:
    """The simulator's own (rows, list price)."""
    body, _, price = sim.direct(params(target, **given), endpoint)
    return rows_of(json.loads(body)), price


def rows_of(answer) -> list:
    """The rows of an answer, whatever their member is called."""
    return next(iter(answer.values()))


def limits(daemon, key=KEY) -> dict:
    """What limits-and-usage says."""
    reply = send(daemon, "/v3/" + LIMITS, key=key)
    assert reply.status == 200, reply
    return reply.json["limits_and_usage"]


def paid(sim) -> list:
    """The requests that came upstream, but for checks of keys."""
    return [record for record in sim.requests if record["endpoint"] != LIMITS]


def is_paid(record) -> bool:
    """Whether a fault or hold is for this request, given its parameters."""
    return record["endpoint"] != LIMITS


def simulator(**options) -> v3.Simulator:
    """A simulated v3 whose time ends with the driven clock's day."""
    return v3.Simulator(**{"today": DAY, **options})


def days_before(number) -> str:
    return str(date.fromordinal(date.fromisoformat(DAY).toordinal() - number))
