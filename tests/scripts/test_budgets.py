"""Budgets: no token spends a tenth of a row too much, and none is held back without need."""

import re
import time
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon import (
    AHREFS, OTHER_TOKEN, QUESTIONS, ROWCACHED, TOKEN, amounts, arrived, eventually, question, run,
    wait_until_held,
)
from wire import COLLAPSED, REFRESHED, encode, patience, tenths

ROWS_5 = 10 + 5 * 2
MOST_50 = 10 + 50 * 2
NO_CACHE = {"Cache-Control": "no-cache"}
AMOUNTS = ("rows", "spent", "reserved", "left")
ZONES = ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]  # from +14:00 to -12:00


def add(daemon, name="alice", rows=None, per=None) -> str:
    """A new token of rowcache's own, with that budget."""
    budget = ["--budget", rows] if rows else []
    budget += ["--per", per] if per else []
    return daemon.issue(name, *budget)


def set_budget(daemon, name, rows, *per):
    daemon.ctl_text("token", "budget", name, rows, *per)


def budget(daemon, name="alice") -> dict:
    """A token's budget, its amounts in tenths of a row."""
    return {key: tenths(value) if key in AMOUNTS else value
            for key, value in daemon.budget(name).items()}


def fresh(number, rows=5):
    """A target with that many rows; one for each number."""
    return f"rows-{rows}.n{number}.example"


def spend(daemon, token, times, start=0):
    """Has a token spend 2 rows that many times."""
    for number in range(start, start + times):
        reply = daemon.ask(fresh(number), token=token, limit=5)
        assert reply.miss and reply.spent == ROWS_5


def check_held_back(reply, left=None, most=None):
    """402 in v2's form, which says what is left and what it could have cost."""
    assert reply.status == 402 and reply.headers["X-Status"] == "error", reply
    assert list(reply.json) == ["error"]
    said = [tenths(amount) for amount in re.findall(r"\d+\.\d", reply.error)]
    assert left is None or left in said, reply.error
    assert most is None or most in said, reply.error


@contextmanager
def under_way(sim, daemon, query):
    """A question that upstream holds; at the end it is let go and answered."""
    sim.hold(match=QUESTIONS)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(query))
        wait_until_held(sim)
        yield
        sim.release()
        assert client.receive().miss


def send_from_many(daemon, count, query) -> list:
    """Clients whose questions have come, as far as can be told from here."""
    before = daemon.open_files
    clients = [daemon.send(query) for _ in range(count)]
    eventually(lambda: daemon.open_files >= before + count)
    return clients


def receive_all(clients) -> list:
    replies = [client.receive() for client in clients]
    for client in clients:
        client.close()
    return replies


def grow_stale(daemon, clock):
    """The second of freshness passes."""
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504


# Held back


@pytest.mark.parametrize("per", ["day", "month", "total"])
def test_over_budget_it_is_said_what_is_left_and_until_when(sim, issuing, per):
    daemon = issuing()
    alice = add(daemon, "alice", "10", per)
    before = time.time()
    reply = daemon.ask(token=alice, limit=50)
    after = time.time()
    check_held_back(reply, left=100, most=MOST_50)
    anew = budget(daemon)["begins_anew"]
    if per == "total":
        assert anew is None and "Retry-After" not in reply.headers
    else:
        moment = datetime.fromisoformat(anew)
        assert str(moment.date()) in reply.error
        wait = int(reply.headers["Retry-After"])
        assert moment.timestamp() - after - 1 <= wait <= moment.timestamp() - before + 1
    assert sim.requests == []


@pytest.mark.parametrize("rows, params, status", [
    ("10.9", {"limit": 50}, 402), ("11.0", {"limit": 50}, 200), ("11.1", {"limit": 50}, 200),
    ("1.9", {"limit": 5}, 402), ("2", {"limit": 5}, 200),
    ("0.9", {"limit": 0}, 402), ("1", {"limit": 0}, 200),
    ("200.9", {}, 402), ("201", {}, 200),
    ("6.9", {"limit": 5, "where": "redirect>=0"}, 402),
    ("7", {"limit": 5, "where": "redirect>=0"}, 200),
    ("11.9", {"limit": 5, "where": "redirect>=0", "having": "redirect>=0"}, 402),
    ("12", {"limit": 5, "where": "redirect>=0", "having": "redirect>=0"}, 200),
    ("1000000.9", {"limit": 5000000}, 402),
], ids=str)
def test_what_it_could_cost_must_fit_whatever_it_does_cost(sim, issuing, rows, params, status):
    daemon = issuing()
    alice = add(daemon, rows=rows)
    reply = daemon.ask(token=alice, **params)
    assert reply.status == status
    if status == 402:
        check_held_back(reply, left=budget(daemon)["rows"])
    assert len(sim.requests) == (status == 200)
    assert budget(daemon)["spent"] == daemon.account["rows_spent"] == sim.bill(AHREFS)


