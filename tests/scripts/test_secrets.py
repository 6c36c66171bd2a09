"""A token is money: it is nowhere but in the requests themselves."""

import subprocess

import pytest

from ahrefs import Simulator
from daemon import TABLE, eventually, question, told_by_proc
from wire import FORM, encode, talk

GOOD = "5ec2e7c0ffee" + "0123456789abcdef" + "feedfacebeef"
BAD = "bad0bad0beef" + "fedcba9876543210" + "deadbeefcafe"
SECRETS = [GOOD, BAD]


def encoded(token):
    """A token as only a determined client would spell it."""
    return "".join(f"%{byte:02X}" for byte in token.encode())


def forms(token):
    return [token.encode(), token.upper().encode(), encoded(token).encode(), bytes.fromhex(token)]


def check_no_secret(where, data):
    for token in SECRETS:
        for form in forms(token):
            assert form not in data, f"{where} holds a token"


def varied_play(sim, daemon):
    """Everything that can happen to a token; gives what the clients were told."""
    told = []
    for token in (GOOD, BAD):
        told += [daemon.ask(token=token), daemon.ask(token=token)]
        told += [daemon.ask(token=token, mode=None), daemon.ask(token=token, limit="ten")]
        told += [daemon.ask(token=token, order_by="nope")]
        told += [daemon.ask(token=token, from_="anchors"), daemon.ask(token=token, from_="nope")]
        told += [daemon.get({"token": token, "from": "subscription_info"})]
        told += [daemon.ask(token=token, where=f'title="{"x" * 40000}"')]
        told += [daemon.ask(token=token, target=f"rows-{n}.example") for n in range(3)]
        told += [daemon.get(f"token={encoded(token)}&from={TABLE}&mode=domain&target=example.org")]
        told += [daemon.get(f"token={token}&token={token[::-1]}&from={TABLE}")]
        told += [daemon.get(f"token={token}%zz&from={TABLE}")]
        with daemon.client() as client:
            told += [client.post(question(token=token))]
            told += [client.ask("GET", f"/{token}?token={token}")]
            told += [client.ask("DELETE", f"/?token={token}")]
            told += [client.ask("POST", f"/?{encode(question(token=token))}", token,
                                {"Content-Type": "text/plain"})]
            told += [client.ask("POST", "/", f"token={token}&limit=1&limit=2", FORM)]
        for kind in ("cut", "html", "status", "refuse", "count", "redirect", "bad_gzip"):
            sim.fault(kind)
            told += [daemon.ask(token=token, target=f"rows-4.{kind.replace('_', '-')}.example")]
            sim.clear_faults()
        told += [daemon.ask(token=token, headers={"Cache-Control": "no-cache"})]
        talk(daemon.address, f"GET /?token={token} HTTP/1.1\r\nHo".encode())
        talk(daemon.address, f"GET /?token={token} HTTP/9.9\r\n\r\n".encode())
        talk(daemon.address, f"{token} /?token={token}\r\n\r\n".encode())
    return told


def admin_answers(daemon):
    paths = ["/", "/health", "/metrics", "/api/spend", "/api/spend?by=target", "/api/spend?by=day",
             "/api/cache", "/api/nothing", "/api/explain?" + encode(question(token=GOOD)),
             "/api/explain?token=" + GOOD, "/api/spend?by=" + GOOD]
    return {path: daemon.admin(path) for path in paths}


def commands(daemon):
    lines = [["status"], ["status", "--json"], ["spend"], ["spend", "--csv"], ["cache", "list"],
             ["cache", "list", "--json"], ["explain", encode(question(token=GOOD))]]
    return {" ".join(line[:2])[:40]: daemon.ctl(*line) for line in lines}


@pytest.mark.parametrize("log", ["all", "spending"])
def test_no_token_is_anywhere(start, log):
    with Simulator(tokens=[GOOD]) as sim:
        daemon = start(sim.url, f"server.log_requests={log}", "server.idle_timeout=1s")
        for reply in varied_play(sim, daemon):
            check_no_secret(f"an answer of {reply.status}", reply.body)
            check_no_secret("a header", str(reply.headers).encode())
            if "X-Request-Id" in reply.headers:
                told = daemon.admin("/api/request/" + reply.headers["X-Request-Id"])
                check_no_secret("what is told of a request", told.body)
        eventually(lambda: sim.in_flight == 0)
        for path, reply in admin_answers(daemon).items():
            check_no_secret(path, reply.body)
        for command, done in commands(daemon).items():
            check_no_secret(command, (done.stdout + done.stderr).encode())
        for file in ("cmdline", "comm", "environ"):
            check_no_secret(file, told_by_proc(daemon.process, file))
        check_files(daemon)
        assert daemon.stop() == 0
        check_files(daemon)
        check_no_secret("the log", daemon.log.encode())
        assert daemon.lines, "there is a log to look through"


def check_files(daemon):
    files = [file for file in daemon.state.rglob("*") if file.is_file()]
    assert {"cache.db", "ledger.db"} <= {file.name for file in files}
    for file in files:
        check_no_secret(file.name, file.read_bytes())


def test_a_fingerprint_is_no_plain_digest(rowcache):
    """Whoever has a list of tokens must not find them in the ledger without the key."""
    daemon = rowcache()
    daemon.ask(token=GOOD)
    name = daemon.spend()["tokens"][0]["token"]
    for digest in ("md5sum", "sha1sum", "sha256sum", "sha512sum"):
        done = subprocess.run([digest], input=GOOD.encode(), capture_output=True, check=True)
        assert not done.stdout.startswith(name.encode())


def test_state_is_for_the_daemons_user_only(rowcache):
    daemon = rowcache()
    daemon.ask()
    for file in daemon.state.iterdir():
        assert file.stat().st_mode & 0o077 == 0, f"others can read {file.name}"
