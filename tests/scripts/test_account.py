"""The account: to the tenth what Ahrefs bills, whatever goes wrong and whoever asks; it outlives
a kill at any moment, and the entries that it was made of."""

import http.client
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random
from threading import Barrier

import pytest

from daemon import HOUSE, OTHER_TOKEN, QUESTIONS, TABLE, amounts, eventually, question
from queries import questions
from wire import Client, patience, tenths

DIRECT = "d1ec7000" * 5  # asks the simulator itself, for what the right answer is
ROWS_5 = 10 + 5 * 2

CLIENTS = 8
MEETING = 25  # how often all clients ask the same at once
DAMAGES = range(20)  # numbers of targets whose first answer goes wrong, for whoever comes first

# The count in the head or the answer itself tells the cost; or it costs nothing.
KNOWN = [
    [("cut", {})], [("cut", {"after": 0})], [("garbage", {})], [("garbage", {"after": 0})],
    [("truncate", {})], [("truncate", {"after": 0})], [("content_length", {})],
    [("bad_gzip", {})], [("bad_utf8", {})], [("bom", {})], [("trailing", {})], [("twice", {})],
    [("deep", {})], [("no_refpages", {})], [("late_error", {})], [("error_first", {})],
    [("status", {"code": 500})], [("status", {"code": 404, "body": "no"})], [("no_count", {})],
    [("slow", {"size": 997, "pause": 0.001})],
]
# The cost cannot be known: it may be the most that the question can cost.
LOST = [
    [("refuse", {})], [("refuse", {"charged": True})], [("refuse", {"reset": True})],
    [("refuse", {"charged": True, "reset": True})], [("cut", {"reset": True})], [("html", {})],
    [("long_head", {})], [("redirect", {})], [("count", {})], [("count", {"by": -1})],
    [("count", {"by": 100000})], [("no_count", {}), ("truncate", {})],
    [("no_count", {}), ("cut", {})], [("no_count", {}), ("garbage", {})],
    [("hold", {"charged": True})], [("stall", {})],
]
STATUSES = (200, 302, 404, 500, 502, 504)


def budgets(daemon):
    """The budget of each token that has one."""
    tokens = daemon.admin_json("/api/token")["tokens"]
    return {line["token"]: line["budget"] for line in tokens if line["budget"]}


def reports(daemon):
    return {by: daemon.spend({"by": by}) for by in ("token", "target", "day")}


def read_ledger(daemon, query):
    """From the file itself, which only a stopped daemon's is not about to change."""
    file = f"file:{daemon.state}/ledger.db?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as ledger:
        return ledger.execute(query).fetchall()


def wait_until_settled(daemon, count):
    """Until that many requests have ended, and nothing is under way or reserved."""
    eventually(lambda: sum(daemon.outcomes().values()) == count)
    eventually(lambda: daemon.inflight == 0)
    eventually(lambda: {budget["reserved"] for budget in budgets(daemon).values()} <= {"0.0"})


# At once, of every kind, and with every fault


def harm(sim, target, faults):
    """The next answer about a target goes wrong in all these ways; other tables' does not."""
    for kind, options in faults:
        sim.fault(kind, match={"target": target, "from": TABLE}, **options)


class Play:
    """Eight clients at once, with four tokens that spend from two at Ahrefs."""

    def __init__(self, sim, daemon, faults, turns):
        self.sim, self.daemon, self.faults, self.turns = sim, daemon, faults, turns
        self.asked = questions(60, "account")
        self.barrier = Barrier(CLIENTS)
        daemon.register("reporting", OTHER_TOKEN)
        self.tokens = {
            "alice": daemon.issue("alice", "--budget", "1000000", "--per", "month"),
            "bob": daemon.issue("bob"), "reporting": OTHER_TOKEN, "house": HOUSE,
        }

    def run(self) -> list:
        """The answers that the clients got, as (name, reply)."""
        self._prepare()
        with ThreadPoolExecutor(CLIENTS) as pool:
            playing = [pool.submit(Player(self, number).play) for number in range(CLIENTS)]
            told = [pair for one in playing for pair in one.result()]
        wait_until_settled(self.daemon, len(told))
        self.sim.wait_for(lambda sim: sim.in_flight == 0, patience(10))
        return told

    def account(self) -> dict:
        """For each token at Ahrefs, what was spent from it and how much of that is unknown."""
        lines = self.daemon.accounts
        assert len(lines) == 4 and {"alice", "bob", "reporting"} <= lines.keys()
        other = lines.pop("reporting")
        return {OTHER_TOKEN: _spent_and_unknown([other]),
                HOUSE: _spent_and_unknown(lines.values())}

    def _prepare(self):
        random = Random("harm")
        for number in DAMAGES:
            harm(self.sim, shaky(number), random.choice(self.faults))
        for turn in range(self.turns):
            if meets(turn):
                harm(self.sim, meeting(turn), [("delay", {"seconds": patience(0.2)})])
        harm(self.sim, meeting(2 * MEETING - 1), [("cut", {})])


