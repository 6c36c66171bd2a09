"""The admin side: what an operator, a scraper and rowcachectl are told; all of it agrees."""

import csv
import io
import json
from datetime import date, timedelta

import pytest

from daemon import (
    OTHER_TOKEN, QUESTIONS, TABLE, TOKEN, amounts, arrived, eventually, question, wait_until_held,
)
from wire import encode

ROWS_5 = 10 + 5 * 2
ROWS_6_WITH_A_CONDITION = 10 + 50 + 6 * 2
CONTRACT = {
    "rowcache_requests_total": "counter",
    "rowcache_rows_spent_total": "counter",
    "rowcache_rows_saved_total": "counter",
    "rowcache_upstream_requests_total": "counter",
    "rowcache_upstream_inflight": "gauge",
    "rowcache_upstream_waiting": "gauge",
    "rowcache_upstream_turned_away_total": "counter",
    "rowcache_upstream_throttled_total": "counter",
    "rowcache_cache_bytes": "gauge",
    "rowcache_cache_entries": "gauge",
    "rowcache_memory_bytes": "gauge",
    "rowcache_memory_entries": "gauge",
    "rowcache_request_duration_seconds": "histogram",
    "rowcache_build_info": "gauge",
}


def play(daemon):
    """Some requests of each kind; what they must have added up to."""
    daemon.ask("rows-5.example")
    daemon.ask("rows-5.example")
    daemon.ask("rows-5.example", token=OTHER_TOKEN)
    daemon.ask("rows-6.example", token=OTHER_TOKEN)
    daemon.ask("rows-6.example", where="domain_rating>=0")
    daemon.ask(from_="anchors", limit=3)
    daemon.ask(mode=None)
    eventually(lambda: sum(daemon.outcomes().values()) == 7)
    eventually(lambda: daemon.account["hits"] == 3)
    eventually(lambda: daemon.metrics().value("rowcache_cache_entries") == 3)
    return {"hit": 2, "derived": 1, "miss": 2, "bypass": 1, "error": 1}


def test_health_is_one_word(rowcache):
    reply = rowcache().admin("/health")
    assert reply.status == 200 and reply.body.strip() == b"ok"


def test_other_admin_paths_do_not_exist(rowcache):
    daemon = rowcache()
    assert daemon.admin("/nothing").status == 404
    assert daemon.admin("/api/nothing").status == 404
    assert daemon.admin("/health", method="DELETE").status == 405


# Metrics


def test_metrics_are_named_and_typed_as_in_the_contract(rowcache):
    daemon = rowcache()
    play(daemon)
    reply = daemon.admin("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain")
    metrics = daemon.metrics()
    assert CONTRACT.items() <= metrics.types.items()
    assert any(name.startswith("process_") for name in metrics.names())
    assert metrics.value("rowcache_build_info") == 1


def test_metrics_agree_with_what_happened(sim, rowcache):
    daemon = rowcache()
    outcomes = play(daemon)
    metrics = daemon.metrics()
    assert daemon.outcomes() == outcomes
    total = amounts(daemon.spend()["total"])
    assert round(metrics.value("rowcache_rows_spent_total") * 10) == total["rows_spent"]
    assert total["rows_spent"] == sum(sim.bills().values())
    assert round(metrics.value("rowcache_rows_saved_total") * 10) == total["rows_saved"]
    assert total["rows_saved"] == 2 * ROWS_5 + ROWS_6_WITH_A_CONDITION
    assert metrics.value("rowcache_upstream_requests_total", code="200") == len(sim.requests)
    assert metrics.value("rowcache_upstream_inflight") == 0
    assert metrics.value("rowcache_cache_entries") == 3
    assert metrics.value("rowcache_cache_bytes") > 0
    assert metrics.value("rowcache_request_duration_seconds_count") == sum(outcomes.values())


def test_metrics_name_tokens_as_the_account_does(rowcache):
    daemon = rowcache()
    play(daemon)
    spend = {line["token"]: amounts(line) for line in daemon.spend()["tokens"]}
    for name in ("rows_spent", "rows_saved"):
        for labels, value in daemon.metrics().all(f"rowcache_{name}_total"):
            assert round(value * 10) == spend[labels["token"]][name]


