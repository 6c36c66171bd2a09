"""Units on both fronts: the account is Ahrefs' bill, whatever happens on the way."""

import http.client
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from urllib.parse import urlencode

import pytest

from ahrefs import v3 as ahrefs3
from calls import Calls
from daemon import eventually, question, wait_until_held
from queries import Question, condition
from v3 import (
    BACKLINKS, BATCH, HOUSE_KEY, KEY, LEAST, LIMITS, OTHER_KEY, V3, bearer, call, is_paid, limits,
    paid, rows_of, send, simulator, start_call,
)
from wire import patience

TARGETS = [f"rows-{rows}.m{rows}.example" for rows in (0, 3, 20, 60, 130, 260)] + [
    "links-90.example", "both-40.example", "tied-120.example", "shop.example"]
HARMLESS = [("error", {}), ("error", {"code": 403}), ("pair", {}), ("status", {"code": 503})]
BROKEN = [("cut", {"after": 300}), ("garbage", {"after": 300}), ("truncate", {"after": 300}),
          ("late_error", {}), ("bad_gzip", {}), ("rows", {}), ("twice", {}), ("no_rows", {})]
UNTOLD = [("refuse", {}), ("html", {}), ("no_costs", {}), ("costs", {"value": "many"}), ("refuse", {"charged": True}),
          ("no_costs", {"names": ["x-api-units-cost-total-actual"]})]


