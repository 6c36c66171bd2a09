"""access.mode: the tokens that are let in, and the form in which all others are refused."""

import re
import xml.etree.ElementTree as tree

import pytest

from daemon import AHREFS, OTHER_TOKEN, ROWCACHED, TOKEN, Daemon, eventually, run
from tokens import KNOWN, STRANGER, check_refused, check_shut_out, checks

AHREFS_KNOWS = KNOWN
ROWS_5 = 10 + 5 * 2


# The modes


@pytest.mark.parametrize("params", [
    {}, {"target": "rows-6.example"}, {"from_": "anchors"}, {"from_": "nonsense"},
    {"output": "php", "target": "rows-6.example"},
    {"from_": "subscription_info", "target": None, "mode": None},
], ids=str)
def test_in_listed_mode_nobody_else_is_let_in(sim, issuing, params):
    daemon = issuing("access.mode=listed")
    assert daemon.ask(token=daemon.issue()).miss
    reply = daemon.ask(**{"token": OTHER_TOKEN, **params})
    assert reply.status == 403 and reply.headers["X-Status"] == "error"
    assert len(sim.requests) == 1 and OTHER_TOKEN not in repr(sim.requests)
    assert sim.bills() == {AHREFS: ROWS_5}


def test_in_listed_mode_issued_and_registered_tokens_are_let_in(sim, issuing):
    daemon = issuing("access.mode=listed")
    check_refused(daemon.ask(), 403)
    daemon.register("reporting", TOKEN)
    assert daemon.ask().miss and daemon.ask(token=daemon.issue()).hit
    assert daemon.ask(from_="anchors", limit=2).status == 200
    for token in (OTHER_TOKEN, AHREFS):
        check_refused(daemon.ask(token=token), 403)
    assert checks(sim) == []


def test_to_have_been_seen_is_not_to_be_listed(sim, issuing):
    daemon = issuing()
    assert daemon.ask().miss and daemon.ask(token=OTHER_TOKEN).hit
    daemon.restart("access.mode=listed")
    for token in (TOKEN, OTHER_TOKEN):
        check_shut_out(sim, daemon, token)
    daemon.register("reporting", TOKEN)
    assert daemon.ask().hit


def test_in_verify_mode_known_tokens_are_not_checked(sim, issuing):
    daemon = issuing()
    alice = daemon.issue()
    daemon.register("reporting", TOKEN)
    assert daemon.ask(token=alice).miss and daemon.ask().hit
    assert checks(sim) == []
    assert daemon.ask(token=OTHER_TOKEN).hit
    check_refused(daemon.ask(token=STRANGER), 403)
    assert [record["token"] for record in checks(sim)] == [OTHER_TOKEN, STRANGER]


def test_in_verify_mode_known_tokens_are_served_while_upstream_is_down(sim, issuing):
    daemon = issuing()
    rows = daemon.ask(token=daemon.issue("alice")).rows
    bob = daemon.issue("bob")
    daemon.register("reporting", TOKEN)
    sim.fault("refuse", match={}, times=None)
    for token in (bob, TOKEN):
        reply = daemon.ask(token=token)
        assert reply.hit and reply.rows == rows
    for token in (OTHER_TOKEN, STRANGER):
        reply = daemon.ask(token=token)
        assert reply.status >= 400 and reply.headers["X-Status"] == "error"
        assert list(reply.json) == ["error"]


def test_in_open_mode_everybody_reads_the_cache(sim, issuing):
    daemon = issuing("access.mode=open")
    assert daemon.ask(token=daemon.issue()).miss
    daemon.register("reporting", TOKEN)
    for token in (TOKEN, OTHER_TOKEN, STRANGER, daemon.issue("bob")):
        assert daemon.ask(token=token).hit
    assert len(sim.requests) == 1
    assert "token" in daemon.ask("rows-6.example", token=STRANGER).error
    assert sim.bills() == {AHREFS: ROWS_5}


@pytest.mark.parametrize("mode", ["verify", "listed", "open"])
def test_without_a_token_nobody_is_let_in(sim, issuing, mode):
    daemon = issuing(f"access.mode={mode}")
    daemon.ask(token=daemon.issue())
    for token in (None, ""):
        check_refused(daemon.ask(token=token), 401)
        check_refused(daemon.ask(token=token, from_="anchors"), 401)
    assert len(sim.requests) == 1


def test_the_mode_is_one_of_three():
    done = run(ROWCACHED, "-t", "-o", "access.mode=closed")
    assert done.returncode == 1 and "access.mode" in done.stderr


# The form of refusals


def nobody(_daemon):
    return None


def revoked(daemon):
    token = daemon.issue()
    daemon.ctl_text("token", "revoke", "alice")
    return token


def poor(daemon):
    daemon.register("reporting", TOKEN, "--budget", "0")
    return TOKEN


@pytest.mark.parametrize("status, prepare", [
    (401, nobody), (403, revoked), (402, poor), (503, Daemon.issue),
], ids=["no token", "revoked", "over budget", "nothing to spend from"])
def test_every_refusal_has_its_status_and_the_form_of_v2(sim, rowcache, status, prepare):
    daemon = rowcache()
    token = prepare(daemon)
    reply = daemon.ask(token=token)
    check_refused(reply, status)
    assert "stored" not in reply.cache and "hit" not in reply.cache
    xml = daemon.ask(token=token, output="xml")
    assert xml.status == status and xml.headers["X-Status"] == "error"
    root = tree.fromstring(xml.body)
    assert root.tag == "AhrefsApiResponse" and root.find("error").text
    php = daemon.ask(token=token, output="php")
    assert php.status == status and php.headers["X-Status"] == "error"
    found = re.fullmatch(rb'a:1:\{s:5:"error";s:(\d+):"(.*)";\}\s*', php.body, re.DOTALL)
    assert int(found[1]) == len(found[2]) > 0
    assert sim.requests == []
    assert daemon.account["rows_spent"] == 0
    eventually(lambda: sum(daemon.outcomes().values()) == 3)
    assert set(daemon.outcomes()) <= {"error", "bypass"}
