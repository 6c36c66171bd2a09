"""Calls of v3's all-backlinks at random, near to rows that there are."""

import json
import re
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import quote, urlencode

from ahrefs.v3.columns import BACKLINKS as COLUMNS
from v3 import BACKLINKS, params

SELECTABLE = [name for name, column in COLUMNS.items()
              if column.selectable and name != "link_group_count"]
_FILTERED = ("domain_rating_source", "url_rating_source", "links_external", "http_code", "traffic",
             "redirect_code", "is_nofollow", "is_lost", "first_seen_link", "last_seen",
             "last_visited", "source_page_publish_date", "anchor", "title", "url_from", "alt",
             "lost_reason", "link_type", "discovered_status", "languages", "redirect_kind",
             "url_redirect")
_COMPARE = ("eq", "neq", "gt", "gte", "lt", "lte")
_FIND = ("substring", "isubstring", "phrase_match", "iphrase_match", "prefix", "suffix")


@dataclass(frozen=True)
class Call:
    """A call before it is spelled; `where` is a filter as a tree."""

    target: str
    select: tuple
    where: object = None
    order_by: tuple = ()
    limit: int = 1000
    aggregation: str = "all"
    history: str = None

    @property
    def params(self) -> dict:
        return params(
            self.target, select=",".join(self.select), where=self.where, limit=self.limit,
            order_by=",".join(self.order_by) or None, aggregation=self.aggregation,
            history=self.history)

    @property
    def path(self) -> str:
        return f"/v3/{BACKLINKS}?{urlencode(self.params, quote_via=quote)}"

    def price(self) -> int:
        """What a row costs."""
        ordered = [key.partition(":")[0] for key in self.order_by]
        return sum(COLUMNS[name].price for name in {*self.select, *fields(self.where), *ordered})


def fields(tree) -> set:
    """The columns that a filter names."""
    if isinstance(tree, list):
        return set().union(*map(fields, tree))
    if not isinstance(tree, dict):
        return set()
    own = {tree["field"]} if "field" in tree else set()
    return own.union(*map(fields, tree.values()))


class Calls:
    """Makes calls about targets whose rows it has seen."""

    def __init__(self, sim, targets, seed):
        self.random = Random(seed)
        self.targets = list(targets)
        self._rows = {target: self._seen(sim, target) for target in self.targets}

    def _seen(self, sim, target):
        asked = params(target, select=",".join(sorted(set(_FILTERED))), limit=100000)
        return json.loads(sim.direct(asked)[0])["backlinks"]

    def broad(self) -> Call:
        """One that is likely to hold the answers to others."""
        random = self.random
        target = random.choice(self.targets)
        return Call(
            target, self.columns(random.choice((6, 20, len(SELECTABLE)))),
            where=self.filter(target) if random.random() < 0.2 else None,
            order_by=self.order() if random.random() < 0.4 else (),
            limit=random.choice((1000, 1000, 1000, 5000, 50, 100)),
            aggregation=random.choice(("all",) * 8 + ("similar_links", "1_per_domain")),
            history=random.choice((None, None, "live", "since:2026-01-20")))

    def near(self, call) -> Call:
        """One that is close to it."""
        random = self.random
        for change in random.sample(_CHANGES, random.choice((1, 1, 2, 2, 3))):
            call = change(self, call)
        return call

    def any(self) -> Call:
        """One of which little can be said."""
        call = self.broad()
        return replace(call, select=self.columns(8), limit=self.random.choice((5, 50, 1000)),
                       where=self.random.choice((None, self.filter(call.target))))

    def columns(self, most) -> tuple:
        return tuple(self.random.sample(SELECTABLE, self.random.randint(1, most)))

    def order(self) -> tuple:
        names = self.random.sample([*_FILTERED[:19]], self.random.choice((1, 1, 2)))
        return tuple(f"{name}:{self.random.choice(('asc', 'desc'))}" for name in names)

    def filter(self, target, depth=2):
        """A filter, with values that rows have or nearly have."""
        random = self.random
        kind = random.choice(("leaf", "leaf", "leaf", "not", "and", "or")) if depth else "leaf"
        if kind == "leaf":
            rows = self._rows[target]
            return self._leaf(random.choice(rows) if rows else {})
        if kind == "not":
            return {"not": self.filter(target, depth - 1)}
        return {kind: [self.filter(target, depth - 1) for _ in range(random.randint(1, 3))]}

    def _leaf(self, row):
        random = self.random
        name = random.choice(_FILTERED)
        column, value = COLUMNS[name], row.get(name)
        if column.nullable and random.random() < 0.15:
            return {"field": name, "is": "is_null"}
        if column.kind in ("text", "list") and random.random() < 0.1:
            return {"field": name, "is": "empty"}
        if column.kind == "list":
            member = random.choice(value) if value else "en"
            return {"field": name, "list_is": {random.choice(("any", "all")): ["eq", member]}}
        return {"field": name, "is": _MAKERS[column.kind](random, value)}


def _number(random, value):
    return [random.choice(_COMPARE), (value or 0) + random.choice((0, 0, 0, 1, -1, 0.5))]


def _truth(random, _value):
    return [random.choice(("eq", "neq")), random.choice((True, False, 0, 1))]


def _time(random, value):
    value = value or "2026-02-01T10:20:30Z"
    if random.random() < 0.5:
        value = value[:10]
    return [random.choice(_COMPARE), value]


def _day(random, value):
    return [random.choice(_COMPARE), value or "2022-01-01"]


def _text(random, value):
    value = re.sub("[\0-\x1f\x7f]", "", value or "Home")
    value = random.choice((value,) * 6 + (value.upper(), value.lower()))
    if random.random() < 0.5:
        return [random.choice(_COMPARE[:2] * 3 + _COMPARE), value]
    start = random.randint(0, len(value))
    return [random.choice(_FIND), value[start:start + random.randint(1, 6)] or "e"]


_MAKERS = {"int": _number, "float": _number, "bool": _truth, "time": _time, "date": _day,
           "text": _text}


def _fewer_columns(calls, call):
    count = calls.random.randint(1, len(call.select))
    return replace(call, select=tuple(calls.random.sample(call.select, count)))


def _smaller(calls, call):
    return replace(call, limit=max(1, calls.random.choice((1, 3, 10, call.limit // 2, 999))))


def _filtered(calls, call):
    more = calls.filter(call.target)
    return replace(call, where=more if call.where is None else {"and": [call.where, more]})


def _ordered(calls, call):
    return replace(call, order_by=calls.order())


def _unordered(_calls, call):
    return replace(call, order_by=())


_CHANGES = (_fewer_columns, _fewer_columns, _smaller, _filtered, _filtered, _filtered, _ordered,
            _unordered)
