"""Order and aggregation: as asked for, and where nothing says more, as a reading has it."""

from zlib import crc32

from ..compared import COLLATE

_GROUPED_BY = {
    "similar_links": ("name_source", "url_to", "anchor"),
    "1_per_domain": ("root_name_source",),
}
AGGREGATIONS = ("all", *_GROUPED_BY)


def aggregated(rows, how):
    """The first link of each group, which knows the size of its group."""
    if how == "all":
        return rows
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in _GROUPED_BY[how]), []).append(row)
    return [{**group[0], "link_group_count": len(group)} for group in groups.values()]


def arranged(rows, keys, columns, readings, question=""):
    """A list of rows, sorted by (column, descending) pairs; `question` is what ties may hang on."""
    rows = _UNORDERED[readings.unordered](list(rows))
    if not keys:
        return rows
    rows = _TIES[readings.ties](rows, question)
    for name, descending in reversed(keys[:1] if readings.second_order == "ignored" else keys):
        rows = _by_column(rows, name, descending, columns[name].kind, readings)
    return rows


def _by_column(rows, name, descending, kind, readings):
    value = COLLATE[readings.order] if kind == "text" else lambda own: own
    nulls = [row for row in rows if row[name] is None]
    others = [row for row in rows if row[name] is not None]
    others.sort(key=lambda row: value(row[name]), reverse=descending)
    nulls_first = {"first": True, "last": False, "least": not descending, "greatest": descending}
    return nulls + others if nulls_first[readings.null_order] else others + nulls


def _hashed(rows, salt=""):
    return sorted(rows, key=lambda row: crc32(repr((salt, *list(row.values())[:8])).encode()))


def _age(row):
    return row.get("first_seen_link") or row.get("last_update") or ""


_UNORDERED = {
    "stored": lambda rows: rows,
    "newest": lambda rows: sorted(rows, key=_age, reverse=True),
    "oldest": lambda rows: sorted(rows, key=_age),
    "hashed": _hashed,
}
_TIES = {
    "kept": lambda rows, _question: rows,
    "reversed": lambda rows, _question: rows[::-1],
    "hashed": lambda rows, _question: _hashed(rows),
    "asked": _hashed,
}