def test_who_is_held_back_costs_nothing_and_reaches_nobody(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="5")
    before = daemon.budget()
    for number in range(10):
        check_held_back(daemon.ask(fresh(number), token=alice), left=50, most=2010)
    check_held_back(daemon.ask(token=alice, headers=NO_CACHE))
    assert sim.requests == [] and daemon.budget() == before
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == account["rows_saved"] == 0
    eventually(lambda: daemon.outcomes() == {"error": 11})
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    assert daemon.ask(fresh(1), token=alice, limit=5).miss, "what fits is not held back"


@pytest.mark.parametrize("params, most", [
    ({"from_": "anchors", "limit": 30}, 10 + 30 * 10), ({"output": "xml", "limit": 50}, MOST_50),
    ({"output": "php", "limit": 50}, MOST_50),
], ids=str)
def test_what_is_not_cached_is_held_back_too(sim, issuing, params, most):
    daemon = issuing()
    alice = add(daemon, rows=f"{most // 10 - 1}.9")
    reply = daemon.ask(token=alice, **params)
    assert reply.status == 402 and reply.headers["X-Status"] == "error"
    assert f"{most // 10}.{most % 10}" in reply.body.decode()
    assert sim.requests == []
    set_budget(daemon, "alice", f"{most // 10}")
    assert daemon.ask(token=alice, **params).status == 200
    assert budget(daemon)["spent"] == sim.bill(AHREFS) > 0


def test_what_is_free_is_not_held_back(issuing):
    daemon = issuing("tariff.free_targets=rows-5.example")
    alice = add(daemon, rows="0")
    reply = daemon.ask(token=alice)
    assert reply.miss and reply.spent == 0
    info = daemon.get({"token": alice, "from": "subscription_info"})
    assert info.status == 200 and "info" in info.json
    check_held_back(daemon.ask("rows-6.example", token=alice), left=0, most=2010)


def test_a_hit_is_never_held_back(issuing):
    daemon = issuing()
    alice = add(daemon, rows="0", per="day")
    assert daemon.ask().miss
    reply = daemon.ask(token=alice)
    assert reply.hit and (reply.spent, reply.saved) == (0, ROWS_5)
    check_held_back(daemon.ask("rows-6.example", token=alice))
    assert budget(daemon)["spent"] == budget(daemon)["reserved"] == 0


def test_nobody_else_is_held_back(sim, issuing):
    daemon = issuing()
    alice, bob = add(daemon, "alice", "0"), add(daemon, "bob")
    for number, token in enumerate([bob, TOKEN, OTHER_TOKEN]):
        check_held_back(daemon.ask(fresh(number), token=alice))
        assert daemon.ask(fresh(number), token=token).miss
    spend(daemon, add(daemon, "carol", "4"), 2, start=10)
    assert sim.bills() == {AHREFS: 3 * ROWS_5, TOKEN: ROWS_5, OTHER_TOKEN: ROWS_5}


def test_no_cache_is_no_way_around_it(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="0")
    daemon.ask()
    assert daemon.ask(token=alice, headers=NO_CACHE).status in (200, 402)
    assert len(arrived(sim)) == 1 and sim.bill(AHREFS) == 0


# Rather old than nothing


def test_rather_than_held_back_one_is_served_what_is_old(sim, issuing, clock):
    daemon = issuing("cache.ttl=1s", **clock.drives())
    alice = add(daemon, rows="0")
    rows = daemon.ask().rows
    sim.change_world()
    grow_stale(daemon, clock)
    reply = daemon.ask(token=alice)
    assert reply.status == 200 and reply.stale and reply.rows == rows and reply.spent == 0
    assert len(arrived(sim)) == 1
    check_held_back(daemon.ask("rows-6.example", token=alice))

    assert daemon.ask().cache == REFRESHED, "others ask anew"
    assert daemon.ask(token=alice).rows != rows


