"""Tokens that get another name, are rotated, revoked, or denied a right."""

import re
import time

import pytest

from daemon import (
    AHREFS, OTHER_TOKEN, QUESTIONS, TOKEN, arrived, eventually, question, wait_until_held,
)
from tokens import (
    INFO, KINDS, KNOWN, check_command_refused, check_refused, check_shut_out, listed, make,
)
from wire import MISS, encode, patience, wish

AHREFS_KNOWS = KNOWN
ROWS_5 = 10 + 5 * 2


# Another name, another token, no token


def test_a_new_name_keeps_token_and_history(sim, issuing):
    daemon = issuing()
    alice = daemon.issue()
    daemon.ask(token=alice)
    daemon.ctl_text("token", "rename", "alice", "carol")
    assert daemon.ask("rows-6.example", token=alice).miss
    account = daemon.accounts
    assert list(account) == list(listed(daemon)) == ["carol"]
    assert account["carol"]["rows_spent"] == sim.bill(AHREFS) == 20 + 22
    samples = daemon.metrics().all("rowcache_rows_spent_total")
    assert {labels["token"] for labels, value in samples if value} == {"carol"}
    check_command_refused(daemon.ctl("token", "revoke", "alice"), 1)
    daemon.issue("alice")
    assert set(listed(daemon)) == {"alice", "carol"}


def test_a_token_that_was_only_seen_is_named_by_its_fingerprint(rowcache):
    daemon = rowcache()
    token, label = make(daemon, "seen")
    daemon.ctl_text("token", "rename", label, "reporting")
    assert daemon.ask("rows-1.example", token=token).hit
    assert list(daemon.accounts) == list(listed(daemon)) == ["reporting"]


def test_the_fingerprint_names_a_token_that_has_a_name(issuing):
    daemon = issuing()
    alice = daemon.issue()
    daemon.ctl_text("token", "revoke", listed(daemon)["alice"]["fingerprint"])
    assert listed(daemon)["alice"]["revoked"]
    check_refused(daemon.ask(token=alice), 403)


def test_a_rotated_token_takes_the_place_of_the_old_one(sim, issuing):
    daemon = issuing()
    old = daemon.issue()
    assert daemon.ask(token=old).miss
    printed = daemon.ctl_text("token", "rotate", "alice")
    assert re.fullmatch(r"[0-9a-f]{40}\n", printed)
    new = printed.strip()
    assert new != old
    check_shut_out(sim, daemon, old)
    assert daemon.ask(token=new).hit
    assert daemon.ask("rows-6.example", token=new).miss
    account = daemon.accounts
    assert list(account) == ["alice"] and account["alice"]["rows_spent"] == 20 + 22
    newer = daemon.ctl_json("token", "rotate", "alice")
    assert newer["name"] == "alice"
    for token in (old, new):
        check_shut_out(sim, daemon, token)
    assert daemon.ask(token=newer["token"]).hit


@pytest.mark.parametrize("kind, mode", [
    ("issued", "verify"), ("registered", "verify"), ("seen", "verify"), ("issued", "open"),
    ("registered", "open"), ("seen", "open"), ("issued", "listed"), ("registered", "listed"),
])
def test_a_revoked_token_is_shut_out_at_once(sim, issuing, kind, mode):
    daemon = issuing(f"access.mode={mode}")
    token, name = make(daemon, kind)
    daemon.ask(token=token)
    assert daemon.ask(token=token).hit
    daemon.ctl_text("token", "revoke", name)
    check_shut_out(sim, daemon, token)
    line = listed(daemon)[name]
    assert line["revoked"] and abs(line["revoked_at"] - time.time()) < 3600
    assert daemon.accounts[name]["rows_spent"] >= ROWS_5
    daemon.restart()
    check_shut_out(sim, daemon, token)


@pytest.mark.concurrent
@pytest.mark.parametrize("kind", KINDS)
def test_who_is_revoked_while_upstream_is_asked_does_not_get_what_is_stale(sim, issuing, kind):
    daemon = issuing("cache.ttl=1s")
    token, name = make(daemon, kind)
    daemon.ask(token=token)
    eventually(lambda: daemon.ask(token=token, headers=wish("only-if-cached")).status == 504)
    sim.fault("status", match=QUESTIONS, times=None, code=503)
    assert daemon.ask(token=token).stale
    sim.hold(match=QUESTIONS)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question(token=token)))
        wait_until_held(sim)
        daemon.ctl_text("token", "revoke", name)
        sim.release()
        check_refused(client.receive(), 403)


@pytest.mark.concurrent
@pytest.mark.parametrize("kind", KINDS)
def test_who_is_revoked_while_waiting_for_too_long_does_not_get_what_is_stale(
        sim, issuing, kind, clock):
    """Others have the stale copy after upstream.stall_timeout, while what was sent goes on."""
    daemon = issuing("cache.ttl=0", "upstream.stall_timeout=60s", "upstream.max_inflight=1",
                     **clock.drives())
    token, name = make(daemon, kind)
    daemon.ask(token=token)
    sim.fault("hold", match={"target": "rows-1.example"})
    sim.fault("hold", match={"target": "rows-5.example"})
    with daemon.client() as first, daemon.client() as client:
        first.send("GET", "/?" + encode(question("rows-1.example", token=token)))
        wait_until_held(sim)
        client.send("GET", "/?" + encode(question(token=token)))
        eventually(lambda: daemon.inflight == 2)
        clock.go_on(seconds=40)
        sim.release()
        sim.wait_for(lambda sim: sim.held == 1
                     and arrived(sim)[-1]["params"]["target"] == "rows-5.example", patience(10))
        daemon.ctl_text("token", "revoke", name)
        clock.go_on(seconds=20)
        check_refused(client.receive(), 403)
        assert sim.held == 1


