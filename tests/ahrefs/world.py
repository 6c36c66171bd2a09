"""The links of the simulated web: always the same ones for the same host.

A host's rows come from a hash of its name. The `edition` lets a test have the web
change, to tell an answer asked for again from one that was kept.
"""

import hashlib
from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random

from .rowsets import Listed, Repeated
from .targets import fixed_size
from .texts import LONG_TEXT, PLAIN_TEXTS, TEXTS

BLOCK_ROWS = 512
_LAST_DAY = date(2024, 2, 20)
_DAYS_BACK = 60
_LAST_SECOND = datetime(2024, 2, 20, 23, 59, 59)
_SECONDS_BACK = 5 * 365 * 86400
_LINK_TYPES = ("href",) * 8 + ("redirect", "frame", "form", "canonical", "rss", "alternate")
_PATHS = (
    "/", "/", "/api/", "/api/", "/api/v2/", "/API/", "/blog/{}", "/?page={}",
    "/caf%C3%A9", "/日本語/{}", "/a%20b?c=d&e=%26",
)
_DAYS = tuple(str(_LAST_DAY - timedelta(days=back)) for back in range(_DAYS_BACK))


def rows_of(scope, edition: int, odd=False):
    """The rows of a scope as a row set, in the order in which they are stored. `odd`: some have
    values that nothing documents, which no row has otherwise."""
    host = scope.hosts[0]
    size = fixed_size(host)
    if size and size.kind == "huge":
        rows = Repeated(_block(host, edition), size.rows)
    else:
        rows = Listed([row for one in scope.hosts for row in _rows_of_host(one, edition, odd)])
    return rows.where(scope.wanted) if scope.wanted else rows


@lru_cache(maxsize=32)
def _rows_of_host(host, edition, odd):
    random = Random(f"{edition}/{host}")
    rows = [_row(host, index, random, _any_text) for index in range(_count(host))]
    return tuple(_made_odd(row, random) for row in rows) if odd else tuple(rows)


def _made_odd(row, random):
    """The row, in one of four cases with a value of a kind that is possible and not seen."""
    if random.random() < 0.75:
        return row
    name, value = random.choice((
        ("prev_visited", None), ("prev_visited", ""), ("title", None), ("anchor", None),
        ("redirect", None), ("domain_rating", None), ("nofollow", None),
        ("first_seen", row["first_seen"][:10]),
        *((name, row[name][:10] + "T00:00:00Z") for name in ("first_seen", "prev_visited") * 2),
        ("last_visited", row["last_visited"][:10] + "T23:59:59Z"),
        ("date", row["date"] + "T12:00:00Z"), ("type", row["type"].capitalize()),
        ("url_from", row["url_from"].replace("site", "Site")),
        ("url_from", row["url_from"].replace(".example/", ".example:8080/")),
        ("url_from", row["url_from"].partition("://")[2]),
        ("anchor", "home"), ("anchor", "HOME"), ("anchor", "Home "), ("anchor", "Höme"),
        ("title", "\U0001f600"), ("title", "\uff5e"), ("anchor", "\U0001f600"), ("anchor", "\uff5e"),
        ("title", "Click_Here"), ("title", "STRASSE"), ("title", "straße"),
    ))
    return {**row, name: value}


@lru_cache(maxsize=4)
def _block(host, edition):
    """Rows of some 600 bytes each, without the surprises: for what is about quantity."""
    random = Random(f"{edition}/{host}")
    return [_row(host, index, random, _plain_text) for index in range(BLOCK_ROWS)]


def _count(host):
    """A registered name has up to 1500 rows, one below it up to 500; one in 16 has none."""
    size = fixed_size(host)
    if size:
        return size.rows
    number = int.from_bytes(hashlib.sha256(host.encode()).digest()[:8], "big")
    most = 1500 if host.count(".") == 1 else 500
    return 0 if number % 16 == 0 else 1 + (number >> 4) % most


def _row(host, index, random, text):
    pick = random.choice
    below = random.random
    link_type = pick(_LINK_TYPES)
    first_seen = int(below() * _SECONDS_BACK)
    last_visited = int(below() * first_seen)
    prev_visited = first_seen - int(below() * (first_seen - last_visited))
    return {
        "date": pick(_DAYS),
        "type": "new" if below() < 0.6 else "lost",
        "ahrefs_rank": int(below() * 101),
        "domain_rating": int(below() * 101),
        "url_from": f"http{pick(('', 's'))}://{_referrer(below)}/p/{index}",
        "url_to": f"http{pick(('', 's'))}://{host}{_path(pick, below)}",
        "links_internal": int(below() * 400),
        "links_external": _links_external(below),
        "encoding": pick(("utf8", "utf8", "iso-8859-1", "windows-1251", "shift_jis", "")),
        "http_code": pick((200, 200, 200, 301, 302, 404, 410, 500, 0)),
        "title": text(pick, below),
        "origin": pick(("fresh", "drop", "recrawl")),
        "first_seen": _time(first_seen),
        "last_visited": _time(last_visited),
        "prev_visited": _time(prev_visited),
        "original": below() < 0.5,
        "link_type": link_type,
        "redirect": pick((301, 302, 303, 307, 308)) if link_type == "redirect" else 0,
        "nofollow": below() < 0.3,
        "alt": text(pick, below) if below() < 0.2 else "",
        "anchor": text(pick, below),
        "text_pre": text(pick, below),
        "text_post": text(pick, below),
    }


def _referrer(below):
    number = int(below() * 60)
    return ("", "www.", "m.", "news.")[number % 4] + f"site{number // 4}.example"


def _path(pick, below):
    return pick(_PATHS).format(int(below() * 20))


def _links_external(below):
    """Now and then more than a double can hold: 2^53 and what follows."""
    return 2**53 + 1 + int(below() * 2**40) if below() < 0.03 else int(below() * 300)


def _time(seconds_ago):
    return (_LAST_SECOND - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _any_text(pick, below):
    chance = below()
    if chance < 0.001:
        return LONG_TEXT
    if chance < 0.4:
        return f"{pick(TEXTS)} {int(below() * 100)}"
    return pick(TEXTS)


def _plain_text(pick, _below):
    return pick(PLAIN_TEXTS)
