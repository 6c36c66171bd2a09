"""Shared by the plays about tokens: tokens of every kind, and the form of a refusal."""

import re

from daemon import AHREFS, OTHER_TOKEN, TOKEN, question
from wire import wish

NEW_AHREFS = "facade5ec2e7" + "fedcba9876543210" + "1337deadbeef"
STRANGER = "deadbeef" * 5
HIDDEN = "x" * len(AHREFS)
KNOWN = [AHREFS, NEW_AHREFS, TOKEN, OTHER_TOKEN]  # upstream knows these, and none issued here
INFO = {"from": "subscription_info"}
NOWHERE = ("-o", "admin.listen=127.0.0.1:1")  # for commands on a state directory of their own
KINDS = ["issued", "registered", "seen"]


def make(daemon, kind):
    """A token of that kind, and its name."""
    if kind == "issued":
        return daemon.issue(), "alice"
    if kind == "registered":
        daemon.register("alice", TOKEN)
        return TOKEN, "alice"
    assert daemon.ask("rows-1.example").miss
    label, = listed(daemon)
    return TOKEN, label


def listed(daemon, *options) -> dict:
    """The lines of the list of tokens, by name."""
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
    """Every request with the token is refused, and none goes upstream."""
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


def escaped(token):
    """A token as only a determined client would spell it."""
    return "".join(f"%{byte:02x}" for byte in token.encode())


def forms(token):
    """A token as it could stand in a file."""
    return [token.encode(), token.upper().encode(), escaped(token).encode(),
            escaped(token).upper().encode(), bytes.fromhex(token)]
