"""How a budget is set, told and warned of, and when it begins again."""

import re
import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from budgets import ROWS_5, add, budget, check_held_back, fresh, set_budget, spend, under_way
from daemon import AHREFS, OTHER_TOKEN, ROWCACHED, TOKEN, amounts, eventually, question, run
from tokens import INFO
from wire import patience

MOST_50 = 10 + 50 * 2
ZONES = ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]  # from +14:00 to -12:00


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
    """The account's name for the token that had so many hits."""
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


def test_a_budget_of_nothing_is_no_cause_to_warn(issuing):
    """A free request of its token is settled; that spends no part of the budget."""
    daemon = issuing()
    assert daemon.get({**INFO, "token": add(daemon, rows="0")}).status == 200
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


def test_what_is_given_back_is_no_cause_to_warn(issuing):
    """Else whoever asks without a limit would be warned of at once, and not when it matters."""
    daemon = issuing()
    alice = add(daemon, rows="230")
    assert daemon.ask(fresh(0), token=alice).miss
    assert warnings(daemon) == [] and daemon.budget()["warning"] is False
    set_budget(daemon, "alice", "4.5")
    spend(daemon, alice, 1, start=1)
    daemon.wait_for_log(r"\bbudget_warning token=alice used=4\.0 budget=4\.5")


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


# Texts that are no budget


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
