"""Ahrefs' own count beside the ledger's; and what puts the ledger right where they differ."""

import json
import signal
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from ahrefs import Simulator
from daemon import (
    HOUSE, OTHER_TOKEN, QUESTIONS, TOKEN, Daemon, arrived, eventually, question, wait_until_held,
)
from wire import Client, encode, patience, tenths

LIMIT = 500000  # rows a month, by the simulator's word
CHECK = {"from": "subscription_info"}
ROWS_5 = 10 + 5 * 2
LOST = {"target": "rows-20.example", "limit": 50}
LOST_COST = 10 + 20 * 2
LOST_MOST = 10 + 50 * 2


def signed(text) -> int:
    """An amount that may be below zero, in tenths."""
    return -tenths(text[1:]) if text.startswith("-") else tenths(text)


def spend_directly(sim, target="rows-5.example", token=HOUSE):
    """Past the daemon, as by a program that was forgotten."""
    with Client(f"127.0.0.1:{sim.port}") as ahrefs:
        assert ahrefs.get(question(target, token=token)).status == 200


def lose_an_answer(sim, daemon, token=HOUSE):
    """It is charged, and breaks off without a count: it may have cost the most."""
    for kind in ("no_count", "truncate"):
        sim.fault(kind, match=QUESTIONS)
    reply = daemon.ask(token=token, **LOST)
    assert reply.status == 502
    return reply


def reconcile(daemon):
    """The accounts, the daemon's own first; the others by their names."""
    accounts = daemon.ctl_json("reconcile")["accounts"]
    own = [one for one in accounts if one["with_issued"]]
    others = {one["token"]: one for one in accounts if not one["with_issued"]}
    assert len(own) <= 1 and len(own) + len(others) == len(accounts)
    return (own or [None])[0], others


def figures(account, *names):
    """Of an account that could be asked for, in tenths."""
    assert account["error"] is None
    return tuple(signed(account[name]) for name in names)


def differences(account):
    return figures(account, "ahrefs_difference", "ledger_difference", "difference")


# Reconciling


