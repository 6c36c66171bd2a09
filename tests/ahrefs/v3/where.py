"""The filters of `where`, compiled to a predicate over rows.

A predicate answers True, False or, where a null leaves it open, None: that is what `not`,
`and` and `or` see. Where the documentation leaves a reading open, the one in `readings` is taken.
"""

import json
import operator
import re

from . import days
from ..compared import COLLATE, ascii_folded
from .errors import refused

_COMPARE = {"eq": operator.eq, "neq": operator.ne, "gt": operator.gt, "gte": operator.ge,
            "lt": operator.lt, "lte": operator.le}
_EMPTY = {"int": 0, "float": 0, "bool": False, "text": "", "time": "", "date": "", "list": []}


def compile_filter(text, columns, readings):
    """The (predicate, names of the columns in it) of a filter over these columns."""
    compiler = _Compiler(columns, readings)
    try:
        return compiler.node(json.loads(text)), compiler.used
    except (json.JSONDecodeError, RecursionError):
        raise refused(400, "bad where: not JSON, or too deep") from None


class _Compiler:
    def __init__(self, columns, readings):
        self.used = set()
        self._columns = columns
        self._readings = readings

    def node(self, tree):
        shape = frozenset(tree) if isinstance(tree, dict) else None
        if shape not in _SHAPES:
            raise refused(400, f"bad where: not a filter: {json.dumps(tree)[:100]}")
        return _SHAPES[shape](self, tree)

    def all_of(self, tree):
        parts = self._parts(tree["and"])
        return lambda row: _both(part(row) for part in parts)

    def any_of(self, tree):
        parts = self._parts(tree["or"])
        return lambda row: _opposite(_both(_opposite(part(row)) for part in parts))

    def not_so(self, tree):
        part = self.node(tree["not"])
        return lambda row: _opposite(part(row))

    def value_is(self, tree):
        name, kind = self._column(tree)
        if tree["is"] == "is_null":
            return lambda row: row[name] is None
        if tree["is"] == "empty":
            blank = ("", [], None) if self._readings.empty == "null too" else ("", [])
            return lambda row: row[name] in blank
        if kind == "list":
            raise refused(400, f"bad where: '{name}' is an array")
        return self._test(name, kind, tree["is"])

    def list_is(self, tree):
        name, kind = self._column(tree)
        said = tree["list_is"]
        if kind != "list" or not isinstance(said, dict) or list(said) not in (["any"], ["all"]):
            raise refused(400, f"bad where: list_is on '{name}'")
        (how, condition), = said.items()
        quantifier = {"any": any, "all": all}[how]
        number = isinstance(condition, list) and any(map(_is_number, condition[1:]))
        test = _comparison("int" if number else "text", condition, self._readings)
        return lambda row: quantifier(test(str(one) if not number else one) for one in row[name])

    def _parts(self, trees):
        if not isinstance(trees, list):
            raise refused(400, "bad where: and, or take arrays")
        return [self.node(tree) for tree in trees]

    def _column(self, tree):
        name = tree["field"]
        if not isinstance(name, str) or name not in self._columns:
            raise UnknownColumn(name)
        self.used.add(name)
        return name, self._columns[name].kind

    def _test(self, name, kind, condition):
        test = _comparison(kind, condition, self._readings)
        absent = _of_nothing(kind, condition[0], test, self._readings)
        return lambda row: absent if row[name] is None else test(row[name])


class UnknownColumn(Exception):
    """A column that the endpoint, or the plan, does not have."""


_SHAPES = {
    frozenset(["and"]): _Compiler.all_of,
    frozenset(["or"]): _Compiler.any_of,
    frozenset(["not"]): _Compiler.not_so,
    frozenset(["field", "is"]): _Compiler.value_is,
    frozenset(["field", "list_is"]): _Compiler.list_is,
}


def _opposite(verdict):
    return None if verdict is None else not verdict


def _both(verdicts):
    found = list(verdicts)
    if False in found:
        return False
    return None if None in found else True


def _of_nothing(kind, name, test, readings):
    """What a comparison says of a null."""
    if readings.nulls == "empty":
        return test(_EMPTY[kind])
    if readings.nulls == "sql":
        return None
    return readings.nulls == "differ" and name == "neq"


