"""What explain predicts is what a request gets: the same facts decide about both."""

from urllib.parse import parse_qsl

import pytest

from ahrefs import Simulator
from daemon import QUESTIONS, TABLE, TOKEN, arrived, patience, question, wait_until_held
from wire import COLLAPSED, encode, tenths, wish

BAD_TOKEN = "deadbeef" * 5


def explain(daemon, token=TOKEN, **params):
    return daemon.admin_json("/api/explain?" + encode(question(token=token, **params)))


def agree(daemon, token=TOKEN, **params):
    """Explains, then asks: the status is the one that was predicted."""
    told = explain(daemon, token, **params)
    reply = daemon.ask(token=token, **params)
    assert told["status"] in (reply.status, None if reply.status == 200 else reply.status)
    if told["status"]:
        assert told["status"] == reply.status and told["outcome"] == "error"
    return told, reply


def test_without_a_token_it_is_401_and_the_outcome_is_that_of_an_admitted_one(rowcache):
    daemon = rowcache()
    told = explain(daemon, token=None)
    assert told["status"] == daemon.ask(token=None).status == 401
    assert told["token"] == "none" and told["outcome"] == "miss" and "token" in told["error"]
    daemon.ask()
    assert explain(daemon, token=None)["outcome"] == "hit"


def test_an_unknown_token_is_told_and_nothing_is_sent_to_check_it(sim, rowcache):
    daemon = rowcache()
    told = explain(daemon)
    assert (told["token"], told["outcome"], told["status"]) == ("unknown", "miss", None)
    assert sim.requests == []
    daemon.ask()
    assert explain(daemon)["token"] == "admitted"


def test_a_token_that_upstream_refused_is_refused(start):
    with Simulator(tokens=[TOKEN]) as sim:
        daemon = start(sim.url)
        assert daemon.ask(token=BAD_TOKEN).status == 403
        told, reply = agree(daemon, token=BAD_TOKEN)
        assert told["token"] == "rejected" and told["error"] == reply.error
        assert daemon.stop() == 0


def test_a_revoked_token_is_refused_whether_named_or_written(rowcache, house):
    daemon = rowcache(house)
    token = daemon.issue("reporting")
    assert explain(daemon, token=token)["token"] == "admitted"
    assert daemon.ctl("token", "revoke", "reporting").returncode == 0
    told, reply = agree(daemon, token=token)
    assert told["token"] == "revoked" and told["error"] == reply.error and reply.status == 403
    named = daemon.ctl_json("explain", encode(question(token=None)), "--token", "reporting")
    assert (named["status"], named["error"]) == (403, reply.error)


def test_a_token_that_is_not_on_the_list_is_refused(rowcache):
    daemon = rowcache("access.mode=listed")
    told, reply = agree(daemon)
    assert told["token"] == "unlisted" and told["error"] == reply.error and reply.status == 403


def test_a_budget_that_is_too_small_is_402_and_anything_stored_is_not(rowcache, house):
    daemon = rowcache(house)
    token = daemon.issue("reporting", "--budget", "5")
    told, reply = agree(daemon, token=token, limit=1000)
    assert reply.status == 402 and told["most"] == "0.0" and "budget" in told["error"]
    told, reply = agree(daemon, token=token, limit=5)
    assert reply.status == 200 and told["most"] == "2.0" and told["outcome"] == "miss"
    told, reply = agree(daemon, token=token, limit=5)
    assert told["outcome"] == "hit" and told["most"] == "0.0" and reply.hit


def test_a_stale_result_is_served_where_the_budget_is_spent(driven, house, clock):
    daemon = driven(house, "cache.ttl=1s")
    token = daemon.issue("reporting", "--budget", "3")
    assert daemon.ask(token=token, limit=5).status == 200
    clock.go_on(seconds=2)
    told = explain(daemon, token=token, limit=5)
    assert (told["outcome"], told["status"]) == ("stale", None)
    assert daemon.ask(token=token, limit=5).stale


def test_what_an_issued_token_cannot_spend_is_503(rowcache):
    daemon = rowcache()
    token = daemon.issue("reporting")
    told, reply = agree(daemon, token=token)
    assert reply.status == 503 and told["error"] == reply.error