def test_what_is_too_old_is_not_served(sim, issuing, clock):
    daemon = issuing("cache.ttl=1s", "cache.stale_if_error=0s", **clock.drives())
    alice = add(daemon, rows="0")
    daemon.ask()
    assert daemon.ask(token=alice).hit
    clock.go_on(seconds=1)
    check_held_back(daemon.ask(token=alice), 0, 2010)
    assert len(arrived(sim)) == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_whom_nobody_vouches_for_is_checked_before_being_served_what_is_old(
        sim, driven, clock, accepted):
    """After a restart it is not known any more that Ahrefs accepts the token."""
    daemon = driven("cache.ttl=1s")
    rows = daemon.ask().rows
    set_budget(daemon, eventually(lambda: daemon.spend()["tokens"])[0]["token"], "0")
    grow_stale(daemon, clock)
    daemon.restart()
    if not accepted:
        sim.fault("error_first", match={"from": "subscription_info"}, text="invalid token")
    reply = daemon.ask()
    assert reply.status == (200 if accepted else 403)
    assert reply.stale and reply.rows == rows if accepted else "refpages" not in reply.json
    assert daemon.ask().status == reply.status
    assert len(arrived(sim)) == 1


# Reserved and settled


def test_what_is_under_way_is_reserved_at_the_most_and_given_back(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="20")
    with under_way(sim, daemon, question(token=alice, limit=50)):
        expected = {"rows": 200, "spent": 0, "reserved": MOST_50, "left": 200 - MOST_50}
        assert expected.items() <= budget(daemon).items()
    expected = {"rows": 200, "spent": ROWS_5, "reserved": 0, "left": 200 - ROWS_5}
    eventually(lambda: expected.items() <= budget(daemon).items())


@pytest.mark.parametrize("per", ["day", "month", "total"])
def test_where_only_what_is_under_way_stands_in_the_way_one_is_to_come_back_soon(
        sim, issuing, per):
    daemon = issuing()
    alice = add(daemon, "alice", "20", per)
    with under_way(sim, daemon, question(token=alice, limit=50)):
        reply = daemon.ask("rows-6.example", token=alice, limit=50)
        check_held_back(reply, left=90, most=MOST_50)
        assert reply.headers["Retry-After"] == "1"
        assert len(arrived(sim)) == 1
        assert daemon.ask("rows-7.example", token=alice, limit=50).status == 402
        never = daemon.ask("rows-6.example", token=alice, limit=500)
        check_held_back(never, left=90, most=1010)
        assert never.headers["Retry-After"] != "1", "for that it is not enough to wait"
    eventually(lambda: budget(daemon)["reserved"] == 0)
    assert daemon.ask("rows-6.example", token=alice, limit=50).miss
    assert budget(daemon)["spent"] == sim.bill(AHREFS) == 20 + 22


@pytest.mark.parametrize("kind, options", [
    ("status", {}), ("status", {"code": 429}), ("error_first", {}),
])
def test_what_a_free_failure_had_reserved_is_given_back(sim, issuing, kind, options):
    daemon = issuing()
    alice = add(daemon, rows="11")
    sim.fault(kind, **options)
    reply = daemon.ask(token=alice, limit=50)
    assert reply.status == options.get("code", 500) or reply.error
    expected = {"spent": 0, "reserved": 0, "left": 110}
    eventually(lambda: expected.items() <= budget(daemon).items())
    assert daemon.ask(token=alice, limit=50).miss


def test_a_broken_answer_counts_at_what_it_may_have_cost(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="12")
    sim.fault("cut")
    assert daemon.ask("rows-20.example", token=alice, limit=50).status == 502
    account = daemon.account
    assert account["rows_unknown"] == account["rows_spent"] == sim.bill(AHREFS) == 50
    expected = {"spent": 50, "reserved": 0, "left": 70}
    eventually(lambda: expected.items() <= budget(daemon).items())
    check_held_back(daemon.ask("rows-20.example", token=alice, limit=50), 70, MOST_50)


