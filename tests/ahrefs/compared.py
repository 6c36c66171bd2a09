"""Texts, days and times as the readings of v2 compare them."""

import re
import unicodedata
from datetime import datetime, timezone
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

_ASCII = str.maketrans(ascii_uppercase, ascii_lowercase)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def ascii_folded(text):
    return text.translate(_ASCII)


@lru_cache(maxsize=65536)
def _bare(text):
    """Without case, accents and the spaces at the end, as MySQL's usual collations compare."""
    plain = (one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return "".join(plain).casefold().rstrip(" ")


@lru_cache(maxsize=65536)
def _dictionary(text):
    """Letters and digits first; what is left of case, accents and punctuation breaks ties."""
    bare = _bare(text)
    return "".join(filter(str.isalnum, bare)), bare, text.swapcase()


FOLD = {
    "exact": lambda text: text,
    "ascii": ascii_folded,
    "unicode": str.casefold,
    "dictionary": _bare,
}
COLLATE = {
    "bytes": lambda text: text,  # code points sort as the bytes of UTF-8 do
    "utf16": lambda text: text.encode("utf-16-be", "surrogatepass"),
    "nocase": ascii_folded,
    "dictionary": _dictionary,
}
_AT_DAY = {  # a time of a row beside a day of a condition
    "text": lambda time, day: (time, day),
    "midnight": lambda time, day: (time, day + "T00:00:00Z"),
    "whole": lambda time, day: (time[:10], day),
    "end": lambda time, day: (time, day + "T23:59:59Z"),
}
_AT_TIME = {  # a day of a row beside a time of a condition
    "text": lambda day, time: (day, time),
    "midnight": lambda day, time: (day + "T00:00:00Z", time),
    "cut": lambda day, time: (day, time[:10]),
}


def date_predicate(operator_name, compare, bound, readings):
    """The test of a row's day or time against a day or time of a condition."""
    if readings.time_forms == "parsed":
        bound = _canonical(bound)
    at_day = _AT_DAY[getattr(readings, _END[operator_name])]
    at_time = _AT_TIME[readings.time_on_day]
    if _DAY.fullmatch(bound):
        return lambda own: compare(*at_day(own, bound) if _TIME.fullmatch(own) else (own, bound))
    if _TIME.fullmatch(bound):
        return lambda own: compare(*at_time(own, bound) if _DAY.fullmatch(own) else (own, bound))
    return lambda own: compare(own, bound)


_END = {"=": "day_equal", ":": "day_equal", "<>": "day_equal", "<": "day_below",
        "<=": "day_below", ">": "day_above", ">=": "day_above"}


def _canonical(bound):
    """Another spelling of a day or a time in the one that answers have; or as it is."""
    try:
        moment = datetime.fromisoformat(bound.strip())
    except ValueError:
        return bound
    if ":" not in bound:
        return moment.strftime("%Y-%m-%d")
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
