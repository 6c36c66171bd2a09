"""The tokens that rowcache issues are in no file, log, page or answer."""

from daemon import AHREFS, OTHER_TOKEN, TABLE, TOKEN, arrived, told_by_proc
from tokens import INFO, KNOWN, escaped, forms, listed
from wire import wish

AHREFS_KNOWS = KNOWN


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
    """The content of the state directory."""
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
