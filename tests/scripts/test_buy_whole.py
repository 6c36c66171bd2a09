"""cache.buy_whole: when the slices of one target have cost what its whole would, the whole is bought,
and everything is derived from it. What this costs is never more than twice what it would without."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from budgets import add, check_held_back
from daemon import (
    AHREFS, OTHER_TOKEN, QUESTIONS, TABLE, TOKEN, arrived, eventually, question, wait_until_held,
)
from wire import COLLAPSED, encode, patience, tenths, wish

ON = "cache.buy_whole=on"
SMALL = "rows-800.example"
SMALL_COST = 10 + 800 * 2
GREAT = "huge-1000000.example"  # each of its slices is filled, and costs the most that it can
MOST = 10 + 50 + 100 * 2  # of a slice
THOUSAND = 10 + 1000 * 2  # what the sum has to pay for


def piece(rank, target=SMALL, **params) -> dict:
    """A slice of the target; no two of them share a row."""
    return question(target, **{"where": f"ahrefs_rank={rank}", "limit": 100, **params})


def is_whole(params) -> bool:
    return params.get("from") == TABLE and not params.get("where")


def wholes(sim) -> list:
    """The questions for a whole that came upstream."""
    return [record for record in arrived(sim) if is_whole(record["params"])]


def check(sim, reply, query):
    """It is what upstream would have said, though columns come in upstream's order."""
    body, results, _cost = sim.direct(query)
    assert reply.status == 200 and reply.whole, reply
    assert reply.body == body or reply.json == json.loads(body)
    assert reply.headers["X-Results-Count"] == str(results)


def buy(sim, daemon, query) -> int:
    """The cost of an answer, which is right; in tenths of a row, as the client sees it."""
    before = sum(sim.bills().values())
    reply = daemon.get(query)
    check(sim, reply, query)
    assert reply.spent == sum(sim.bills().values()) - before
    return reply.spent


def buy_slices(sim, daemon, ranks, target=SMALL) -> int:
    """What these cost, none of which is the whole."""
    before = len(wholes(sim))
    spent = sum(buy(sim, daemon, piece(rank, target)) for rank in ranks)
    assert len(wholes(sim)) == before
    return spent


def buy_all_but_the_last(sim, daemon, target=SMALL, token=TOKEN) -> tuple:
    """Slices until the next one is asked as the whole: its rank, and what they cost."""
    spent = 0
    for rank in range(100):
        if spent + MOST >= THOUSAND:
            return rank, spent
        spent += buy(sim, daemon, piece(rank, target, token=token))
        assert not wholes(sim)
    raise AssertionError("the slices cost too little")


def derived(reply) -> bool:
    return reply.cache.startswith("rowcache; hit; ") and reply.cache.endswith("; detail=derived")


def test_it_is_off_by_default(sim, rowcache):
    daemon = rowcache()
    assert buy_slices(sim, daemon, range(40)) > THOUSAND
    assert len(arrived(sim)) == 40


def test_the_whole_is_bought_when_the_sum_pays_for_a_thousand(sim, rowcache):
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon)
    assert buy(sim, daemon, piece(rank)) == SMALL_COST
    [whole] = wholes(sim)
    assert arrived(sim)[-1] == whole
    assert not {"where", "having", "order_by", "select", "offset"} & {
        name for name, value in whole["params"].items() if value}
    assert int(whole["params"]["limit"]) == (spent + MOST - 10) // 2
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == spent + SMALL_COST


@pytest.mark.parametrize("target", [SMALL, GREAT])
def test_the_request_that_bought_it_can_be_looked_up(sim, rowcache, target):
    """It was forwarded: its answer names it, and the admin side knows its cost, also with the
    client's own question beside an incomplete whole."""
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon, target)
    reply = daemon.get(piece(rank, target))
    assert reply.miss and reply.spent == sim.bill(TOKEN) - spent
    eventually(lambda: daemon.request(reply)["outcome"] == "miss")
    assert tenths(daemon.request(reply)["rows_spent"]) == reply.spent
    eventually(lambda: daemon.outcomes() == {"miss": rank + 1})


