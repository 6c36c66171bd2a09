"""The questions of a team in two weeks, made up: the same ones for the same seed.

The team has 3 sites of its own, watches 6 competitors, and looks at 4 prospects a day, most of them never
again. What it asks, and why so much of it:

- *Exports*: the warehouse loads each own site whole at 02:00; a backup written in PHP does so again at
  03:30 on Mondays, together with the competitors. Few questions, large answers: what is asked whole
  could answer the rest of the day.
- *Deltas*: alerts ask at 06:00 for yesterday's new and lost links of each site, mails at 07:00 for the
  same of the own sites in fewer columns. Small answers, whose price is the condition.
- *Boards*: a page of five or nine panels, which are fixed slices. Many people open the same board at any
  time of the day, so boards are more than half of all questions, and repeat themselves; four of five
  opened show an own site. Half are opened in the tool that spells as the documentation does, a third
  in a spreadsheet that spells otherwise, the rest in a PHP program that asks for PHP.
- *Sessions*: an analyst takes a target and narrows it down in 5 to 20 questions, each like the one
  before: another bound, another order, fewer columns, now and then all of it. They hardly repeat.
- *Best lists*: the first 10 to 100 by rating, some with a second and a third page.
- *XML*: an old Java tool asks for three panels in XML.

Boards, best lists, sessions and XML fill working hours in the ratio of 15, 10, 4 and 1 visits; a weekend's
day has a tenth of the visits. Own sites have 240 to 690 links, competitors 60 to 1000 and prospects 5 to 600,
as many orders of magnitude as fit being equally likely. Each tool spells its questions in its own way
and always the same: order of parameters, columns and conditions, encodings, defaults said or unsaid, `:` for
`=`, quotes, the target's capitals.

The proportions are such that a cache by exact URL saves about two fifths of the rows and exact keys about
half, as on a team's trace that was measured elsewhere (a third and a half).

The simulated web does not change meanwhile, so that every answer has one right content, whenever it was
stored. Its days end with the last day of the trace.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import NamedTuple

from queries import Call, Comparison, Question

DAYS = 14
BEGIN = datetime(2024, 2, 7, tzinfo=timezone.utc)  # a Wednesday
TOKENS = {"alice": "a11ce000" * 5, "bob": "b0b00000" * 5, "cron": "c0ffee00" * 5}
_CAREFUL = ("warehouse", "board", "alerts")  # these spell as the documentation does
_WEEKEND = (5, 6)
_VISITS = ("board",) * 15 + ("session",) * 4 + ("best",) * 10 + ("xml",)
_BOARDS = (("board", "json"),) * 3 + (("sheet", "json"),) * 2 + (("phpboard", "php"),)
_NARROW = ["url_from", "url_to", "anchor", "domain_rating", "date"]
_SELECTS = (
    [], _NARROW, ["url_from", "anchor"], ["url_from", "url_to", "first_seen", "nofollow"],
    ["url_from", "domain_rating", "ahrefs_rank"], ["date", "type", "url_from", "title"],
)


class Asked(NamedTuple):
    """One request of the trace."""

    at: datetime
    part: str
    tool: str
    question: Question
    query: str


def trace(count=5000, seed="team") -> list:
    """`count` requests in the order of their times."""
    team = _Team(Random(seed))
    for day in range(DAYS):
        team.by_the_clock(day)
    while len(team.asked) < count:
        team.visit()
    return sorted(team.asked[:count], key=lambda one: one.at)


class _Team:
    def __init__(self, random):
        self.random = random
        self.asked = []
        self.own = [_site("own", number, rows) for number, rows in enumerate((240, 420, 690))]
        self.watched = [_site("rival", number, self._size(60, 1000)) for number in range(6)]
        self.prospects = [[_site(f"lead{day}-", number, self._size(5, 600)) for number in range(4)]
                          for day in range(DAYS)]

    def _size(self, least, most):
        """As many orders of magnitude as fit are equally likely."""
        return round(least * (most / least) ** self.random.random())

    def ask(self, at, part, tool, question, token="cron"):
        token = TOKENS[token]
        query = question.plain(token) if tool in _CAREFUL else \
            question.respelled(Random(f"{tool} {question.plain('')}"), token)
        self.asked.append(Asked(at, part, tool, question, query))

    # What cron does

    def by_the_clock(self, day):
        midnight = BEGIN + timedelta(days=day)
        yesterday = str((midnight - timedelta(days=1)).date())
        monday = midnight.weekday() == 0
        for number, target in enumerate(self.own + self.watched):
            late = timedelta(seconds=20 * number)
            whole = Question("subdomains", target, limit=5000)
            if target in self.own:
                self.ask(midnight + timedelta(hours=2) + late, "export", "warehouse", whole)
            if monday:
                self.ask(midnight + timedelta(hours=3.5) + late, "export", "backup",
                         replace(whole, output="php"))
            for kind in ("new", "lost"):
                delta = Question("subdomains", target, where=[
                    Comparison("type", "=", kind), Comparison("date", "=", yesterday)])
                self.ask(midnight + timedelta(hours=6) + late, "delta", "alerts", delta)
                if target in self.own:
                    self.ask(midnight + timedelta(hours=7) + late, "delta", "mail",
                             replace(delta, select=_NARROW))

    # What people do

    def visit(self):
        random = self.random
        day = random.randrange(DAYS)
        if (BEGIN + timedelta(days=day)).weekday() in _WEEKEND and random.random() > 0.1:
            return
        at = BEGIN + timedelta(days=day, hours=random.triangular(8, 19, 11))
        getattr(self, "_" + random.choice(_VISITS))(day, at, random.choice(("alice", "bob")))

    def _board(self, _day, at, person):
        random = self.random
        own = random.random() < 0.8
        target = random.choice(self.own if own else self.watched)
        tool, output = random.choice(_BOARDS)
        for number, panel in enumerate(_panels(target, at)[:9 if own else 5]):
            self.ask(at + timedelta(seconds=number), "board", tool, replace(panel, output=output),
                     person)

    def _xml(self, _day, at, person):
        for panel in self.random.sample(_panels(self.random.choice(self.own), at), 3):
            self.ask(at, "xml", "java", replace(panel, output="xml"), person)

    def _best(self, day, at, person):
        random = self.random
        target = random.choice(self.own + self.watched + self.prospects[day])
        question = Question(
            "subdomains", target, select=random.choice(_SELECTS[:4]),
            where=random.choice(([], [], [Comparison("nofollow", "=", False)])),
            order_by=[(random.choice(("domain_rating", "domain_rating", "ahrefs_rank")), True)],
            limit=random.choice((10, 20, 50, 100)),
        )
        for page in range(random.choice((1, 1, 2, 3))):
            self.ask(at + timedelta(minutes=page), "best", random.choice(("sheet", "extension")),
                     replace(question, offset=page * question.limit), person)

    def _session(self, day, at, person):
        random = self.random
        target = random.choice(
            random.choices((self.prospects[day], self.watched, self.own), (7, 2, 1))[0])
        tool = random.choice(("notebook", "extension", "sheet"))
        question = Question("subdomains", target, select=_NARROW, limit=100,
                            order_by=[("domain_rating", True)])
        for _ in range(random.randint(5, 20)):
            self.ask(at, "session", tool, question, person)
            at += timedelta(seconds=random.randint(5, 300))
            question = self._next(question)

    def _next(self, question):
        random = self.random
        step = random.choices(("filter", "bound", "select", "order", "limit", "afresh", "whole"),
                              (6, 5, 4, 3, 3, 2, 1))[0]
        if step == "filter" and len(question.where) < 3:
            return replace(question, where=question.where + [_filter(random)])
        if step == "bound" and question.where:
            return replace(question, where=question.where[:-1] + [_filter(random)])
        if step == "order":
            return replace(question, order_by=random.choice((
                [("ahrefs_rank", True)], [("domain_rating", True), ("ahrefs_rank", True)],
                [("first_seen", True)], [("date", True)], [])))
        if step == "limit":
            return replace(question, limit=random.choice((10, 50, 100, 1000)))
        if step == "afresh":
            return replace(question, where=[])
        if step == "whole":
            return replace(question, where=[], select=[], order_by=[], limit=5000)
        return replace(question, select=random.choice(_SELECTS))


def _site(kind, number, rows):
    return f"rows-{rows}.{kind}{number}.example"


def _panels(target, at):
    """The slices of a board, which differ from day to day by one bound."""
    week = str((at - timedelta(days=7)).date())
    slices = (
        ([Comparison("type", "=", "new"), Comparison("date", ">=", week)], [("date", True)], 1000),
        ([Comparison("type", "=", "lost"), Comparison("date", ">=", week)], [("date", True)], 1000),
        ([Comparison("nofollow", "=", False), Comparison("domain_rating", ">=", 70)],
         [("domain_rating", True)], 100),
        ([Comparison("http_code", "=", 404)], [], 1000),
        ([Comparison("type", "=", "new"), Comparison("nofollow", "=", False)], [], 1000),
        ([Comparison("link_type", "=", "redirect")], [("redirect", False)], 1000),
        ([Comparison("links_external", ">", 200), Comparison("type", "=", "new")], [], 1000),
        ([Call("substring", "anchor", "click")], [], 1000),
        ([Comparison("origin", "=", "fresh"), Comparison("date", ">=", week)], [], 1000),
    )
    return [Question("subdomains", target, select=_NARROW, where=where, order_by=order, limit=limit)
            for where, order, limit in slices]


def _filter(random):
    pick = random.choice
    day = str((BEGIN - timedelta(days=random.randint(0, 40))).date())
    return pick((
        lambda: Comparison("domain_rating", ">=", pick((20, 30, 50, 60, 70, 80))),
        lambda: Comparison("domain_rating", ">=", pick((20, 30, 50, 60, 70, 80))),
        lambda: Comparison("ahrefs_rank", ">", pick((10, 25, 50))),
        lambda: Comparison("nofollow", "=", False),
        lambda: Comparison("type", "=", pick(("new", "lost"))),
        lambda: Comparison("date", pick((">=", "<")), day),
        lambda: Comparison("first_seen", ">=", pick(("2022-01-01", "2023-01-01", "2023-07-01"))),
        lambda: Comparison("links_external", "<", pick((50, 100, 200))),
        lambda: Comparison("http_code", "=", 200),
        lambda: Call("substring", "anchor", pick(("here", "Home", "SEO"))),
        lambda: Call("subdomain", "url_from", f"site{random.randint(0, 14)}.example"),
        lambda: Call("word", "title", pick(("tips", "click"))),
    ))()
