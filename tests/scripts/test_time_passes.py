"""Days, months, switches of the clock and long waits, under a clock that the play moves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon import OTHER_TOKEN, QUESTIONS, TOKEN, amounts, eventually, wait_until_held
from wire import REFRESHED, patience

BERLIN = ZoneInfo("Europe/Berlin")
ROWS_5 = 10 + 5 * 2
MOST_50 = 10 + 50 * 2
CACHED = {"Cache-Control": "only-if-cached"}
CHECK = {"from": "subscription_info"}
DAY = 86400


def berlin(text) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def spend(daemon, token):
    """The two rows that these budgets have. A target of its own for each."""
    spend.turn += 1
    return daemon.ask(f"rows-5.n{spend.turn}.example", token=token, limit=5)


spend.turn = 0


def days(daemon) -> dict:
    """The amounts spent on each day, in tenths of a row."""
    lines = daemon.spend({"by": "day"})["days"]
    return {line["day"]: amounts(line)["rows_spent"] for line in lines}


# Budgets, in ledger.timezone

# When a budget is used up, and when it begins anew there: an hour before midnight, at the end of a
# month and of a year, in a February, on the day of 23 hours and on the one of 25.
TURNS = [
    ("day", "2026-03-03T23:00", "2026-03-04T00:00"),
    ("day", "2026-03-29T00:00", "2026-03-30T00:00"),
    ("day", "2026-10-25T00:00", "2026-10-26T00:00"),
    ("day", "2026-10-25T02:30", "2026-10-26T00:00"),
    ("day", "2027-12-31T23:59", "2028-01-01T00:00"),
    ("month", "2026-01-31T23:59", "2026-02-01T00:00"),
    ("month", "2026-02-01T00:00", "2026-03-01T00:00"),
    ("month", "2026-03-01T00:00", "2026-04-01T00:00"),
    ("month", "2028-02-28T12:00", "2028-03-01T00:00"),
    ("month", "2026-12-15T08:00", "2027-01-01T00:00"),
]


@pytest.mark.parametrize("per, used_up, anew", TURNS)
def test_a_budget_begins_anew_at_midnight_there_and_not_before(
        sim, driven, clock, house, per, used_up, anew):
    anew = berlin(anew)
    clock.set(berlin(used_up))
    daemon = driven(house, "ledger.timezone=Europe/Berlin")
    alice = daemon.issue("alice", "--budget", "2", "--per", per)
    assert spend(daemon, alice).spent == ROWS_5
    refused = spend(daemon, alice)
    assert refused.status == 402
    wait = int(refused.headers["Retry-After"])
    assert wait == anew.timestamp() - clock.now.timestamp()
    assert datetime.fromisoformat(daemon.budget()["begins_anew"]) == anew

    clock.go_on(seconds=wait - 1)
    refused = spend(daemon, alice)
    assert refused.status == 402 and refused.headers["Retry-After"] == "1"
    clock.go_on(seconds=1)
    assert daemon.budget()["left"] == "2.0"
    assert spend(daemon, alice).spent == ROWS_5
    assert spend(daemon, alice).status == 402
    assert sum(sim.bills().values()) == 2 * ROWS_5


def test_days_of_23_and_of_25_hours_are_days(driven, clock, house):
    """What was spent within one stands on it, and what comes after on the next."""
    daemon = driven(house, "ledger.timezone=Europe/Berlin")
    alice = daemon.issue("alice")
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        clock.go_on_until(berlin(day))
        assert spend(daemon, alice).spent == ROWS_5
        clock.go_on(hours=hours, seconds=-1)
        assert spend(daemon, alice).spent == ROWS_5
        clock.go_on(seconds=1)
        assert spend(daemon, alice).spent == ROWS_5
    assert days(daemon) == {"2026-03-29": 2 * ROWS_5, "2026-03-30": ROWS_5,
                            "2026-10-25": 2 * ROWS_5, "2026-10-26": ROWS_5}


def test_what_is_reserved_before_midnight_counts_on_its_own_day(sim, driven, clock, house):
    """An answer that comes after midnight is paid for with the budget of the day before. Until it has
    come, its reservation also holds back that of the new day: the careful side."""
    clock.set(berlin("2026-03-03T23:59:59"))
    daemon = driven(house, "ledger.timezone=Europe/Berlin")
    alice = daemon.issue("alice", "--budget", "2", "--per", "day")
    sim.hold(match=QUESTIONS)
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(spend, daemon, alice)
        wait_until_held(sim)
        clock.go_on(seconds=1)
        during = daemon.budget()
        sim.release()
        assert reply.result().spent == ROWS_5
    assert (during["reserved"], during["left"]) == ("2.0", "0.0")
    assert days(daemon) == {"2026-03-03": ROWS_5}
    assert daemon.budget()["left"] == "2.0"
    assert spend(daemon, alice).spent == ROWS_5


# Freshness and staleness


def test_a_result_is_fresh_for_24_hours(sim, driven, clock):
    daemon = driven()
    assert daemon.ask().miss
    for hour in range(24):
        reply = daemon.ask()
        assert reply.hit and reply.headers["Age"] == str(hour * 3600)
        assert reply.ttl == DAY - hour * 3600
        clock.go_on(hours=1)
    clock.go_on(seconds=-1)
    assert daemon.ask(headers=CACHED).headers["Age"] == str(DAY - 1)
    clock.go_on(seconds=1)
    assert daemon.ask(headers=CACHED).status == 504
    assert daemon.ask().cache == REFRESHED
    assert daemon.ask().headers["Age"] == "0"
    assert sim.bill(TOKEN) == 2 * ROWS_5


def test_an_old_result_stands_in_for_an_upstream_that_is_ill_for_seven_days(sim, driven, clock):
    daemon = driven()
    rows = daemon.ask().rows
    sim.fault("status", match=QUESTIONS, times=None, code=500)
    clock.go_on(days=1)
    assert daemon.ask().stale
    clock.go_on(days=7, seconds=-1)
    last = daemon.ask()
    assert last.stale and last.rows == rows and last.headers["Age"] == str(8 * DAY - 1)
    clock.go_on(seconds=2)
    assert daemon.ask().status >= 500
    sim.clear_faults()
    assert daemon.ask().cache == REFRESHED


def test_a_window_of_days_for_refreshes_behind_the_back(sim, driven, clock):
    daemon = driven("cache.stale_while_revalidate=3d")
    old, other = daemon.ask().rows, daemon.ask("rows-6.example").rows
    sim.change_world()
    sim.hold(match=QUESTIONS)
    clock.go_on(days=4, seconds=-1)
    reply = daemon.ask()
    assert reply.stale and reply.rows == old and reply.spent == 0
    wait_until_held(sim)
    sim.release()
    eventually(lambda: daemon.ask().hit)

    clock.go_on(seconds=2)
    reply = daemon.ask("rows-6.example")
    assert reply.cache == REFRESHED and reply.rows != other


def test_a_clock_that_is_set_ahead_and_back_again(sim, driven, clock):
    """What was stored meanwhile is of no known age; what was stored before is as old as it is."""
    daemon = driven()
    moment = clock.now
    assert daemon.ask().miss
    clock.set(moment + timedelta(days=3650))
    assert daemon.ask("rows-6.example").miss
    clock.set(moment + timedelta(hours=1))
    assert daemon.ask().headers["Age"] == "3600"
    assert daemon.ask("rows-6.example", headers=CACHED).status == 504
    assert daemon.ask("rows-6.example").cache == REFRESHED
    assert daemon.ask("rows-6.example").hit


# Retention


def entry_of(daemon, reply):
    return daemon.admin("/api/request/" + reply.headers["X-Request-Id"])


def test_requests_leave_the_ledger_after_400_days_and_the_totals_stay(driven, clock):
    daemon = driven()
    reply = daemon.ask()
    clock.go_on(days=300)
    later = daemon.ask("rows-6.example")
    clock.go_on(days=100, seconds=-1)
    daemon.restart()  # the last requests are also kept in memory
    assert daemon.request(reply)["state"] == "settled"
    clock.go_on(hours=2)
    eventually(lambda: entry_of(daemon, reply).status == 404)
    assert daemon.request(later)["state"] == "settled"
    assert daemon.account["rows_spent"] == ROWS_5 + 10 + 6 * 2
    assert len(days(daemon)) == 2


# Knowledge of tokens


def checks(sim, token=OTHER_TOKEN):
    return sum(record["token"] == token and record["params"]["from"] == CHECK["from"]
               for record in sim.requests)


def test_a_token_that_ahrefs_accepts_is_asked_for_again_after_an_hour(sim, driven, clock):
    daemon = driven()
    daemon.ask()
    assert daemon.ask(token=OTHER_TOKEN).hit
    clock.go_on(hours=1, seconds=-1)
    assert daemon.ask(token=OTHER_TOKEN).hit and checks(sim) == 1
    clock.go_on(seconds=1)
    assert daemon.ask(token=OTHER_TOKEN).hit and checks(sim) == 2
    sim.fault("error_first", match=CHECK, times=None, text="invalid token")
    clock.go_on(hours=1)
    assert daemon.ask(token=OTHER_TOKEN).status == 403 and checks(sim) == 3


def test_a_token_that_ahrefs_refuses_is_asked_for_again_after_a_minute(sim, driven, clock):
    daemon = driven()
    daemon.ask()
    sim.fault("error_first", match=CHECK, times=None, text="invalid token")
    assert daemon.ask(token=OTHER_TOKEN).status == 403
    sim.clear_faults()
    clock.go_on(seconds=59)
    assert daemon.ask(token=OTHER_TOKEN).status == 403 and checks(sim) == 1
    clock.go_on(seconds=1)
    assert daemon.ask(token=OTHER_TOKEN).hit and checks(sim) == 2


# Waits


@pytest.mark.parametrize("budget", [False, True], ids=["no budget", "budget"])
def test_upstream_may_be_silent_for_a_minute_and_no_longer(sim, driven, clock, house, budget):
    daemon = driven(house)
    token = daemon.issue("alice", "--budget", "300") if budget else TOKEN
    daemon.ask("rows-3.example", token=token)
    sim.fault("hold", times=None)
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(daemon.ask, token=token, limit=50)
        wait_until_held(sim)
        clock.go_on(seconds=59)
        assert daemon.ask("rows-3.example", token=token).hit
        assert not reply.done() and sim.held == 1
        clock.go_on(seconds=1)
        assert reply.result(patience(10)).status == 504
    eventually(lambda: daemon.account["rows_unknown"] == MOST_50)


def test_a_drain_waits_for_its_timeout(sim, driven, clock):
    daemon = driven("server.drain_timeout=30s", "upstream.stall_timeout=1h")
    sim.fault("hold", charged=True)
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(daemon.ask, limit=50)
        wait_until_held(sim)
        daemon.signal(15)
        daemon.wait_for_log(r"\binfo drain timeout=30s\b")
        eventually(lambda: daemon.admin("/health").status == 503)
        clock.go_on(seconds=29)
        assert daemon.admin("/health").status == 503
        assert daemon.running and sim.held == 1
        with clock.flying():
            assert daemon.wait() == 0
        assert reply.exception() or reply.result().status >= 500 or not reply.result().whole
    total = amounts(daemon.ctl_json("spend")["total"])
    assert total["rows_spent"] == total["rows_unknown"] == MOST_50
