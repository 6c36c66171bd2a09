"""Tokens that rowcache issues, tokens that it was told of, and who is let in with them."""

import json
import os
import re
import signal
import subprocess
import termios
import time
import xml.etree.ElementTree as tree
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from ahrefs import Simulator
from daemon import (
    AHREFS, OTHER_TOKEN, QUESTIONS, ROWCACHECTL, ROWCACHED, TABLE, TOKEN, Daemon, arrived,
    eventually, question, run, told_by_proc, wait_until_held,
)
from wire import BYPASS, FORM, MISS, Client, encode, patience, wish

NEW_AHREFS = "facade5ec2e7" + "fedcba9876543210" + "1337deadbeef"
STRANGER = "deadbeef" * 5
HIDDEN = "x" * len(AHREFS)
ROWS_5 = 10 + 5 * 2
INFO = {"from": "subscription_info"}
NOWHERE = ("-o", "admin.listen=127.0.0.1:1")  # for commands on a state directory of their own
KINDS = ["issued", "registered", "seen"]

GOOD_NAMES = ["a", "0", "A.b_c-9", "x" * 64, "abcdef0", "abcdef012", "f" * 31, "Reporting.2"]
BAD_NAMES = {
    "empty": "", "too long": "x" * 65, "a space": "a b", "a slash": "a/b", "a line": "a\nb",
    "a quote": 'a"b', "a comma": "a,b", "an accent": "zoë", "an escape": "a\x1b[31mb",
    "a fingerprint": "deadbeef", "a loud fingerprint": "DEADBEEF", "eight digits": "12345678",
    "32 hex digits": "a" * 32, "a token": STRANGER, "a long token": "0123456789abcdef" * 4,
}

# What may stand in a file for a token and is none; None: there is no such file.
BROKEN = {
    "gone": None, "a directory": Path, "empty": "", "an empty line": "\n",
    "a space": f"{AHREFS[:20]} {AHREFS[20:]}\n", "two lines": f"{AHREFS}\n{NEW_AHREFS}\n",
    "too short": AHREFS[:7], "too long": "a" * 1025,
}


@pytest.fixture
def sim():
    """An Ahrefs that knows these tokens, and none that rowcache issues."""
    with Simulator(tokens=[AHREFS, NEW_AHREFS, TOKEN, OTHER_TOKEN]) as simulator:
        yield simulator


def make(daemon, kind):
    """A token of that kind, and what it is called."""
    if kind == "issued":
        return daemon.issue(), "alice"
    if kind == "registered":
        daemon.register("alice", TOKEN)
        return TOKEN, "alice"
    assert daemon.ask("rows-1.example").miss
    label, = listed(daemon)
    return TOKEN, label


def listed(daemon, *options) -> dict:
    """The lines of the list of tokens, by what they call the tokens."""
    lines = daemon.ctl_json(*options, "token", "list")["tokens"]
    assert len({line["token"] for line in lines}) == len(lines), "a label names one token"
    return {line["token"]: line for line in lines}


def checks(sim) -> list:
    """The checks of tokens that came upstream."""
    return [record for record in sim.requests if record["params"].get("from") == INFO["from"]]


def check_refused(reply, status):
    """Refused in v2's form, and no token is quoted."""
    assert reply.status == status and reply.headers["X-Status"] == "error", reply
    assert reply.headers["Content-Type"].startswith("application/json")
    assert list(reply.json) == ["error"] and reply.error
    assert not re.search("[0-9a-f]{32}", reply.error, re.IGNORECASE)


def check_shut_out(sim, daemon, token, stored="rows-5.example"):
    """Whatever is asked with it is refused, and upstream hears nothing of it."""
    before = len(sim.requests)
    for text in ("", "only-if-cached", "max-stale", "no-cache"):
        check_refused(daemon.ask(stored, token=token, headers=wish(text)), 403)
    check_refused(daemon.ask("rows-99.example", token=token), 403)
    check_refused(daemon.ask(token=token, from_="anchors"), 403)
    check_refused(daemon.get({"token": token, **INFO}), 403)
    with daemon.client() as client:
        check_refused(client.post(question(stored, token=token)), 403)
    assert len(sim.requests) == before


def check_command_refused(done, *statuses):
    assert done.returncode in statuses and done.stderr and not done.stdout, done


# Issued tokens


def test_a_new_token_is_printed_alone_on_a_line(issuing):
    daemon = issuing()
    first, second = daemon.ctl("token", "add", "alice"), daemon.ctl("token", "add", "bob")
    for done in (first, second):
        assert done.returncode == 0
        assert re.fullmatch(r"[0-9a-f]{40}\n", done.stdout)
        assert done.stdout.strip() not in done.stderr
    assert first.stdout != second.stdout


def test_a_new_token_in_json(issuing):
    daemon = issuing()
    told = daemon.ctl_json("token", "add", "alice")
    assert told["name"] == "alice" and re.fullmatch("[0-9a-f]{40}", told["token"])
    assert daemon.ask(token=told["token"]).miss