def test_an_answer_that_is_lost_counts_at_the_most(sim, issuing):
    """And who asks again, be it the daemon itself, must have the rows for it."""
    daemon = issuing()
    alice = add(daemon, rows="12")
    sim.fault("refuse", charged=True, times=None)
    assert daemon.ask(token=alice, limit=50).status in (502, 402)
    sim.clear_faults()
    expected = {"spent": MOST_50, "reserved": 0, "left": 10}
    eventually(lambda: expected.items() <= budget(daemon).items())
    check_held_back(daemon.ask(token=alice, limit=5), left=10, most=20)
    assert len(sim.requests) == 1 and sim.bill(AHREFS) <= MOST_50
    assert daemon.ask(token=alice, limit=0).miss


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_spent_before_a_restart_counts_after_it(sim, issuing, end):
    daemon = issuing()
    alice = add(daemon, rows="5")
    spend(daemon, alice, 1)
    before = daemon.budget()
    getattr(daemon, end)()
    daemon.start()
    assert daemon.budget() == before and before["spent"] == "2.0"
    spend(daemon, alice, 1, start=1)
    check_held_back(daemon.ask(fresh(2), token=alice, limit=5), left=10, most=20)
    assert sim.bill(AHREFS) == 2 * ROWS_5


def test_what_was_under_way_at_a_kill_counts_at_the_most(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="12")
    sim.fault("hold", charged=True)
    client = daemon.send(question(token=alice, limit=50))
    wait_until_held(sim)
    daemon.kill()
    client.close()
    daemon.start()
    expected = {"spent": MOST_50, "reserved": 0, "left": 10}
    assert expected.items() <= budget(daemon).items()
    check_held_back(daemon.ask("rows-6.example", token=alice, limit=5), left=10, most=20)


def test_what_is_sent_once_is_not_sent_again(sim, issuing):
    """A kept connection that is lost with its answer, which was charged: libcurl would ask again,
    and it was reserved for once."""
    daemon = issuing()
    alice = add(daemon, rows="13")
    spend(daemon, alice, 1)
    sim.fault("refuse", charged=True)
    reply = daemon.ask("rows-20.example", token=alice, limit=50)
    assert reply.status == 502 and "budget" in reply.error
    assert len(arrived(sim)) == 2 and sim.bill(AHREFS) <= 130
    assert {"spent": ROWS_5 + MOST_50, "left": 0}.items() <= budget(daemon).items()


def test_what_is_given_back_is_no_cause_to_warn(issuing):
    """Else whoever asks without a limit would be warned of at once, and not when it matters."""
    daemon = issuing()
    alice = add(daemon, rows="230")
    assert daemon.ask(fresh(0), token=alice).miss
    assert warnings(daemon) == [] and daemon.budget()["warning"] is False
    set_budget(daemon, "alice", "4.5")
    spend(daemon, alice, 1, start=1)
    daemon.wait_for_log(r"\bbudget_warning token=alice used=4\.0 budget=4\.5")


# Setting and telling


@pytest.mark.parametrize("kind", ["issued", "registered", "seen"])
def test_anybody_can_have_a_budget(issuing, kind):
    daemon = issuing()
    daemon.ask("rows-1.example", token=OTHER_TOKEN)
    token, name = TOKEN, "alice"
    if kind == "issued":
        token = add(daemon, rows="3")
    elif kind == "registered":
        daemon.ctl_text("token", "register", "alice", "--budget", "3", input=TOKEN + "\n")
    else:
        assert daemon.ask("rows-1.example").hit
        name = eventually(lambda: _label(daemon, hits=1))
        set_budget(daemon, name, "3")
    spend(daemon, token, 1)
    check_held_back(daemon.ask(fresh(1), token=token, limit=5), left=10, most=20)
    assert {"spent": ROWS_5, "left": 10}.items() <= budget(daemon, name).items()


def _label(daemon, hits):
    """What the account calls the token that had so many hits."""
    lines = daemon.spend()["tokens"]
    return next((line["token"] for line in lines if line["hits"] == hits), None)


