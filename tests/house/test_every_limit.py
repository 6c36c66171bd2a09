"""Every limit on load and memory is in the manual, and is reached in a test."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DAEMON = TESTS.parent / "daemon"

# Where it is tested what happens when a limit is reached: by key, and by constant.
TESTED = {
    "server.max_connections": "scripts/test_connections.py",
    "server.max_connections_per_address": "scripts/test_limits.py",
    "server.idle_timeout": "scripts/test_old_clients.py",
    "server.max_kept": "scripts/test_front.py",
    "server.max_uri": "scripts/test_bad_input.py",
    "server.max_headers": "scripts/test_bad_input.py",
    "server.max_header_count": "scripts/test_front.py",
    "server.max_body": "scripts/test_front.py",
    "server.max_bodies": "scripts/test_front.py",
    "server.max_answers": "scripts/test_limits.py",
    "access.requests_per_second": "scripts/test_limits.py",
    "access.checks_per_minute": "scripts/test_access.py",
    "access.checks_inflight": "scripts/test_access.py",
    "upstream.max_inflight": "scripts/test_upstream.py",
    "upstream.max_waiting": "scripts/test_pace.py",
    "upstream.requests_per_minute": "scripts/test_pace.py",
    "upstream.stall_timeout": "scripts/test_upstream.py",
    "upstream.max_translated": "scripts/test_limits.py",
    "upstream.max_depth": "unit/test_reader.c",
    "cache.max_size": "scripts/test_cache_size.py",
    "QUERY_PARAMETERS_MAX": "unit/test_form.c",
    "FLIGHT_WINDOW": "unit/test_flight.c",
    "DERIVED_PLACES": "unit/test_derived.c",
    "READER_MAX_ROW": "unit/test_rows.c",
    "READER_MAX_VALUE": "unit/test_reader.c",
    "ACCESS_REMEMBERED": "unit/test_access.c",
    "TEXTS_MOST": "unit/test_access.c",
    "KEYS_MOST": "unit/test_pacing.c",
}
KEYS = [name for name in TESTED if "." in name]
NO_LOAD = {"upstream.max_rows"}  # the plan's, and not a limit of ours

_SETTING = re.compile(r'^SETTING\((\w+), (\w+), \w+,\s+\w+, "([^"]*)"', re.MULTILINE)
_SECTION = re.compile(r"^\.SS Load and memory\n(.*?)^\.SS ", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r'^\.BR (\S+) " \((\S+)\)"', re.MULTILINE)
_IS_LIMIT = re.compile(r"^max_|_per_|_inflight$")


def defaults():
    table = (DAEMON / "tables" / "settings.def").read_text()
    return {f"{section}.{key}": default for section, key, default in _SETTING.findall(table)}


def manual():
    """The keys of the section, with the defaults that it gives."""
    return dict(_ROW.findall(_SECTION.search((DAEMON / "man" / "rowcached.8").read_text())[1]))


def test_the_manual_has_every_limit():
    limits = {key for key in defaults() if _IS_LIMIT.search(key.split(".")[1])}
    assert limits - NO_LOAD <= manual().keys() == set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_the_manual_gives_its_default(key):
    default = manual()[key]
    assert defaults()[key] == ("0" if default == "none" else default)


@pytest.mark.parametrize("limit", TESTED)
def test_a_test_reaches_it(limit):
    name = limit.split(".")[-1]
    assert re.search(rf"\b{name}\b", (TESTS / TESTED[limit]).read_text())