def test_upstream_sees_the_token_of_the_file_and_never_the_issued_one(sim, issuing):
    daemon = issuing()
    alice = daemon.issue()
    first, second = daemon.ask(token=alice), daemon.ask(token=alice)
    assert first.miss and first.spent == ROWS_5 and len(first.rows) == 5
    assert second.hit and second.rows == first.rows
    assert [record["token"] for record in sim.requests] == [AHREFS]
    assert alice not in repr(sim.requests)
    assert sim.bills() == {AHREFS: ROWS_5}
    eventually(lambda: daemon.accounts["alice"]["hits"] == 1)
    account = daemon.accounts
    assert list(account) == ["alice"] and account["alice"]["rows_spent"] == ROWS_5


def escaped(token):
    """A token as only a determined client would spell it."""
    return "".join(f"%{byte:02x}" for byte in token.encode())


def forms(token):
    """A token as it could stand in a file."""
    return [token.encode(), token.upper().encode(), escaped(token).encode(),
            escaped(token).upper().encode(), bytes.fromhex(token)]


WAYS = {
    "a form": lambda client, token: client.post(question(token=token)),
    "an absolute address": lambda client, token: client.ask(
        "GET", "http://apiv2.ahrefs.com/?" + encode(question(token=token))),
    "escapes": lambda client, token: client.get(
        f"{encode(question(token=None))}&token={escaped(token)}"),
    "xml": lambda client, token: client.get(question(token=token, output="xml")),
    "another table": lambda client, token: client.get(question(token=token, from_="anchors")),
    "another table, escaped": lambda client, token: client.get(
        f"from=anchors&token={escaped(token)}&target=rows-5.example&mode=domain"),
    "another table, as a form": lambda client, token: client.post(
        question(token=token, from_="anchors")),
    "subscription_info": lambda client, token: client.get({"token": token, **INFO}),
    "another table, said twice": lambda client, token: client.get(
        f"token={token}&from=anchors&target=rows-5.example&mode=domain&token={escaped(token)}"),
    "another table, said in both places": lambda client, token: client.ask(
        "POST", f"/?token={token}&from=anchors", encode(question(token=token, from_=None)), FORM),
    "another table, the name escaped": lambda client, token: client.get(
        f"from=anchors&%74oken={token}&target=rows-5.example&mode=domain"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_however_it_is_sent_the_issued_token_stays_here(sim, issuing, way):
    daemon = issuing()
    alice = daemon.issue()
    with daemon.client() as client:
        reply = way(client, alice)
    assert reply.status == 200 and "X-Status" not in reply.headers
    sent, = sim.requests
    assert sent["token"] == AHREFS and alice not in repr(sent) and escaped(alice) not in repr(sent)
    assert daemon.accounts.get("alice", {"rows_spent": 0})["rows_spent"] >= sim.bill(AHREFS)


class Tap(BaseHTTPRequestHandler):
    """An upstream that keeps what came as it came."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.seen += self.raw_requestline + bytes(self.headers) + self.rfile.read(length)
        self.send_response(200)
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b'{"refpages":[]}')

    do_POST = do_GET

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def tap():
    with ThreadingHTTPServer(("127.0.0.1", 0), Tap) as server:
        server.seen = b""
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_not_a_byte_of_it_goes_upstream(tap, start, purse, way):
    daemon = start(f"http://127.0.0.1:{tap.server_port}", f"upstream.token_file={purse}")
    alice = daemon.issue()
    with daemon.client() as client:
        assert way(client, alice).status == 200
    assert AHREFS.encode() in tap.seen
    assert not any(form in tap.seen for form in forms(alice))


def test_colleagues_share_what_one_of_them_paid(sim, issuing):
    daemon = issuing()
    daemon.register("reporting", TOKEN)
    tokens = [daemon.issue("alice"), daemon.issue("bob"), TOKEN, OTHER_TOKEN]
    for number, payer in enumerate(tokens):
        target = f"rows-5.n{number}.example"
        rows = daemon.ask(target, token=payer).rows
        for token in tokens:
            reply = daemon.ask(target, token=token)
            assert reply.hit and reply.rows == rows and reply.saved == ROWS_5
    assert sim.bills() == {AHREFS: 2 * ROWS_5, TOKEN: ROWS_5, OTHER_TOKEN: ROWS_5}


def test_each_name_has_an_account_of_its_own(sim, issuing):
    daemon = issuing()
    for name, rows in (("alice", 5), ("bob", 6)):
        assert daemon.ask(f"rows-{rows}.example", token=daemon.issue(name)).miss
    assert {name: line["rows_spent"] for name, line in daemon.accounts.items()} == {
        "alice": 20, "bob": 22}
    metrics = daemon.metrics()
    assert metrics.value("rowcache_rows_spent_total", token="alice") == 2.0
    assert metrics.value("rowcache_rows_spent_total", token="bob") == 2.2
    assert daemon.account["rows_spent"] == sim.bill(AHREFS) == 42


def test_a_check_by_the_client_tells_what_the_token_of_the_file_has_left(sim, issuing):
    daemon = issuing()
    reply = daemon.get({"token": daemon.issue(), **INFO})
    assert reply.cache == BYPASS and reply.json["info"]["rows_left"] == 500000
    assert daemon.account["rows_spent"] == 0


# Registered tokens


@pytest.mark.parametrize("end", ["\n", ""], ids=["a line", "no end of line"])
def test_a_token_is_registered_from_standard_input(sim, rowcache, end):
    daemon = rowcache()
    daemon.ctl_text("token", "register", "reporting", input=TOKEN + end)
    assert daemon.ask().miss and daemon.ask().hit
    assert listed(daemon)["reporting"]["kind"] == "registered"
    assert sim.bills() == {TOKEN: ROWS_5} and checks(sim) == []
    account = daemon.accounts
    assert list(account) == ["reporting"] and account["reporting"]["rows_spent"] == ROWS_5


def test_registering_in_json(rowcache):
    daemon = rowcache()
    done = daemon.ctl("token", "register", "reporting", "--json", input=TOKEN + "\n")
    assert done.returncode == 0 and TOKEN not in done.stdout + done.stderr
    assert re.fullmatch(r'\s*\{\s*"name"\s*:\s*"reporting"\s*\}\s*', done.stdout)


def test_what_a_token_spent_before_it_had_a_name_is_kept(rowcache):
    daemon = rowcache()
    daemon.ask()
    daemon.register("reporting", TOKEN)
    daemon.ask("rows-6.example")
    assert {name: line["rows_spent"] for name, line in daemon.accounts.items()} == {
        "reporting": 20 + 22}
    assert list(listed(daemon)) == ["reporting"]


def test_a_token_on_the_command_line_is_refused_and_not_repeated(rowcache):
    """There, anybody on the machine could have read it."""
    daemon = rowcache()
    for words in (["reporting", TOKEN], [TOKEN, "reporting"], ["reporting", "--token", TOKEN]):
        done = daemon.ctl("token", "register", *words, input=OTHER_TOKEN + "\n")
        check_command_refused(done, 2)
        assert TOKEN not in done.stderr and OTHER_TOKEN not in done.stderr
    assert listed(daemon) == {}


@pytest.mark.parametrize("text", ["", "\n", f"{TOKEN} {OTHER_TOKEN}\n"],
                         ids=["nothing", "an empty line", "a space"])
def test_what_is_no_token_is_not_registered(rowcache, text):
    daemon = rowcache()
    done = daemon.ctl("token", "register", "reporting", input=text)
    check_command_refused(done, 1, 2)
    assert TOKEN not in done.stderr and OTHER_TOKEN not in done.stderr
    assert listed(daemon) == {}


# Names


def test_names_that_are_good(rowcache):
    daemon = rowcache()
    for name in GOOD_NAMES:
        daemon.issue(name)
    assert set(listed(daemon)) == set(GOOD_NAMES)


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=list(BAD_NAMES))
def test_names_that_are_refused(rowcache, name):
    daemon = rowcache()
    daemon.issue("alice")
    for words in (["add", name], ["register", name], ["rename", "alice", name]):
        done = daemon.ctl("token", *words, input=TOKEN + "\n")
        check_command_refused(done, 1, 2)
        assert TOKEN not in done.stderr and "\x1b" not in done.stderr
    assert list(listed(daemon)) == ["alice"]


PLACES = [  # where somebody may put a token whose place is elsewhere
    "TOKEN", "add TOKEN", "add bob TOKEN", "add bob --budget TOKEN",
    "add bob --budget 5 --per TOKEN", "register TOKEN", "register bob TOKEN", "list TOKEN",
    "rename alice TOKEN", "rename TOKEN bob", "rename alice bob TOKEN", "rotate TOKEN",
    "rotate alice TOKEN", "revoke TOKEN", "revoke alice TOKEN", "budget TOKEN 5",
    "budget alice TOKEN", "budget alice 5 --per TOKEN", "deny TOKEN no-cache", "deny alice TOKEN",
]


@pytest.mark.parametrize("place", PLACES)
def test_what_looks_like_a_token_is_not_repeated(rowcache, place):
    daemon = rowcache()
    daemon.issue("alice")
    for _ in ("while it runs", "without it"):
        for secret in (STRANGER, AHREFS.upper()):
            words = place.replace("TOKEN", secret).split()
            done = daemon.ctl("token", *words, input=TOKEN + "\n")
            check_command_refused(done, 1, 2)
            assert secret.lower() not in done.stderr.lower()
        assert not daemon.running or daemon.stop() == 0
    line, = listed(daemon).values()
    assert (line["token"], line["revoked"], line["budget"]) == ("alice", False, None)
    assert STRANGER not in daemon.log and AHREFS not in daemon.log.lower()


def test_a_name_is_given_once(issuing):
    daemon = issuing()
    alice, bob = daemon.issue("alice"), daemon.issue("bob")
    before = listed(daemon)
    for words in (["add", "alice"], ["register", "alice"], ["rename", "bob", "alice"]):
        check_command_refused(daemon.ctl("token", *words, input=TOKEN + "\n"), 1)
    assert listed(daemon) == before
    assert daemon.ask(token=alice).miss and daemon.ask(token=bob).hit


@pytest.mark.parametrize("words", [
    ["rotate", "nobody"], ["revoke", "nobody"], ["rename", "nobody", "somebody"],
    ["budget", "nobody", "5"], ["deny", "nobody", "no-cache"], ["allow", "nobody", "no-cache"],
    ["revoke", "01234567"],
], ids=" ".join)
def test_a_name_that_nobody_has(rowcache, words):
    daemon = rowcache()
    check_command_refused(daemon.ctl("token", *words), 1)
    assert listed(daemon) == {}


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["add"], ["add", "alice", "bob"], ["register"], ["rename", "alice"],
    ["rotate"], ["revoke"], ["budget", "alice"], ["deny", "alice"], ["add", "alice", "--nonsense"],
], ids=" ".join)
def test_a_command_that_makes_no_sense(rowcache, words):
    daemon = rowcache()
    check_command_refused(daemon.ctl("token", *words, input=""), 2)
    assert listed(daemon) == {}


def test_there_is_one_right_to_deny(rowcache):
    daemon = rowcache()
    daemon.issue()
    before = listed(daemon)
    check_command_refused(daemon.ctl("token", "deny", "alice", "everything"), 1, 2)
    assert listed(daemon) == before


# The list


def test_the_list_tells_what_is_known_of_each(issuing):
    daemon = issuing()
    alice = daemon.issue("alice")
    daemon.issue("bob", "--budget", "5")
    daemon.register("reporting", TOKEN)
    daemon.ask(token=alice)
    daemon.ask("rows-6.example", token=OTHER_TOKEN)
    eventually(lambda: listed(daemon)["alice"]["last_used"])
    told = listed(daemon)
    seen, = set(told) - {"alice", "bob", "reporting"}
    assert {name: line["kind"] for name, line in told.items()} == {
        "alice": "issued", "bob": "issued", "reporting": "registered", seen: "seen"}
    assert told[seen]["fingerprint"] == seen
    for line in told.values():
        assert re.fullmatch("[0-9a-f]{8}", line["fingerprint"])
        assert (line["revoked"], line["revoked_at"], line["no_cache"]) == (False, None, True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", told["alice"]["last_used"])
    assert told["bob"]["last_used"] is None and told["alice"]["budget"] is None
    assert told["bob"]["budget"]["rows"] == "5.0"
    for name in ("alice", "bob", "reporting"):
        assert abs(told[name]["created_at"] - time.time()) < 3600


def test_whoever_asks_for_the_list_is_told_the_same(issuing):
    daemon = issuing()
    daemon.issue("alice", "--budget", "5", "--per", "month")
    daemon.register("reporting", TOKEN)
    told = daemon.admin_json("/api/token")
    assert daemon.ctl_json("token", "list") == told
    for_people = daemon.ctl_text("token", "list")
    assert "alice" in for_people and "reporting" in for_people
    assert daemon.stop() == 0
    assert daemon.ctl_json("token", "list") == told


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


# Who is let in


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


# The token that issued ones spend from


@pytest.mark.parametrize("params", [
    {}, {"from_": "anchors"}, {"output": "xml"},
    {"from_": "subscription_info", "target": None, "mode": None},
], ids=str)
def test_without_a_token_to_spend_from_there_are_hits_only(sim, rowcache, params):
    daemon = rowcache()
    alice = daemon.issue()
    reply = daemon.ask(**{"token": alice, **params})
    assert reply.status == 503 and reply.headers["X-Status"] == "error"
    assert b"token" in reply.body and alice.encode() not in reply.body
    assert sim.requests == [] and daemon.account["rows_spent"] == 0
    assert daemon.ask().miss
    assert daemon.ask(token=alice).hit
    assert sim.bills() == {TOKEN: ROWS_5}


def put(file, content):
    """Has the file hold that, or be what it says."""
    file.unlink(missing_ok=True)
    if content is Path:
        file.mkdir()
    elif content is not None:
        file.write_text(content)


def check_named(text, file):
    """The key and the file are named, and nothing of what is in it."""
    assert "upstream.token_file" in text and file.name in text
    for piece in (AHREFS[:20], AHREFS[20:], NEW_AHREFS):
        assert piece not in text


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_it_does_not_start_with_a_token_that_is_none(rowcache, purse, content):
    put(purse, content)
    done = run(ROWCACHED, "-t", "-o", f"upstream.token_file={purse}")
    assert done.returncode == 1
    check_named(done.stderr, purse)
    daemon = rowcache(f"upstream.token_file={purse}", wait=False)
    assert daemon.wait() == 1
    check_named(daemon.log, purse)


@pytest.mark.parametrize("end", ["\n", ""], ids=["a line", "no end of line"])
def test_it_starts_with_a_token(purse, end):
    purse.write_text(AHREFS + end)
    done = run(ROWCACHED, "-t", "-o", f"upstream.token_file={purse}")
    assert done.returncode == 0, done.stderr


def test_another_token_is_taken_from_the_file_at_a_reload(sim, issuing, purse):
    daemon = issuing()
    alice = daemon.issue()
    purse.write_text(NEW_AHREFS + "\n")
    assert daemon.ask("rows-1.example", token=alice).miss
    assert set(sim.bills()) == {AHREFS}
    daemon.signal(signal.SIGHUP)
    number = count()
    eventually(lambda: daemon.ask(f"rows-0.n{next(number)}.example", token=alice).miss
               and sim.bill(NEW_AHREFS))
    assert daemon.ask("rows-1.example", token=alice).hit
    assert daemon.accounts["alice"]["rows_spent"] == sum(sim.bills().values())


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_a_file_that_is_broken_at_a_reload_leaves_the_old_token(sim, issuing, purse, content):
    daemon = issuing()
    alice = daemon.issue()
    put(purse, content)
    daemon.signal(signal.SIGHUP)
    line = daemon.wait_for_log(r"\b(warning|error)\b.*upstream\.token_file")
    check_named(line, purse)
    assert daemon.ask(token=alice).miss
    assert sim.bills() == {AHREFS: ROWS_5}
    check_named(daemon.log, purse)


def test_a_name_without_a_slash_is_a_credential_of_systemd(sim, rowcache, purse):
    here = {**os.environ, "CREDENTIALS_DIRECTORY": str(purse.parent)}
    daemon = rowcache(f"upstream.token_file={purse.name}", env=here)
    assert daemon.ask(token=daemon.issue()).miss
    assert sim.bills() == {AHREFS: ROWS_5}


@pytest.mark.parametrize("directory", [None, "/nowhere"])
def test_a_credential_that_was_not_given(purse, directory):
    """A file of that name in the working directory is not meant."""
    env = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
    if directory:
        env["CREDENTIALS_DIRECTORY"] = directory
    done = run(ROWCACHED, "-t", "-o", f"upstream.token_file={purse.name}", env=env,
               cwd=purse.parent)
    assert done.returncode == 1
    check_named(done.stderr, purse)


# An upstream that repeats the token


SAID = f"token {AHREFS} is not welcome, {AHREFS}{AHREFS}!"
MUCH = (AHREFS + "." * 997) * 400  # 415 KB, with tokens across every border there may be
ECHOES = {
    "short": ("status", {"body": SAID}, SAID),
    "short, 403": ("status", {"code": 403, "body": SAID}, SAID),
    "long": ("status", {"body": MUCH}, MUCH),
    "nothing else": ("status", {"body": AHREFS}, AHREFS),
    "in v2's form": ("error_first", {"text": SAID}, f'{{"error":"{SAID}","refpages":[]}}'),
    "much in v2's form": ("error_first", {"text": MUCH}, None),
    "after the results": ("late_error", {"text": SAID}, None),
    "behind the answer": ("trailing", {"data": SAID}, None),
    "a page": ("html", {"body": SAID}, None),
    "elsewhere": ("redirect", {"location": f"https://moved.example/?token={AHREFS}"}, None),
    "in a header": ("status", {"body": "no", "headers": {"X-Your-Token": AHREFS}}, "no"),
    "throttled": ("status", {"code": 429, "body": SAID, "headers": {"Retry-After": "7"}}, SAID),
}


def check_hidden(reply):
    assert AHREFS.encode() not in reply.body and AHREFS not in str(reply.headers)


@pytest.mark.parametrize("kind, options, said", ECHOES.values(), ids=list(ECHOES))
def test_the_token_that_upstream_repeats_is_not_shown(sim, issuing, kind, options, said):
    daemon = issuing()
    alice = daemon.issue()
    sim.fault(kind, **options)
    reply = daemon.ask(token=alice)
    assert sim.requests[0]["faults"] == [kind]
    check_hidden(reply)
    if said is not None:
        code = options.get("code", 500) if kind == "status" else 200
        assert reply.status == code and reply.whole
        assert reply.body.decode() == said.replace(AHREFS, HIDDEN)
    check_hidden(daemon.ask(token=alice))
    check_hidden(daemon.admin("/api/request/" + reply.headers["X-Request-Id"]))
    assert daemon.stop() == 0 and AHREFS not in daemon.log


@pytest.mark.parametrize("faults", [
    [("status", {"body": MUCH})], [("trailing", {"data": SAID})], [("trailing", {"data": MUCH})],
    [("trailing", {"data": SAID}), ("slow", {"size": 7, "pause": 0.001})],
], ids=["an error", "behind the answer", "much behind it", "in little pieces"])
@pytest.mark.parametrize("params", [{"from_": "anchors"}, {"output": "xml"}], ids=str)
def test_nor_is_it_in_what_is_passed_through(sim, issuing, faults, params):
    daemon = issuing()
    alice = daemon.issue()
    for kind, options in faults:
        sim.fault(kind, **options)
    reply = daemon.ask(token=alice, limit=2, **params)
    assert sim.requests[0]["faults"] == [kind for kind, _ in faults]
    check_hidden(reply)
    hidden = HIDDEN.encode()
    assert reply.whole and (hidden in reply.body or reply.status >= 500)


@pytest.mark.parametrize("typed, status", [
    (TOKEN.encode() + b"\n", 0), (b"c0ff\x03", 1), (b"\x04", 1),
], ids=["a token", "interrupted", "the end"])
def test_what_is_typed_is_not_shown_and_the_terminal_is_left_as_it_was(tmp_path, typed, status):
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    line = [ROWCACHECTL, "-o", f"state.directory={tmp_path}", *NOWHERE, "token", "register", "x"]
    with subprocess.Popen(line, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:
        eventually(lambda: not termios.tcgetattr(theirs)[3] & termios.ECHO)
        os.write(ours, typed)
        said = process.communicate(timeout=patience(20))[1]
    assert process.returncode == status and said.startswith("Ahrefs token: ")
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)
    os.close(ours)


class Echo(BaseHTTPRequestHandler):
    """An upstream whose sound answers hold the question, and behind it `padding` of results."""

    def do_GET(self):
        if "from=subscription_info" in self.path:
            self._answer(b'{"info":{"rows_left":1000,"rows_limit":1000}}', "application/json")
            return
        row = json.dumps({"url_from": self.path if self.server.repeats else "nothing"})
        body = f'{{"refpages":[{",".join([row] + self.server.padding + [row])}]}}'.encode()
        token, = parse_qs(urlsplit(self.path).query)["token"]
        self._answer(body, self.server.content_type.format(path=self.path, token=token))

    def _answer(self, body, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def echo():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.padding, server.content_type, server.repeats = [], "application/json", True
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("rows", [0, 10, 5000])
@pytest.mark.parametrize("payer", ["issued", "another client"])
def test_what_repeats_a_token_is_shown_to_nobody_else(echo, start, purse, rows, payer):
    """Not to those who ask later either: it is not stored."""
    daemon = start(f"http://127.0.0.1:{echo.server_port}", f"upstream.token_file={purse}")
    echo.padding = [json.dumps({"url_from": "x" * 90})] * rows
    alice = daemon.issue()
    first, secret = (alice, AHREFS) if payer == "issued" else (TOKEN, TOKEN)
    query = {"limit": rows + 2}
    reply = daemon.ask(token=first, **query)
    assert reply.status == 200 and reply.whole and len(reply.rows) == rows + 2
    assert (secret in reply.body.decode()) == (payer != "issued")
    later = daemon.ask(token=OTHER_TOKEN, **query)
    assert later.status == 200 and secret.encode() not in later.body
    assert not daemon.ask(token=alice, headers=wish("only-if-cached"), **query).hit
    assert daemon.stop() == 0
    for file in daemon.state.iterdir():
        assert secret.encode() not in file.read_bytes(), file.name


def test_a_content_type_that_repeats_it_is_not_shown(echo, start, purse):
    daemon = start(f"http://127.0.0.1:{echo.server_port}", f"upstream.token_file={purse}")
    echo.content_type = "application/json; of={path}"
    for name in ("alice", "bob"):
        reply = daemon.ask(token=daemon.issue(name), limit=2)
        assert reply.status == 200
        check_hidden(reply)


def test_what_repeats_a_token_in_its_content_type_alone_is_not_stored(echo, start):
    daemon = start(f"http://127.0.0.1:{echo.server_port}")
    echo.content_type, echo.repeats = "application/json; of={token}", False
    assert TOKEN in daemon.ask(limit=2).headers["Content-Type"]
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    later = daemon.ask(token=OTHER_TOKEN, limit=2)
    assert not later.hit and TOKEN not in str(later.headers)


def test_a_long_token_is_masked_whatever_room_there_is(echo, start, tmp_path):
    """A head that fills its buffer leaves libmicrohttpd little for the answer."""
    secret = "5ec2e7" * 170
    file = tmp_path / "long-token"
    file.write_text(secret)
    file.chmod(0o600)
    daemon = start(f"http://127.0.0.1:{echo.server_port}", f"upstream.token_file={file}")
    echo.padding = [json.dumps({"url_from": secret + "5ec2"})] * 600
    alice = daemon.issue()
    for count in (0, 800, 1300, 1700, 1914):
        headers = {f"a{number}": "" for number in range(count)}
        reply = daemon.ask(f"t{count}.example", headers=headers, token=alice, limit=1000)
        assert secret.encode() not in reply.body
        assert reply.status == 431 or (reply.whole and len(reply.rows) == 602)


def test_a_page_with_status_200_lets_nobody_in(sim, issuing):
    """While Ahrefs is being mended, every question may be answered with one."""
    daemon = issuing()
    daemon.ask()
    sim.fault("html", times=None)
    for params in ({"from_": "anchors"}, {"output": "xml"}, {}):
        daemon.ask(token=STRANGER, **params)
    sim.clear_faults()
    check_refused(daemon.ask(token=STRANGER), 403)


@pytest.mark.concurrent
@pytest.mark.parametrize("payer", ["issued", "registered"])
def test_nor_is_it_shown_to_those_who_waited_for_the_same_answer(sim, issuing, payer):
    """It is the token of somebody else, of whom they know nothing."""
    daemon = issuing()
    daemon.register("reporting", TOKEN)
    daemon.register("research", OTHER_TOKEN)
    first, secret = (daemon.issue(), AHREFS) if payer == "issued" else (TOKEN, TOKEN)
    others = [daemon.issue("bob"), OTHER_TOKEN]
    sim.fault("status", code=403, body=f"{secret} has no rows left")
    sim.hold()
    clients = [daemon.send(question(token=first))]
    wait_until_held(sim)
    open_files = daemon.open_files
    clients += [daemon.send(question(token=token)) for token in others * 5]
    eventually(lambda: daemon.open_files >= open_files + 10)
    sim.release()
    for client in clients:
        reply = client.receive()
        client.close()
        assert reply.whole and (client is clients[0] or secret.encode() not in reply.body)


@pytest.mark.concurrent
def test_colleagues_share_a_refusal_too(sim, issuing):
    """Ahrefs sees one token of them all, and what it says to one it says to all; masked."""
    daemon = issuing()
    tokens = [daemon.issue(f"t{number}") for number in range(6)]
    sim.fault("status", times=None, code=403, body=f"{AHREFS} has no rows left")
    sim.hold()
    clients = [daemon.send(question(token=tokens[0]))]
    wait_until_held(sim)
    open_files = daemon.open_files
    clients += [daemon.send(question(token=token)) for token in tokens[1:]]
    eventually(lambda: daemon.open_files >= open_files + 5)
    sim.release()
    for client in clients:
        reply = client.receive()
        client.close()
        assert reply.status == 403 and reply.body.decode() == f"{HIDDEN} has no rows left"


def test_what_is_only_nearly_the_token_is_left_as_it_is(sim, issuing):
    daemon = issuing()
    said = f"{AHREFS[:-1]} {AHREFS[1:]} {NEW_AHREFS} {AHREFS[:20]}\n{AHREFS[20:]}"
    sim.fault("status", body=said)
    assert daemon.ask(token=daemon.issue()).body.decode() == said


# Commands while no daemon runs


def test_what_is_changed_while_it_is_stopped_holds_when_it_runs(issuing):
    daemon = issuing()
    daemon.ask()
    names = ("first", "second", "third", "fourth")
    renamed, revoked_one, rotated, denied = (daemon.issue(name) for name in names)
    assert daemon.stop() == 0
    added, new = daemon.issue("fifth"), daemon.ctl_text("token", "rotate", "third").strip()
    daemon.register("reporting", OTHER_TOKEN)
    for words in (["rename", "first", "carol"], ["budget", "carol", "0"], ["revoke", "second"],
                  ["deny", "fourth", "no-cache"]):
        daemon.ctl_text("token", *words)
    told = listed(daemon)
    daemon.start()
    assert listed(daemon) == told
    for token in (renamed, added, new, denied, OTHER_TOKEN):
        assert daemon.ask(token=token).hit
    for token in (revoked_one, rotated):
        check_refused(daemon.ask(token=token), 403)
    assert daemon.ask(token=denied, headers=wish("no-cache")).hit
    check_refused(daemon.ask("rows-6.example", token=renamed), 402)


def test_tokens_can_be_issued_before_there_ever_was_a_daemon(sim, issuing, tmp_path):
    state = tmp_path / "fresh"
    done = run(ROWCACHECTL, "-o", f"state.directory={state}", *NOWHERE, "token", "add", "alice")
    assert done.returncode == 0 and re.fullmatch(r"[0-9a-f]{40}\n", done.stdout), done.stderr
    for file in state.iterdir():
        assert file.stat().st_mode & 0o077 == 0, f"others can read {file.name}"
    daemon = issuing(f"state.directory={state}")
    assert daemon.ask(token=done.stdout.strip()).miss
    assert sim.bills() == {AHREFS: ROWS_5} and list(daemon.accounts) == ["alice"]


def test_behind_the_back_of_a_running_daemon_nothing_is_changed(issuing):
    daemon = issuing()
    alice = daemon.issue()
    before = listed(daemon)
    daemon.restart("admin.listen=none")
    nowhere = ("-o", "admin.listen=none")
    commands = (["add", "bob"], ["register", "bob"], ["rename", "alice", "bob"],
                ["rotate", "alice"], ["revoke", "alice"], ["budget", "alice", "0"],
                ["deny", "alice", "no-cache"])

    def try_to(words):
        return daemon.ctl(*nowhere, "token", *words, input=OTHER_TOKEN + "\n")

    with ThreadPoolExecutor(len(commands)) as pool:  # each waits a second for the directory
        tried = list(pool.map(try_to, commands))
    for done in tried:
        check_command_refused(done, 1)
        assert re.search(r"running|runs|in use|locked|admin\.listen", done.stderr), done.stderr
    assert daemon.ask(token=alice).miss
    asked = daemon.ask(token=alice, headers=wish("no-cache"))
    assert asked.cache == "rowcache; fwd=request; stored"
    assert daemon.stop() == 0
    after = listed(daemon, *nowhere)
    for line in [*before.values(), *after.values()]:
        line.pop("last_used")
    assert after == before


# The admin side


def post(daemon, path, form, headers=None):
    with Client(daemon.addresses("admin")[0]) as client:
        return client.ask("POST", path, encode(form), {**FORM, **(headers or {})})


def test_the_admin_side_issues_tokens_too(issuing):
    daemon = issuing()
    reply = post(daemon, "/api/token/add", {"name": "alice", "budget": "5", "per": "day"})
    assert reply.status == 200 and reply.json["name"] == "alice"
    assert daemon.ask(token=reply.json["token"], limit=5).miss
    line = listed(daemon)["alice"]
    assert (line["budget"]["rows"], line["budget"]["per"]) == ("5.0", "day")


def test_to_look_at_the_admin_side_issues_nothing(rowcache):
    daemon = rowcache()
    assert daemon.admin("/api/token/add?name=alice").status in (404, 405)
    assert post(daemon, "/api/token?name=alice", {"name": "alice"}).status in (404, 405)
    assert listed(daemon) == {}


def test_a_page_in_somebodys_browser_issues_nothing(issuing):
    daemon = issuing()
    alice = daemon.issue()
    for origin in ("https://evil.example", "null", f"http://{daemon.addresses('admin')[0]}"):
        for path, form in (("add", {"name": "bob"}), ("revoke", {"name": "alice"})):
            reply = post(daemon, f"/api/token/{path}", form, {"Origin": origin})
            assert 400 <= reply.status < 500
    assert list(listed(daemon)) == ["alice"] and daemon.ask(token=alice).miss


def test_the_admin_side_does_not_repeat_what_looks_like_a_token(rowcache):
    daemon = rowcache()
    for path, form in (("add", {"name": STRANGER}), ("revoke", {"name": STRANGER}),
                       ("register", {"name": STRANGER, "token": TOKEN}),
                       ("register", {"name": "reporting", "token": f"{STRANGER} {TOKEN}"})):
        reply = post(daemon, f"/api/token/{path}", form)
        assert 400 <= reply.status < 500
        assert STRANGER.encode() not in reply.body and TOKEN.encode() not in reply.body
    assert listed(daemon) == {}
    assert daemon.stop() == 0
    assert STRANGER not in daemon.log and TOKEN not in daemon.log


# Secrets


def varied_play(sim, daemon):
    """Everything that happens to tokens: gives the tokens, and what their clients were told."""
    alice, bob, carol = (daemon.issue(name) for name in ("alice", "bob", "carol"))
    daemon.register("reporting", TOKEN)
    newer = daemon.ctl_text("token", "rotate", "carol").strip()
    for words in (["budget", "bob", "0"], ["rename", "alice", "dave"],
                  ["deny", "dave", "no-cache"]):
        daemon.ctl_text("token", *words)
    tokens = [alice, bob, carol, newer, TOKEN, OTHER_TOKEN]
    told = []
    for token in tokens:
        told += _ask_in_many_ways(sim, daemon, token)
    daemon.ctl_text("token", "revoke", "bob")
    daemon.ctl_text("token", "revoke", "reporting")
    told += [daemon.ask(token=bob), daemon.ask(token=TOKEN)]
    return [AHREFS, *tokens], told


def _ask_in_many_ways(sim, daemon, token):
    told = [
        daemon.ask(token=token), daemon.ask(token=token, headers=wish("no-cache")),
        daemon.ask("rows-6.example", token=token, limit=6), daemon.ask(token=token, mode=None),
        daemon.ask(token=token, from_="anchors", limit=2), daemon.ask(token=token, order_by="no"),
        daemon.get({"token": token, **INFO}),
        daemon.get(f"token={escaped(token)}&from={TABLE}&mode=domain&target=rows-3.example"),
    ]
    for kind in ("status", "cut", "refuse"):
        sim.fault(kind)
        told.append(daemon.ask(f"rows-4.{kind}.example", token=token, limit=4))
        sim.clear_faults()
    return told


def admin_answers(daemon):
    paths = ["/", "/health", "/metrics", "/api/token", "/api/status", "/api/spend", "/api/cache",
             "/api/spend?by=day", "/api/spend?by=target", "/api/correction"]
    return {path: daemon.admin(path).body for path in paths}


def printed(daemon):
    lines = [["token", "list"], ["token", "list", "--json"], ["spend"], ["spend", "--json"],
             ["spend", "--csv"], ["status"], ["status", "--json"], ["cache", "list"]]
    done = {" ".join(line): daemon.ctl(*line) for line in lines}
    return {line: (one.stdout + one.stderr).encode() for line, one in done.items()}


def kept(daemon):
    """What is in the state directory."""
    files = [file for file in daemon.state.rglob("*") if file.is_file()]
    assert {"cache.db", "ledger.db"} <= {file.name for file in files}
    return {file.name: file.read_bytes() for file in files}


def test_no_token_is_anywhere_but_where_it_was_issued(sim, issuing):
    daemon = issuing("server.log_requests=all")
    tokens, told = varied_play(sim, daemon)
    found = {f"answer {number}": str(reply.headers).encode() + reply.body
             for number, reply in enumerate(told)}
    found |= admin_answers(daemon) | printed(daemon)
    for file in ("cmdline", "comm", "environ"):
        found[file] = told_by_proc(daemon.process, file)
    found |= {f"{name} while it runs": data for name, data in kept(daemon).items()}
    assert daemon.stop() == 0
    found |= kept(daemon) | {"the log": daemon.log.encode()}
    for where, data in found.items():
        for number, token in enumerate(tokens):
            assert not any(form in data for form in forms(token)), f"{where}: token {number}"


def test_a_fingerprint_says_nothing_of_an_issued_token(issuing):
    daemon = issuing()
    alice = daemon.issue()
    assert listed(daemon)["alice"]["fingerprint"] not in alice


def test_nothing_that_was_issued_or_revoked_is_tried_upstream(sim, issuing):
    daemon = issuing()
    alice, bob = daemon.issue("alice"), daemon.issue("bob")
    daemon.ctl_text("token", "revoke", "bob")
    for token in (alice, bob, TOKEN):
        daemon.ask(token=token)
        daemon.ask("rows-6.example", token=token)
        daemon.ask(token=token, from_="anchors", limit=2)
    assert {record["token"] for record in sim.requests} <= {AHREFS, TOKEN}
    assert len(arrived(sim)) == 4