@pytest.mark.concurrent
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [5, 1200], ids=["short", "long"])
def test_who_is_revoked_while_joined_does_not_get_what_another_pays_for(sim, issuing, kind, rows):
    """Also where the answer is so long that it goes out before its end is known."""
    daemon = issuing()
    token, name = make(daemon, kind)
    daemon.ask("rows-1.example", token=token)
    query = f"rows-{rows}.example"
    sim.hold(match=QUESTIONS)
    with daemon.client() as leader, daemon.client() as client:
        leader.send("GET", "/?" + encode(question(query, token=daemon.issue("leader"), limit=rows)))
        wait_until_held(sim)
        client.send("GET", "/?" + encode(question(query, token=token, limit=rows)))
        daemon.ctl_text("token", "revoke", name)
        sim.release()
        check_refused(client.receive(), 403)
        assert len(leader.receive().rows) == rows


@pytest.mark.concurrent
def test_who_is_revoked_while_the_token_is_checked_sees_nothing(sim, issuing):
    daemon = issuing()
    daemon.ask(token=daemon.issue())
    sim.hold(match=INFO)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question()))
        wait_until_held(sim)
        daemon.register("carol", TOKEN)
        daemon.ctl_text("token", "revoke", "carol")
        sim.release()
        check_refused(client.receive(), 403)


def test_others_are_served_when_one_is_revoked(issuing):
    daemon = issuing()
    alice, bob = daemon.issue("alice"), daemon.issue("bob")
    daemon.ask(token=alice)
    daemon.ctl_text("token", "revoke", "alice")
    assert daemon.ask(token=bob).hit and daemon.ask().hit
    assert daemon.ask("rows-6.example", token=bob).miss


def test_a_connection_that_is_open_is_no_way_around_it(issuing):
    daemon = issuing()
    alice = daemon.issue()
    with daemon.client() as client:
        assert client.get(question(token=alice)).miss
        daemon.ctl_text("token", "revoke", "alice")
        check_refused(client.get(question(token=alice)), 403)


# The right to no-cache


@pytest.mark.parametrize("text", [
    "no-cache", "max-age=0", "min-fresh=90000", "max-age=0, no-cache",
])
def test_whoever_is_denied_no_cache_gets_the_hit(sim, issuing, text):
    daemon = issuing()
    alice = daemon.issue()
    daemon.ask(token=alice)
    too_old = wish("only-if-cached, max-age=0")
    eventually(lambda: daemon.ask(headers=too_old).status == 504)
    daemon.ctl_text("token", "deny", "alice", "no-cache")
    assert not listed(daemon)["alice"]["no_cache"]
    reply = daemon.ask(token=alice, headers=wish(text))
    assert reply.hit and reply.spent == 0
    assert sim.bill(AHREFS) == ROWS_5

    daemon.ctl_text("token", "allow", "alice", "no-cache")
    assert listed(daemon)["alice"]["no_cache"]
    assert daemon.ask(token=alice, headers=wish(text)).cache.startswith("rowcache; fwd=")
    assert sim.bill(AHREFS) == 2 * ROWS_5


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_can_be_denied_to_anybody(issuing, kind):
    daemon = issuing()
    token, name = make(daemon, kind)
    daemon.ask(token=token)
    daemon.ctl_text("token", "deny", name, "no-cache")
    assert daemon.ask(token=token, headers=wish("no-cache")).hit
    asked = daemon.ask(token=OTHER_TOKEN, headers=wish("no-cache"))
    assert asked.cache == "rowcache; fwd=request; stored"


def test_who_is_denied_no_cache_still_has_misses_and_other_wishes(issuing):
    daemon = issuing()
    alice = daemon.issue()
    daemon.ctl_text("token", "deny", "alice", "no-cache")
    text = "no-cache, only-if-cached"
    assert daemon.ask(token=alice, headers=wish(text)).status == 504
    assert daemon.ask(token=alice, headers=wish("no-cache")).cache == MISS
    assert daemon.ask(token=alice, headers=wish(text)).hit


def test_no_store_is_no_way_past_a_denied_no_cache(sim, issuing):
    """Nothing would be stored, so that every such question would be a miss and spend."""
    daemon = issuing()
    alice = daemon.issue()
    daemon.ctl_text("token", "deny", "alice", "no-cache")
    assert daemon.ask(token=alice, headers=wish("no-store")).cache == MISS
    assert daemon.ask(token=alice, headers=wish("no-store")).hit
    assert len(arrived(sim)) == 1 and sim.bill(AHREFS) == ROWS_5

    daemon.ctl_text("token", "allow", "alice", "no-cache")
    reply = daemon.ask("rows-6.example", token=alice, headers=wish("no-store"))
    assert reply.cache == "rowcache; fwd=uri-miss"
