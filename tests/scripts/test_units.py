"""Units beside rows: what is set, reported and told where upstream.api is v3, and where it was v2."""

import re

import pytest

from daemon import TOKEN, amounts, eventually
from tokens import NOWHERE, check_command_refused
from v3 import CACHED, KEY, LIMITS, call, limits, send
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


# What a request costs


def test_a_request_is_told_in_units(rowcache3):
    daemon = rowcache3("server.log_requests=all")
    miss = call(daemon, "rows-5.example")
    spent = int(miss.headers["X-Units-Spent"])
    assert spent >= 50 and "X-Rows-Spent" not in miss.headers
    record = daemon.request(miss)
    assert (record["units_spent"], record["rows_spent"]) == (spent, "0.0")
    assert record["units_reserved"] >= spent and record["rows_reserved"] == "0.0"
    daemon.wait_for_log(rf"outcome=miss .* spent={spent} saved=0 .* currency=units$")
    hit = call(daemon, "rows-5.example")
    assert (hit.headers["X-Units-Spent"], int(hit.headers["X-Units-Saved"])) == ("0", spent)
    eventually(lambda: daemon.account["units_saved"] == spent)
    assert daemon.account["units_spent"] == spent
    assert daemon.account["rows_spent"] == daemon.account["rows_saved"] == 0
    metrics = daemon.metrics()
    assert metrics.value("rowcache_units_spent_total") == spent
    assert metrics.value("rowcache_units_saved_total") == spent
    assert metrics.value("rowcache_rows_spent_total") == 0


def test_a_stored_answer_has_its_list_price(rowcache3):
    daemon = rowcache3()
    miss = call(daemon, "rows-300.example", limit=300)
    entry, = daemon.ctl_json("cache", "list")["entries"]
    assert entry["currency"] == "units" and entry["cost"] == int(miss.headers["X-Units-Spent"])
    assert entry["list_price"] == int(miss.headers["x-api-units-cost-total"]) > 50
    assert call(daemon, "rows-300.example", limit=300).headers["x-api-cache"] == "hit"
    entry, = daemon.ctl_json("cache", "list")["entries"]
    assert (entry["hits"], entry["saved"]) == (1, entry["cost"])
    text = daemon.ctl_text("cache", "show", entry["key"])
    assert re.search(rf"^list price +{entry['list_price']}$", text, re.MULTILINE)
    assert header(daemon.ctl_text("cache", "list"))[-1] == "in"


def test_a_budget_of_units_is_held(rowcache3, purse3):
    daemon = rowcache3(purse3)
    token = daemon.issue("alice", "--budget", "120", "--per", "month")
    assert call(daemon, "rows-5.example", key=token, limit=5).status == 200
    refused = call(daemon, "rows-300.example", key=token, limit=300)
    assert refused.status == 402
    assert "token 'alice' has 70 of 120 units left this month" in refused.json["error"]
    budget = daemon.budget()
    assert (budget["units"], budget["spent"], budget["left"]) == (120, 50, 70)


# What an issued token's client is told


def test_an_issued_token_is_told_its_own_budget(rowcache3, purse3, sim3):
    daemon = rowcache3(purse3)
    token = daemon.issue("alice", "--budget", "120", "--per", "month")
    free = daemon.issue("bob")
    before = len(sim3.requests)
    told = limits(daemon, token)
    assert told["subscription"] == "rowcache: alice" and told["units_limit_workspace"] is None
    assert (told["units_limit_api_key"], told["units_usage_api_key"]) == (120, 0)
    assert re.fullmatch(r"\d{4}-\d\d-01T00:00:00Z", told["usage_reset_date"])
    assert len(sim3.requests) == before
    spent = int(call(daemon, key=token, limit=5).headers["X-Units-Spent"])
    assert limits(daemon, token)["units_usage_api_key"] == spent
    told = limits(daemon, free)
    assert told["units_limit_api_key"] is told["usage_reset_date"] is None
    reply = daemon.get({"token": token, "from": "subscription_info"})
    assert reply.json == {"info": {"rows_left": 120 - spent, "rows_limit": 120,
                                   "subscription": "rowcache: alice"}}
    assert daemon.get({"token": free, "from": "subscription_info"}).json["info"][
        "rows_left"] is None
    assert daemon.get({"token": token, "from": "subscription_info", "output": "php"}).body.startswith(
        b'a:1:{s:4:"info";a:3:{s:9:"rows_left";i:')
    assert daemon.account["units_spent"] == spent


def test_it_is_told_rows_under_v2(issuing, sim):
    daemon = issuing()
    token = daemon.issue("alice", "--budget", "20.5")
    before = len(sim.requests)
    for left in (20, 18):
        info = daemon.get({"token": token, "from": "subscription_info"}).json["info"]
        assert info == {"rows_left": left, "rows_limit": 20, "subscription": "rowcache: alice"}
        assert daemon.ask("rows-5.example", token=token, limit=5).status == 200
    assert len(sim.requests) == before + 1  # the second was a hit


def test_a_revoked_token_is_told_nothing(rowcache3, purse3):
    daemon = rowcache3(purse3)
    token = daemon.issue("alice")
    old, new = token, daemon.ctl_json("token", "rotate", "alice")["token"]
    assert send(daemon, "/v3/" + LIMITS, key=old).status == 403
    assert limits(daemon, new)["subscription"] == "rowcache: alice"
    daemon.ctl_text("token", "revoke", "alice")
    assert send(daemon, "/v3/" + LIMITS, key=new).status == 403


# Answers that were paid in rows


def test_what_was_paid_in_rows_is_asked_again_under_v3(rowcache, rowcache3):
    """The two APIs do not answer alike, and rows are never added to units."""
    old = rowcache()
    assert old.ask("rows-5.example").spent == old.account["rows_spent"] == 20
    assert old.stop() == 0
    daemon = rowcache3(f"state.directory={old.state}")
    daemon.state = old.state
    for more in ({}, {"limit": 3}):
        assert daemon.ask("rows-5.example", headers=CACHED, token=TOKEN, **more).status == 504
    miss = daemon.ask("rows-5.example", token=TOKEN)
    spent = int(miss.headers["X-Units-Spent"])
    assert miss.miss and spent >= 50
    assert daemon.ask("rows-5.example", token=TOKEN).headers["X-Units-Saved"] == str(spent)
    entry, = [one for one in daemon.ctl_json("cache", "list")["entries"]
              if one["normal"].startswith("from=")]
    assert (entry["currency"], entry["cost"], entry["list_price"]) == ("units", spent, None)
    total = daemon.account
    assert (total["rows_spent"], total["rows_saved"]) == (20, 0)
    assert (total["units_spent"], total["units_saved"]) == (spent, spent)
