"""The events of the log: the table is complete, and rowcached(8) lists it.

    ROWCACHE_BUILD=build /usr/bin/python3 -m pytest tests/house
"""

import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2] / "daemon"
_ROW = re.compile(r'^EVENT\((\w+), "([^"]+)",\s*((?:"[^"]*"\s*)+)\)', re.MULTILINE)
_CALL = re.compile(r"\blog_(error|warning|info)\(\s*EVENT_(\w+),")
_NAMED = re.compile(r"\bEVENT_(\w+)\b")
_ENTRY = re.compile(r'\.TP\n\.BR (\w+) " \(([^)]+)\)"\n((?:[^.\n].*\n)+)')


def table():
    """Each event with its levels and its meaning."""
    rows = _ROW.findall((HOUSE / "tables" / "events.def").read_text())
    return {name: (levels, "".join(re.findall('"([^"]*)"', meaning)))
            for name, levels, meaning in rows}


EVENTS = table()
SOURCES = "\n".join(file.read_text() for file in sorted(HOUSE.glob("*/*.c")))


def test_every_row_is_read():
    assert len(EVENTS) == (HOUSE / "tables" / "events.def").read_text().count("\nEVENT(")


def test_every_event_of_the_table_is_logged():
    assert set(_NAMED.findall(SOURCES)) == set(EVENTS)


def test_events_have_the_levels_of_the_table():
    """But those that a function chooses the level of."""
    used = {}
    for level, name in _CALL.findall(SOURCES):
        used.setdefault(name, set()).add(level)
    assert {name: set(EVENTS[name][0].split(", ")) for name in used} == used


def test_the_manual_page_has_the_table():
    page = (HOUSE / "man" / "rowcached.8").read_text()
    section = page[page.index(".SS Events\n"):page.index(".SH EXIT STATUS\n")]
    found = {name: (levels, " ".join(text.split())) for name, levels, text in _ENTRY.findall(section)}
    assert found == EVENTS
    assert list(found) == list(EVENTS)