def test_a_question_that_is_the_whole_itself(sim, rowcache):
    """It is bought in its own place, and what was spent has saved nothing."""
    daemon = rowcache(ON)
    query = question(SMALL, limit=1000)
    reply = daemon.get(query)
    check(sim, reply, query)
    assert reply.miss and reply.spent == SMALL_COST and reply.saved == 0
    eventually(lambda: daemon.outcomes() == {"miss": 1})
    assert daemon.account["rows_saved"] == 0
    assert daemon.get(query).hit and len(arrived(sim)) == 1


@pytest.mark.concurrent
@pytest.mark.parametrize("second", [{}, {"select": "date"}, {"limit": 1200},
                                    {"where": "ahrefs_rank=3"}], ids=str)
def test_who_comes_while_it_is_bought_waits_for_it(sim, rowcache, second):
    """Although it takes up the sum, and nothing is offered for another."""
    daemon = rowcache(ON)
    queries = [question(SMALL, limit=1000), question(SMALL, **{"limit": 1000, **second})]
    sim.hold(match=QUESTIONS)
    with daemon.send(queries[0]) as first:
        wait_until_held(sim)
        files = daemon.open_files
        with daemon.send(queries[1]) as other:
            eventually(lambda: daemon.open_files > files)
            sim.release()
            replies = first.receive(), other.receive()
    for reply, query in zip(replies, queries):
        check(sim, reply, query)
    assert [reply.spent for reply in replies] == [SMALL_COST, 0]
    assert replies[1].cache == COLLAPSED or replies[1].hit or derived(replies[1])
    assert len(arrived(sim)) == 1


def test_everything_is_derived_from_it(sim, rowcache):
    daemon = rowcache(ON)
    rank, _spent = buy_all_but_the_last(sim, daemon)
    buy(sim, daemon, piece(rank))
    before = len(arrived(sim))
    others = [piece(other) for other in range(rank + 1, 101)] + [
        question(SMALL), question(SMALL, limit=5), question(SMALL, limit=5000),
        question(SMALL, select="url_from,ahrefs_rank", limit=300, offset=200),
        question(SMALL, where="ahrefs_rank>=50,ahrefs_rank<60"),
        question(SMALL, where="nofollow=true", having="links_internal>100", limit=2000),
        question(SMALL, where="ahrefs_rank>90", output="php"),
    ]
    for query in others:
        reply = daemon.get(query)
        check(sim, reply, query)
        assert derived(reply), (query, reply)
        assert reply.spent == 0 and reply.saved == sim.direct(query)[2]
    assert len(arrived(sim)) == before


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_its_state_survives(sim, rowcache, end):
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon)
    getattr(daemon, end)()
    daemon.start()
    assert buy(sim, daemon, piece(rank)) == SMALL_COST
    getattr(daemon, end)()
    daemon.start()
    assert derived(daemon.get(piece(rank + 1)))
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == spent + SMALL_COST


def test_what_was_under_way_when_it_was_killed_counts(sim, rowcache):
    """Upstream charged a slice, and the daemon died before it knew: its most is in the sum."""
    daemon = rowcache(ON)
    spent, rank = 0, 0
    while spent + 2 * MOST < THOUSAND:
        spent += buy(sim, daemon, piece(rank))
        rank += 1
    assert spent + MOST < THOUSAND
    sim.hold(match=QUESTIONS, charged=True)
    with daemon.send(piece(rank)):
        wait_until_held(sim)
        daemon.kill()
    sim.release()
    daemon.start()
    assert daemon.account["rows_unknown"] == MOST
    assert buy(sim, daemon, piece(rank + 1)) == SMALL_COST
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN)


