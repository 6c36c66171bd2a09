"""The calls of a team of today in two weeks, made up: the same ones for the same seed.

The team has 3 sites of its own and watches 5 competitors. What asks, and why so much of it:

- *Daily runs*: a job at 05:00 loads the new links of each site, its organic keywords of today and its metrics;
  another at 06:30, of another department, loads the keywords again, in fewer columns and its own spelling.
- *Exports*: the warehouse loads the live links of the own sites with the 21 columns of a row of v2 at 02:00,
  a backup does so again on Mondays as CSV, together with the competitors.
- *Restarts*: a service keeps nothing, and asks for its 24 lists at each start: when it is deployed, on workdays
  two to five times, and when it falls over.
- *Dashboards*: a page of seven panels, of which many people open the same all day, in two tools that spell in
  their own ways: order of parameters, of columns, of a filter's parts, defaults said or unsaid.
- *Analysts*: one takes a site and narrows it down in 4 to 12 calls: fewer columns, a smaller limit, a filter more.
- *Batches*: a POST for the ratings of all sites on Mondays.

What the restarts, dashboards and the second job ask is the same again; the exports hold the rows of several
panels and of much that the analysts ask. What hangs on today's date is another question each day.

The simulated web does not change meanwhile, so that every answer has one right content, whenever it was stored.
"""

import json
from datetime import datetime, timedelta, timezone
from random import Random
from typing import NamedTuple, Optional
from urllib.parse import quote, quote_plus

from v3 import BACKLINKS, BATCH, DAY, KEYWORDS, field

DAYS = 14
END = datetime.fromisoformat(DAY).replace(tzinfo=timezone.utc) + timedelta(days=1)
BEGIN = END - timedelta(days=DAYS)
KEYS = {"alice": "key-of-alice-0123456789abcdef", "bob": "key-of-bob-fedcba9876543210",
        "cron": "key-of-the-jobs-00112233445566"}
SITES = ("rows-240.own0.example", "rows-180.own1.example", "rows-420.own2.example")
RIVALS = tuple(f"rows-{rows}.rival{rows}.example" for rows in (60, 110, 160, 230, 900))
_WEEKEND = (5, 6)
_ROW = ("url_rating_source,domain_rating_source,url_from,url_to,links_internal,links_external,encoding,"
        "http_code,title,discovered_status,drop_reason,first_seen_link,last_seen,last_visited,"
        "link_type,redirect_code,is_nofollow,alt,anchor,snippet_left,snippet_right")
_WORDS = ("keyword,keyword_country,best_position,best_position_prev,best_position_url,volume,"
          "keyword_difficulty,sum_traffic,cpc,is_branded,last_update")
_DEFAULTS = {BACKLINKS: {"mode": "subdomains", "protocol": "both", "output": "json"},
             KEYWORDS: {"output": "json"}}
_STRONG = {"and": [field("domain_rating_source", "gte", 24.5), field("is_nofollow", "eq", False)]}


class Asked(NamedTuple):
    """One request of the trace; `params` is what it means, `path` how it is spelled."""

    at: datetime
    part: str
    key: str
    endpoint: str
    params: dict
    path: str
    body: Optional[str] = None


def trace(seed="team of today") -> list:
    """The requests in the order of their times."""
    team = _Team(Random(seed))
    for day in range(DAYS):
        team.work(BEGIN + timedelta(days=day))
    return sorted(team.asked, key=lambda one: one.at)