def test_a_miss_that_is_under_way_would_be_joined_for_nothing(sim, rowcache):
    daemon = rowcache()
    daemon.ask(target="rows-10.example")
    sim.hold(match=QUESTIONS)
    waiting = daemon.send(question())
    sim.wait_for(lambda sim: len(arrived(sim)) == 2, patience(10))
    told = explain(daemon)
    assert (told["outcome"], told["least"], told["most"]) == ("collapsed", "0.0", "0.0")
    assert told["status"] is None
    sim.release()
    assert waiting.receive().status == 200
    waiting.close()


def test_another_table_is_refused_where_that_is_configured(rowcache):
    daemon = rowcache("tables.other=refuse")
    daemon.ask()
    told, reply = agree(daemon, from_="backlinks")
    assert reply.status == 403 and told["error"] == reply.error


# From what it would be computed


LOST = {"where": 'type="lost"'}
RANKED = {"order_by": "domain_rating"}  # 40 rows have ties, which upstream may order as it likes


def words(reply) -> str:
    """The outcome of a reply, by its Cache-Status."""
    for word in ("derived", "stale"):
        if reply.cache.endswith("detail=" + word):
            return word
    return "hit" if reply.hit else "collapsed" if reply.cache == COLLAPSED else "miss"


def compare(daemon, token=TOKEN, **params):
    """Explains, then asks: the outcome is the one that was predicted, and the cost within its bounds."""
    told, reply = agree(daemon, token, **params)
    assert told["outcome"] == words(reply)
    assert tenths(told["least"]) <= reply.spent <= tenths(told["most"])
    return told, reply


def sent_as(record) -> dict:
    """What came upstream, without what `normal` leaves out: the token, and the limit that is usual."""
    usual = {"limit": "1000"}
    return {name: value for name, value in record["params"].items()
            if name != "token" and usual.get(name) != value}


def reasons(told) -> list:
    return [candidate["reason"] for candidate in told["candidates"]]


def ask_anew(daemon, **params):
    """Upstream's own result is stored, even if it could be computed."""
    assert daemon.ask(headers=wish("no-cache"), **params).status == 200


def test_a_source_is_named_with_its_query_and_its_age(sim, driven, clock):
    daemon = driven()
    daemon.ask("rows-40.example")
    whole = explain(daemon, target="rows-40.example")["key"]
    clock.go_on(seconds=60)
    told, _reply = compare(daemon, target="rows-40.example", **LOST)
    assert told["outcome"] == "derived" and told["most"] == "0.0" and not told["stored"]
    assert told["source"] == {"key": whole, "age": 60, "freshness": 86400 - 60,
                              "normal": f"from={TABLE}&mode=domain&target=rows-40.example"}
    only, = told["candidates"]
    assert only == {**told["source"], "reason": "possible",
                    "why": "it can be computed from this result"}
    assert len(arrived(sim)) == 1


