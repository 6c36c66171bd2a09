"""The order of results: as `order_by` says, and where it says nothing, as a reading has it."""

from zlib import crc32

from .columns import COLUMNS
from .compared import COLLATE

_UNORDERED = {
    "stored": lambda rows: rows,
    "oldest": lambda rows: sorted(rows, key=_age),
    "newest": lambda rows: sorted(rows, key=_age, reverse=True),
}
_TIES = {
    "kept": lambda rows: rows,
    "reversed": lambda rows: rows[::-1],
    "hashed": lambda rows: sorted(rows, key=_hash),
}


def arranged(rows, keys, readings):
    """A list of rows, sorted by (column, descending) pairs."""
    rows = _UNORDERED[readings.unordered](rows)
    if keys:
        rows = list(_TIES[readings.ties](rows))
    for column, descending in reversed(keys):
        rows.sort(key=_key(column, readings), reverse=descending)
    return rows


def _key(column, readings):
    value = COLLATE[readings.order] if COLUMNS[column] == "string" else lambda own: own
    absent = readings.null_order == "greatest"

    def key(row):
        own = row[column]
        return (absent,) if own is None else (not absent, value(own))
    return key


def _age(row):
    return row["date"] or "", row["first_seen"] or ""


def _hash(row):
    return crc32(f"{row['url_from']} {row['first_seen']} {row['url_to']}".encode())