class _Team:
    def __init__(self, random):
        self.random = random
        self.asked = []

    def ask(self, at, part, tool, person, endpoint, **params):
        params = {name: json.dumps(value) if isinstance(value, dict) else str(value)
                  for name, value in params.items() if value is not None}
        path = f"/v3/{endpoint}?{_SPELLED[tool](Random(f'{tool} {endpoint}'), endpoint, params)}"
        self.asked.append(Asked(at, part, KEYS[person], endpoint, params, path))

    def work(self, midnight):
        """One day."""
        random, workday = self.random, midnight.weekday() not in _WEEKEND
        self._exports(midnight)
        self._daily(midnight)
        for _ in range(random.randint(2, 5) if workday else random.randint(0, 1)):
            self._restart(midnight + timedelta(hours=random.uniform(8, 20)))
        for _ in range(28 if workday else 3):
            at = midnight + timedelta(hours=random.triangular(8, 19, 11))
            self._dashboard(at, random.choice(("alice", "bob")))
        for _ in range(5 if workday else 0):
            self._analyst(midnight + timedelta(hours=random.triangular(8, 19, 14)))
        if midnight.weekday() == 0:
            self._batch(midnight + timedelta(hours=4))

    # What cron does

    def _exports(self, midnight):
        monday = midnight.weekday() == 0
        for number, site in enumerate(SITES + RIVALS):
            at = midnight + timedelta(hours=2, minutes=number)
            if site in SITES:
                self.ask(at, "export", "warehouse", "cron", BACKLINKS, **_export(site))
            if monday:
                self.ask(at + timedelta(hours=1), "export", "warehouse", "cron", BACKLINKS,
                         **_export(site), output="csv")

    def _daily(self, midnight):
        yesterday, today = str((midnight - timedelta(days=1)).date()), str(midnight.date())
        for number, site in enumerate(SITES + RIVALS):
            at = midnight + timedelta(hours=5, seconds=20 * number)
            new = field("first_seen_link", "gte", yesterday + "T00:00:00Z")
            self.ask(at, "daily", "job", "cron", BACKLINKS, target=site, aggregation="all",
                     select="url_from,url_to,anchor,domain_rating_source,first_seen_link",
                     where=new, history="since:" + yesterday)
            self.ask(at, "daily", "job", "cron", KEYWORDS, **_words(site, today))
            self.ask(at, "daily", "job", "cron", "site-explorer/metrics", target=site, date=today)
            again = at + timedelta(hours=1.5)
            self.ask(again, "daily", "other job", "cron", KEYWORDS, **{
                **_words(site, today), "select": "keyword,volume,best_position"})

    def _restart(self, at):
        for number, site in enumerate(SITES + RIVALS):
            now = at + timedelta(seconds=number)
            self.ask(now, "restart", "service", "cron", KEYWORDS,
                     **_words(site, str(at.date()), limit=50))
            self.ask(now, "restart", "service", "cron", BACKLINKS, **_strong(site, 100))
            self.ask(now, "restart", "service", "cron", "site-explorer/refdomains", target=site,
                     select="domain,domain_rating,links_to_target", limit=100)

    def _batch(self, at):
        body = json.dumps({"select": ["url", "domain_rating", "backlinks", "refdomains"], "targets": [
            {"url": site, "mode": "subdomains", "protocol": "both"} for site in SITES + RIVALS]})
        self.asked.append(Asked(at, "batch", KEYS["cron"], BATCH, {}, f"/v3/{BATCH}", body))

    # What people do

    def _dashboard(self, at, person):
        random, today = self.random, str(at.date())
        site = random.choice(SITES if random.random() < 0.8 else RIVALS)
        tool = random.choice(("board", "sheet"))
        panels = [
            (BACKLINKS, _strong(site, 100)),
            (BACKLINKS, {**_strong(site, 100), "where": field("is_nofollow", "eq", True)}),
            (BACKLINKS, {**_links(site), "where": field("link_type", "eq", "redirect")}),
            (KEYWORDS, _words(site, today, limit=50)),
            (KEYWORDS, {**_words(site, today, limit=20), "select": "keyword,best_position,volume"}),
            ("site-explorer/metrics", {"target": site, "date": today}),
            ("site-explorer/refdomains", {"target": site, "limit": 50,
                                          "select": "domain,domain_rating"}),
        ]
        for number, (endpoint, params) in enumerate(panels):
            self.ask(at + timedelta(seconds=number), "dashboard", tool, person, endpoint, **params)

    def _analyst(self, at):
        random = self.random
        params = _links(random.choice(SITES + RIVALS))
        for _ in range(random.randint(4, 12)):
            self.ask(at, "analyst", "notebook", "alice", BACKLINKS, **params)
            at += timedelta(seconds=random.randint(5, 300))
            step = random.choice(("select", "limit", "where", "where", "where"))
            if step == "select":
                params["select"] = random.choice(("url_from,anchor", "url_from,title", "anchor"))
            elif step == "limit":
                params["limit"] = random.choice((10, 50, 100))
            else:
                params["where"] = _filter(random)


def _export(site):
    return {"target": site, "select": _ROW, "aggregation": "all", "history": "live", "limit": 1000}


def _links(site):
    return {"target": site, "aggregation": "all", "history": "live",
            "select": "url_from,url_to,anchor,domain_rating_source,first_seen_link", "limit": 1000}


def _strong(site, limit):
    return {**_links(site), "where": _STRONG, "limit": limit}


def _words(site, day, limit=200):
    return {"target": site, "date": day, "select": _WORDS, "order_by": "sum_traffic:desc",
            "limit": limit}


def _filter(random):
    pick = random.choice
    parts = [pick((
        lambda: field("domain_rating_source", "gte", pick((19.5, 29.5, 49.5, 69.5))),
        lambda: field("is_nofollow", "eq", False),
        lambda: field("links_external", "lt", pick((50, 100, 200))),
        lambda: field("anchor", "isubstring", pick(("here", "home", "seo"))),
        lambda: field("first_seen_link", "gte", pick(("2025-01-01", "2026-01-15"))),
    ))() for _ in range(random.randint(1, 3))]
    return parts[0] if len(parts) == 1 else {"and": parts}


# How tools spell: each always in the same way


def _plain(_random, _endpoint, params):
    return "&".join(f"{name}={quote(value)}" for name, value in params.items())


def _otherwise(random, endpoint, params):
    """Another order of parameters and columns, defaults said, filters without spaces."""
    params = {**params, **{name: value for name, value in _DEFAULTS.get(endpoint, {}).items()
                           if name not in params}}
    if "select" in params:
        params["select"] = ",".join(sorted(params["select"].split(","), reverse=True))
    if "where" in params:
        params["where"] = json.dumps(json.loads(params["where"]), separators=(",", ":"),
                                     sort_keys=True)
    pairs = random.sample(sorted(params.items()), len(params))
    return "&".join(f"{name}={quote_plus(value)}" for name, value in pairs)


_SPELLED = {"warehouse": _plain, "job": _plain, "board": _plain, "other job": _otherwise,
            "service": _otherwise, "sheet": _otherwise, "notebook": _plain}
