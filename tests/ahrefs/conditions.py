"""The conditions of `where` and `having`, compiled to a predicate over rows.

Where the documentation leaves a reading open, this one is taken: everything is case-sensitive,
times compare as text (so a bound of "2018-05-31" leaves out the times on that day), and a
domain counts as a subdomain of itself.
"""

import operator
import re
from urllib.parse import urlsplit

from .columns import COLUMNS
from .errors import ApiError

_OPERATORS = {
    "=": operator.eq, ":": operator.eq, "<>": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

_FUNCTION = re.compile(r"\s*(substring|word|subdomain)\s*\(")
_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*")
_OPERATOR = re.compile(r"(<>|<=|>=|[=:<>])")
_QUOTED = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*""", re.DOTALL)
_BARE = re.compile(r"\s*([^\s\"',()]+)\s*")
_COMMA = re.compile(r"(,)")
_CLOSE = re.compile(r"(\))\s*")
_ESCAPE = re.compile(r"\\([\"'\\])")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def compile_conditions(clause: str, text: str):
    """The predicate of a condition set; `clause` names it in errors."""
    scanner = _Scanner(clause, text)
    predicates = [_condition(scanner)]
    while not scanner.at_end():
        scanner.need(_COMMA)
        predicates.append(_condition(scanner))
    return lambda row: all(holds(row) for holds in predicates)


class _Scanner:
    """Reads tokens off a condition set; a token's pattern takes the space around it along."""

    def __init__(self, clause, text):
        self._clause = clause
        self._text = text
        self._at = 0

    def at_end(self):
        return self._at == len(self._text)

    def take(self, pattern):
        """The next token if it is of this kind, else None."""
        found = pattern.match(self._text, self._at)
        if not found:
            return None
        self._at = found.end()
        return found[1]

    def need(self, pattern):
        token = self.take(pattern)
        if token is None:
            self.fail(f"bad condition at position {self._at}")
        return token

    def column(self):
        name = self.need(_NAME)
        if name not in COLUMNS:
            self.fail(f"column '{name}' not found")
        return name

    def fail(self, why):
        raise ApiError(f"{self._clause}: {why}")


def _condition(scanner):
    function = scanner.take(_FUNCTION)
    return _call(scanner, function) if function else _comparison(scanner)


def _comparison(scanner):
    column = scanner.column()
    compare = _OPERATORS[scanner.need(_OPERATOR)]
    value = _value(scanner, column)
    return lambda row: compare(row[column], value)


def _call(scanner, function):
    column = scanner.column()
    scanner.need(_COMMA)
    value = _unquote(scanner.need(_QUOTED))
    scanner.need(_CLOSE)
    if COLUMNS[column] not in ("string", "date"):
        scanner.fail(f"{function}: column '{column}' is not a string")
    test = _FUNCTIONS[function](value)
    return lambda row: test(row[column])


def _value(scanner, column):
    quoted = scanner.take(_QUOTED)
    text = _unquote(quoted) if quoted is not None else scanner.need(_BARE)
    value = _CONVERT[COLUMNS[column]](text, quoted is not None)
    if value is None:
        scanner.fail(f"bad value '{text}' for column '{column}'")
    return value


def _unquote(quoted):
    return _ESCAPE.sub(r"\1", quoted[1:-1])


def _substring(value):
    return lambda text: value in text


def _word(value):
    pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
    return lambda text: pattern.search(text) is not None


def _subdomain(value):
    return lambda text: ("." + _domain_of(text)).endswith("." + value)


def _domain_of(text):
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


_FUNCTIONS = {"substring": _substring, "word": _word, "subdomain": _subdomain}

# (text, was it quoted) -> value, None when the column cannot be compared with it
_CONVERT = {
    "int": lambda text, _quoted: int(text) if _INTEGER.fullmatch(text) else None,
    "boolean": lambda text, _quoted: _BOOLEANS.get(text),
    "string": lambda text, quoted: text if quoted else None,
    "date": lambda text, quoted: text if quoted else None,
}
