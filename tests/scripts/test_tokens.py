"""Tokens that rowcache issues and tokens that it was told of: how they are made, their names, the
list of them."""

import os
import re
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from daemon import AHREFS, OTHER_TOKEN, ROWCACHECTL, TOKEN, eventually, question, run
from tokens import (
    INFO, KNOWN, NOWHERE, STRANGER, check_command_refused, check_refused, checks, escaped, forms,
    listed,
)
from wire import FORM, Client, encode, patience, wish

AHREFS_KNOWS = KNOWN
ROWS_5 = 10 + 5 * 2

GOOD_NAMES = ["a", "0", "A.b_c-9", "x" * 64, "abcdef0", "abcdef012", "f" * 31, "Reporting.2"]
BAD_NAMES = {
    "empty": "", "too long": "x" * 65, "a space": "a b", "a slash": "a/b", "a line": "a\nb",
    "a quote": 'a"b', "a comma": "a,b", "an accent": "zoë", "an escape": "a\x1b[31mb",
    "a fingerprint": "deadbeef", "a loud fingerprint": "DEADBEEF", "eight digits": "12345678",
    "32 hex digits": "a" * 32, "a token": STRANGER, "a long token": "0123456789abcdef" * 4,
}


# Issued tokens


def test_a_new_token_is_printed_alone_on_a_line(issuing):
    daemon = issuing()
    first, second = daemon.ctl("token", "add", "alice"), daemon.ctl("token", "add", "bob")
    for done in (first, second):
        assert done.returncode == 0
        assert re.fullmatch(r"[0-9a-f]{40}\n", done.stdout)
        assert done.stdout.strip() not in done.stderr
    assert first.stdout != second.stdout


def test_a_new_token_is_printed_in_json(issuing):
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
        body = b"<AhrefsApiResponse/>" if b"output=xml" in self.raw_requestline else b'{"refpages":[]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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


def test_who_asks_about_an_issued_token_is_told_its_own_budget(sim, issuing):
    daemon = issuing()
    alice = daemon.issue("alice", "--budget", "300", "--per", "month")
    assert daemon.ask(token=alice).miss
    info = daemon.get({"token": alice, **INFO}).json["info"]
    assert info == {"rows_left": 298, "rows_limit": 300, "subscription": "rowcache: alice"}
    info = daemon.get({"token": daemon.issue("bob"), **INFO}).json["info"]
    assert info["rows_limit"] is None and info["rows_left"] is None
    assert len(sim.requests) == 1, "what the token of the file has left is nobody's business"
    assert daemon.account["rows_spent"] == ROWS_5


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


def test_registering_is_told_in_json(rowcache):
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


# Names


def test_good_names_are_taken(rowcache):
    daemon = rowcache()
    for name in GOOD_NAMES:
        daemon.issue(name)
    assert set(listed(daemon)) == set(GOOD_NAMES)


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=list(BAD_NAMES))
def test_bad_names_are_refused(rowcache, name):
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
def test_a_name_that_nobody_has_is_refused(rowcache, words):
    daemon = rowcache()
    check_command_refused(daemon.ctl("token", *words), 1)
    assert listed(daemon) == {}


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["add"], ["add", "alice", "bob"], ["register"], ["rename", "alice"],
    ["rotate"], ["revoke"], ["budget", "alice"], ["deny", "alice"], ["add", "alice", "--nonsense"],
], ids=" ".join)
def test_a_command_that_makes_no_sense_is_refused(rowcache, words):
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