@pytest.mark.parametrize("given, shown", [
    ("10", "10.0"), ("10.5", "10.5"), ("0", "0.0"), ("1000000", "1000000.0"),
])
def test_a_budget_is_told_as_it_was_given(issuing, given, shown):
    daemon = issuing()
    add(daemon, "alice", given, "month")
    add(daemon, "bob", given)
    found = daemon.budget()
    expected = {"rows": shown, "spent": "0.0", "reserved": "0.0", "left": shown, "per": "month"}
    assert expected.items() <= found.items()
    assert {"rows", "per", "spent", "reserved", "left", "begins_anew", "warning"} <= set(found)
    assert daemon.budget("bob")["per"] == "total", "is what goes without saying"
    set_budget(daemon, "bob", given, "--per", "day")
    assert daemon.budget("bob")["per"] == "day" and daemon.budget("bob")["rows"] == shown


def test_another_budget_holds_at_once(issuing):
    daemon = issuing()
    alice = add(daemon, rows="1")
    check_held_back(daemon.ask(token=alice, limit=5), left=10, most=20)
    set_budget(daemon, "alice", "2")
    spend(daemon, alice, 1)
    check_held_back(daemon.ask(fresh(1), token=alice, limit=5), left=0, most=20)
    set_budget(daemon, "alice", "100")
    assert budget(daemon)["left"] == 980
    spend(daemon, alice, 1, start=1)
    set_budget(daemon, "alice", "3")
    check_held_back(daemon.ask(fresh(2), token=alice, limit=5))


def test_none_lifts_it(issuing):
    daemon = issuing()
    alice = add(daemon, rows="0")
    check_held_back(daemon.ask(token=alice))
    set_budget(daemon, "alice", "none")
    assert daemon.budget() is None
    assert daemon.ask(token=alice).miss
    assert daemon.spend()["tokens"][0]["budget"] is None
    assert daemon.metrics().all("rowcache_budget_rows") == []
    assert daemon.metrics().all("rowcache_budget_left_rows") == []


def test_a_budget_belongs_to_the_name_and_not_to_the_token(issuing):
    daemon = issuing()
    spend(daemon, add(daemon, rows="5"), 1)
    new = daemon.ctl_text("token", "rotate", "alice").strip()
    daemon.ctl_text("token", "rename", "alice", "carol")
    spend(daemon, new, 1, start=1)
    assert {"rows": 50, "spent": 40, "left": 10}.items() <= budget(daemon, "carol").items()
    check_held_back(daemon.ask(fresh(2), token=new, limit=5), left=10, most=20)


def test_all_who_tell_of_a_budget_tell_the_same(sim, issuing):
    daemon = issuing()
    alice = add(daemon, "alice", "20", "day")
    spend(daemon, alice, 1)
    with under_way(sim, daemon, question("rows-6.example", token=alice, limit=40)):
        found = daemon.budget()
        expected = {"rows": "20.0", "per": "day", "spent": "2.0", "reserved": "9.0", "left": "9.0"}
        assert expected.items() <= found.items() and found["warning"] is False
        for report in (daemon.spend(), daemon.ctl_json("spend"), daemon.ctl_json("token", "list")):
            assert [line["budget"] for line in report["tokens"]] == [found]
        metrics = daemon.metrics()
        assert metrics.value("rowcache_budget_rows", token="alice") == 20
        assert metrics.value("rowcache_budget_left_rows", token="alice") == 9
        check_held_back(daemon.ask("rows-7.example", token=alice, limit=50), 90, MOST_50)
        assert daemon.admin_json("/api/status")["budget_warnings"] == []
        assert "20.0" in daemon.ctl_text("token", "list")
    eventually(lambda: budget(daemon)["spent"] == daemon.account["rows_spent"] == sim.bill(AHREFS))


def test_metrics_tell_of_those_who_have_a_budget(issuing):
    daemon = issuing()
    spend(daemon, add(daemon, "alice", "10"), 1)
    add(daemon, "bob", "0.5")
    daemon.ask(token=add(daemon, "carol"))
    metrics = daemon.metrics()
    for name, left in (("rowcache_budget_rows", {"alice": 10, "bob": 0.5}),
                       ("rowcache_budget_left_rows", {"alice": 8, "bob": 0.5})):
        assert metrics.types[name] == "gauge"
        assert {labels["token"]: value for labels, value in metrics.all(name)} == left


def test_without_a_budget_none_is_told(issuing):
    daemon = issuing()
    daemon.ask(token=add(daemon))
    assert daemon.budget() is None and daemon.spend()["tokens"][0]["budget"] is None
    assert daemon.metrics().all("rowcache_budget_rows") == []


# Warned of


