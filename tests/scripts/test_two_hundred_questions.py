"""Two hundred questions, each asked twice: right both times, paid for once, to the tenth."""

from random import Random

from daemon import OTHER_TOKEN, TOKEN, amounts, arrived, eventually
from queries import questions
from wire import Client


def costs(sim, token):
    """The cost of each of a token's requests, in tenths."""
    return [record["cost_tenths"] for record in arrived(sim) if record["token"] == token]


def is_answered_here(reply):
    return reply.hit or reply.derived


def test_two_hundred_questions_are_answered_as_upstream_does(sim, rowcache):
    asked = questions(200)
    random = Random("respelled")

    with Client(f"127.0.0.1:{sim.port}") as ahrefs:
        answers = [ahrefs.get(one.plain(OTHER_TOKEN)) for one in asked]
    assert all("X-Status" not in answer.headers for answer in answers), "a play of valid questions"
    expected = [answer.json for answer in answers]
    prices = costs(sim, OTHER_TOKEN)

    daemon = rowcache()
    with daemon.client() as client:
        for one, answer, price in zip(asked, expected, prices):
            reply = client.get(one.plain())
            assert reply.json == answer, one.plain()
            assert "X-Rows-Spent" not in reply.headers or reply.spent in (0, price)
    bill = sim.bill(TOKEN)
    assert 0 < bill <= sum(prices)
    assert daemon.account["rows_spent"] == bill

    with daemon.client() as client:
        for one, answer, price in zip(asked, expected, prices):
            query = one.respelled(random)
            reply = client.get(query)
            assert is_answered_here(reply), f"{query} is {one.plain()} and got {reply.cache}"
            assert reply.json == answer, query
            assert (reply.spent, reply.saved) == (0, price), query
    assert sim.bill(TOKEN) == bill

    eventually(lambda: daemon.account["requests"] == 400)
    before = daemon.spend()
    assert amounts(before["total"])["rows_spent"] == bill
    assert before["total"]["rows_unknown"] == "0.0"
    assert before["total"]["hits"] + before["total"]["misses"] == 400
    assert before["total"]["results"] == sum(
        record["results"] for record in arrived(sim) if record["token"] == TOKEN)
    assert daemon.ctl_json("spend") == before

    assert daemon.stop() == 0
    assert daemon.ctl_json("spend") == before

    daemon.start()
    assert daemon.spend() == before
    with daemon.client() as client:
        for one, answer in zip(asked, expected):
            reply = client.get(one.plain())
            assert is_answered_here(reply) and reply.json == answer
    assert sim.bill(TOKEN) == bill and daemon.account["rows_spent"] == bill