class Crowd:
    """Clients of four tokens who ask anything on both fronts."""

    def __init__(self, sim, daemon, seed):
        self.sim, self.daemon = sim, daemon
        self.calls = Calls(sim, TARGETS, seed)
        daemon.register("alice", KEY)
        daemon.register("bob", OTHER_KEY)
        self.keys = [KEY, OTHER_KEY, daemon.issue("carol"), daemon.issue("dave")]

    def ask_much(self, count, faults=(), seed="crowd", threads=6):
        """`count` requests, and some that go wrong."""
        with ThreadPoolExecutor(threads) as pool:
            work = [pool.submit(self._client, count // threads, faults, f"{seed}{number}")
                    for number in range(threads)]
            for done in work:
                done.result()
        self.sim.clear_faults()
        eventually(lambda: self.sim.in_flight == 0 and self.daemon.inflight == 0)

    def _client(self, count, faults, seed):
        random = Random(seed)
        client = self.daemon.client()
        for _ in range(count):
            if faults and random.random() < 0.2:
                kind, options = random.choice(faults)
                self.sim.fault(kind, match=_strikes_alone, **options)
            try:
                client.ask(*self._request(random))
            except (OSError, http.client.HTTPException):
                client.close()
                client = self.daemon.client()
        client.close()

    def _request(self, random):
        """The method, path, body and headers of one."""
        key, chance = random.choice(self.keys), random.random()
        headers = {"Cache-Control": "no-cache"} if random.random() < 0.1 else {}
        if chance < 0.45:
            return "GET", "/?" + self._question(random, key), None, headers
        headers = bearer(key, headers)
        if chance < 0.8:
            return "GET", self._call(random).path, None, headers
        if chance < 0.9:
            name = random.choice(("refdomains", "top-pages", "metrics", "no-such"))
            target = random.choice(TARGETS)
            return "GET", f"/v3/site-explorer/{name}?select=domain&target={target}", None, headers
        if chance < 0.95:
            body = json.dumps({"select": ["url", "backlinks"], "targets": [
                {"url": "a.example", "mode": "domain", "protocol": "both"}] * random.randint(1, 40)})
            return "POST", f"/v3/{BATCH}", body, {**headers, "Content-Type": "application/json"}
        return "GET", "/v3/" + LIMITS, None, headers

    def _call(self, random):
        calls = self.calls
        return random.choice((calls.broad, calls.any, lambda: calls.near(calls.broad())))()

    def _question(self, random, key):
        one = Question(
            "subdomains", random.choice(TARGETS),
            select=random.choice(([], ["url_from", "date", "type"], ["anchor", "domain_rating"])),
            where=[condition(random) for _ in range(random.choice((0, 0, 1, 2)))],
            order_by=random.choice(([], [("domain_rating", True)], [("first_seen", False)])),
            limit=random.choice((1000, 1000, 10, 60)), offset=random.choice((0, 0, 0, 5)))
        return one.plain(key)

    def check(self) -> tuple:
        """The account against the bill, per token; what is not known, and by how much it is off."""
        accounts, bills = self.daemon.accounts, self.sim.bills()
        house = [accounts["carol"], accounts["dave"]]
        unknown = off = 0
        for lines, key in (([accounts["alice"]], KEY), ([accounts["bob"]], OTHER_KEY),
                           (house, HOUSE_KEY)):
            spent = sum(line["units_spent"] for line in lines)
            open_ = sum(line["units_unknown"] for line in lines)
            assert spent - open_ <= bills.get(key, 0) <= spent, (key, spent, open_, bills)
            unknown, off = unknown + open_, off + spent - bills.get(key, 0)
        assert sum(line["units_spent"] for line in accounts.values()) == (
            self.daemon.account["units_spent"])
        assert self.daemon.account["rows_spent"] == 0
        return unknown, off


def _strikes_alone(record) -> bool:
    """One fault in a request."""
    if not is_paid(record) or "struck" in record:
        return False
    record["struck"] = True
    return True


@pytest.fixture
def crowd(start, purse3, clock):
    """Clients of a daemon in front of a v3 whose plan gives 100 rows at once."""
    with simulator(workspace=ahrefs3.Workspace("Lite")) as sim:
        # The clock flies where some are throttled; upstream, one process, takes its real time.
        daemon = start(sim.url, *V3, purse3, "upstream.stall_timeout=1h", **clock.drives())
        yield Crowd(sim, daemon, "crowd")
        sim.clear_faults()
        sim.release()
        assert not daemon.running or daemon.stop() == 0


# A thousand requests


@pytest.mark.concurrent
def test_a_thousand_requests_are_booked_to_the_unit(crowd):
    crowd.ask_much(600, HARMLESS)
    assert crowd.check() == (0, 0)
    for name, key in (("alice", KEY), ("bob", OTHER_KEY)):
        metric = crowd.daemon.metrics().value("rowcache_units_spent_total", token=name)
        assert metric == crowd.sim.bill(key) > 0
    before = crowd.daemon.spend()
    crowd.daemon.restart()
    assert crowd.daemon.spend() == before


@pytest.mark.concurrent
def test_what_is_broken_or_untold_is_covered_by_what_is_unknown(crowd):
    crowd.ask_much(400, HARMLESS + BROKEN, "broken")
    unknown, off = crowd.check()
    assert off <= unknown
    crowd.ask_much(200, UNTOLD, "untold")
    more, off = crowd.check()
    assert more > unknown and off <= more


@pytest.mark.concurrent
def test_requests_that_are_throttled_are_paid_once(crowd, clock):
    with clock.flying():
        crowd.ask_much(120, [("throttle", {"retry_after": 1}), ("throttle", {})], "throttled")
    assert crowd.check() == (0, 0)


@pytest.mark.concurrent
def test_a_thousand_requests_one_after_the_other_are_told_right(crowd):
    """What each client is told adds up to the bill."""
    told, random = 0, Random("one by one")
    with crowd.daemon.client() as client:
        for _ in range(200):
            reply = client.ask(*crowd._request(random))
            spent = reply.headers.get("X-Units-Spent")
            told += int(spent) if spent is not None else int(
                crowd.daemon.request(reply)["units_spent"])
    assert told == sum(crowd.sim.bills().values()) == crowd.daemon.account["units_spent"]


# Once


def key_of(record) -> str:
    return record["endpoint"] + "?" + urlencode(sorted(record["params"].items()))


def test_within_its_time_nothing_is_paid_twice(start, purse3, clock):
    readings = ahrefs3.Readings(own_cache="none")
    with simulator(workspace=ahrefs3.Workspace("Lite"), readings=readings) as sim:
        daemon = start(sim.url, *V3, purse3, **clock.drives())
        crowd = Crowd(sim, daemon, "once")
        random = Random("once")
        asked = []
        while len(asked) < 120:
            method, what, body, headers = crowd._request(random)
            if method == "GET" and "no-such" not in what:
                headers.pop("Cache-Control", None)
                asked.append((method, what, body, headers))
        with daemon.client() as client:
            first = [client.ask(*one) for one in asked]
            bills = sim.bills()
            clock.go_on(hours=11)  # the period of 60 days ends with another day at midnight
            again = [client.ask(*one) for one in asked]
            daemon.restart()
        with daemon.client() as client:
            restarted = [client.ask(*one) for one in asked]
        assert sim.bills() == bills
        for replies in (again, restarted):
            for one, reply, other in zip(asked, first, replies):
                assert reply.status == other.status, one
                if reply.status == 200 and LIMITS not in one[1]:
                    assert other.hit or other.derived, one
                    assert other.units_spent == 0
        paid_for = Counter(key_of(record) for record in paid(sim) if record["units"])
        assert max(paid_for.values()) == 1, paid_for.most_common(3)
        assert daemon.stop() == 0


def lite():
    return simulator(workspace=ahrefs3.Workspace("Lite"),
                     readings=ahrefs3.Readings(own_cache="none"))


def test_the_pages_of_an_answer_are_fetched_once_for_both_fronts(start, clock):
    with lite() as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        reply = daemon.get(question("rows-700.example", token=KEY))
        assert len(reply.rows) == 700 and reply.units_spent == sim.bill(KEY)
        pages = paid(sim)
        assert len(pages) >= 7 and len({key_of(page) for page in pages}) == len(pages)
        for page in pages:
            assert send(daemon, f"/v3/{BACKLINKS}?{urlencode(page['params'])}").hit
        assert daemon.get(question("rows-700.example", token=KEY)).hit
        assert len(paid(sim)) == len(pages)
        assert daemon.account["units_spent"] == sim.bill(KEY)
        assert daemon.stop() == 0


def test_a_page_that_fails_is_the_only_one_that_is_asked_again(start, clock):
    """What was paid before it is kept."""
    with lite() as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        asked = question("rows-700.example", token=KEY)
        sim.fault("error", match=lambda record: is_paid(record) and len(paid(sim)) > 4, times=9)
        reply = daemon.get(asked)
        assert reply.status >= 500 or not reply.whole
        before = [key_of(record) for record in paid(sim) if record["units"]]
        assert len(before) >= 3
        sim.clear_faults()
        reply = daemon.get(asked)
        assert reply.status == 200 and len(reply.rows) == 700
        after = [key_of(record) for record in paid(sim) if record["units"]]
        assert len(set(after)) == len(after) and after[:len(before)] == before
        assert daemon.account["units_spent"] == sim.bill(KEY)
        assert daemon.stop() == 0


@pytest.mark.concurrent
def test_many_who_ask_the_same_v2_question_share_its_pages(start, clock):
    with lite() as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        sim.hold(match=is_paid)
        asked = question("rows-350.example", token=KEY)
        before = daemon.open_files
        clients = [daemon.send(asked) for _ in range(30)]
        wait_until_held(sim)
        eventually(lambda: daemon.open_files >= before + 30)
        sim.release()
        replies = [client.receive() for client in clients]
        for client in clients:
            client.close()
        assert all(len(reply.rows) == 350 for reply in replies)
        records = [key_of(record) for record in paid(sim)]
        assert len(set(records)) == len(records)
        assert sum(reply.units_spent for reply in replies) == sim.bill(KEY)
        assert daemon.stop() == 0


# Budgets


@pytest.mark.concurrent
@pytest.mark.parametrize("front", ["v2", "v3"])
def test_two_hundred_at_once_never_overshoot_a_budget(sim3, issuing3, clock, front):
    daemon = issuing3(**clock.drives())
    alice = daemon.issue("alice", "--budget", "2000", "--per", "total")

    def ask(number):
        target = f"rows-{number % 7}.n{number}.example"
        if front == "v3":
            return call(daemon, target, key=alice, limit=5)
        return daemon.get(question(target, token=alice, limit=5, select="url_from"))

    with ThreadPoolExecutor(200) as pool:
        replies = list(pool.map(ask, range(200)))
    statuses = Counter(reply.status for reply in replies)
    assert set(statuses) <= {200, 402} and statuses[200] >= 10 and statuses[402] >= 100
    assert sim3.bill(HOUSE_KEY) <= 2000
    assert limits(daemon, alice)["units_usage_api_key"] == sim3.bill(HOUSE_KEY)
    assert daemon.account["units_spent"] == sim3.bill(HOUSE_KEY) >= 2000 - 100 - LEAST


def test_a_budget_that_ends_between_two_pages(start, purse3, clock):
    """A part is not the answer; what was paid stays paid, and the budget holds."""
    with lite() as sim:
        daemon = start(sim.url, *V3, purse3, **clock.drives())
        whole = daemon.issue("whole")
        alice = daemon.issue("alice", "--budget", "7000", "--per", "total")
        asked = question("rows-700.example", token=alice)
        reply = daemon.get(asked)
        assert reply.status == 402 and sim.bill(HOUSE_KEY) <= 7000
        assert limits(daemon, alice)["units_usage_api_key"] == sim.bill(HOUSE_KEY)
        reply = daemon.get({**asked, "token": whole})
        assert reply.status == 200 and len(reply.rows) == 700
        assert daemon.get(asked).hit, "what is stored is for everybody"
        pages = [key_of(record) for record in paid(sim)]
        assert len(set(pages)) == len(pages)
        assert daemon.stop() == 0


@pytest.mark.parametrize("front", ["v2", "v3"])
def test_near_the_end_of_the_units(start, clock, front):
    """Ahrefs computes the most beforehand; a smaller page may still answer the question."""
    workspace = ahrefs3.Workspace("Enterprise", units_limit=400)
    with simulator(workspace=workspace) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        if front == "v3":
            reply = call(daemon, "rows-5.example", limit=1000)
            assert reply.status == 403 and "API units limit reached" in reply.error
        else:
            reply = daemon.get(question("rows-5.example", token=KEY, select="url_from,date,type"))
            assert reply.status in (200, 402, 403)
            assert reply.status == 200 or "unit" in reply.error
        assert sim.bill(KEY) == daemon.account["units_spent"] <= 400
        assert daemon.stop() == 0


# Ends that nobody asked for


def try_to_ask(daemon, number):
    """True for a right answer, None for none; False would be a wrong one."""
    rows = number % (100 if number % 2 else 230)  # the plan gives 100 to a call
    target = f"rows-{rows}.k{number}.example"
    try:
        if number % 2:
            reply = call(daemon, target, limit=1000)
            found = rows_of(reply.json) if reply.whole and reply.status == 200 else None
        else:
            reply = daemon.get(question(target, token=KEY))
            found = reply.rows if reply.whole and reply.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    return None if found is None else len(found) == rows


@pytest.mark.concurrent
def test_it_may_be_killed_at_random_moments(start, clock):
    random = Random("kill")
    with simulator(workspace=ahrefs3.Workspace("Lite")) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        for _ in range(5):
            seen, wanted = len(sim.requests), random.randrange(1, 30)
            with ThreadPoolExecutor(8) as pool:
                running = [pool.submit(try_to_ask, daemon, random.randrange(2000))
                           for _ in range(40)]
                sim.wait_for(lambda sim: len(sim.requests) >= seen + wanted, patience(20))
                time.sleep(random.random() / 20)
                daemon.kill()
                assert False not in [done.result() for done in running]
            sim.wait_for(lambda sim: sim.in_flight == 0, patience(10))
            daemon.start()
            account = daemon.account
            assert account["units_spent"] - account["units_unknown"] <= sim.bill(KEY)
            assert sim.bill(KEY) <= account["units_spent"]
        for number in random.sample(range(2000), 8):
            assert try_to_ask(daemon, number) is True
        assert daemon.stop() == 0


@pytest.mark.parametrize("front", ["v2", "v3"])
def test_what_was_under_way_is_booked_at_the_most(sim3, driven3, front):
    daemon = driven3()
    sim3.fault("hold", match=is_paid, charged=True)
    if front == "v3":
        client = start_call(daemon, "rows-20.example", limit=300)
    else:
        client = daemon.send(question("rows-20.example", token=KEY, select="url_from", limit=300))
    wait_until_held(sim3)
    daemon.kill()
    client.close()
    sim3.release()
    daemon.start()
    account = daemon.account
    assert account["units_spent"] == account["units_unknown"] >= max(300, sim3.bill(KEY))
    assert call(daemon, "rows-21.example", limit=300).miss


def test_a_client_that_leaves_has_its_answer_paid_and_kept(sim3, driven3):
    daemon = driven3()
    sim3.fault("hold_body", match=is_paid)
    start_call(daemon, "rows-200.example").close()
    wait_until_held(sim3)
    sim3.release()
    eventually(lambda: call(daemon, "rows-200.example").hit)
    assert daemon.account["units_spent"] == sim3.bill(KEY) == 600


def test_what_was_paid_when_a_v2_client_leaves_is_not_paid_again(start, clock):
    with lite() as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        asked = question("rows-350.example", token=KEY)
        sim.hold(match=is_paid)
        client = daemon.send(asked)
        wait_until_held(sim)
        client.close()
        sim.release()
        eventually(lambda: daemon.inflight == 0 and sim.in_flight == 0)
        reply = daemon.get(asked)
        assert reply.status == 200 and len(reply.rows) == 350
        records = [key_of(record) for record in paid(sim)]
        assert len(set(records)) == len(records) >= 4
        assert daemon.account["units_spent"] == sim.bill(KEY)
        assert daemon.stop() == 0


def test_corrections_and_reconciling_are_in_units(sim3, driven3):
    daemon = driven3()
    daemon.register("alice", KEY)
    call(daemon, "rows-200.example")
    daemon.ctl_text("correction", "add", "alice", "--spent", "-100", "--reason", "why")
    assert daemon.accounts["alice"]["units_spent"] == 500
    done = daemon.ctl("reconcile")
    assert done.returncode == 0 and ".0" not in done.stdout, done
