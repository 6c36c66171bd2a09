"""Units beside rows: what is set, reported and told where upstream.api is v3, and where it was v2."""

import re

import pytest

from daemon import TOKEN, amounts
from tokens import NOWHERE, check_command_refused
from v3 import KEY
from wire import tenths

AS_V3 = ("-o", "upstream.api=v3")
AS_V2 = ("-o", "upstream.api=v2")
DAY = "2026-01-02"


@pytest.fixture
def books(rowcache):
    """A state directory that no daemon uses, with 12.5 rows and 1200 units on one day."""
    daemon = rowcache()
    assert daemon.stop() == 0
    daemon.ctl_text(*NOWHERE, "token", "add", "alice", "--budget", "20", "--per", "month")
    correct(daemon, AS_V2, "alice", "--spent", "12.5", "--unknown", "0.5")
    correct(daemon, AS_V3, "alice", "--spent", "1200", "--unknown", "50")
    return daemon


def correct(daemon, api, name, *more):
    return daemon.ctl_text(*NOWHERE, *api, "correction", "add", name, "--day", DAY,
                           "--reason", "by hand", *more)


def header(text):
    """The headings of a table, two spaces or more apart."""
    return re.split(r" {2,}", text.splitlines()[0])


# What is set


@pytest.mark.parametrize("amount", ["0.5", "1000.0", "1e3", "-1", "many", ""])
def test_a_budget_of_units_is_whole(rowcache, amount):
    daemon = rowcache()
    assert daemon.stop() == 0
    done = daemon.ctl(*NOWHERE, *AS_V3, "token", "add", "alice", "--budget", amount)
    check_command_refused(done, 1)
    assert "whole number of units" in done.stderr
    assert daemon.ctl_json(*NOWHERE, "token", "list")["tokens"] == []


def test_a_budget_is_in_the_currency_of_its_time(books):
    books.ctl_text(*NOWHERE, *AS_V3, "token", "add", "bob", "--budget", "50000", "--per", "day")
    lines = {line["token"]: line["budget"]
             for line in books.ctl_json(*NOWHERE, *AS_V3, "token", "list")["tokens"]}
    assert (lines["alice"]["rows"], lines["alice"]["currency"]) == ("20.0", "rows")
    assert (lines["bob"]["units"], lines["bob"]["currency"]) == (50000, "units")
    assert (lines["bob"]["spent"], lines["bob"]["left"]) == (0, 50000)
    books.ctl_text(*NOWHERE, *AS_V3, "token", "budget", "alice", "3000")
    alice = next(line["budget"] for line in books.ctl_json(*NOWHERE, "token", "list")["tokens"]
                 if line["token"] == "alice")
    assert (alice["units"], alice["spent"], alice["left"]) == (3000, 1200, 1800)
    books.ctl_text(*NOWHERE, "token", "budget", "alice", "1000.5")  # and back
    alice = books.ctl_json(*NOWHERE, "token", "list")["tokens"][0]["budget"]
    assert (alice["rows"], alice["spent"], alice["left"]) == ("1000.5", "12.5", "988.0")


def test_the_daemon_sets_budgets_in_its_own_currency(rowcache3):
    daemon = rowcache3()
    daemon.issue("alice", "--budget", "5000", "--per", "month")
    assert daemon.budget()["units"] == daemon.budget()["left"] == 5000
    done = daemon.ctl("token", "budget", "alice", "5000.5")
    check_command_refused(done, 1)
    assert "whole number of units" in done.stderr
    daemon.register("bob", KEY, "--budget", "70")
    assert daemon.budget("bob")["units"] == 70
    metrics = daemon.metrics()
    assert metrics.value("rowcache_budget_units", token="alice") == 5000
    assert metrics.value("rowcache_budget_left_units", token="bob") == 70
    assert metrics.all("rowcache_budget_rows") == []


def test_corrections_are_in_units(books):
    done = books.ctl(*NOWHERE, *AS_V3, "correction", "add", "alice", "--spent", "1.5",
                     "--reason", "r")
    check_command_refused(done, 1)
    assert "whole number of units" in done.stderr
    text = correct(books, AS_V3, "alice", "--spent", "-200")
    assert text == f"alice on {DAY}: spent -200, unknown 0 units\n"
    text = correct(books, AS_V2, "alice", "--spent", "-2.5")
    assert text == f"alice on {DAY}: spent -2.5, unknown 0.0\n"
    assert amounts(books.ctl_json(*NOWHERE, "spend")["total"])["units_spent"] == 1000
    done = books.ctl(*NOWHERE, *AS_V3, "correction", "add", "alice", "--day", DAY, "--spent",
                     "-1001", "--reason", "more than was spent, though there are rows")
    check_command_refused(done, 1)
    corrections = books.ctl_json(*NOWHERE, "correction", "list")["corrections"]
    assert [(one["rows_spent"], one["units_spent"]) for one in corrections] == [
        ("12.5", 0), ("0.0", 1200), ("0.0", -200), ("-2.5", 0)]


# What is reported


