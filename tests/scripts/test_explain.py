"""What explain predicts is what a request gets: the same facts decide about both."""

from ahrefs import Simulator
from daemon import QUESTIONS, TOKEN, arrived, patience, question
from wire import encode

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