def test_a_copy_of_what_was_computed_is_told_from_upstreams_own(rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    compare(daemon, target="rows-40.example", **LOST)
    told, _reply = compare(daemon, target="rows-40.example", **LOST)
    assert told["outcome"] == "derived" and told["stored"] and told["derived"]
    assert told["source"] is None, "the copy is what is served"
    told, _reply = compare(daemon, target="rows-40.example")
    assert told["outcome"] == "hit" and told["stored"] and not told["derived"]


@pytest.mark.parametrize("stored, asked, reason", [
    ({"limit": 20}, {"limit": 21}, "window"),
    ({"limit": 20}, LOST, "incomplete"),
    (LOST, {}, "narrower"),
    ({}, {"where": "foobar=1"}, "condition"),
    ({}, {"order_by": "anchor,foobar"}, "order"),
    ({}, {"output": "xml"}, "form"),
    ({}, {"limit": 0}, "limit"),
], ids=str)
def test_each_candidate_has_the_reason_why_not(sim, rowcache, stored, asked, reason):
    daemon = rowcache()
    daemon.ask("rows-40.example", **stored)
    told = explain(daemon, target="rows-40.example", **asked)
    assert told["outcome"] == "miss" and told["source"] is None and reasons(told) == [reason]
    assert daemon.ask("rows-40.example", **asked).status == 200
    assert len(arrived(sim)) == 2


@pytest.mark.parametrize("asked, reason", [
    (RANKED, "tie"), ({"where": 'substring(anchor,"E")'}, "row"),
    ({"order_by": "title"}, "collation"),
], ids=str)
def test_where_only_the_rows_decide_they_are_read(sim, rowcache, asked, reason):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    told = explain(daemon, target="rows-40.example", **asked)
    assert told["outcome"] == "miss" and reasons(told) == [reason] and told["candidates"][0]["why"]
    assert len(arrived(sim)) == 1 and "derived" not in daemon.outcomes()
    told, reply = compare(daemon, target="rows-40.example", **asked)
    assert reply.miss and len(arrived(sim)) == 2


def test_as_many_sources_are_tried_as_by_a_request(sim, rowcache):
    daemon = rowcache()
    for order in (None, "first_seen", "last_visited"):
        ask_anew(daemon, target="rows-40.example", order_by=order)
    told, _reply = compare(daemon, target="rows-40.example", **RANKED)
    assert told["outcome"] == "miss" and sorted(reasons(told)) == ["possible", "tie", "tie"]


def test_without_a_token_the_source_is_that_of_an_admitted_one(rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    told = explain(daemon, token=None, target="rows-40.example", **LOST)
    assert (told["status"], told["outcome"]) == (401, "derived") and told["source"]
    assert explain(daemon, token=None, target="rows-40.example", **RANKED)["outcome"] == "miss"


def test_without_derivation_there_are_no_candidates(rowcache):
    daemon = rowcache("cache.derive=off")
    daemon.ask("rows-40.example")
    told, _reply = compare(daemon, target="rows-40.example", select="date")
    assert (told["outcome"], told["candidates"], told["asked"]) == ("miss", [], None)


def test_an_old_source_is_served_where_the_budget_is_spent_if_its_rows_allow_it(
        driven, house, clock):
    daemon = driven(house, "cache.ttl=1h")
    token = daemon.issue("reporting", "--budget", "9")
    assert daemon.ask("rows-40.example", token=token, limit=40).spent == 90
    clock.go_on(hours=2)
    told, reply = agree(daemon, token=token, target="rows-40.example", limit=40, select="date")
    assert told["outcome"] == words(reply) == "stale" and told["source"]["age"] == 7200
    told, reply = agree(daemon, token=token, target="rows-40.example", limit=3, **RANKED)
    assert reply.status == 402 and told["source"] is None


# What upstream would be asked


@pytest.mark.parametrize("asked", [
    {"select": "date,type"}, {"output": "php"}, {"select": "date", "limit": 7, **LOST},
], ids=str)
def test_a_wider_query_is_told(sim, rowcache, asked):
    daemon = rowcache()
    told, _reply = compare(daemon, target="rows-40.example", **asked)
    record, = arrived(sim)
    assert told["asked"] and dict(parse_qsl(told["asked"])) == sent_as(record)
    again = explain(daemon, target="rows-40.example", **asked)
    assert again["asked"] is None, "nothing would be"


def test_the_query_itself_is_asked_where_it_is_as_wide(sim, rowcache):
    daemon = rowcache("cache.widen_select=off")
    told, _reply = compare(daemon, target="rows-40.example", select="date")
    record, = arrived(sim)
    assert told["asked"] is None and dict(parse_qsl(told["normal"])) == sent_as(record)


# The whole


BUYS = "cache.buy_whole=on"
LARGE = {**LOST, "limit": 10000}  # its most alone pays for a whole of 1000 results


def test_a_whole_that_is_complete_is_all_that_is_asked(sim, rowcache):
    daemon = rowcache(BUYS)
    told, reply = compare(daemon, target="rows-40.example", **LARGE)
    record, = arrived(sim)
    assert dict(parse_qsl(told["whole"]["normal"])) == sent_as(record)
    assert tenths(told["least"]) == tenths(told["whole"]["least"]) == 10
    assert tenths(told["most"]) == tenths(told["whole"]["most"]) + 10 + 50 + 10000 * 2
    assert tenths(told["whole"]["least"]) <= reply.spent <= tenths(told["whole"]["most"])
    assert explain(daemon, target="rows-40.example", **LARGE)["whole"] is None


def test_a_whole_that_is_not_complete_is_followed_by_the_query(sim, rowcache):
    daemon = rowcache(BUYS)
    told, reply = compare(daemon, target="huge-1000000.example", **LARGE)
    whole, own = arrived(sim)
    assert dict(parse_qsl(told["whole"]["normal"])) == sent_as(whole)
    assert sent_as(own) == sent_as({"params": question("huge-1000000.example", **LARGE)})
    told, _reply = compare(daemon, target="huge-1000000.example", **{**LARGE, "offset": 10})
    assert told["whole"] is None and told["outcome"] == "miss", "the sum has not doubled"


def test_no_whole_is_told_where_it_is_not_bought(rowcache):
    for options, params in ([[], LARGE], [[BUYS], {"limit": 900}],
                            [[BUYS], {**LARGE, "output": "xml"}],
                            [[BUYS, "cache.derive=off"], LARGE]):
        told = explain(rowcache(*options), target="rows-40.example", **params)
        assert told["outcome"] == "miss" and told["whole"] is None


def test_a_whole_that_holds_the_query_in_any_case_is_all_that_it_costs(rowcache):
    daemon = rowcache(BUYS)
    told, reply = compare(daemon, target="huge-1000000.example", limit=1000, select="date")
    assert told["whole"]["normal"] == told["asked"] and tenths(told["most"]) == reply.spent == 2010


@pytest.mark.parametrize("budget, buys", [("4011.9", False), ("4012.0", True)])
def test_a_budget_that_does_not_hold_both_buys_no_whole(sim, rowcache, house, budget, buys):
    daemon = rowcache(house, BUYS)
    told, _reply = compare(daemon, token=daemon.issue("reporting", "--budget", budget),
                           target="rows-40.example", **LARGE)
    record, = arrived(sim)
    assert (told["whole"] is not None) is buys is ("where" not in record["params"])


def test_a_whole_that_another_request_buys_costs_nothing_more(sim, rowcache):
    daemon = rowcache(BUYS)
    daemon.ask(target="rows-10.example")
    sim.hold(match=QUESTIONS)
    waiting = daemon.send(question("rows-40.example", **LARGE))
    wait_until_held(sim)
    told = explain(daemon, target="rows-40.example", where='type="new"', limit=40000)
    assert told["outcome"] == "collapsed" and told["whole"]["most"] == told["least"] == "0.0"
    assert tenths(told["most"]) == 10 + 50 + 40000 * 2
    told = explain(daemon, target="rows-40.example", where='type="new"', limit=10)
    assert (told["outcome"], told["least"], told["whole"]) == ("collapsed", "0.0", None), \
        "nothing is offered for a whole, but one is under way"
    assert tenths(told["most"]) == 10 + 50 + 10 * 2
    sim.release()
    assert waiting.receive().status == 200
    waiting.close()


def test_no_whole_is_bought_where_the_rows_of_a_source_do_not_decide(sim, rowcache):
    daemon = rowcache(BUYS)
    daemon.ask("rows-40.example")
    told, _reply = compare(daemon, target="rows-40.example", limit=30000, **RANKED)
    assert reasons(told) == ["tie"] and told["whole"] is None and len(arrived(sim)) == 2


# For people


def test_people_see_the_candidates_in_a_table(driven):
    daemon = driven()
    daemon.ask("rows-40.example")
    daemon.ask("rows-40.example", limit=20)
    query = encode(question("rows-40.example", token=None, **RANKED))
    told = daemon.ctl_json("explain", query)
    assert told["candidates"] == daemon.admin_json("/api/explain?" + query)["candidates"]
    text = daemon.ctl_text("explain", query)
    for candidate in told["candidates"]:
        assert candidate["key"][:12] in text and candidate["key"] not in text
        assert candidate["why"] in text and candidate["normal"] in text