def warnings(daemon) -> list:
    return [line for line in daemon.lines if "budget_warning" in line]


@pytest.mark.parametrize("options, asks", [
    ([], 5), (["ledger.budget_warning=50"], 3), (["ledger.budget_warning=1"], 1),
], ids=str)
def test_it_is_warned_of_once(issuing, options, asks):
    """A budget of 11 rows, of which 2 are spent at a time."""
    daemon = issuing(*options)
    alice = add(daemon, rows="11")
    spend(daemon, alice, asks - 1)
    assert daemon.budget()["warning"] is False and warnings(daemon) == []
    assert daemon.ctl_json("status")["budget_warnings"] == []
    spend(daemon, alice, 1, start=asks)
    used = f"{2 * asks}.0"
    daemon.wait_for_log(rf"\bwarning budget_warning token=alice used={used} budget=11\.0\b")
    assert daemon.budget()["warning"] is True
    assert daemon.spend()["tokens"][0]["budget"]["warning"] is True
    assert daemon.admin_json("/api/status")["budget_warnings"] == ["alice"]
    assert daemon.ctl_json("status")["budget_warnings"] == ["alice"]
    assert daemon.ask("rows-0.example", token=alice, limit=0).miss
    assert daemon.stop() == 0
    assert len(warnings(daemon)) == 1


def test_a_hundred_percent_is_all_of_it(issuing):
    daemon = issuing("ledger.budget_warning=100")
    alice = add(daemon, rows="4")
    spend(daemon, alice, 1)
    assert daemon.budget()["warning"] is False
    spend(daemon, alice, 1, start=1)
    daemon.wait_for_log(r"\bwarning budget_warning token=alice used=4\.0 budget=4\.0")
    assert daemon.budget()["warning"] is True


def test_it_need_not_be_warned_of(issuing):
    daemon = issuing("ledger.budget_warning=0")
    alice = add(daemon, rows="2")
    spend(daemon, alice, 1)
    check_held_back(daemon.ask(fresh(1), token=alice), left=0, most=2010)
    assert daemon.budget()["warning"] is False
    assert daemon.admin_json("/api/status")["budget_warnings"] == []
    assert daemon.stop() == 0 and warnings(daemon) == []


def test_a_larger_budget_is_no_cause_to_warn(issuing):
    daemon = issuing()
    spend(daemon, add(daemon, rows="2"), 1)
    spend(daemon, add(daemon, "bob", "2"), 1, start=1)
    assert sorted(daemon.admin_json("/api/status")["budget_warnings"]) == ["alice", "bob"]
    set_budget(daemon, "alice", "1000")
    assert daemon.budget()["warning"] is False
    assert daemon.admin_json("/api/status")["budget_warnings"] == ["bob"]


@pytest.mark.parametrize("value, status", [
    ("0", 0), ("80", 0), ("100", 0), ("101", 1), ("-1", 1), ("many", 1),
])
def test_the_level_of_warning_is_a_percentage(value, status):
    done = run(ROWCACHED, "-t", "-o", f"ledger.budget_warning={value}")
    assert done.returncode == status and ("ledger.budget_warning" in done.stderr) == bool(status)


# Days and months


def beginning_of_next(per, zone) -> str:
    today = datetime.now(ZoneInfo(zone)).date()
    first = today + timedelta(1)
    if per == "month":
        first = (today.replace(day=1) + timedelta(32)).replace(day=1)
    return datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize("zone", ZONES)
def test_a_budget_begins_anew_with_the_day_or_the_month_there(issuing, zone):
    daemon = issuing(f"ledger.timezone={zone}")
    for per in ("day", "month"):
        add(daemon, per, "10", per)
        before = beginning_of_next(per, zone)
        found = daemon.budget(per)["begins_anew"]
        assert found in (before, beginning_of_next(per, zone))