def test_units_stand_beside_rows_in_every_report(books):
    for by in ("token", "target", "day"):
        report = books.ctl_json(*NOWHERE, "spend", "--by", by)
        line, = next(iter(report.values()))
        for found in (line, report["total"]):
            assert {name: found[name] for name in found if name.startswith(("rows", "units"))} == {
                "rows_spent": "12.5", "rows_unknown": "0.5", "rows_saved": "0.0",
                "units_spent": 1200, "units_unknown": 50, "units_saved": 0}
    assert books.ctl_json(*NOWHERE, "spend")["currency"] == "rows"
    assert books.ctl_json(*NOWHERE, *AS_V3, "spend")["currency"] == "units"


def test_a_table_shows_the_currencies_that_there_are(rowcache):
    daemon = rowcache()
    daemon.register("alice", TOKEN)
    assert daemon.stop() == 0
    rows = ["spent", "unknown", "saved"]
    units = ["units spent", "units unknown", "units saved"]
    sums = ["requests", "hits", "misses", "errors", "results"]

    def headings(*api):
        return header(daemon.ctl_text(*NOWHERE, *api, "spend", "--by", "day"))

    assert headings(*AS_V2) == ["day", *sums, *rows]
    assert headings(*AS_V3) == ["day", *sums, *units]
    correct(daemon, AS_V2, "alice", "--spent", "1")
    assert headings(*AS_V2) == ["day", *sums, *rows]
    assert headings(*AS_V3) == ["day", *sums, *(f"rows {word}" for word in rows), *units]
    correct(daemon, AS_V3, "alice", "--spent", "1")
    assert headings(*AS_V2) == ["day", *sums, *(f"rows {word}" for word in rows), *units]


def test_csv_always_has_the_columns_of_rows(books):
    rows = "rows_spent,rows_unknown,rows_saved"
    units = "units_spent,units_unknown,units_saved"
    sums = "requests,hits,misses,errors,results"
    text = books.ctl_text(*NOWHERE, "spend", "--csv")
    assert text.splitlines() == [f"token,{sums},{rows},{units},budget.left",
                                 "alice,0,0,0,0,0,12.5,0.5,0.0,1200,50,0,20.0"]
    old = books.ctl_text(*NOWHERE, "spend", "--csv", "--since", "2027-01-01", "--by", "day")
    assert old.splitlines() == [f"day,{sums},{rows}"]
    new = books.ctl_text(*NOWHERE, *AS_V3, "spend", "--csv", "--since", "2027-01-01", "--by", "day")
    assert new.splitlines() == [f"day,{sums},{rows},{units}"]


def test_lists_of_tokens_and_corrections_name_the_currency(books):
    books.ctl_text(*NOWHERE, *AS_V3, "token", "add", "bob", "--budget", "50000")
    headings = header(books.ctl_text(*NOWHERE, *AS_V3, "token", "list"))
    assert headings[6:9] == ["rows budget", "units budget", "per"]
    headings = header(books.ctl_text(*NOWHERE, "correction", "list"))
    assert headings == ["day", "token", "rows spent", "rows unknown", "units spent",
                        "units unknown", "reason"]


def test_status_shows_units(rowcache3, sim3):
    daemon = rowcache3()
    status = daemon.ctl_json("status")
    assert status["currency"] == "units" and status["upstream"]["api"] == "v3"
    assert status["units"] == {"today": {"spent": 0, "unknown": 0, "saved": 0},
                               "all": {"spent": 0, "unknown": 0, "saved": 0}}
    assert status["rows"]["all"] == {"spent": "0.0", "unknown": "0.0", "saved": "0.0"}
    assert re.search(r"^spent in all +0 units$", daemon.ctl_text("status"), re.MULTILINE)
    daemon.register("alice", KEY)
    daemon.ctl_text("correction", "add", "alice", "--spent", "70", "--reason", "r")
    assert re.search(r"^spent today +70 units$", daemon.ctl_text("status"), re.MULTILINE)


# When upstream.api is changed


def test_budgets_that_do_not_hold_are_told_of(books, rowcache3):
    daemon = rowcache3(f"state.directory={books.state}")
    daemon.state = books.state
    daemon.wait_for_log("warning budgets not-in=units tokens=1")
    status = daemon.ctl_json("status")
    assert status["idle_budgets"] == ["alice"] and status["budget_warnings"] == []
    assert re.search(r"^no budget +alice: set one in units", daemon.ctl_text("status"), re.MULTILINE)
    daemon.ctl_text("token", "budget", "alice", "100", "--per", "month")
    assert daemon.ctl_json("status")["idle_budgets"] == []
    assert daemon.ctl_json("status")["budget_warnings"] == []
    daemon.ctl_text("token", "budget", "alice", "100")
    assert daemon.ctl_json("status")["budget_warnings"] == ["alice"]  # of it 1200 are spent
    assert tenths(daemon.spend()["total"]["rows_spent"]) == 125


# Upstream's count


def test_ahrefs_count_is_beside_the_units(rowcache3, purse3):
    daemon = rowcache3(purse3)
    report = daemon.ctl_json("reconcile")
    account, = report["accounts"]
    assert report["currency"] == "units" and account["with_issued"] and account["error"] is None
    assert account["rows_left"] is account["rows_limit"] is None
    assert account["units_used"] == account["ledger_spent"] == 0
    assert account["since"] is account["difference"] is None
    account, = daemon.ctl_json("reconcile")["accounts"]
    assert account["ahrefs_difference"] == account["ledger_difference"] == account["difference"] == 0
    headings = header(daemon.ctl_text("reconcile"))
    assert headings[2:5] == ["units left", "units limit", "units used"]
