"""The tables of the API: from parameters to an answer with its price."""

from typing import NamedTuple

from . import formats, other_tables, query
from .answer import Answer
from .errors import ApiError
from .rowsets import Listed, Repeated
from .targets import is_plain


class Price(NamedTuple):
    """In tenths of a row."""

    request: int
    result: int
    where: int = 0
    having: int = 0

    def of(self, params, results):
        clauses = sum(getattr(self, name) for name in ("where", "having") if params.get(name))
        return self.request + self.result * results + clauses


_PRICE = Price(request=10, result=2, where=50, having=50)
_OTHER_PRICE = Price(request=10, result=10)
_OLD_OFFSET = 50
_OWN_DOMAIN = "ahrefs.com"


def answer(params, account) -> Answer:
    """The answer to any request; `account` knows the tokens and what they have spent."""
    output = query.output_of(params)
    try:
        reply = _answer(params, account, output)
    except ApiError as error:
        reply = _error(output, str(error))
    reply.headers["Content-Type"] = formats.CONTENT_TYPES[output]
    reply.headers.setdefault("X-Results-Count", str(reply.results))
    return reply


def _answer(params, account, output):
    if not account.accepts(params.get("token", "")):
        raise ApiError("invalid token")
    query.check_output(params)
    table = query.need(params, "from")
    if table in _TABLES:
        return _TABLES[table](params, account, output)
    if table in other_tables.ARRAYS:
        return _other(params, table, output)
    raise ApiError(f"from: table '{table}' not found")


def _error(output, text):
    return Answer(headers={"X-Status": "error"}, body=formats.document(output, {"error": text}))


def _backlinks_new_lost(params, account, output):
    readings = account.readings
    question = query.read_question(params, readings)
    rows = account.source(question.scope, account.edition, account.odd)
    if account.literal and not is_plain(params["target"], params["mode"]):
        rows = Listed([])
    for holds in filter(None, (question.where, question.having)):
        rows = rows.where(holds)
    rows = rows.order(question.order_by, readings)
    rows = rows.window(question.offset, question.limit).select(question.columns)
    return Answer(
        body=formats.row_array(output, "refpages", rows),
        results=len(rows),
        cost_tenths=_cost(params, question, len(rows), readings),
        compress=not isinstance(rows, Repeated),
    )


def _cost(params, question, results, readings):
    if readings.own_domain == "free" and question.scope.hosts[0] == _OWN_DOMAIN:
        return 0
    offset = _OLD_OFFSET if readings.offset_price == "charged" and question.offset else 0
    return offset + _PRICE.of(params, results)


def _subscription_info(params, account, output):
    info = {
        "rows_left": account.rows_left(params["token"]),
        "rows_limit": account.rows_limit,
        "subscription": "Enterprise Subscription",
    }
    return Answer(body=formats.document(output, {"info": info}), results=1)


def _other(params, table, output):
    host = query.read_scope(params).hosts[0]
    results = other_tables.count(table, host, query.read_limit(params))
    return Answer(
        body=other_tables.pieces(table, results, output),
        results=results,
        cost_tenths=_OTHER_PRICE.of(params, results),
    )


_TABLES = {"backlinks_new_lost": _backlinks_new_lost, "subscription_info": _subscription_info}