@pytest.mark.parametrize("zone", ZONES)
def test_it_is_held_back_until_the_day_begins_anew_there(issuing, zone):
    daemon = issuing(f"ledger.timezone={zone}")
    alice = add(daemon, "alice", "1", "day")
    reply = daemon.ask(token=alice)
    check_held_back(reply, left=10, most=2010)
    anew = datetime.fromisoformat(daemon.budget()["begins_anew"])
    assert str(anew.date()) in reply.error
    assert abs(anew.timestamp() - time.time() - int(reply.headers["Retry-After"])) < patience(60)


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_reported_as_they_are_there(issuing, zone):
    daemon = issuing(f"ledger.timezone={zone}")
    alice = add(daemon, "alice", "100", "day")
    today = datetime.now(ZoneInfo(zone)).date()
    spend(daemon, alice, 1)
    line, = (line for value in daemon.spend({"by": "day"}).values() if isinstance(value, list)
             for line in value)
    assert line["day"] in (str(today), str(datetime.now(ZoneInfo(zone)).date()))
    assert amounts(line)["rows_spent"] == ROWS_5
    day = date.fromisoformat(line["day"])
    for bound, misses in (({"since": day}, 1), ({"since": day + timedelta(1)}, 0),
                          ({"until": day - timedelta(1)}, 0)):
        assert daemon.spend(bound)["total"]["misses"] == misses


def test_the_days_of_far_zones_are_not_the_same(issuing):
    """So that at least one of those above tells whether the zone is heeded at all."""
    days = set()
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        daemon = issuing(f"ledger.timezone={zone}")
        add(daemon, "alice", "100", "day")
        days.add(daemon.budget()["begins_anew"][:10])
    assert len(days) == 2


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../UTC", "/etc/localtime", "Europe", "UTC+25"])
def test_a_zone_that_does_not_exist_is_refused(zone):
    done = run(ROWCACHED, "-t", "-o", f"ledger.timezone={zone}")
    assert done.returncode == 1 and "ledger.timezone" in done.stderr


@pytest.mark.parametrize("zone", [*ZONES, "America/New_York", "Asia/Kathmandu"])
def test_a_zone_that_exists_is_taken(zone):
    done = run(ROWCACHED, "-t", "-o", f"ledger.timezone={zone}")
    assert done.returncode == 0, done.stderr


# What is no budget


JUNK = ["ten", "", "-5", "-0.1", "1e3", "1.25", "0x10", "10 rows", "nan", "inf", "1,5", ".",
        "99999999999999999999999999"]


@pytest.mark.parametrize("rows", JUNK)
def test_what_is_no_amount_is_refused(issuing, rows):
    daemon = issuing()
    add(daemon, "alice", "10")
    before = daemon.budget()
    for words in (["add", "bob", "--budget", rows], ["budget", "alice", rows],
                  ["register", "bob", "--budget", rows]):
        done = daemon.ctl("token", *words, input=TOKEN + "\n")
        assert done.returncode in (1, 2) and done.stderr and not done.stdout, done
        assert TOKEN not in done.stderr
    assert [line["token"] for line in daemon.admin_json("/api/token")["tokens"]] == ["alice"]
    assert daemon.budget() == before


@pytest.mark.parametrize("words", [
    ["add", "bob", "--per", "day"], ["register", "bob", "--per", "day"],
    ["add", "bob", "--budget", "5", "--per", "week"], ["add", "bob", "--budget", "5", "--per", ""],
    ["add", "bob", "--budget"], ["add", "bob", "--budget", "5", "--per"],
    ["budget", "alice"], ["budget", "alice", "5", "--per", "week"], ["budget", "alice", "5", "6"],
], ids=" ".join)
@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_half_a_budget_is_none(issuing, words, running):
    daemon = issuing()
    add(daemon, "alice", "10")
    before = daemon.ctl_json("token", "list")
    if not running:
        assert daemon.stop() == 0
    done = daemon.ctl("token", *words, input=TOKEN + "\n")
    assert done.returncode in (1, 2) and done.stderr and not done.stdout, done
    assert re.search("budget|per|rows|usage", done.stderr, re.IGNORECASE), done.stderr
    assert daemon.ctl_json("token", "list") == before


def test_it_is_refused_without_a_daemon_as_well(issuing):
    daemon = issuing()
    add(daemon, "alice", "10")
    assert daemon.stop() == 0
    for rows in JUNK:
        done = daemon.ctl("token", "budget", "alice", rows)
        assert done.returncode in (1, 2) and done.stderr and not done.stdout, done
    line, = daemon.ctl_json("token", "list")["tokens"]
    assert line["budget"]["rows"] == "10.0"


# Many at once


