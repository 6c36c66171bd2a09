"""An upstream that reads a request otherwise than rowcache does: nothing gets past a budget, nobody is
let in by it, and what may have been spent is on the account."""

import pytest

from ahrefs import Simulator
from daemon import HOUSE, TOKEN, arrived, eventually, question
from wire import encode

LONE = "c0ffee11" * 5


@pytest.fixture
def loose():
    """An Ahrefs that reads parameters as lenient servers do."""
    with Simulator(loose=True) as simulator:
        yield simulator


@pytest.fixture
def daemon(loose, start, house):
    yield start(loose.url, house)
    loose.clear_faults()
    loose.release()


def budgeted(daemon, kind="registered", rows="2.0") -> str:
    """A token with that budget for all time."""
    if kind == "issued":
        return daemon.issue("alice", "--budget", rows, "--per", "total")
    done = daemon.ctl("token", "register", "alice", "--budget", rows, "--per", "total",
                      input=LONE + "\n")
    assert done.returncode == 0, done.stderr
    return LONE


def check_refused(reply, status, *words):
    assert reply.status == status and reply.headers["X-Status"] == "error", reply
    assert list(reply.json) == ["error"] and all(word in reply.error for word in words)
    assert TOKEN not in reply.error and LONE not in reply.error


def check_that_nothing_was_spent(loose, daemon):
    assert arrived(loose) == [] and loose.bills() == {}
    assert daemon.account["rows_spent"] == 0


# Who is let in


SPELLINGS = ["{}+", "+{}", "%09{}%0D%0A", "upper", "mixed", "+upper"]


def spelled(token, spelling):
    """As a part of a query string."""
    by_case = {"upper": token.upper(), "+upper": "+" + token.upper(),
               "mixed": token[:20].upper() + token[20:]}
    return by_case.get(spelling, spelling.format(token))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", ["registered", "issued"])
def test_a_token_has_one_budget_in_all_its_spellings(loose, daemon, kind, spelling):
    token = budgeted(daemon, kind, rows="2.0")
    query = encode(question(token=None, limit=5)) + "&token=" + spelled(token, spelling)
    assert daemon.get(query).miss
    for one in (token, spelled(token, spelling)):
        held_back = encode(question("rows-6.example", token=None, limit=1)) + "&token=" + one
        assert daemon.get(held_back).status == 402
    lines = [line["token"] for line in daemon.spend()["tokens"] if line["misses"]]
    assert lines == ["alice"]
    payer = HOUSE if kind == "issued" else token
    assert [record["params"]["token"] for record in arrived(loose)] == [payer]
    assert loose.bills() == {payer: 20} and daemon.account["rows_spent"] == 20


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", ["registered", "issued"])
def test_a_token_that_is_revoked_is_revoked_in_all_its_spellings(loose, daemon, kind, spelling):
    daemon.ask()
    token = budgeted(daemon, kind)
    assert daemon.ctl("token", "revoke", "alice").returncode == 0
    for target in ("rows-5.example", "rows-6.example"):
        query = encode(question(target, token=None)) + "&token=" + spelled(token, spelling)
        check_refused(daemon.get(query), 403, "alice")
    assert loose.bills() == {TOKEN: 20}


def test_a_token_may_be_registered_in_any_spelling(loose, daemon):
    daemon.register("carol", LONE.upper())
    assert daemon.ask(token=LONE).miss
    eventually(lambda: "carol" in [line["token"] for line in daemon.spend()["tokens"]])
    assert daemon.ctl("token", "revoke", "carol").returncode == 0
    check_refused(daemon.ask(token=LONE), 403, "carol")


@pytest.mark.parametrize("token", ["a%20b", "a%09b", "%07abc%07d", "%C3%A9", LONE + "%C2%A0",
                                   "%E2%80%8B" + LONE])
def test_what_is_no_visible_text_is_no_token(loose, daemon, token):
    reply = daemon.get(encode(question(token=None)) + "&token=" + token)
    check_refused(reply, 400, "token")
    check_that_nothing_was_spent(loose, daemon)


@pytest.mark.parametrize("token", ["%20", "+%09"])
def test_a_token_of_nothing_but_spaces_is_none(loose, daemon, token):
    check_refused(daemon.get(encode(question(token=None)) + "&token=" + token), 401)
    check_that_nothing_was_spent(loose, daemon)
