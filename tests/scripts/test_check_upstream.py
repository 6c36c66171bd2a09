"""check-upstream: whether upstream works as configured, found out with requests that cost nothing."""

import json
from contextlib import ExitStack
from random import Random

import pytest

from ahrefs import v3
from daemon import AHREFS
from v3 import HOUSE_KEY, is_paid, paid, simulator

REQUIRED = {"upstream", "key", "plan", "free-targets", "columns", "price", "types", "translation",
            "row-cap"}
OPEN = {"empty-price", "since-day", "bare-date", "nulls-last", "second-order", "ties", "eq-case",
        "substring-case", "isubstring-case", "phrase-case"}
STANDARD = {"plan": "Standard", "units_limit": 400000, "units_used": 5700}
YES, NO, UNCLEAR, UNASKED = "yes", "no", "unclear", "not asked"


class Found:
    """What check-upstream has found out."""

    def __init__(self, done):
        assert done.stdout, done.stderr
        self.works = done.returncode == 0
        self.complaint = done.stderr
        self.answer = json.loads(done.stdout)
        self._checks = {check["check"]: check for check in self.answer["checks"]}
        assert len(self._checks) == len(self.answer["checks"])
        assert self.answer["works"] == self.works

    def __getitem__(self, check):
        return self._checks[check]["result"]

    def detail(self, check) -> str:
        return self._checks[check]["detail"]

    def all(self, result) -> set:
        return {name for name, check in self._checks.items() if check["result"] == result}

    @property
    def required(self) -> set:
        return {name for name, check in self._checks.items() if check["required"]}


def check(daemon) -> Found:
    return Found(daemon.ctl("check-upstream", "--json"))


@pytest.fixture
def before(start, purse3):
    """Starts a daemon before a simulated v3 with a workspace like this, and readings."""
    with ExitStack() as stack:

        def start_one(*options, readings=None, workspace=STANDARD, drives=None, **simulated):
            sim = stack.enter_context(simulator(
                keys=[HOUSE_KEY], workspace=v3.Workspace(**workspace),
                **({"readings": readings} if readings else {}), **simulated))
            driven = drives.drives() if drives else {}
            return sim, start(sim.url, "upstream.api=v3", purse3, *options, **driven)

        yield start_one


def total(daemon) -> dict:
    return daemon.spend()["total"]


# What is required


def test_what_works_is_found_to_work(before):
    sim, daemon = before()
    found = check(daemon)
    assert found.works and not found.complaint
    assert found.required == REQUIRED and found.all(YES) == REQUIRED | OPEN
    assert found.answer["api"] == "v3" and found.answer["url"] == sim.url
    assert "394300 of 400000 units" in found.detail("plan") and "Standard" in found.detail("plan")
    assert "first page" in found.detail("translation")
    assert "2027-08-06" in found.detail("plan") and "250" in found.detail("row-cap")


def test_a_translated_page_has_rows(before, clock):
    """At the time of the simulated data."""
    _, daemon = before(drives=clock)
    assert check(daemon).detail("translation") == "a first page of 50 rows"


def test_it_costs_nothing_and_is_in_the_account(before):
    sim, daemon = before()
    found = check(daemon)
    assert found.answer["units_spent"] == 0 and sim.bill(HOUSE_KEY) == 0
    asked = paid(sim)
    assert found.answer["requests"] == len(sim.requests) == len(asked) + 1
    assert all(record["params"]["target"] == "ahrefs.com" for record in asked)
    assert all(int(record["params"]["limit"]) <= 100 for record in asked)
    assert total(daemon)["units_spent"] == total(daemon)["units_unknown"] == 0
    assert total(daemon)["requests"] == len(asked)


def test_people_are_shown_the_same(before):
    sim, daemon = before()
    text = daemon.ctl_text("check-upstream")
    assert all(word in text for word in REQUIRED | OPEN) and sim.url in text
    assert HOUSE_KEY not in text and HOUSE_KEY not in daemon.log


def test_a_key_that_is_not_accepted_is_said_so(before):
    sim, daemon = before()
    with simulator(keys=["another-key-than-ours.0123"]) as other:
        daemon.restart(f"upstream.url={other.url}")
        found = check(daemon)
        assert len(other.requests) == 1
    assert not found.works and found.all(NO) == {"key"} and "key" in found.complaint
    assert OPEN <= found.all(UNASKED) and "not accepted" in found.detail("row-cap")


