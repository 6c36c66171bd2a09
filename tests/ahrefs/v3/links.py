"""The links of the simulated web, as v3 has them.

They are those of the v2 world (the same URLs, texts and numbers) with what v2 does not tell: when a
link was found, seen last and perhaps lost, ratings with a decimal, and the columns of v3. Members
whose names begin with `_` are what only v2 tells; no column is called so.

Time ends with the last second of `today`. Nothing happened in the two days before the period of 60
days, so that it does not matter to the day how far "about 60 days" reaches.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from ..targets import Scope, fixed_size
from ..world import rows_of

PERIOD_DAYS = 60
TODAY = "2024-02-20"
_DAY = 86400
_PERIOD = PERIOD_DAYS * _DAY
_GAP = 2 * _DAY
_YEARS = 5 * 365 * _DAY
_SIZED = re.compile(r"(both|tied|links)-([0-9]+)\.")
_REASONS = ("removedfromhtml", "notcanonical", "noindex", "pageredirected", "pageerror",
            "lostredirect", "notfound", None)
_LANGUAGES = ([], ["en"], ["de", "en"], ["ja"], ["ru", "uk", "en"])
_POWERED_BY = ([], ["WordPress"], ["nginx", "PHP"])


def links_of(scope, edition: int, odd=False, today=TODAY) -> list:
    """The links of a scope, whenever they were found or lost, in the order in which they are
    stored. `odd`: some have values that were not seen in answers."""
    host = scope.hosts[0]
    hosts = (host,) if _SIZED.match(host) else scope.hosts
    links = [link for one in hosts for link in _links_of_host(one, edition, odd, today)]
    size = fixed_size(host)
    if size and size.kind == "huge":
        links = (links * (size.rows // len(links) + 1))[:size.rows]
    return list(filter(scope.wanted, links)) if scope.wanted else links


@lru_cache(maxsize=64)
def _links_of_host(host, edition, odd, today):
    random = Random(f"{edition}/{host}/v3")
    kind = _kind(host)
    end = datetime.strptime(today, "%Y-%m-%d") + timedelta(seconds=_DAY - 1)
    links = []
    for row in _base_rows(host, edition):
        link = _link(row, _LIVES[kind](random.random), end, random, kind == "any")
        if links and random.random() < 0.05:
            link.update({name: links[-1][name] for name in _PAIR})
        if odd:
            link = _made_odd(link, links, random)
        links.append(link)
    return tuple(links)


_PAIR = ("url_from", "url_to", "url_from_plain", "url_to_plain", "name_source", "root_name_source",
         "is_root_source")


def _kind(host):
    """What may become of a host's links: `any`, or what the names of fixed size promise."""
    if fixed_size(host):
        return "one"
    found = _SIZED.match(host)
    return found[1] if found and found[1] != "links" else "any"


def _base_rows(host, edition):
    """The rows of the v2 world; of a name whose size only v3 knows, those of another with it."""
    found = _SIZED.match(host)
    other = f"rows-{found[2]}.of.{host}" if found else host
    rows = rows_of(Scope((other,), None), edition)
    rows = getattr(rows, "block", rows)
    return [{**row, "url_to": row["url_to"].replace(other, host, 1)} for row in rows]


# Lives: how many seconds ago a link was found, and lost, or None


def _any_life(below):
    found = below() * _PERIOD if below() < 0.45 else _PERIOD + below() * _YEARS
    if below() < 0.55:
        return found, None
    return found, min(found, _PERIOD if below() < 0.6 else _YEARS) * below()


def _one_event(below):
    if below() < 0.6:
        return below() * _PERIOD, None
    return _PERIOD + below() * _YEARS, below() * _PERIOD


def _both_events(below):
    found = below() * _PERIOD
    return found, found * below()


def _tied(below):
    return 30.5 * _DAY, None if below() < 0.7 else 10.25 * _DAY


_LIVES = {"any": _any_life, "one": _one_event, "both": _both_events, "tied": _tied}


def _link(row, life, end, random, may_return):
    below = random.random
    found, lost = (None if age is None else _placed(age) for age in life)
    if below() < 0.04:
        found = found // _DAY * _DAY + _DAY - 1  # midnight of its day
    if lost is not None and below() < 0.04:
        lost = lost // _DAY * _DAY  # the last second of its day
    seen = int(below() * min(found if lost is None else lost, 30 * _DAY))
    before = seen + int(below() * (found - seen))
    again = lost is None and may_return and below() < 0.04
    said = _said_by_v2(row, random)
    return {
        **said, **_ratings(row, random), **_names(row, below),
        **_flags(said["link_type"], row, lost, below), **_numbers(row, random),
        **_rest(row, lost, random),
        "first_seen_link": _time(end, found),
        "first_seen": _time(end, found + int(below() * _YEARS / 5)),
        "last_seen": None if lost is None else _time(end, lost),
        "last_visited": _time(end, seen), "_prev_visited": _time(end, before),
        "_lost_before": _time(end, before) if again else None,
    }


def _placed(age):
    """The age in whole seconds, with the gap behind the period."""
    return int(age) + (_GAP if age >= _PERIOD else 0)


def _time(end, ago):
    return (end - timedelta(seconds=ago)).isoformat() + "Z"


