"""Prometheus takes a counter that falls for one that began anew: none does, whatever is done to the
account and to the names in it."""

import pytest

from daemon import HOUSE, OTHER_TOKEN, amounts, eventually

SPENT, SAVED = "rowcache_rows_spent_total", "rowcache_rows_saved_total"
ROWS_1 = 10 + 2
TOKENS = 120  # more than have a label of their own


def counters(daemon):
    metrics = daemon.metrics()
    return {(name, tuple(sorted(labels.items()))): value
            for name in metrics.names() if metrics.types.get(name) == "counter"
            for labels, value in metrics.all(name)}


def check_none_fell(before, after):
    fallen = {series: (value, after[series]) for series, value in before.items()
              if series in after and after[series] < value}
    assert not fallen


def spent(daemon, token):
    return round(daemon.metrics().value(SPENT, token=token) * 10)


def test_a_correction_is_in_the_reports_and_in_no_counter(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    assert daemon.ask("rows-25.example", token=alice).miss
    before = counters(daemon)
    assert spent(daemon, "alice") == 60
    for rows in ("-3.0", "+5.0"):
        daemon.ctl_text("correction", "add", "alice", "--spent", rows, "--reason", "says Ahrefs")
        check_none_fell(before, counters(daemon))
        assert spent(daemon, "alice") == 60
    assert daemon.account["rows_spent"] == 80
    assert daemon.ask("rows-1.example", token=alice).miss
    assert spent(daemon, "alice") == 60 + ROWS_1
    daemon.restart()
    assert spent(daemon, "alice") == 60 + ROWS_1 and daemon.account["rows_spent"] == 80 + ROWS_1


def test_no_series_falls_when_tokens_are_changed(rowcache, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "500")
    for token in (alice, OTHER_TOKEN):
        assert daemon.ask(f"rows-1.{token[:4]}.example", token=token).miss
    before = counters(daemon)
    changes = (["rotate", "alice"], ["budget", "alice", "none"], ["rename", "alice", "carol"],
               ["deny", "carol", "no-cache"], ["revoke", "carol"])
    for words in changes:
        daemon.ctl_text("token", *words)
        after = counters(daemon)
        check_none_fell(before, after)
        before = after
    daemon.register("partner", OTHER_TOKEN)
    check_none_fell(before, counters(daemon))
    assert spent(daemon, "carol") == spent(daemon, "partner") == ROWS_1


@pytest.mark.heavy
def test_a_token_never_moves_between_its_own_label_and_other(rowcache):
    """The last of many spends more than all before it: `other` is what grows."""
    daemon = rowcache()
    with daemon.client() as client:
        for number in range(TOKENS):
            reply = client.get({"token": f"{number:040x}", "from": "backlinks_new_lost",
                                "target": f"rows-1.n{number}.example", "mode": "domain"})
            assert reply.miss
    before = counters(daemon)
    names = {labels["token"] for labels, _ in daemon.metrics().all(SPENT)}
    assert len(names) == 101 and "other" in names
    assert spent(daemon, "other") == (TOKENS - 100) * ROWS_1
    last = f"{TOKENS - 1:040x}"
    assert daemon.ask("rows-900.example", token=last).miss
    after = counters(daemon)
    check_none_fell(before, after)
    assert {series for series in before if series[0] in (SPENT, SAVED)} <= after.keys()
    assert spent(daemon, "other") == (TOKENS - 100) * ROWS_1 + 10 + 1800
    daemon.restart()
    assert {labels["token"] for labels, _ in daemon.metrics().all(SPENT)} == names
    assert len(daemon.spend()["tokens"]) == TOKENS


@pytest.mark.parametrize("name", ["other", "-"])
def test_a_name_that_metrics_or_logs_use_otherwise_is_refused(rowcache, house, name):
    daemon = rowcache(house)
    daemon.issue("alice")
    for words in (["add", name], ["register", name], ["rename", "alice", name]):
        done = daemon.ctl("token", *words, input=OTHER_TOKEN + "\n")
        assert done.returncode != 0 and "name" in done.stderr
    assert [line["token"] for line in daemon.admin_json("/api/token")["tokens"]] == ["alice"]


def lines(report):
    return {line["token"]: line for line in report["tokens"]}


NOTHING = {"requests": 0, "hits": 0, "misses": 0, "errors": 0, "results": 0, "rows_spent": 0,
           "rows_unknown": 0, "rows_saved": 0, "units_spent": 0, "units_unknown": 0,
           "units_saved": 0}


def test_every_token_that_was_made_has_its_line_before_its_first_request(rowcache, house):
    daemon = rowcache(house)
    daemon.issue("alice", "--budget", "500", "--per", "month")
    daemon.issue("bob")
    daemon.register("partner", OTHER_TOKEN)
    assert daemon.ask("rows-1.example", token=HOUSE).miss
    eventually(lambda: daemon.account["misses"] == 1)
    for report in (daemon.spend(), daemon.spend({"since": "2000-01-01", "until": "2000-01-02"})):
        found = lines(report)
        assert {"alice", "bob", "partner"} <= found.keys()
        for name in ("alice", "bob", "partner"):
            line = dict(found[name])
            token, budget = line.pop("token"), line.pop("budget")
            assert token == name and amounts(line) == NOTHING
            assert (budget is None) == (name != "alice")
        budget = found["alice"]["budget"]
        assert (budget["rows"], budget["per"]) == ("500.0", "month")
        assert (budget["spent"], budget["left"]) == ("0.0", "500.0")
    report = daemon.spend()
    assert len(report["tokens"]) == 4
    assert amounts(report["total"]) == {**NOTHING, "requests": 1, "misses": 1, "results": 1,
                                        "rows_spent": ROWS_1}
    shown = daemon.ctl("spend").stdout
    assert all(name in shown for name in ("alice", "bob", "partner"))
    assert daemon.stop() == 0
    assert daemon.ctl_json("spend") == report