def test_a_whole_that_is_not_complete(sim, rowcache):
    """The client's own question is asked as it would have been. Until the sum has doubled no whole is
    tried again; then one is. Never is more than twice spent than without."""
    daemon = rowcache(ON)
    without = 0
    rank, spent = buy_all_but_the_last(sim, daemon, GREAT)
    without += spent + MOST
    offered = spent + MOST
    limit = (offered - 10) // 2
    assert buy(sim, daemon, piece(rank, GREAT)) == 10 + 2 * limit + MOST
    assert [int(one["params"]["limit"]) for one in wholes(sim)] == [limit]
    assert arrived(sim)[-1]["params"]["where"] == piece(rank, GREAT)["where"]
    while len(wholes(sim)) == 1:
        rank += 1
        assert rank <= 100 and without + MOST <= 4 * offered, "no second whole is tried"
        sum_of_slices = without
        buy(sim, daemon, piece(rank, GREAT))
        without += MOST
        assert sim.bill(TOKEN) <= 2 * without
    assert sum_of_slices + MOST >= 2 * offered
    assert int(wholes(sim)[1]["params"]["limit"]) > limit
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_a_target_without_an_end_costs_never_more_than_twice(sim, rowcache):
    daemon = rowcache(ON)
    without = 0
    for rank in range(101):
        query = piece(rank, GREAT)
        buy(sim, daemon, query)
        without += sim.direct(query)[2]
        assert sim.bill(TOKEN) <= 2 * without
    assert len(wholes(sim)) >= 2
    limits = [int(one["params"]["limit"]) for one in wholes(sim)]
    assert all(2 * small - 10 <= great for small, great in zip(limits, limits[1:]))
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_not_complete_is_remembered(sim, rowcache, end):
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon, GREAT)
    buy(sim, daemon, piece(rank, GREAT))
    offered = without = spent + MOST
    getattr(daemon, end)()
    daemon.start()
    while without + 2 * MOST < 2 * offered:
        rank += 1
        assert buy(sim, daemon, piece(rank, GREAT)) == MOST
        without += MOST
    assert len(wholes(sim)) == 1


@pytest.mark.parametrize("fault, options", [
    ("status", {"code": 500, "body": "broken"}), ("cut", {"after": 1000}), ("html", {}),
    ("truncate", {"after": 1000}), ("refuse", {}), ("late_error", {}),
])
def test_a_whole_that_fails(sim, rowcache, fault, options):
    """The client does not notice. Its own question is asked, and the account is the bill or above it."""
    daemon = rowcache(ON)
    rank, _spent = buy_all_but_the_last(sim, daemon)
    failure = sim.fault(fault, match=is_whole, times=None, **options)
    query = piece(rank)
    reply = daemon.get(query)
    check(sim, reply, query)
    assert failure.hits >= 1
    tried = len(wholes(sim))
    check(sim, daemon.get(piece(rank + 1)), piece(rank + 1))
    assert len(wholes(sim)) == tried
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN)
    assert daemon.account["rows_spent"] - daemon.account["rows_unknown"] <= sim.bill(TOKEN)


def test_a_whole_that_never_comes(sim, driven, clock):
    """Upstream charges it, and says nothing: the client's own question is asked then."""
    daemon = driven(ON, "upstream.stall_timeout=5s")
    rank, _spent = buy_all_but_the_last(sim, daemon)
    sim.fault("stall", match=is_whole, times=None, after=0)
    with daemon.send(piece(rank)) as client:
        sim.wait_for(lambda sim: wholes(sim), patience(10))
        with clock.flying():
            check(sim, client.receive(), piece(rank))
    sim.clear_faults()
    sim.release()
    check(sim, daemon.get(piece(rank + 1)), piece(rank + 1))
    assert len(wholes(sim)) == 1
    eventually(lambda: not daemon.inflight)
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN)


def test_a_client_that_leaves_has_bought_the_whole(sim, rowcache):
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon)
    sim.hold(match=QUESTIONS)
    with daemon.send(piece(rank)):
        wait_until_held(sim)
    sim.release()
    eventually(lambda: daemon.account["rows_spent"] == spent + SMALL_COST)
    assert derived(daemon.get(piece(rank)))
    assert len(wholes(sim)) == 1 and sim.bill(TOKEN) == spent + SMALL_COST