@pytest.mark.concurrent
def test_who_joins_a_flight_is_not_held_back(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="0")
    with under_way(sim, daemon, question()):
        clients = send_from_many(daemon, 20, question(token=alice))
    replies = receive_all(clients)
    assert all(reply.cache == COLLAPSED or reply.hit for reply in replies)
    assert any(reply.cache == COLLAPSED for reply in replies)
    assert {(reply.spent, reply.saved) for reply in replies} == {(0, ROWS_5)}
    assert sim.bills() == {TOKEN: ROWS_5} and budget(daemon)["spent"] == 0


@pytest.mark.concurrent
def test_whoever_joined_somebody_who_could_not_pay_asks_for_himself(sim, issuing):
    """Which of them begins the flight is left to chance, many times."""
    daemon = issuing()
    tokens = [add(daemon, rows="0"), TOKEN] * 20
    assert daemon.ask("rows-0.example").miss
    clients = [daemon.client() for _ in tokens]
    for number in range(10):
        for client, token in zip(clients, tokens):
            client.send("GET", "/?" + encode(question(fresh(number), token=token)))
        for client, token in zip(clients, tokens):
            reply = client.receive()
            if token == TOKEN or reply.status != 402:
                assert reply.status == 200 and len(reply.rows) == 5
                assert token == TOKEN or reply.cache == COLLAPSED or reply.hit
            else:
                check_held_back(reply, left=0, most=2010)
    for client in clients:
        client.close()
    assert sim.bills() == {TOKEN: 10 + 10 * ROWS_5}, "each was paid for once"
    assert budget(daemon)["spent"] == budget(daemon)["reserved"] == 0


COST = 10 + 10 * 2  # of each of the questions below
MOST = 10 + 20 * 2


@pytest.mark.concurrent
def test_two_hundred_at_once_do_not_overspend_by_a_tenth_of_a_row(sim, issuing):
    daemon = issuing()
    alice = add(daemon, rows="1000")
    clients = [daemon.client() for _ in range(200)]
    replies = []
    for turn in range(2):
        for number, client in enumerate(clients):
            query = question(fresh(200 * turn + number, 10), token=alice, limit=20)
            client.send("GET", "/?" + encode(query))
        replies += [client.receive() for client in clients]
    for client in clients:
        client.close()
    for reply in replies:
        assert reply.whole and (reply.status == 402 or len(reply.rows) == 10)
    paid = sum(reply.status == 200 for reply in replies)
    assert paid * COST == sim.bill(AHREFS) == daemon.account["rows_spent"] <= 10000
    assert (daemon.account["rows_unknown"], 200 <= paid < 400) == (0, True)

    eventually(lambda: budget(daemon)["reserved"] == 0)
    left = budget(daemon)["left"]
    assert left == 10000 - paid * COST >= MOST - COST
    check_all_of_it_can_be_spent(daemon, alice, left)
    assert daemon.account["rows_spent"] == sim.bill(AHREFS) == 10000


def check_all_of_it_can_be_spent(daemon, token, left):
    """One question that costs what is left, and then none any more."""
    results = (left - 10) // 2
    assert 10 + 2 * results == left
    dearer = daemon.ask(fresh(0, results), token=token, limit=results + 1)
    check_held_back(dearer, left=left, most=left + 2)
    assert daemon.ask(fresh(0, results), token=token, limit=results).miss
    check_held_back(daemon.ask("rows-0.example", token=token, limit=0), left=0, most=10)


@pytest.mark.concurrent
def test_two_budgets_at_once_do_not_stand_in_each_others_way(sim, issuing):
    daemon = issuing()
    tokens = {name: add(daemon, name, rows) for name, rows in (("alice", "30"), ("bob", "60"))}
    clients = []
    for number in range(40):
        for turn, token in enumerate(tokens.values()):
            query = question(fresh(2 * number + turn, 10), token=token, limit=10)
            clients.append(daemon.send(query))
    replies = receive_all(clients)
    assert [sum(reply.status == 200 for reply in replies[turn::2]) for turn in range(2)] == [10, 20]
    assert all(reply.status in (200, 402) for reply in replies)
    for name, spent in (("alice", 300), ("bob", 600)):
        eventually(lambda: budget(daemon, name)["reserved"] == 0)
        assert {"spent": spent, "left": 0}.items() <= budget(daemon, name).items()
    assert sim.bill(AHREFS) == 900