def _spent_and_unknown(lines):
    return tuple(sum(line[name] for line in lines) for name in ("rows_spent", "rows_unknown"))


def shaky(number):
    return f"rows-{number}.shaky.example"


def meets(turn):
    return turn % MEETING == MEETING - 1


def meeting(turn):
    return f"rows-{turn}.meeting.example"


class Player:
    """One of the eight."""

    def __init__(self, play, number):
        self._play = play
        self._number = number
        self._random = Random(f"player {number}")
        self._told = []

    def play(self):
        kinds = {
            self._usual: 45, self._hit: 10, self._fresh: 25, self._shaky: 8, self._anew: 8,
            self._other_table: 8, self._wrong: 8, self._info: 4,
        }
        try:
            for turn in range(self._play.turns):
                if meets(turn):
                    self._meet(turn)
                else:
                    self._random.choices(list(kinds), kinds.values())[0](turn)
        except BaseException:
            self._play.barrier.abort()
            raise
        return self._told

    def _usual(self, _turn):
        asked = self._random.choice(self._play.asked)
        reply = self._ask(lambda token: asked.respelled(self._random, token))
        assert reply.status == 200 and "refpages" in reply.json

    def _hit(self, _turn):
        assert self._ask_for("rows-5.example").status == 200

    def _fresh(self, turn):
        """A question that no other client asks, and whose answer goes wrong."""
        rows = self._random.randrange(1, 40)
        target = f"rows-{rows}.fresh-{self._number}-{turn}.example"
        harm(self._play.sim, target, self._random.choice(self._play.faults))
        check_told(self._ask_for(target, limit=self._random.choice((50, 100))), rows)

    def _shaky(self, _turn):
        number = self._random.choice(DAMAGES)
        check_told(self._ask_for(shaky(number)), number)

    def _anew(self, _turn):
        number = self._random.randrange(30)
        reply = self._ask_for(f"rows-{number}.anew.example", {"Cache-Control": "no-cache"})
        check_told(reply, number)

    def _other_table(self, _turn):
        target = f"other{self._random.randrange(10)}.example"
        assert self._ask_for(target, from_="anchors").json["anchors"]

    def _wrong(self, _turn):
        assert "nope" in self._ask_for("rows-5.example", order_by="nope").error

    def _info(self, _turn):
        reply = self._ask(lambda token: {"token": token, "from": "subscription_info"})
        assert "rows_limit" in reply.json["info"]

    def _meet(self, turn):
        self._play.barrier.wait(patience(120))
        check_told(self._ask_for(meeting(turn)), turn)

    def _ask_for(self, target, headers=None, **params):
        return self._ask(lambda token: question(target, token=token, **params), headers)

    def _ask(self, spell, headers=None):
        name = self._random.choice(list(self._play.tokens))
        reply = self._play.daemon.get(spell(self._play.tokens[name]), headers)
        assert reply.whole and reply.status in STATUSES, reply
        self._told.append((name, reply))
        return reply


def check_told(reply, rows):
    """A right answer, or an error and no answer."""
    if reply.status == 200 and "error" not in reply.json:
        assert len(reply.rows) == rows, reply


def cost_told(daemon, reply):
    """The cost of a request as its client can learn it, in tenths."""
    if "X-Rows-Spent" in reply.headers:
        return reply.spent
    return tenths(daemon.request(reply)["rows_spent"])