def test_durations_are_histograms(rowcache):
    daemon = rowcache()
    outcomes = play(daemon)
    metrics = daemon.metrics()
    buckets = {}
    for labels, value in metrics.all("rowcache_request_duration_seconds_bucket"):
        buckets.setdefault(labels["outcome"], {})[float(labels["le"])] = value
    for outcome, count in outcomes.items():
        values = [value for _, value in sorted(buckets[outcome].items())]
        assert values == sorted(values) and values[-1] == count
        assert float("inf") in buckets[outcome]
        name = "rowcache_request_duration_seconds_count"
        assert metrics.value(name, outcome=outcome) == count


def test_at_most_a_hundred_tokens_are_shown(rowcache):
    daemon = rowcache()
    with daemon.client() as client:
        for number in range(120):
            client.get(question(token=f"{number:040x}"))
    eventually(lambda: daemon.account["hits"] == 119)
    samples = daemon.metrics().all("rowcache_rows_saved_total")
    names = {labels["token"] for labels, _ in samples}
    assert "other" in names and len(names - {"other"}) <= 100
    assert round(sum(value for _, value in samples) * 10) == 119 * ROWS_5
    assert len(daemon.spend()["tokens"]) == 120


def test_metrics_survive_a_restart_where_they_are_the_account(rowcache):
    daemon = rowcache()
    play(daemon)
    before = daemon.spend()
    daemon.restart()
    assert daemon.spend() == before


# The account


@pytest.mark.parametrize("by, key", [("token", "token"), ("target", "target"), ("day", "day")])
def test_the_account_by_token_target_and_day(rowcache, by, key):
    daemon = rowcache()
    play(daemon)
    report = daemon.spend({"by": by})
    lines, = (value for value in report.values() if isinstance(value, list))
    assert all(key in line for line in lines)
    assert report["total"] == daemon.spend()["total"]
    for name, value in amounts(report["total"]).items():
        assert sum(amounts(line)[name] for line in lines) == value, name
    assert daemon.ctl_json("spend", "--by", by) == report


def test_the_account_by_target_names_targets(rowcache):
    daemon = rowcache()
    daemon.ask("ROWS-5.example.")
    daemon.ask("rows-6.example")
    lines, = (value for value in daemon.spend({"by": "target"}).values() if isinstance(value, list))
    assert {line["target"]: line["rows_spent"] for line in lines} == {
        "rows-5.example": "2.0", "rows-6.example": "2.2"}


def test_the_account_can_be_that_of_some_days(rowcache):
    daemon = rowcache()
    daemon.ask()
    today = date.today()
    tomorrow, yesterday = str(today + timedelta(2)), str(today - timedelta(2))
    total = daemon.spend()["total"]
    assert daemon.spend({"since": yesterday, "until": tomorrow})["total"] == total
    for query in ({"since": tomorrow}, {"until": yesterday}):
        nothing = daemon.spend(query)["total"]
        assert nothing["requests"] == 0 and nothing["rows_spent"] == "0.0"
    assert daemon.ctl_json("spend", "--since", yesterday)["total"] == total
    assert daemon.ctl_json("spend", "--until", yesterday)["total"]["rows_spent"] == "0.0"


@pytest.mark.parametrize("query", ["by=colour", "since=yesterday", "until=2024-13-45", "since="])
def test_a_report_that_makes_no_sense_is_refused(rowcache, query):
    daemon = rowcache()
    reply = daemon.admin("/api/spend?" + query)
    assert reply.status == 400
    name, _, value = query.partition("=")
    done = daemon.ctl("spend", f"--{name}", value)
    assert done.returncode != 0 and done.stderr and not done.stdout


def test_the_account_is_printed_as_csv(rowcache):
    daemon = rowcache()
    play(daemon)
    done = daemon.ctl("spend", "--csv")
    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    tokens = daemon.spend()["tokens"]
    found = {line["token"]: line["rows_spent"] for line in lines}
    assert {line["token"]: line["rows_spent"] for line in tokens}.items() <= found.items()


def test_the_account_is_printed_for_people(rowcache):
    daemon = rowcache()
    play(daemon)
    done = daemon.ctl("spend")
    assert done.returncode == 0, done.stderr
    report = daemon.spend()
    for line in report["tokens"] + [report["total"]]:
        assert line["rows_spent"] in done.stdout
    assert all(line["token"] in done.stdout for line in report["tokens"])