def test_a_whole_that_was_under_way_when_the_daemon_was_killed(sim, rowcache):
    """It is booked at its most, and counts as one that was not complete."""
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon)
    sim.hold(match=QUESTIONS, charged=True)
    with daemon.send(piece(rank)):
        wait_until_held(sim)
        daemon.kill()
    sim.release()
    daemon.start()
    most = 10 + 2 * int(wholes(sim)[0]["params"]["limit"])
    assert daemon.account["rows_unknown"] == most
    buy_slices(sim, daemon, range(rank, rank + 5))
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN)


def test_a_whole_that_is_purged_is_not_bought_for_the_same_slices(sim, rowcache):
    """Else whoever purges would have it bought again with each miss."""
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon, "rows-990.example")
    assert buy(sim, daemon, piece(rank, "rows-990.example")) == 10 + 2 * 990
    for purges in range(1, 4):
        daemon.ctl_text("cache", "purge", "--all")
        spent += buy_slices(sim, daemon, [rank + purges], "rows-990.example")


def test_settings_are_read_anew(sim, rowcache, tmp_path):
    """What was bought while it was off is not remembered."""
    conf = tmp_path / "conf"
    conf.write_text("[cache]\nbuy_whole = off\n")
    daemon = rowcache(arguments=["-c", str(conf)])
    buy_slices(sim, daemon, range(30))
    conf.write_text("[cache]\nbuy_whole = on\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(r"\binfo reload")
    rank, spent = 30, 0
    while spent + MOST < THOUSAND:
        spent += buy_slices(sim, daemon, [rank])
        rank += 1
    assert buy(sim, daemon, piece(rank)) == SMALL_COST


@pytest.mark.concurrent
def test_many_clients_and_deaths(sim, rowcache):
    """Whatever the order of events: each answer is right, the account is never below the bill, and what
    wholes cost is bounded by slices."""
    daemon = rowcache(ON)
    random = Random("whole")
    targets = [SMALL, GREAT, "rows-1300.example", "rows-40.example", "rows-2500.example"]
    without = 0

    def ask(query):
        reply = daemon.get(query)
        check(sim, reply, query)

    for _ in range(8):
        queries = [piece(random.randrange(101), random.choice(targets),
                         limit=random.choice((10, 100, 1000))) for _ in range(30)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(ask, queries))
        without += sum(sim.direct(query)[2] for query in queries)
        daemon.kill()
        daemon.start()
        assert daemon.account["rows_spent"] >= sim.bill(TOKEN)
    assert sim.bill(TOKEN) <= 2 * without + len(targets) * (10 + 50 + 2 * 1000)
    assert sum(record["cost_tenths"] for record in wholes(sim)) > THOUSAND


def test_a_whole_that_a_budget_does_not_fit(sim, issuing):
    """Nothing of it is spent, nothing is sent. Who has the rows for it buys it next."""
    daemon = issuing(ON)
    rich, poor = add(daemon, "rich"), add(daemon, "poor", "60")
    rank, _spent = buy_all_but_the_last(sim, daemon, token=rich)
    for one in (rank, rank + 1):
        query = piece(one, token=poor)
        reply = daemon.get(query)
        check(sim, reply, query)
        assert reply.miss and reply.spent == sim.direct(query)[2]
    assert not wholes(sim)
    assert buy(sim, daemon, piece(rank + 2, token=rich)) == SMALL_COST
    assert daemon.accounts["poor"]["rows_spent"] == sum(
        sim.direct(piece(one))[2] for one in (rank, rank + 1))
    assert daemon.account["rows_spent"] == sim.bill(AHREFS)


def test_a_whole_that_leaves_nothing_for_the_question(sim, issuing):
    """It is not bought, as the client's own question could not be asked if it were not complete."""
    daemon = issuing(ON)
    rich = add(daemon, "rich")
    rank, spent = buy_all_but_the_last(sim, daemon, GREAT, token=rich)
    poor = add(daemon, "poor", str((spent + MOST) // 10 + 1))
    query = piece(rank, GREAT, token=poor)
    reply = daemon.get(query)
    check(sim, reply, query)
    assert reply.spent == MOST and not wholes(sim)


def test_neither_the_whole_nor_the_slice_fits(sim, issuing):
    daemon = issuing(ON)
    rich, poor = add(daemon, "rich"), add(daemon, "poor", "5")
    rank, spent = buy_all_but_the_last(sim, daemon, token=rich)
    check_held_back(daemon.get(piece(rank, token=poor)), left=50, most=MOST)
    assert not wholes(sim) and sim.bill(AHREFS) == spent


def test_the_whole_is_charged_to_the_token_whose_request_it_was(sim, issuing):
    daemon = issuing(ON)
    alice, bob = add(daemon, "alice"), add(daemon, "bob", "500")
    rank, spent = buy_all_but_the_last(sim, daemon, token=alice)
    assert buy(sim, daemon, piece(rank, token=bob)) == SMALL_COST
    assert derived(daemon.get(piece(rank + 1, token=alice)))
    accounts = daemon.accounts
    assert accounts["alice"]["rows_spent"] == spent
    assert accounts["bob"]["rows_spent"] == SMALL_COST
    assert daemon.account["rows_spent"] == sim.bill(AHREFS)


@pytest.mark.concurrent
@pytest.mark.parametrize("second", [{}, {"limit": 200}, {"token": OTHER_TOKEN}])
def test_two_at_once_buy_one_whole(sim, rowcache, second):
    daemon = rowcache(ON)
    daemon.get(piece(0, "rows-1.example", token=OTHER_TOKEN))  # it is known from now on
    rank, spent = buy_all_but_the_last(sim, daemon)
    before = sum(sim.bills().values())
    queries = [piece(rank), piece(rank + 1, **second)]
    sim.hold(match=QUESTIONS)
    with daemon.send(queries[0]) as first:
        wait_until_held(sim)
        files = daemon.open_files
        with daemon.send(queries[1]) as other:
            eventually(lambda: daemon.open_files > files)
            sim.release()
            replies = first.receive(), other.receive()
    for reply, query in zip(replies, queries):
        check(sim, reply, query)
    assert len(wholes(sim)) == 1
    bought = sum(sim.bills().values()) - before
    assert sum(reply.spent for reply in replies) == bought
    assert bought in (SMALL_COST, SMALL_COST + sim.direct(queries[1])[2])
    eventually(lambda: daemon.account["rows_spent"] == sum(sim.bills().values()))


@pytest.mark.concurrent
def test_twenty_at_once_buy_one_whole(sim, rowcache):
    daemon = rowcache(ON)
    rank, spent = buy_all_but_the_last(sim, daemon)
    queries = [piece(one) for one in range(rank, rank + 20)]
    clients = [daemon.send(query) for query in queries]
    replies = [client.receive() for client in clients]
    for client, reply, query in zip(clients, replies, queries):
        client.close()
        check(sim, reply, query)
    assert len(wholes(sim)) == 1
    assert sum(reply.spent for reply in replies) == sim.bill(TOKEN) - spent
    eventually(lambda: daemon.account["rows_spent"] == sim.bill(TOKEN))


def test_what_is_older_than_the_ttl_does_not_count(sim, driven, clock):
    daemon = driven(ON, "cache.ttl=1h")
    rank, _spent = buy_all_but_the_last(sim, daemon)
    clock.go_on(hours=1, seconds=3)
    spent = buy_slices(sim, daemon, [rank])
    while spent + MOST < THOUSAND:
        rank += 1
        spent += buy_slices(sim, daemon, [rank])
    assert buy(sim, daemon, piece(rank + 1)) == SMALL_COST


def test_tables_targets_and_modes_are_apart(sim, rowcache):
    daemon = rowcache(ON)
    rank, _spent = buy_all_but_the_last(sim, daemon)
    for query in (piece(rank, "rows-700.example"), piece(rank, mode="subdomains"),
                  piece(rank, SMALL + "/", mode="prefix")):
        buy(sim, daemon, query)
    assert not wholes(sim)
    assert buy(sim, daemon, piece(rank)) == SMALL_COST


def test_what_the_whole_would_not_answer_is_asked_itself(sim, rowcache):
    """XML is not made of rows, and with cache.derive = off nothing is."""
    daemon = rowcache(ON)
    rank, _spent = buy_all_but_the_last(sim, daemon)
    query = piece(rank, output="xml")
    reply = daemon.get(query)
    assert reply.status == 200 and reply.body == sim.direct(query)[0]
    assert not wholes(sim)
    daemon.restart("cache.derive=off")
    buy(sim, daemon, piece(rank + 1))
    assert not wholes(sim)


def test_what_the_rows_of_the_whole_do_not_decide_is_asked_itself(sim, rowcache):
    """Nobody knows how upstream orders rows that are equal. While the whole is stored, it is not bought
    again for such questions, whatever they could cost."""
    daemon = rowcache(ON)
    rank, _spent = buy_all_but_the_last(sim, daemon)
    buy(sim, daemon, piece(rank))
    for order in ("redirect", "http_code", "origin", "link_type"):
        query = question(SMALL, order_by=order, where="nofollow=true", limit=3000)
        reply = daemon.get(query)
        check(sim, reply, query)
        assert reply.miss and reply.spent == sim.direct(query)[2]
    assert len(wholes(sim)) == 1


def test_who_does_not_spend_buys_no_whole(sim, rowcache):
    daemon = rowcache(ON)
    rank, _spent = buy_all_but_the_last(sim, daemon)
    before = len(arrived(sim))
    assert daemon.get(piece(rank), wish("only-if-cached")).status == 504
    with daemon.client() as client:
        assert client.ask("HEAD", "/?" + encode(piece(rank))).status == 504
    daemon.ctl_text("explain", encode(piece(rank)))
    assert len(arrived(sim)) == before


def test_without_widening_the_whole_has_all_columns(sim, rowcache):
    daemon = rowcache(ON, "cache.widen_select=off")
    rank, _spent = buy_all_but_the_last(sim, daemon)
    assert buy(sim, daemon, piece(rank, select="url_from,ahrefs_rank")) == SMALL_COST
    assert derived(daemon.get(piece(rank + 1, select="anchor,ahrefs_rank")))


def test_the_account_is_the_bill(sim, rowcache):
    """Also with incomplete wholes, empty slices, other targets and repetitions."""
    daemon = rowcache(ON)
    queries = [
        piece(rank, target, limit=limit)
        for rank in range(0, 101, 2)
        for target, limit in ((SMALL, 100), (GREAT, 50), ("rows-3000.example", 1000))
    ]
    for query in queries + queries[::7]:
        buy(sim, daemon, query)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)
    assert daemon.account["rows_unknown"] == 0
    assert {record["params"]["target"] for record in wholes(sim)} == {
        SMALL, GREAT, "rows-3000.example"}


def test_an_old_slice_is_called_stale_though_a_whole_was_bought_in_vain(sim, driven, clock):
    """The whole is not complete, the client's own question fails, and its old answer is served."""
    daemon = driven(ON, "cache.ttl=1h")
    asked = piece(7, "rows-1500.example", limit=1000)
    old = daemon.get(asked)
    assert old.miss and len(wholes(sim)) == 1
    clock.go_on(hours=2)
    sim.fault("status", match=lambda params: "where" in params, times=None, code=500)
    reply = daemon.get(asked)
    assert reply.stale and reply.headers["Age"] == "7200" and reply.rows == old.rows
    assert len(wholes(sim)) == 2 and reply.spent > THOUSAND, "what the whole cost is told"
    eventually(lambda: daemon.account["rows_spent"] == sim.bill(TOKEN))
