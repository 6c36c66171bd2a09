"""An upstream that repeats the token it was asked with: nobody else is shown it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from daemon import AHREFS, OTHER_TOKEN, TOKEN, eventually, question, wait_until_held
from tokens import HIDDEN, KNOWN, NEW_AHREFS, STRANGER, check_refused
from wire import wish

AHREFS_KNOWS = KNOWN

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
@pytest.mark.parametrize("params", [{"from_": "anchors"}, {"output": ""}], ids=str)
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