def test_an_upstream_that_is_not_there_is_said_so(before):
    _, daemon = before("upstream.connect_timeout=2s")
    daemon.restart("upstream.url=http://127.0.0.1:1/v3")
    found = check(daemon)
    assert not found.works and found["upstream"] == NO and found["key"] == UNCLEAR
    assert OPEN <= found.all(UNASKED)


def test_without_a_key_nothing_is_asked(start):
    with simulator() as sim:
        daemon = start(sim.url, "upstream.api=v3")
        done = daemon.ctl("check-upstream", "--json")
        assert done.returncode == 1 and "upstream.token_file" in done.stderr and not done.stdout
        assert sim.requests == []


def test_columns_that_the_plan_lacks_are_named(before):
    lacks = frozenset(["snippet_left", "drop_reason"])
    sim, daemon = before(workspace={**STANDARD, "lacks": lacks})
    found = check(daemon)
    assert not found.works and found.all(NO) == {"columns"}
    assert all(column in found.detail("columns") for column in lacks)
    assert "snippet_right" not in found.detail("columns")


def test_an_endpoint_that_the_plan_lacks_is_asked_once(before):
    lacks = frozenset(["site-explorer/all-backlinks"])
    sim, daemon = before(workspace={**STANDARD, "lacks": lacks})
    found = check(daemon)
    assert not found.works and "Insufficient plan" in found.detail("free-targets")
    assert len(paid(sim)) == 1


@pytest.mark.parametrize("cap, options, result", [
    (250, (), YES), (25, (), NO), (25, ("upstream.max_rows=25",), YES),
    (25, ("upstream.max_rows=50",), NO),
])
def test_a_cap_that_is_not_the_plans_is_told(before, cap, options, result):
    _, daemon = before(*options, workspace={**STANDARD, "cap": cap})
    found = check(daemon)
    assert found["row-cap"] == result
    assert result == YES or f"upstream.max_rows = {cap}" in found.detail("row-cap")


def test_a_plan_without_a_known_name_needs_a_cap(before):
    workspace = {**STANDARD, "plan": "Premium", "cap": 300}
    _, daemon = before(workspace=workspace)
    found = check(daemon)
    assert found["row-cap"] == UNCLEAR and "upstream.max_rows" in found.detail("row-cap")
    daemon.restart("upstream.max_rows=300")
    assert check(daemon).works


def test_no_units_left_is_said_so(before):
    _, daemon = before(workspace={**STANDARD, "units_used": 400000})
    found = check(daemon)
    assert found.all(NO) == {"plan"} and not found.works


def test_no_limit_is_no_lack(before):
    _, daemon = before(workspace={"plan": "Enterprise"})
    found = check(daemon)
    assert found.works and "without a limit" in found.detail("plan")
    assert found.detail("row-cap") == "the plan has no cap"


def test_values_of_another_type_are_told(before):
    sim, daemon = before(odd=True)
    found = check(daemon)
    assert found["types"] == NO and "row" in found.detail("types")


# Nothing is spent


def test_a_plan_by_the_name_of_free_is_asked_no_more(before):
    sim, daemon = before(workspace={"plan": "Free", "cap": 10, "paid": False})
    found = check(daemon)
    assert len(sim.requests) == 1 and sim.bill(HOUSE_KEY) == 0
    assert not found.works and found["free-targets"] == NO and found["plan"] == YES
    assert "not paid for" in found.detail("columns")


def test_the_first_request_that_costs_is_the_last(before):
    sim, daemon = before(workspace={**STANDARD, "paid": False})
    for rounds in (1, 2):  # upstream's own cache is free for any target, and proves nothing
        found = check(daemon)
        assert not found.works and found["free-targets"] == NO
        assert OPEN <= found.all(UNASKED) and "free" in found.detail("ties")
        assert found.answer["units_spent"] == 50
        assert len(paid(sim)) == rounds and sim.bill(HOUSE_KEY) == 50 * rounds
        assert total(daemon)["units_spent"] == 50 * rounds


def test_an_answer_without_a_price_is_the_last(before):
    sim, daemon = before()
    sim.fault("no_costs", match=is_paid)
    found = check(daemon)
    assert not found.works and found["free-targets"] != YES and len(paid(sim)) == 1


def test_a_later_one_that_costs_is_the_last(before):
    sim, daemon = before()
    sim.fault("costs", value="7", match={"order_by": "last_seen:asc"})
    found = check(daemon)
    assert found["free-targets"] == NO and "7" in found.detail("free-targets")
    assert found["since-day"] == YES and found["ties"] == UNASKED
    assert total(daemon)["units_spent"] == 7


