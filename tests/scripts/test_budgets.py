"""Budgets: no token spends a tenth of a row too much, and none is held back without need."""

from datetime import datetime

import pytest

from budgets import (
    ROWS_5, add, budget, check_held_back, fresh, grow_stale, receive_all, send_from_many,
    set_budget, spend, under_way,
)
from daemon import AHREFS, OTHER_TOKEN, TOKEN, arrived, eventually, question, wait_until_held
from wire import COLLAPSED, REFRESHED, encode

MOST_50 = 10 + 50 * 2
NO_CACHE = {"Cache-Control": "no-cache"}


# Held back


@pytest.mark.parametrize("per", ["day", "month", "total"])
def test_over_budget_it_is_said_what_is_left_and_until_when(sim, issuing, clock, per):
    daemon = issuing(**clock.drives())
    alice = add(daemon, "alice", "10", per)
    reply = daemon.ask(token=alice, limit=50)
    check_held_back(reply, left=100, most=MOST_50)
    anew = budget(daemon)["begins_anew"]
    if per == "total":
        assert anew is None and "Retry-After" not in reply.headers
    else:
        moment = datetime.fromisoformat(anew)
        assert str(moment.date()) in reply.error
        wait = int(reply.headers["Retry-After"])
        assert wait == (moment - clock.now).total_seconds()
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
    ({"from_": "anchors", "limit": 30}, 10 + 30 * 10), ({"output": "", "limit": 50}, MOST_50),
    ({"output": "xml", "limit": 50}, MOST_50), ({"output": "php", "limit": 50}, MOST_50),
], ids=str)
def test_other_tables_and_forms_are_held_back_too(sim, issuing, params, most):
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