def _said_by_v2(row, random):
    same = ("url_from", "url_to", "anchor", "title", "links_internal", "links_external", "encoding",
            "http_code")
    href = random.choice(("text", "text", "text", "image"))
    later = random.choice(("linkfound", "linkrestored", None))
    return {
        **{name: row[name] for name in same},
        "link_type": href if row["link_type"] == "href" else row["link_type"],
        "redirect_code": row["redirect"] or None,
        "is_nofollow": row["nofollow"],
        "alt": row["alt"] or random.choice((None, "")),
        "snippet_left": row["text_pre"], "snippet_right": row["text_post"],
        "discovered_status": "pagefound" if row["original"] else later,
        "_origin": row["origin"],
    }


def _ratings(row, random):
    """Floats that become v2's integers when they are rounded half up."""
    return {
        "url_rating_source": _rating(row["ahrefs_rank"], random),
        "domain_rating_source": _rating(row["domain_rating"], random),
        "domain_rating_target": _rating(50, random),
    }


def _rating(whole, random):
    tenths = min(1000, max(0, whole * 10 + random.randint(-5, 4)))
    return tenths / 10 if tenths % 10 else tenths // 10


def _names(row, below):
    source, target = (row[name].split("://", 1)[1] for name in ("url_from", "url_to"))
    name_source, name_target = source.split("/")[0], target.split("/")[0]
    root_source, root_target = (
        ".".join(name.split(".")[-2:]) for name in (name_source, name_target))
    return {
        "url_from_plain": source, "url_to_plain": target,
        "name_source": name_source, "name_target": name_target,
        "root_name_source": root_source, "root_name_target": root_target,
        "is_root_source": name_source == root_source, "is_root_target": name_target == root_target,
        "tld_class_source": "gtld" if below() < 0.7 else "cctld", "tld_class_target": "gtld",
    }


def _flags(kind, row, lost, below):
    return {
        **{f"is_{name}": kind == name for name in _KINDS},
        "is_dofollow": not row["nofollow"], "is_lost": lost is not None, "is_new": below() < 0.97,
        "is_redirect_lost": kind == "redirect" and lost is not None,
        **{name: below() < share for name, share in _SHARES.items()},
    }


_KINDS = ("alternate", "canonical", "form", "frame", "image", "redirect", "rss", "text")
_SHARES = {"http_crawl": 0.9, "js_crawl": 0.3, "is_content": 0.6, "is_spam": 0.1,
           "is_sponsored": 0.1, "is_ugc": 0.1, "noindex": 0.05,
           "is_homepage_link": 0.1, "is_non_html": 0.02}


def _numbers(row, random):
    below = random.random
    return {
        **{name: int(below() ** 3 * most) for name, most in _MOST.items()},
        "port_source": 443 if row["url_from"].startswith("https") else 80,
        "port_target": 443 if row["url_to"].startswith("https") else 80,
        "link_group_count": 1, "len_url_redirect": int(bool(row["redirect"])),
    }


_MOST = {"ahrefs_rank_source": 10**8, "ahrefs_rank_target": 10**7, "class_c": 500,
         "linked_domains_source_domain": 9000, "linked_domains_source_page": 200,
         "linked_domains_target_domain": 900, "page_size": 10**6, "positions": 5000,
         "refdomains_source": 400, "refdomains_source_domain": 90000,
         "refdomains_target_domain": 9000, "traffic": 4000, "traffic_domain": 10**6,
         "positions_source_domain": 10**5}


def _rest(row, lost, random):
    pick, target = random.choice, row["url_to"]
    hops = [target] if row["redirect"] else []
    return {
        "lost_reason": None if lost is None else pick(_REASONS),
        "drop_reason": None if lost is None else pick((None, "duplicate", "low quality")),
        "ip_source": pick((None, "192.0.2.1", "198.51.100.7", "2001:db8::1")),
        "page_category_source": pick((None, "/News", "/Computers/Software")),
        "page_type_source": pick((None, "Article", "Listing")),
        "source_page_author": pick((None, "A. Writer", "日本 太郎")),
        "source_page_publish_date": pick((None, "2020-02-29", "2023-12-31")),
        "broken_redirect_new_target": None, "broken_redirect_reason": None,
        "broken_redirect_source": None,
        "languages": pick(_LANGUAGES), "powered_by": pick(_POWERED_BY),
        "redirect_kind": [row["redirect"]] if hops else [],
        "url_redirect": hops, "url_redirect_with_target": [*hops, target] if hops else [],
    }


def _made_odd(link, before, random):
    """The link, in one of four cases with a value of a kind that is possible and not seen, or the
    same as the one before it to the last member."""
    if random.random() < 0.75:
        return link
    if before and random.random() < 0.1:
        return dict(before[-1])
    name, value = random.choice((
        ("link_type", "video"), ("discovered_status", "guessed"), ("lost_reason", "retired"),
        ("title", None), ("anchor", None), ("domain_rating_source", None), ("http_code", None),
        ("redirect_code", 0), ("encoding", None), ("anchor", "HOME"), ("anchor", "home"),
        ("title", "STRASSE"), ("title", "straße"), ("anchor", "\U0001f600"), ("anchor", "\uff5e"),
        ("domain_rating_source", 24.5), ("url_rating_source", 0.5), ("links_external", None),
        ("last_visited", link["last_visited"][:10] + "T23:59:59Z"),
        ("url_from", link["url_from"].replace("site", "Site")),
        ("url_from", link["url_from"].replace(".example/", ".example:8080/")),
    ))
    return {**link, name: value}