def test_a_request_that_breaks_off_ends_it(before):
    sim, daemon = before()
    sim.fault("cut", match={"order_by": "last_seen:asc"})
    found = check(daemon)
    assert found["nulls-last"] == UNCLEAR and found["bare-date"] == YES
    assert found["ties"] == UNASKED and "failed" in found.detail("ties")


def test_an_error_that_repeats_the_key_does_not_show_it(before):
    sim, daemon = before()
    sim.fault("error", times=None, code=403, text=f"key {HOUSE_KEY} may not", match=is_paid)
    done = daemon.ctl("check-upstream", "--json")
    assert "may not" in done.stdout
    assert HOUSE_KEY not in done.stdout + done.stderr + daemon.log


def test_a_throttled_request_is_sent_again(before):
    sim, daemon = before()
    sim.fault("throttle", retry_after=1, match=is_paid)
    found = check(daemon)
    assert found.works and found.all(YES) == REQUIRED | OPEN
    assert daemon.metrics().value("rowcache_upstream_throttled_total") == 1
    assert total(daemon)["requests"] == len(paid(sim)) - 1


# What Ahrefs does not document


def since(readings):
    east_or_west = {"utc": None, "east": "east", "west": "west"}[readings.zone]
    if not east_or_west:
        return YES if readings.since == "included" else NO
    return NO if (readings.since, east_or_west) == ("excluded", "west") else UNCLEAR


def bare_date(readings):
    return YES if (readings.day, readings.zone) == ("midnight", "utc") else NO


def said_by(readings) -> dict:
    """What has to be found out about an upstream that reads things so."""
    exact = {"exact": YES, "nocase": NO}
    return {
        "empty-price": YES if readings.empty_price == "least" else NO,
        "since-day": since(readings), "bare-date": bare_date(readings),
        "nulls-last": YES if readings.null_order == "last" else NO,
        "second-order": YES if readings.second_order == "honoured" else NO,
        "ties": NO if readings.ties == "asked" else YES,
        "eq-case": exact[readings.equal], "substring-case": exact[readings.substring],
        "isubstring-case": YES, "phrase-case": exact[readings.phrase],
    }


@pytest.mark.parametrize("reading", [
    {"empty_price": "free"}, {"since": "excluded"}, {"zone": "east"}, {"zone": "west"},
    {"since": "excluded", "zone": "east"}, {"since": "excluded", "zone": "west"}, {"day": "whole"},
    {"day": "end"}, {"null_order": "first"}, {"null_order": "least"}, {"null_order": "greatest"},
    {"second_order": "ignored"}, {"ties": "asked"}, {"ties": "hashed"}, {"equal": "nocase"},
    {"substring": "nocase"}, {"phrase": "nocase"}, {"column_list": "array"}, {"own_cache": "none"},
], ids=lambda reading: "-".join(map(str, sum(reading.items(), ()))))
def test_a_reading_is_found_out(before, reading):
    readings = v3.Readings(**reading)
    sim, daemon = before(readings=readings)
    found = check(daemon)
    assert found.works and sim.bill(HOUSE_KEY) == 0
    assert {name: found[name] for name in OPEN} == said_by(readings)


@pytest.mark.parametrize("seed", range(6))
def test_no_mixture_of_readings_is_mistaken(before, seed):
    """Some hide others; then it is unclear."""
    readings = v3.readings.at_random(Random(seed))
    sim, daemon = before(readings=readings)
    found = check(daemon)
    assert found.works and sim.bill(HOUSE_KEY) == 0
    expected = said_by(readings)
    assert {name: found[name] for name in OPEN} == {
        name: UNCLEAR if found[name] == UNCLEAR else expected[name] for name in OPEN}


# v2


def test_v2_is_asked_for_the_account_alone(sim, issuing):
    daemon = issuing()
    found = Found(daemon.ctl("check-upstream", "--json"))
    assert found.works and found.all(YES) == {"upstream", "in-service", "key", "plan"}
    assert found.answer["api"] == "v2" and len(sim.requests) == 1
    assert "500000.0 rows left" in found.detail("plan")


def test_a_v2_that_is_discontinued_is_said_so(sim, issuing):
    daemon = issuing()
    gone = '{"error":"API v2 is discontinued, please use API v3"}'
    sim.fault("status", code=410, body=gone, match={"from": "subscription_info"})
    found = Found(daemon.ctl("check-upstream", "--json"))
    assert not found.works and found["in-service"] == NO
    assert "upstream.api = v3" in found.detail("in-service") and AHREFS not in str(found.answer)
