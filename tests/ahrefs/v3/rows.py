"""The endpoints that answer with rows: conditions, order, caps, prices, Ahrefs' own cache."""

import re
from dataclasses import replace
from typing import Callable, NamedTuple, Optional
from urllib.parse import urlsplit
from zlib import crc32

from ..targets import fixed_size
from . import days, output
from .answers import LEAST, Answer, with_costs
from .columns import BACKLINKS, KEYWORDS, Column
from .errors import refused
from .keywords import keywords_of
from .links import links_of
from .orders import aggregated, arranged
from .query import read_links_only, read_question

_FREE = ("ahrefs.com", "yep.com", "firehose.com")
_FREE_ROWS = 100
_MOST_KEPT = 20000
_TEXT = re.compile("url|title|(^|_)(keyword|name)$|country|anchor|date$|^domain$")


class Endpoint(NamedTuple):
    """An endpoint with rows. `rows` gives those of a question before its clauses; `finish` is what
    only this endpoint has, between conditions and order; `select` are the columns that come if none
    are selected, without which some have to be."""

    member: str
    columns: dict
    mandatory: tuple
    rows: Callable
    finish: Callable = lambda rows, params, question: rows
    select: Optional[str] = None


def rows_answer(context):
    endpoint = ENDPOINTS[context.name]
    known = _known(endpoint, context)
    question = read_question(context.params, endpoint, known, context.readings)
    found = context.state.kept(_place(context))
    if found:
        return _hit(found)
    row_cost = sum(known[name].price for name in question.used)
    free = _is_free(question, context)
    if not free:
        context.check_units(max(LEAST, _expected(question, context) * row_cost))
    rows = _found_rows(endpoint, question, context, known)[:_capped(question, context)]
    cost = price(len(rows), row_cost, context.readings)
    made = Answer(results=len(rows), list_units=cost, units=0 if free else cost)
    _fill(made, endpoint.member, output.Rows(rows, question.columns), context)
    return with_costs(made, row_cost, context.readings)


def _capped(question, context):
    """The most rows that are given: what is above the plan's cap is cut without a word."""
    cap = context.key.workspace.rows_cap
    return question.limit if cap is None else min(question.limit, cap)


def _expected(question, context):
    """The most rows, as they are computed beforehand."""
    known = context.readings.expected == "capped"
    return _capped(question, context) if known else question.limit


def _fill(made, member, rows, context):
    """Gives the answer its body, and has it kept unless it is huge."""
    form = context.params.get("output") or "json"
    made.body = output.row_array(form, member, rows)
    made.headers = {"Content-Type": output.CONTENT_TYPES[form]}
    if context.readings.own_cache == "kept" and len(rows) <= _MOST_KEPT:
        made.body, made.keep, made.cache = list(made.body), _place(context), "miss"


def _known(endpoint, context):
    """The columns of an endpoint that the plan has; of one without a table, any."""
    if not endpoint.columns:
        return _AnyColumn()
    lacks = context.key.workspace.lacks
    return {name: column for name, column in endpoint.columns.items() if name not in lacks}


def _found_rows(endpoint, question, context, known):
    state, readings = context.state, context.readings
    rows = endpoint.rows(question, context)
    if question.where:
        rows = [row for row in rows if question.where(row) is True]
    rows = endpoint.finish(rows, context.params, question)
    return arranged(rows, question.order_by, known, readings, context.request.target)


def price(rows, row_cost, readings) -> int:
    if not rows and readings.empty_price == "free":
        return 0
    return max(LEAST, rows * row_cost)


def _is_free(question, context):
    host = question.scope.hosts[0]
    below = context.readings.free_hosts == "below"
    mine = any(host == own or (below and host.endswith("." + own)) for own in _FREE)
    return mine and question.limit <= _FREE_ROWS and context.key.workspace.paid


def _place(context):
    """Where Ahrefs' own cache keeps it: parameters in another order are another question."""
    mine = context.readings.cache_of == "key"
    return (context.text if mine else context.key.workspace,
            context.request.path, urlsplit(context.request.target).query)


def _hit(found):
    made = replace(found, units=0, cache="hit", keep=None)
    made.headers = {**found.headers, "x-api-cache": "hit", "x-api-units-cost-total-actual": 0}
    made.body = list(found.body)
    return made


def _backlinks(question, context):
    """The links of a target and a history."""
    history, day, _ = read_links_only(context.params)
    state, readings = context.state, context.readings
    links = links_of(question.scope, state.edition, state.odd, context.today)
    if readings.found_again == "kept":
        links = [_seen_before(link) for link in links]
    if question.protocol != "both":
        links = [link for link in links if link["url_to"].startswith(question.protocol + "://")]
    wanted = _HISTORIES[history](day, readings)
    return [link for link in links if wanted(link)]


def _seen_before(link):
    return {**link, "last_seen": link["last_seen"] or link["_lost_before"]}


def _since(day, readings):
    """Live links, and those lost since that day."""
    if readings.since == "included":
        bound = days.first_second(day, readings.zone)
        return lambda link: not link["is_lost"] or link["last_seen"] >= bound
    bound = days.last_second(day, readings.zone)
    return lambda link: not link["is_lost"] or link["last_seen"] > bound


_HISTORIES = {
    "all_time": lambda _day, _readings: lambda link: True,
    "live": lambda _day, _readings: lambda link: not link["is_lost"],
    "since": _since,
}


def _aggregated(rows, params, question):
    how = read_links_only(params)[2]
    if how == "all" and "link_group_count" in question.used:
        raise refused(400, "link_group_count cannot be used with aggregation=all")
    return aggregated(rows, how)


def _keywords(question, context):
    state = context.state
    country = context.params.get("country")
    if not days.is_day(context.params["date"]):
        raise refused(400, f"bad date: '{context.params['date']}'")
    return [row for row in keywords_of(question.scope, state.edition, state.odd, context.today)
            if country in (None, "", row["keyword_country"])]


class _AnyColumn(dict):
    """Columns of whatever names, of one unit each: endpoints that nobody needs to know. What the
    name does not make a text is a number."""

    def __contains__(self, name):
        return name.isidentifier()

    def __getitem__(self, name):
        return Column("text" if _TEXT.search(name) else "int")


def _others(question, context):
    host = question.scope.hosts[0]
    size = fixed_size(host)
    count = size.rows if size else len(host) * 7 % 60
    return [{name: _made_up(name, index, host) for name in sorted(question.used)}
            for index in range(count)]


def _made_up(name, index, host):
    if _TEXT.search(name):
        return f"{name} {index} of {host}"
    return crc32(f"{name}{index}".encode()) % 999


def _other(member, select=None):
    return Endpoint(member, {}, ("target",), _others, select=select)


ENDPOINTS = {
    "site-explorer/all-backlinks":
        Endpoint("backlinks", BACKLINKS, ("target",), _backlinks, _aggregated),
    "site-explorer/organic-keywords":
        Endpoint("keywords", KEYWORDS, ("target", "date"), _keywords),
    "site-explorer/broken-backlinks": _other("backlinks"),
    "site-explorer/refdomains": _other("refdomains"),
    "site-explorer/top-pages": _other("pages"),
    "site-explorer/paid-pages": _other("pages"),
    "site-explorer/metrics-history":
        _other("metrics", "date,org_traffic,org_cost,paid_traffic,paid_cost"),
    "site-explorer/metrics-by-country":
        _other("metrics", "country,org_keywords,org_traffic,org_cost,paid_keywords,paid_traffic"),
}
