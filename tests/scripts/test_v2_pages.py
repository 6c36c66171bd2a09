"""The pages of a v2 query that is answered from v3: stored, shared, and paid for once."""

import pytest

from ahrefs.v3 import Workspace
from daemon import QUESTIONS, eventually
from v3 import KEY, V3, paid, simulator

SELECT = "date,type,url_from"


@pytest.fixture
def sim3():
    """A plan that gives 250 rows at once."""
    with simulator(workspace=Workspace("Standard")) as one:
        yield one


def ask(daemon, target="rows-700.example", **given):
    """A query of v2, as a tool for v2 sends it."""
    return daemon.get({"token": KEY, **QUESTIONS, "target": target, "mode": "domain",
                       "select": SELECT, **given})


def key_of(daemon, target) -> str:
    query = f"from=backlinks_new_lost&target={target}&mode=domain&select={SELECT}"
    return daemon.ctl_json("explain", query)["key"]


def test_an_answer_is_made_again_of_stored_pages_at_no_cost(sim3, driven3):
    daemon = driven3()
    first = ask(daemon)
    assert first.miss and len(first.json["refpages"]) == 700
    spent = int(first.headers["X-Units-Spent"])
    assert spent == sim3.bill(KEY) and len(paid(sim3)) > 1
    daemon.ctl_text("cache", "purge", "--key", key_of(daemon, "rows-700.example"))
    again = ask(daemon)
    assert "hit" in again.cache and "detail=derived" in again.cache
    assert again.json == first.json and again.headers["X-Units-Spent"] == "0"
    assert int(again.headers["X-Units-Saved"]) == spent == sim3.bill(KEY)
    eventually(lambda: daemon.account["hits"] == 1)
    assert daemon.account["requests"] == 2 and daemon.account["misses"] == 1


def test_what_was_bought_before_a_failure_is_not_bought_again(sim3, driven3):
    daemon = driven3()
    sim3.fault("error", code=500, match=lambda params: "lte" in params.get("where", ""), times=1)
    failed = ask(daemon)
    assert failed.status == 502 and sim3.bill(KEY) > 0
    bought = len(paid(sim3))
    whole = ask(daemon)
    assert whole.status == 200 and len(whole.json["refpages"]) == 700
    asked = [(record["params"].get("where"), record["params"].get("order_by"))
             for record in paid(sim3) if record["units"]]
    assert len(asked) == len(set(asked)) and len(paid(sim3)) > bought
    assert daemon.account["units_spent"] == sim3.bill(KEY)


def test_a_key_that_has_ended_is_told_in_the_log_once(sim3, issuing3):
    daemon = issuing3()
    token = daemon.issue()
    sim3.fault("pair", code=401, text="Unauthorized", times=3)
    for number in range(2):
        assert daemon.get({"token": token, **QUESTIONS, "mode": "domain",
                           "target": f"rows-{number + 3}.example"}).status == 403
    daemon.wait_for_log("key=upstream.token_file")
    assert daemon.log.count("key=upstream.token_file") == 1


def test_a_longer_answer_proves_that_shorter_ones_are_whole(start, clock):
    with simulator(workspace=Workspace("Mystery", cap=250)) as sim:
        daemon = start(sim.url, *V3, **clock.drives())
        for target, calls in [("rows-40.example", 2), ("rows-30.example", 1),
                              ("rows-60.example", 2), ("rows-55.example", 1)]:
            before = len(paid(sim))
            assert len(ask(daemon, target).json["refpages"]) == int(target[5:7])
            assert len(paid(sim)) - before == calls
