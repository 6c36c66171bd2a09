"""The conditions of `where` and `having`, compiled to a predicate over rows.

Where the documentation leaves a reading open, the one in `readings` is taken.
"""

import operator
import re
from urllib.parse import urlsplit

from .columns import COLUMNS
from .compared import COLLATE, FOLD, ascii_folded, date_predicate
from .errors import ApiError
from .readings import DEFAULT

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


def compile_conditions(clause: str, text: str, readings=DEFAULT):
    """The predicate of a condition set; `clause` names it in errors."""
    scanner = _Scanner(clause, text, readings)
    predicates = [_condition(scanner)]
    while not scanner.at_end():
        scanner.need(_COMMA)
        predicates.append(_condition(scanner))
    return lambda row: all(holds(row) for holds in predicates)


class _Scanner:
    """Reads tokens off a condition set; a token's pattern takes the space around it along."""

    def __init__(self, clause, text, readings):
        self.readings = readings
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
    name = scanner.need(_OPERATOR)
    value = _value(scanner, column)
    test = _TESTS[COLUMNS[column]](name, value, scanner.readings)
    absent = _of_nothing(name, test, COLUMNS[column], scanner.readings)
    return lambda row: absent if row[column] is None else test(row[column])


def _call(scanner, function):
    column = scanner.column()
    scanner.need(_COMMA)
    value = _unquote(scanner.need(_QUOTED))
    scanner.need(_CLOSE)
    if COLUMNS[column] not in _TEXTS[scanner.readings.functions_on_dates]:
        scanner.fail(f"{function}: column '{column}' is not a string")
    test = _FUNCTIONS[function](value, scanner.readings)
    absent = scanner.readings.nulls == "empty" and test("")
    return lambda row: absent if row[column] is None else test(row[column])


def _of_nothing(name, test, kind, readings):
    """What a comparison says of a null."""
    if readings.nulls == "empty":
        return test(_EMPTY[kind])
    return readings.nulls == "differ" and name == "<>"


def _test_text(name, value, readings):
    compare = _OPERATORS[name]
    if name in ("=", ":", "<>"):
        form = FOLD[readings.equal]
    else:
        form = COLLATE[readings.compare]
    bound = form(value)
    return lambda own: compare(form(own), bound)


def _test_date(name, value, readings):
    return date_predicate(name, _OPERATORS[name], value, readings)


def _test_plain(name, value, _readings):
    compare = _OPERATORS[name]
    return lambda own: compare(own, value)


def _value(scanner, column):
    quoted = scanner.take(_QUOTED)
    text = _unquote(quoted) if quoted is not None else scanner.need(_BARE)
    value = _CONVERT[COLUMNS[column]](text, quoted is not None)
    if value is None:
        scanner.fail(f"bad value '{text}' for column '{column}'")
    return value


def _unquote(quoted):
    return _ESCAPE.sub(r"\1", quoted[1:-1])


def _substring(value, readings):
    form = FOLD[readings.substring]
    value = form(value)
    return lambda text: value in form(text)


def _word(value, readings):
    form = FOLD[readings.word]
    value = form(value)
    if readings.word_ends == "spaces":
        return lambda text: value in form(text).split()
    kind = re.ASCII if readings.word_ends == "ascii" else 0
    pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", kind)
    return lambda text: pattern.search(form(text)) is not None


def _subdomain(value, readings):
    form = ascii_folded if readings.subdomain == "ascii" else str
    value = form(value)
    own = readings.own_subdomain == "yes"
    bare = readings.no_scheme == "host"

    def test(text):
        host = form(_host_of(text, bare))
        return host.endswith("." + value) or (own and host == value)
    return test


def _host_of(text, bare):
    """The host in a URL; `bare`: also that of a text without a scheme."""
    try:
        parts = urlsplit(text if "://" in text or not bare else "//" + text)
    except ValueError:
        return ""
    return parts.netloc.rpartition("@")[2].partition(":")[0]


_FUNCTIONS = {"substring": _substring, "word": _word, "subdomain": _subdomain}
_TESTS = {"int": _test_plain, "boolean": _test_plain, "string": _test_text, "date": _test_date}
_TEXTS = {"text": ("string", "date"), "refused": ("string",)}
_EMPTY = {"int": 0, "boolean": False, "string": "", "date": ""}

# (text, was it quoted) -> value, None when the column cannot be compared with it
_CONVERT = {
    "int": lambda text, _quoted: int(text) if _INTEGER.fullmatch(text) else None,
    "boolean": lambda text, _quoted: _BOOLEANS.get(text),
    "string": lambda text, quoted: text if quoted else None,
    "date": lambda text, quoted: text if quoted else None,
}