def test_the_first_reconciliation_shows_both_counts(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask(token=alice).miss
    own, others = reconcile(daemon)
    assert others == {} and own["error"] is None
    assert figures(own, "rows_left", "rows_limit") == (LIMIT * 10 - ROWS_5, LIMIT * 10)
    names = ("ledger_spent", "ledger_unknown", "ledger_reserved")
    assert figures(own, *names) == (ROWS_5, 0, 0) and sim.bill(HOUSE) == ROWS_5
    assert own["since"] is own["ahrefs_difference"] is None
    assert own["ledger_difference"] is own["difference"] is None
    assert abs(own["at"] - datetime.now().timestamp()) < patience(60)


def test_the_difference_is_zero_when_the_account_is_right(rowcache, house):
    daemon = rowcache(house)
    alice, bob = daemon.issue("alice"), daemon.issue("bob")
    daemon.ask("rows-10.example", token=alice)
    first, _ = reconcile(daemon)
    for target, token in (("rows-5.example", bob), ("rows-15.example", HOUSE)):
        assert daemon.ask(target, token=token).miss
        assert daemon.ask(target, token=alice).hit
    second, _ = reconcile(daemon)
    assert second["since"] == first["at"] and second["at"] >= first["at"]
    assert differences(second) == (60, 60, 0)
    third, _ = reconcile(daemon)
    assert differences(third) == (0, 0, 0) and third["since"] == second["at"]


@pytest.mark.parametrize("how", ["large", "broken", "left"])
def test_whoever_spent_is_reconciled_however_it_ended(sim, rowcache, how):
    daemon = rowcache()
    if how == "large":
        assert daemon.ask("rows-1000.example").whole
    elif how == "broken":
        lose_an_answer(sim, daemon)
    else:
        sim.hold(match=QUESTIONS)
        with daemon.client() as client:
            client.send("GET", "/?" + encode(question()))
            wait_until_held(sim)
        sim.release()
        eventually(lambda: daemon.account["misses"] == 1)
    _, others = reconcile(daemon)
    (account,) = others.values()
    assert figures(account, "ledger_spent") == (daemon.account["rows_spent"],)


def test_what_did_not_count_the_same_is_not_compared(sim, rowcache, house, tmp_path):
    """The file gets another token: what issued tokens spent is that one's from then on."""
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask(token=alice).miss and daemon.ask("rows-6.example", token=HOUSE).miss
    reconcile(daemon)
    (tmp_path / "house").write_text(OTHER_TOKEN + "\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(r"outcome=applied")
    own, others = reconcile(daemon)
    (former,) = others.values()
    assert own["difference"] is None and former["difference"] is None


def test_ahrefs_tells_whole_rows_only(sim, rowcache, house):
    """The rest of a row comes out later; no difference is a whole row."""
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    reconcile(daemon)
    for number in range(6, 16):
        assert daemon.ask(f"rows-{number}.example", token=alice).miss
        own, _ = reconcile(daemon)
        seen, booked, difference = differences(own)
        assert seen % 10 == 0 and booked == 10 + 2 * number
        assert difference == seen - booked and abs(difference) < 10
    assert figures(own, "ledger_spent") == (sim.bill(HOUSE),)


def test_spending_past_the_daemon_shows(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    reconcile(daemon)
    assert daemon.ask(token=alice).miss
    spend_directly(sim, "rows-20.example")
    own, _ = reconcile(daemon)
    assert differences(own) == (ROWS_5 + 50, ROWS_5, 50)
    own, _ = reconcile(daemon)
    assert differences(own) == (0, 0, 0), "each relates to the one before"


def test_an_unknown_amount_shows_in_the_ledger_and_in_the_difference(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    reconcile(daemon)
    lose_an_answer(sim, daemon, alice)
    own, _ = reconcile(daemon)
    assert figures(own, "ledger_spent", "ledger_unknown") == (LOST_MOST, LOST_MOST)
    assert differences(own) == (LOST_COST, LOST_MOST, LOST_COST - LOST_MOST)


def test_a_reservation_shows_while_it_is_open(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    sim.hold(match=QUESTIONS)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question(token=alice, limit=50)))
        wait_until_held(sim)
        own, _ = reconcile(daemon)
        sim.release()
        assert client.receive().miss
    assert figures(own, "ledger_spent", "ledger_reserved") == (0, LOST_MOST)
    own, _ = reconcile(daemon)
    assert figures(own, "ledger_spent", "ledger_reserved") == (ROWS_5, 0)


def test_every_ahrefs_token_has_an_account_of_its_own(sim, rowcache, house):
    """What issued tokens spent is on the daemon's own and on no other."""
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    daemon.register("reporting", OTHER_TOKEN)
    for number, token in enumerate((alice, HOUSE, OTHER_TOKEN)):
        assert daemon.ask(f"rows-{5 * number}.example", token=token).miss
    own, others = reconcile(daemon)
    assert figures(own, "ledger_spent", "rows_left") == (10 + 20, LIMIT * 10 - 30)
    assert list(others) == ["reporting"]
    other = others["reporting"]
    assert figures(other, "ledger_spent", "rows_left") == (30, LIMIT * 10 - 30)
    assert sim.bills() == {HOUSE: 30, OTHER_TOKEN: 30}
    lines = daemon.accounts
    assert own["token"] in lines.keys() - {"alice", "reporting"}


def test_who_was_let_in_without_spending_is_reconciled_too(rowcache):
    daemon = rowcache()
    assert daemon.ask().miss and daemon.ask(token=OTHER_TOKEN).hit
    eventually(lambda: daemon.account["hits"] == 1)
    own, others = reconcile(daemon)
    assert own is None and others.keys() == daemon.accounts.keys()
    assert sorted(signed(one["ledger_spent"]) for one in others.values()) == [0, ROWS_5]
    assert sorted(signed(one["rows_left"]) for one in others.values()) == [
        LIMIT * 10 - ROWS_5, LIMIT * 10]


def test_what_only_the_ledger_remembers_cannot_be_asked(rowcache, house):
    """After a restart nobody knows the tokens of clients, only their fingerprints; the one of
    the file relates to its last reconciliation as before."""
    daemon = rowcache(house)
    daemon.register("reporting", OTHER_TOKEN)
    alice = daemon.issue("alice")
    assert daemon.ask(token=alice).miss
    assert daemon.ask("rows-10.example", token=OTHER_TOKEN).miss
    first, others = reconcile(daemon)
    assert list(others) == ["reporting"]
    daemon.restart()
    second, others = reconcile(daemon)
    assert others == {} and second["since"] == first["at"]
    assert differences(second) == (0, 0, 0)
    assert daemon.ask("rows-15.example", token=OTHER_TOKEN).miss
    _, others = reconcile(daemon)
    assert differences(others["reporting"]) == (40, 40, 0)


def test_what_a_token_spent_stays_with_the_account_when_it_is_gone(sim, rowcache, house):
    daemon = rowcache(house)
    alice, bob = daemon.issue("alice"), daemon.issue("bob")
    for number, token in enumerate((alice, bob)):
        assert daemon.ask(f"rows-{number}.example", token=token).miss
    alice = daemon.ctl_json("token", "rotate", "alice")["token"]
    assert daemon.ctl("token", "revoke", "bob").returncode == 0
    assert daemon.ask("rows-2.example", token=alice).miss
    own, _ = reconcile(daemon)
    assert figures(own, "ledger_spent") == (sim.bill(HOUSE),) == (10 + 12 + 14,)


def test_reconciling_costs_nothing(sim, rowcache, house):
    daemon = rowcache(house)
    assert daemon.ask(token=daemon.issue("alice")).miss
    assert daemon.ask("rows-6.example", token=OTHER_TOKEN).miss
    eventually(lambda: daemon.account["requests"] == 2)
    bills, account, asked = sim.bills(), daemon.account, arrived(sim)
    for _ in range(3):
        reconcile(daemon)
    assert sim.bills() == bills and arrived(sim) == asked
    assert daemon.account == account
    checks = [one["token"] for one in sim.requests if one["params"]["from"] == CHECK["from"]]
    assert checks.count(HOUSE) >= 3 and checks.count(OTHER_TOKEN) >= 3


def test_a_reconciliation_is_printed_for_people(sim, rowcache, house):
    daemon = rowcache(house)
    daemon.register("reporting", OTHER_TOKEN)
    assert daemon.ask("rows-10.example", token=OTHER_TOKEN).miss
    spend_directly(sim)
    done = daemon.ctl("reconcile")
    assert done.returncode == 0, done.stderr
    own, others = reconcile(daemon)
    for account in (own, others["reporting"]):
        assert account["token"] in done.stdout and account["rows_left"] in done.stdout
    assert HOUSE not in done.stdout + done.stderr
    assert OTHER_TOKEN not in done.stdout + done.stderr


def test_a_reconciliation_by_a_page_of_somebody_elses_is_refused(sim, rowcache, house):
    daemon = rowcache(house)
    before = sim.requests
    with Client(daemon.addresses("admin")[0]) as page:
        reply = page.ask("POST", "/api/reconcile", headers={"Origin": "http://evil.example"})
    assert reply.status >= 400 and b"accounts" not in reply.body
    assert sim.requests == before
    assert reconcile(daemon)[0]["since"] is None


def check_unknown(account):
    assert account["error"] and account["difference"] is None
    assert account["rows_left"] is account["rows_limit"] is None
    assert account["ahrefs_difference"] is account["ledger_difference"] is None
    assert TOKEN not in json.dumps(account) and OTHER_TOKEN not in json.dumps(account)


def accounts_of(done):
    """However it ended: some of it could be told."""
    return json.loads(done.stdout)["accounts"]


@pytest.mark.parametrize("kind, options", [
    ("refuse", {}), ("status", {"code": 500}), ("html", {}), ("cut", {"after": 4}),
    ("no_refpages", {}), ("garbage", {"after": 10}),
], ids=str)
def test_one_that_cannot_be_asked_does_not_hide_the_others(sim, rowcache, house, kind, options):
    daemon = rowcache(house)
    daemon.register("reporting", OTHER_TOKEN)
    for number, token in enumerate((HOUSE, OTHER_TOKEN)):
        assert daemon.ask(f"rows-{5 * number}.example", token=token).miss
    first, _ = reconcile(daemon)
    sim.fault(kind, match={**CHECK, "token": HOUSE}, times=None, **options)
    accounts = {one["with_issued"]: one for one in accounts_of(daemon.ctl("reconcile", "--json"))}
    check_unknown(accounts[True])
    assert differences(accounts[False]) == (0, 0, 0)
    assert "reporting" in daemon.ctl("reconcile").stdout

    sim.clear_faults()
    assert daemon.ask("rows-10.example", token=HOUSE).miss
    own, _ = reconcile(daemon)
    assert own["since"] == first["at"], "what could not be told is nothing to relate to"
    assert differences(own) == (30, 30, 0)


def test_a_token_that_ahrefs_refuses_has_an_error(start, house):
    with Simulator(tokens=[OTHER_TOKEN]) as sim:
        daemon = start(sim.url, house)
        assert daemon.ask(token=OTHER_TOKEN).miss
        accounts = accounts_of(daemon.ctl("reconcile", "--json"))
        assert len(accounts) == 2
        for account in accounts:
            if account["with_issued"]:
                check_unknown(account)
            else:
                assert figures(account, "ledger_spent") == (ROWS_5,)
        assert daemon.stop() == 0


def test_while_upstream_is_gone_every_account_has_an_error(start, house):
    with Simulator() as passing:
        daemon = start(passing.url, house)
        assert daemon.ask(token=OTHER_TOKEN).miss
    accounts = accounts_of(daemon.ctl("reconcile", "--json"))
    assert len(accounts) == 2
    for account in accounts:
        check_unknown(account)


def test_without_the_daemon_nothing_can_be_reconciled(rowcache, house):
    daemon = rowcache(house)
    assert daemon.stop() == 0
    done = daemon.ctl("reconcile")
    assert done.returncode == 1 and done.stderr and not done.stdout


# Corrections


def correct(daemon, token, spent, *more, reason="because"):
    """The correction that was added, its amounts in tenths."""
    told = daemon.ctl_json("correction", "add", token, "--spent", spent, *more, "--reason", reason)
    return {**told, "spent": signed(told["rows_spent"]), "unknown": signed(told["rows_unknown"])}


def corrections(daemon, *dates):
    return daemon.ctl_json("correction", "list", *dates)["corrections"]


def today():
    """By the ledger's time zone, which is UTC unless something else is said."""
    return datetime.now(timezone.utc).date()


def reports(daemon):
    return {by: daemon.ctl_json("spend", "--by", by) for by in ("token", "target", "day")}


def amount_of(line):
    return signed(line["rows_spent"]), signed(line["rows_unknown"])


def check_reports(daemon, spent, unknown=0):
    """Each report has that total, and lines that add up to it."""
    for by, report in reports(daemon).items():
        assert amount_of(report["total"]) == (spent, unknown), by
        lines, = (value for value in report.values() if isinstance(value, list))
        sums = [sum(column) for column in zip(*map(amount_of, lines))]
        assert (sums or [0, 0]) == [spent, unknown], by


def entries(daemon):
    """The amounts of single requests, from the ledger of a stopped daemon."""
    file = f"file:{daemon.state}/ledger.db?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as ledger:
        return ledger.execute("SELECT * FROM entry ORDER BY id").fetchall()


def test_a_correction_changes_the_account_of_token_day_and_all(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask("rows-20.example", token=alice).miss
    told = correct(daemon, "alice", "-3.4")
    assert (told["token"], told["spent"], told["unknown"]) == ("alice", -34, 0)
    check_reports(daemon, 50 - 34)
    told = correct(daemon, "alice", "+10")
    assert told["spent"] == 100
    correct(daemon, "alice", "0.1")
    check_reports(daemon, 50 - 34 + 100 + 1)

    line, = daemon.spend()["tokens"]
    assert line["token"] == "alice" and line["rows_spent"] == "11.7"
    assert (line["requests"], line["misses"], line["results"]) == (1, 1, 20)
    day, = daemon.spend({"by": "day"})["days"]
    assert day["day"] == told["day"] and day["rows_spent"] == "11.7"


def test_an_unknown_amount_is_corrected_to_the_bill(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    reconcile(daemon)
    lost = lose_an_answer(sim, daemon, alice)
    assert daemon.ask(token=alice).miss
    check_reports(daemon, LOST_MOST + ROWS_5, LOST_MOST)
    booked = daemon.request(lost)
    own, _ = reconcile(daemon)
    difference, = figures(own, "difference")
    assert difference == LOST_COST - LOST_MOST

    told = correct(daemon, "alice", own["difference"], "--unknown", "-11.0", reason="by Ahrefs")
    assert (told["spent"], told["unknown"]) == (difference, -LOST_MOST)
    assert sim.bill(HOUSE) == LOST_COST + ROWS_5
    check_reports(daemon, sim.bill(HOUSE), 0)
    assert daemon.request(lost) == booked, "nothing is edited"
    own, _ = reconcile(daemon)
    assert figures(own, "ledger_spent", "ledger_unknown") == (sim.bill(HOUSE), 0)


def test_what_was_unknown_may_turn_out_to_be_right(sim, rowcache, house):
    """The amount stays; that it is not known goes."""
    daemon = rowcache(house)
    lose_an_answer(sim, daemon, daemon.issue("alice"))
    told = correct(daemon, "alice", "0", "--unknown", "-11")
    assert (told["spent"], told["unknown"]) == (0, -LOST_MOST)
    check_reports(daemon, LOST_MOST, 0)


def test_a_correction_of_a_token_without_a_name(sim, rowcache):
    daemon = rowcache()
    assert daemon.ask().miss
    label, = daemon.accounts
    told = correct(daemon, label, "-0.5")
    assert told["token"] == label
    assert daemon.accounts[label]["rows_spent"] == ROWS_5 - 5
    check_reports(daemon, ROWS_5 - 5)


def test_a_correction_frees_a_budget_or_fills_it(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "20")
    assert daemon.ask("rows-50.example", token=alice, limit=50).miss  # 11.0
    assert daemon.ask("rows-51.example", token=alice, limit=50).status == 402
    correct(daemon, "alice", "-2")
    assert daemon.ask("rows-40.example", token=alice, limit=50).miss  # 9.0, at most 11.0
    budget = daemon.spend()["tokens"][0]["budget"]
    assert (budget["spent"], budget["left"]) == ("18.0", "2.0")
    correct(daemon, "alice", "+2")
    assert daemon.ask("rows-1.example", token=alice, limit=1).status == 402
    assert daemon.ask("rows-40.example", token=alice, limit=50).hit


def test_a_correction_may_be_of_another_day(rowcache, house):
    """What passed by the daemon yesterday is put on yesterday's account."""
    daemon = rowcache(house)
    daemon.issue("alice")
    yesterday = str(today() - timedelta(1))
    told = correct(daemon, "alice", "7.5", "--day", yesterday)
    assert told["day"] == yesterday
    check_reports(daemon, 75)
    report = daemon.spend({"by": "day", "until": yesterday})
    assert [line["day"] for line in report["days"]] == [yesterday]
    assert amount_of(report["total"]) == (75, 0)
    after = str(today() + timedelta(2))
    assert amount_of(daemon.spend({"since": after})["total"]) == (0, 0)
    correct(daemon, "alice", "-7.5", "--day", yesterday)
    check_reports(daemon, 0)


def test_corrections_are_listed_with_their_reasons(rowcache, house):
    daemon = rowcache(house)
    daemon.issue("alice")
    daemon.register("reporting", OTHER_TOKEN)
    yesterday, before = str(today() - timedelta(1)), str(today() - timedelta(2))
    reason = 'Ahrefs’ bill said "189", <not> 201; Köln, 日本語'
    correct(daemon, "alice", "201", "--unknown", "201.0", "--day", yesterday, reason="lost")
    correct(daemon, "alice", "-189.0", "--unknown", "-201.0", "--day", yesterday, reason=reason)
    correct(daemon, "reporting", "+3", "--day", before, reason="past the daemon")

    listed = corrections(daemon)
    names = ("day", "token", "rows_spent", "rows_unknown", "reason")
    assert sorted(tuple(one[name] for name in names) for one in listed) == sorted([
        (yesterday, "alice", "201.0", "201.0", "lost"),
        (yesterday, "alice", "-189.0", "-201.0", reason),
        (before, "reporting", "3.0", "0.0", "past the daemon"),
    ])
    now = datetime.now().timestamp()
    assert all(abs(one["at"] - now) < patience(60) for one in listed)
    assert {one["token"] for one in corrections(daemon, "--since", yesterday)} == {"alice"}
    assert {one["token"] for one in corrections(daemon, "--until", before)} == {"reporting"}
    assert corrections(daemon, "--since", str(today() + timedelta(2))) == []
    assert daemon.admin_json("/api/correction")["corrections"] == listed
    done = daemon.ctl("correction", "list")
    assert done.returncode == 0 and "-189.0" in done.stdout and "past the daemon" in done.stdout


@pytest.mark.parametrize("token, arguments", [
    ("alice", ["--spent", "-1"]),
    ("alice", ["--spent", "-1", "--reason", ""]),
    ("alice", ["--reason", "because"]),
    ("alice", ["--spent", "0", "--reason", "because"]),
    ("alice", ["--spent", "0.0", "--unknown", "-0", "--reason", "because"]),
    ("alice", ["--spent", "-13.1", "--reason", "more than there is"]),
    ("alice", ["--spent", "-3", "--unknown", "-11.1", "--reason", "more unknown than there is"]),
    ("alice", ["--spent", "-3", "--reason", "unknown would be more than all"]),
    ("alice", ["--spent", "1", "--unknown", "4", "--reason", "unknown would be more than all"]),
    ("alice", ["--spent", "-1", "--day", "2020-01-01", "--reason", "none on that day"]),
    ("alice", ["--spent", "1", "--day", "FUTURE", "--reason", "not yet"]),
    ("alice", ["--spent", "1", "--day", "yesterday", "--reason", "no date"]),
    ("alice", ["--spent", "1", "--day", "2024-02-30", "--reason", "no date"]),
    ("alice", ["--spent", "0.25", "--reason", "no tenths"]),
    ("alice", ["--spent", "--", "--reason", "no number"]),
    ("alice", ["--spent", "-", "--reason", "no number"]),
    ("alice", ["--spent", "1e3", "--reason", "no number"]),
    ("alice", ["--spent", "99999999999999999999", "--reason", "beyond all"]),
    ("alice", ["--spent", "-99999999999999999999", "--reason", "beyond all"]),
    ("mallory", ["--spent", "1", "--reason", "nobody's"]),
    ("0badcafe", ["--spent", "1", "--reason", "nobody's"]),
    (OTHER_TOKEN, ["--spent", "1", "--reason", "a token is no name"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) else value[:8])
def test_a_correction_that_makes_no_sense_is_refused(sim, rowcache, house, token, arguments):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask(token=alice).miss  # 2.0
    lose_an_answer(sim, daemon, alice)  # 11.0, unknown
    future = str(today() + timedelta(2))
    arguments = [future if word == "FUTURE" else word for word in arguments]
    for running in (True, False):
        done = daemon.ctl("correction", "add", token, *arguments)
        assert done.returncode in (1, 2) and done.stderr and not done.stdout
        assert corrections(daemon) == []
        check_reports(daemon, ROWS_5 + LOST_MOST, LOST_MOST)
        assert not running or daemon.stop() == 0


def test_all_that_there_is_can_be_taken_away(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask(token=alice).miss
    lose_an_answer(sim, daemon, alice)
    correct(daemon, "alice", "-13", "--unknown", "-11")
    check_reports(daemon, 0)
    refused = daemon.ctl("correction", "add", "alice", "--spent", "-0.1", "--reason", "more")
    assert refused.returncode == 1
    daemon.restart()
    check_reports(daemon, 0)


def test_corrections_work_while_the_daemon_is_stopped(sim, rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "1000")
    assert daemon.ask(token=alice).miss
    lose_an_answer(sim, daemon, alice)
    assert daemon.stop() == 0
    before = entries(daemon)
    assert len(before) == 2

    told = correct(daemon, "alice", "-6", "--unknown", "-11", reason="while it was stopped")
    assert (told["spent"], told["unknown"]) == (LOST_COST - LOST_MOST, -LOST_MOST)
    check_reports(daemon, sim.bill(HOUSE))
    listed, stopped = corrections(daemon), reports(daemon)
    assert [one["reason"] for one in listed] == ["while it was stopped"]
    assert entries(daemon) == before, "nothing is edited"
    assert daemon.ctl("correction", "list").returncode == 0

    daemon.start()
    assert corrections(daemon) == listed and reports(daemon) == stopped
    assert daemon.spend()["tokens"][0]["budget"]["spent"] == "7.0"
    assert daemon.ask(token=alice).hit
    assert daemon.stop() == 0
    assert entries(daemon) == before


def test_before_the_daemon_has_ever_run(sim, tmp_path):
    """The state directory is made by whoever comes first."""
    daemon = Daemon(tmp_path / "new", sim.url)
    daemon.state.rmdir()
    nobody = ["-o", "admin.listen=127.0.0.1:1"]
    daemon.ctl_json(*nobody, "token", "add", "alice")
    correction = ["correction", "add", "alice", "--spent", "12.3", "--reason", "of last week"]
    daemon.ctl_json(*nobody, *correction)
    listed = daemon.ctl_json(*nobody, "correction", "list")["corrections"]
    assert [(one["token"], one["rows_spent"]) for one in listed] == [("alice", "12.3")]
    refused = daemon.ctl(*nobody, "correction", "add", "bob", "--spent", "1", "--reason", "why")
    assert refused.returncode == 1 and "bob" in refused.stderr
    daemon.start()
    assert corrections(daemon) == listed
    check_reports(daemon, 123)
    daemon.end()


def test_a_correction_is_in_the_next_difference(sim, rowcache, house):
    """Once it is made, nothing is missing any more; and it is no spending upstream."""
    daemon = rowcache(house)
    daemon.issue("alice")
    reconcile(daemon)
    spend_directly(sim, "rows-20.example")
    correct(daemon, "alice", "5.0", reason="a script that asked Ahrefs itself")
    own, _ = reconcile(daemon)
    assert differences(own) == (50, 50, 0)
    correct(daemon, "alice", "-5.0", reason="it was paid by somebody else")
    own, _ = reconcile(daemon)
    assert differences(own) == (0, -50, 50)


def test_a_correction_by_a_page_of_somebody_elses_is_refused(rowcache, house):
    daemon = rowcache(house)
    daemon.issue("alice")
    form = encode({"token": "alice", "spent": "1", "unknown": "0", "reason": "because"})
    headers = {"Origin": "http://evil.example",
               "Content-Type": "application/x-www-form-urlencoded"}
    with Client(daemon.addresses("admin")[0]) as page:
        assert page.ask("POST", "/api/correction", form, headers).status >= 400
    assert corrections(daemon) == [] and daemon.account["rows_spent"] == 0