def _comparison(kind, condition, readings):
    """The test of one value that is not null."""
    if not isinstance(condition, list) or len(condition) != 2:
        raise refused(400, f"bad where: not a condition: {json.dumps(condition)[:100]}")
    name, value = condition
    if not isinstance(name, str) or not _KINDS[kind].takes(name):
        raise refused(400, f"bad where: operator {json.dumps(name)} on {kind}")
    if not _KINDS[kind].fits(value):
        raise refused(400, f"bad where: value {json.dumps(value)[:100]} for {kind}")
    return _KINDS[kind].test(name, value, readings)


class _Plain:
    """Numbers, which compare as themselves."""

    @staticmethod
    def takes(name):
        return name in _COMPARE

    @staticmethod
    def fits(value):
        return _is_number(value)

    @staticmethod
    def test(name, value, _readings):
        compare = _COMPARE[name]
        return lambda own: compare(own, value)


class _Bool(_Plain):
    @staticmethod
    def takes(name):
        return name in ("eq", "neq")

    @staticmethod
    def fits(value):
        return isinstance(value, int) and value in (0, 1)


class _Time(_Plain):
    @staticmethod
    def fits(value):
        return days.is_day(value) or days.is_time(value)

    @staticmethod
    def test(name, value, readings):
        compare, zone = _COMPARE[name], readings.zone
        if days.is_day(value) and readings.day == "whole":
            return lambda own: compare(days.local_day(own, zone), value)
        if days.is_day(value):
            edge = days.first_second if readings.day == "midnight" else days.last_second
            value = edge(value, zone)
        return lambda own: compare(own, value)


class _Date(_Time):
    @staticmethod
    def test(name, value, _readings):
        compare = _COMPARE[name]
        return lambda own: compare(own, value[:10])


class _Text(_Plain):
    @staticmethod
    def takes(name):
        return name in _COMPARE or name in _TEXT_TESTS

    @staticmethod
    def fits(value):
        return isinstance(value, str)

    @staticmethod
    def test(name, value, readings):
        if name in _TEXT_TESTS:
            return _TEXT_TESTS[name](value, readings)
        if name in ("eq", "neq"):
            form = _fold(readings.equal, readings)
        else:
            form = COLLATE[readings.compare]
        compare, bound = _COMPARE[name], form(value)
        return lambda own: compare(form(own), bound)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _fold(case, readings):
    if case == "exact":
        return str
    return ascii_folded if readings.fold == "ascii" else str.casefold


def _contains(case):
    def make(value, readings):
        form = _fold(case(readings), readings)
        value = form(value)
        return lambda text: value in form(text)
    return make


def _phrase(case):
    def make(value, readings):
        form = _fold(case(readings), readings)
        kind = re.ASCII if readings.word_ends == "ascii" else 0
        inside = r"\S" if readings.word_ends == "spaces" else r"\w"
        pattern = re.compile(f"(?<!{inside}){re.escape(form(value))}(?!{inside})", kind)
        return lambda text: pattern.search(form(text)) is not None
    return make


def _affix(method):
    def make(value, readings):
        form = _fold(readings.affix, readings)
        value = form(value)
        return lambda text: method(form(text), value)
    return make


def _regex(value, readings):
    try:
        pattern = re.compile(value)
    except (re.error, OverflowError):
        raise refused(400, "bad where: regex") from None
    match = pattern.search if readings.regex == "search" else pattern.fullmatch
    return lambda text: match(text) is not None


_TEXT_TESTS = {
    "substring": _contains(lambda readings: readings.substring),
    "isubstring": _contains(lambda _readings: "nocase"),
    "phrase_match": _phrase(lambda readings: readings.phrase),
    "iphrase_match": _phrase(lambda _readings: "nocase"),
    "prefix": _affix(str.startswith),
    "suffix": _affix(str.endswith),
    "regex": _regex,
}
_KINDS = {"int": _Plain, "float": _Plain, "bool": _Bool, "time": _Time, "date": _Date,
          "text": _Text}