@pytest.mark.concurrent
def test_a_thousand_requests_of_every_kind_are_booked_to_the_tenth(sim, rowcache, house):
    daemon = rowcache(house)
    play = Play(sim, daemon, KNOWN, turns=125)
    told = play.run()
    assert len(told) == 1000 and daemon.outcomes()["collapsed"] > 0
    assert {token: spent for token, (spent, _) in play.account().items()} == sim.bills()
    check_that_each_token_is_told_its_own(daemon, told)
    check_that_reports_agree(daemon, sum(sim.bills().values()))


def check_that_each_token_is_told_its_own(daemon, told):
    """The sum of what its clients are told of their requests' cost is the token's line."""
    sums = dict.fromkeys((name for name, _ in told), 0)
    for name, reply in told:
        sums[name] += cost_told(daemon, reply)
    lines = {name: line["rows_spent"] for name, line in daemon.accounts.items()}
    house, = (spent for name, spent in lines.items() if name not in sums)
    named = {name: spent for name, spent in lines.items() if name in sums}
    assert {**named, "house": house} == sums


def check_that_reports_agree(daemon, spent):
    """By token, target and day, running, stopped and started again."""
    running = reports(daemon)
    for report in running.values():
        assert amounts(report["total"])["rows_spent"] == spent
    assert daemon.stop() == 0
    assert {by: daemon.ctl_json("spend", "--by", by) for by in running} == running
    assert read_ledger(daemon, "SELECT count(*) FROM entry WHERE state = 0") == [(0,)]
    assert read_ledger(daemon, "SELECT sum(spent) FROM entry") == [(spent,)]
    daemon.start()
    assert reports(daemon) == running


@pytest.mark.concurrent
def test_what_cannot_be_known_is_booked_at_the_most(sim, driven, clock, house):
    daemon = driven(house)
    play = Play(sim, daemon, KNOWN + LOST, turns=50)
    with clock.flying():
        play.run()
    for token, (spent, unknown) in play.account().items():
        assert unknown > 0
        assert spent - unknown <= sim.bill(token) <= spent


# Killed

KILLS = 100
MOST_ROWS = 300
BUDGETS = {"alice": 10000000, "bob": 15000}


@pytest.mark.heavy
@pytest.mark.concurrent
def test_it_may_be_killed_at_a_hundred_random_moments(sim, rowcache, house):
    """Half way, bob's budget is spent; whatever was lost on the way counts against it."""
    daemon = rowcache(house)
    tokens = {name: daemon.issue(name, "--budget", str(rows)) for name, rows in BUDGETS.items()}
    random = Random("a hundred kills")
    cache = StoredAnswers(sim, daemon, tokens["alice"])
    for _ in range(KILLS):
        targets = [some_target(random) for _ in range(60)]
        kill_under_load(sim, daemon, random, targets, list(tokens.values()))
        daemon.start()
        check_account(sim, daemon)
        cache.check(random.sample(targets, 3))
    assert cache.found > 0, "something was stored, and looked at"
    assert daemon.ask("rows-1.last.example", token=tokens["bob"], limit=MOST_ROWS).status == 402
    assert daemon.stop() == 0
    assert read_ledger(daemon, "SELECT count(*) FROM entry WHERE state = 0") == [(0,)]


def some_target(random):
    return f"rows-{random.randrange(MOST_ROWS)}.n{random.randrange(4)}.example"


def kill_under_load(sim, daemon, random, targets, tokens):
    """When some of the clients have their answers; one answer at least has come by half."""
    sim.fault("hold_body", match=QUESTIONS, after=random.randrange(20000))
    wanted = random.randrange(50)
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(try_to_ask, daemon, random.choice(tokens), target)
                  for target in targets]
        eventually(lambda: sum(one.done() for one in asking) >= wanted)
        daemon.kill()
        assert False not in [one.result() for one in asking]
    sim.clear_faults()
    sim.release()
    sim.wait_for(lambda sim: sim.in_flight == 0, patience(10))


def try_to_ask(daemon, token, target):
    """True for a right answer, None for none; False would be a wrong one."""
    try:
        reply = daemon.ask(target, token=token, limit=MOST_ROWS)
    except (OSError, http.client.HTTPException):
        return None
    if not reply.whole or reply.status == 402:
        return None
    return reply.status == 200 and len(reply.rows) == rows_in(target)