def test_the_account_can_be_read_while_the_daemon_is_stopped(rowcache):
    daemon = rowcache()
    play(daemon)
    reports = {by: daemon.spend({"by": by}) for by in ("token", "target", "day")}
    assert daemon.stop() == 0
    for by, report in reports.items():
        assert daemon.ctl_json("spend", "--by", by) == report
    assert daemon.ctl("spend").returncode == daemon.ctl("spend", "--csv").returncode == 0


def test_status_cannot_be_told_while_the_daemon_is_stopped(rowcache):
    daemon = rowcache()
    assert daemon.stop() == 0
    for command in (["status"], ["cache", "list"], ["explain", encode(question())]):
        done = daemon.ctl(*command)
        assert done.returncode == 1 and done.stderr and not done.stdout


def test_the_status_agrees_with_what_happened(sim, rowcache):
    daemon = rowcache()
    play(daemon)
    sim.hold(match=QUESTIONS)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question("rows-9.example")))
        wait_until_held(sim)
        status = daemon.ctl_json("status")
        sim.release()
        client.receive()
    assert status["entries"] == 3 and status["bytes"] > 0 and status["inflight"] == 1
    assert status["rows"]["all"]["saved"] == "11.2"
    spent = daemon.spend()["total"]["rows_spent"]
    status = daemon.ctl_json("status")
    assert status["rows"]["today"]["spent"] == status["rows"]["all"]["spent"] == spent
    assert status["upstream"]["state"] == "ok" and status["inflight"] == 0
    done = daemon.ctl("status")
    assert done.returncode == 0 and spent in done.stdout


def test_status_tells_that_upstream_fails(sim, rowcache):
    daemon = rowcache()
    sim.fault("refuse", times=None)
    assert daemon.ask().status == 502
    assert daemon.ctl_json("status")["upstream"]["state"] != "ok"
    sim.clear_faults()
    assert daemon.ask().miss
    assert daemon.ctl_json("status")["upstream"]["state"] == "ok"


# The cache


def test_the_cache_can_be_listed_shown_and_purged(rowcache):
    daemon = rowcache()
    daemon.ask("rows-5.example")
    daemon.ask("rows-6.example", limit=3)
    daemon.ask("rows-6.example")
    listed = daemon.ctl_json("cache", "list")
    entries = entries_of(listed)
    assert timeless(entries) == timeless(entries_of(daemon.admin_json("/api/cache")))
    assert len(entries) == 3
    key = entries[0]["key"]
    shown = daemon.ctl("cache", "show", key)
    assert shown.returncode == 0 and "rows-" in shown.stdout
    shown_too = entries_of(daemon.ctl_json("cache", "show", key))
    assert timeless(shown_too) == timeless(entries[:1])
    words = daemon.ctl("cache", "list").stdout.split()
    short = next(word for word in words if key.startswith(word))
    assert timeless(entries_of(daemon.ctl_json("cache", "show", short))) == timeless(shown_too)

    assert daemon.ctl("cache", "purge", "--key", key).returncode == 0
    assert short not in daemon.ctl("cache", "list").stdout
    assert daemon.ctl("cache", "show", key).returncode == 1
    assert daemon.metrics().value("rowcache_cache_entries") == 2


def entries_of(listed):
    lines, = (value for value in listed.values() if isinstance(value, list))
    return lines


def timeless(lines):
    """The metrics that do not change from one second to the next."""
    moving = {"age", "freshness"}
    return [{name: line[name] for name in line if name not in moving} for line in lines]


def test_a_purge_by_target_leaves_other_targets(rowcache):
    daemon = rowcache()
    for target in ("rows-5.example", "rows-6.example"):
        daemon.ask(target, limit=2)
        daemon.ask(target)
    daemon.ask("ROWS-5.example./", mode="exact")
    assert daemon.ctl("cache", "purge", "--target", "rows-5.example").returncode == 0
    assert daemon.ask("rows-6.example").hit and daemon.ask("rows-6.example", limit=2).hit
    assert daemon.ask("rows-5.example", limit=2).miss and daemon.ask("rows-5.example").miss
    assert daemon.ask("rows-5.example/", mode="exact").miss


def test_a_purge_by_age_leaves_what_is_younger(driven, clock):
    daemon = driven()
    daemon.ask()
    assert daemon.ctl("cache", "purge", "--older-than", "1h").returncode == 0
    assert daemon.ask().hit
    clock.go_on(seconds=2)
    assert daemon.ask().headers["Age"] == "2"
    assert daemon.ctl("cache", "purge", "--older-than", "1s").returncode == 0
    assert daemon.ask().miss


