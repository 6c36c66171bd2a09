"""Links as the rows that v2 would have of them: for its simulator, as a source of rows.

With the defaults, v2 and v3 tell the same. What v3 cannot tell is `origin` and `prev_visited`.
"""

from datetime import date, timedelta
from math import ceil, floor

from ..rowsets import Listed
from .links import PERIOD_DAYS, TODAY, links_of

_SAME = ("url_from", "url_to", "links_internal", "links_external", "encoding", "http_code", "title")
_ROUNDED = {  # tenths to a whole number
    "up": lambda tenths: floor(tenths / 10 + 0.5),
    "down": lambda tenths: ceil(tenths / 10 - 0.5),
    "even": lambda tenths: round(tenths / 10),
}


def as_v2(today=TODAY, rounding="up", returns=False):
    """A `source` for the simulator of v2. `rounding`: what becomes of .5 in ratings; `returns`: a
    link that was lost and found again in the period has rows for both, which v3 does not show."""
    rounded = _ROUNDED[rounding]
    first = str(date.fromisoformat(today) - timedelta(days=PERIOD_DAYS - 1))

    def source(scope, edition, odd=False):
        links = links_of(scope, edition, odd, today)
        return Listed([_row(link, kind, time, rounded) for link in links
                       for kind, time in _events(link, returns) if time[:10] >= first])
    return source


def _events(link, returns):
    yield "new", link["first_seen_link"]
    if link["last_seen"]:
        yield "lost", link["last_seen"]
    if returns and link["_lost_before"]:
        yield "lost", link["_lost_before"]
        yield "new", link["last_visited"]


def _row(link, kind, time, rounded):
    same = {name: link[name] for name in _SAME}
    return {
        "date": time[:10], "type": kind,
        "ahrefs_rank": _whole(link["url_rating_source"], rounded),
        "domain_rating": _whole(link["domain_rating_source"], rounded),
        **same, "origin": link["_origin"],
        "first_seen": link["first_seen_link"], "last_visited": link["last_visited"],
        "prev_visited": link["_prev_visited"],
        "original": link["discovered_status"] == "pagefound",
        "link_type": "href" if link["link_type"] in ("text", "image") else link["link_type"],
        "redirect": link["redirect_code"] or 0, "nofollow": link["is_nofollow"],
        "alt": link["alt"] or "", "anchor": link["anchor"],
        "text_pre": link["snippet_left"], "text_post": link["snippet_right"],
    }


def _whole(rating, rounded):
    return None if rating is None else rounded(round(rating * 10))