def rows_in(target):
    return int(target.partition(".")[0].removeprefix("rows-"))


def check_account(sim, daemon):
    """Never below the bill, known spending never above it, and no budget is overshot."""
    total = daemon.account
    assert total["rows_spent"] - total["rows_unknown"] <= sim.bill(HOUSE) <= total["rows_spent"]
    lines = daemon.accounts
    for name, budget in budgets(daemon).items():
        assert budget["reserved"] == "0.0" and budget["rows"] == f"{BUDGETS[name]}.0"
        spent = lines[name]["rows_spent"] if name in lines else 0
        assert tenths(budget["spent"]) == spent <= BUDGETS[name] * 10
    assert budgets(daemon).keys() == BUDGETS.keys()


class StoredAnswers:
    """Looks into the cache without spending, and compares with what is right."""

    def __init__(self, sim, daemon, token):
        self.found = 0
        self._address = f"127.0.0.1:{sim.port}"
        self._daemon = daemon
        self._token = token

    def check(self, targets):
        for target in targets:
            reply = self._daemon.ask(target, {"Cache-Control": "only-if-cached"},
                                     token=self._token, limit=MOST_ROWS)
            assert reply.whole and reply.status in (200, 504), reply
            if reply.status == 200:
                self.found += 1
                assert reply.json == self._right(target)

    def _right(self, target):
        with Client(self._address) as ahrefs:
            return ahrefs.get(question(target, token=DIRECT, limit=MOST_ROWS)).json


# Entries that are deleted, and entries that stay


def test_old_entries_leave_and_the_account_stays(sim, driven, clock, house):
    daemon = driven(house, "ledger.retention=1d")
    alice = daemon.issue("alice", "--budget", "1000")
    told = [daemon.ask(f"rows-{5 + n}.example", token=token)
            for n, token in enumerate([alice, HOUSE, OTHER_TOKEN, alice])]
    assert all(reply.miss for reply in told)
    sim.fault("cut")
    told.append(daemon.ask("rows-9.example", token=alice))
    assert told[-1].status == 502
    eventually(lambda: daemon.account["requests"] == 5)
    before = reports(daemon)

    clock.go_on(days=1, seconds=1)
    eventually(lambda: forgotten_after_a_restart(daemon, told))
    assert reports(daemon) == before
    total = amounts(before["token"]["total"])
    assert total["rows_spent"] == sum(sim.bills().values())
    assert total["rows_unknown"] == 10 + 9 * 2
    assert budgets(daemon)["alice"]["spent"] == "7.4"
    assert daemon.stop() == 0
    assert read_ledger(daemon, "SELECT count(*) FROM entry") == [(0,)]
    assert {by: daemon.ctl_json("spend", "--by", by) for by in before} == before


def forgotten_after_a_restart(daemon, replies):
    """The running daemon remembers for itself; after a restart, the ledger alone can tell."""
    daemon.restart()
    paths = ["/api/request/" + reply.headers["X-Request-Id"] for reply in replies]
    return all(daemon.admin(path).status == 404 for path in paths)


@pytest.mark.parametrize("retention", ["ledger.retention=0", "ledger.retention=1d"])
def test_entries_that_are_not_old_stay(rowcache, retention):
    daemon = rowcache(retention)
    reply = daemon.ask()
    for _ in range(5):
        daemon.restart()
        assert daemon.request(reply)["rows_spent"] == "2.0"
    assert daemon.stop() == 0
    assert read_ledger(daemon, "SELECT spent FROM entry") == [(ROWS_5,)]


def test_hits_counted_in_memory_survive_a_clean_stop(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask(token=alice).miss
    for token, hits in ((alice, 30), (OTHER_TOKEN, 20)):
        assert all(daemon.ask(token=token).hit for _ in range(hits))
    assert daemon.stop() == 0

    stopped = daemon.ctl_json("spend")
    lines = {line["token"]: amounts(line) for line in stopped["tokens"]}
    assert len(lines) == 2 and lines["alice"]["requests"] == 31
    assert sorted(line["hits"] for line in lines.values()) == [20, 30]
    assert sorted(line["rows_saved"] for line in lines.values()) == [20 * ROWS_5, 30 * ROWS_5]
    daemon.start()
    assert daemon.spend() == stopped