def test_a_purge_of_everything_leaves_the_account(rowcache):
    daemon = rowcache()
    for number in range(20):
        daemon.ask(f"rows-{number}.example")
    before = daemon.spend()
    assert daemon.ctl("cache", "purge", "--all").returncode == 0
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    assert entries_of(daemon.ctl_json("cache", "list")) == []
    assert daemon.spend() == before
    assert daemon.ask("rows-5.example").miss


@pytest.mark.parametrize("arguments", [[], ["--older-than", "soon"], ["--key"], ["--everything"]])
def test_a_purge_has_to_say_what(rowcache, arguments):
    daemon = rowcache()
    daemon.ask()
    done = daemon.ctl("cache", "purge", *arguments)
    assert done.returncode != 0 and done.stderr
    assert daemon.ask().hit


def test_looking_is_free_and_changes_nothing(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    before = daemon.spend()
    explain_path = "/api/explain?" + encode(question())
    for path in ("/api/cache", "/api/spend", "/metrics", "/health", explain_path):
        assert daemon.admin(path).status == 200
    assert daemon.spend() == before and len(arrived(sim)) == 1


# Explain


def explain(daemon, **params):
    query = encode(question(**{"token": None, **params}))
    told = daemon.admin_json("/api/explain?" + query)
    assert timeless([daemon.ctl_json("explain", query)]) == timeless([told])
    return told


def test_explain_tells_a_miss_from_a_hit_without_asking(sim, rowcache):
    daemon = rowcache()
    assert "miss" in explain(daemon).values()
    assert arrived(sim) == [] and daemon.account["requests"] == 0
    daemon.ask()
    told = explain(daemon, target="Rows-5.EXAMPLE.")
    assert "hit" in " ".join(map(str, told.values())) and "miss" not in told.values()
    assert told["key"] == entries_of(daemon.admin_json("/api/cache"))[0]["key"]
    assert len(arrived(sim)) == 1


@pytest.mark.parametrize("params, least, most", [
    ({}, "1.0", "201.0"),
    ({"limit": 10}, "1.0", "3.0"),
    ({"limit": 0}, "1.0", "1.0"),
    ({"limit": 10, "where": 'type="new"'}, "6.0", "8.0"),
    ({"limit": 10, "where": 'type="new"', "having": "nofollow=true"}, "11.0", "13.0"),
    ({"limit": 5000000}, "1.0", "1000001.0"),
])
def test_explain_tells_the_least_and_the_most(rowcache, params, least, most):
    told = explain(rowcache(), **params)
    costs = [value for value in told.values() if isinstance(value, str) and value.endswith(".0")]
    assert costs == [least, most]


def test_explain_shows_the_normalized_form(rowcache):
    daemon = rowcache()
    one = explain(daemon, target="Rows-5.EXAMPLE.", select="url_to,date",
                  where="type:'new'")
    other = explain(daemon, target="rows-5.example", select="date,url_to",
                    where=' type = "new"')
    assert one == other and TOKEN not in json.dumps(one)
    assert any("rows-5.example" in str(value) for value in one.values())


def test_explain_is_printed_for_people(rowcache):
    done = rowcache().ctl("explain", f"from={TABLE}&target=rows-5.example&mode=domain&limit=10")
    assert done.returncode == 0, done.stderr
    assert "miss" in done.stdout and "3.0" in done.stdout


def test_explain_refuses_what_a_client_would_be_refused(rowcache):
    daemon = rowcache()
    assert daemon.admin("/api/explain?" + encode(question(mode=None))).status == 400
    done = daemon.ctl("explain", encode(question(limit="ten")))
    assert done.returncode == 1 and "limit" in done.stderr


# rowcachectl


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["status", "--nonsense"], ["spend", "--by"],
])
def test_a_command_that_makes_no_sense_is_refused(rowcache, arguments):
    done = rowcache().ctl(*arguments)
    assert done.returncode != 0 and done.stderr and not done.stdout


def test_the_admin_listener_can_be_off(rowcache):
    daemon = rowcache("admin.listen=none")
    assert daemon.addresses("admin") == []
    assert daemon.ask().miss


def test_the_admin_listener_is_for_this_machine_only(rowcache):
    daemon = rowcache("admin.listen=0.0.0.0:0", wait=False)
    assert daemon.wait() == 1
    assert "admin.listen" in daemon.log
