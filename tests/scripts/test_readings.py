"""An upstream that reads a request otherwise than rowcache does: nothing gets past a budget, nobody is
let in by it, and what may have been spent is on the account."""

import pytest

from ahrefs import Simulator
from daemon import HOUSE, OTHER_TOKEN, TABLE, TOKEN, arrived, eventually, question
from wire import BYPASS, FORM, encode

MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
THOUSANDS = "rows-20000.example"
LONE = "c0ffee11" * 5


def part(**params) -> bytes:
    """A body of multipart/form-data."""
    parts = (f'--b\r\nContent-Disposition: form-data; name="{name.rstrip("_")}"\r\n\r\n{value}\r\n'
             for name, value in params.items())
    return ("".join(parts) + "--b--\r\n").encode()


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


def post(daemon, query, body, headers=None):
    with daemon.client() as client:
        return client.ask("POST", "/?" + encode(query), body, headers or {})


def check_refused(reply, status, *words):
    assert reply.status == status and reply.headers["X-Status"] == "error", reply
    assert list(reply.json) == ["error"] and all(word in reply.error for word in words)
    assert TOKEN not in reply.error and LONE not in reply.error


def check_that_nothing_was_spent(loose, daemon):
    assert arrived(loose) == [] and loose.bills() == {}
    assert daemon.account["rows_spent"] == 0


# A budget

BODIES = {
    "multipart": (part(limit=20000), MULTIPART),
    "multipart that names the table": (part(from_=TABLE, limit=20000, target=THOUSANDS), MULTIPART),
    "text": (b"limit=20000", {"Content-Type": "text/plain"}),
    "nothing said of it": (b"limit=20000", {}),
    "JSON": (b'{"limit":20000}', {"Content-Type": "application/json"}),
}


@pytest.mark.parametrize("kind", ["registered", "issued"])
@pytest.mark.parametrize("table", [TABLE, "anchors", "subscription_info"])
@pytest.mark.parametrize("body, headers", BODIES.values(), ids=list(BODIES))
def test_a_body_of_unknown_meaning_is_held_against_no_budget(loose, daemon, kind, table, body,
                                                             headers):
    """It was billed 4001.0 rows against a budget of 2.0, and booked as 1.2 or 0.0."""
    query = question(THOUSANDS, from_=table, token=budgeted(daemon, kind), limit=1)
    check_refused(post(daemon, query, body, headers), 415, "alice")
    check_that_nothing_was_spent(loose, daemon)


def test_an_issued_token_without_a_budget_sends_no_such_body_either(loose, daemon):
    """Our own token would pay, and nobody could say how much."""
    query = question(token=daemon.issue("bob"))
    check_refused(post(daemon, query, *BODIES["multipart"]), 415, "bob")
    check_that_nothing_was_spent(loose, daemon)


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, identity"])
def test_a_body_that_is_encoded_is_not_read(loose, daemon, coding):
    headers = {**FORM, "Content-Encoding": coding}
    check_refused(post(daemon, {}, encode(question()), headers), 415)
    assert post(daemon, {}, encode(question()), {**FORM, "Content-Encoding": "identity"}).miss


@pytest.mark.parametrize("kind", [
    "application/x-www-form-urlencoded, x", "application/x-www-form-urlencoded,",
    "application/x-www-form-urlencoded x", "application/x-www-form-urlencoded; a",
    "x-www-form-urlencoded", "multipart/form-data; boundary=a b", "text/", "nonsense",
])
@pytest.mark.parametrize("with_budget", [True, False])
def test_a_malformed_media_type_is_refused(loose, daemon, kind, with_budget):
    token = budgeted(daemon) if with_budget else TOKEN
    query = {"token": token, "from": "subscription_info"}
    body = encode(question(THOUSANDS, token=None, limit=20000))
    check_refused(post(daemon, query, body, {"Content-Type": kind}), 400, "Content-Type")
    check_that_nothing_was_spent(loose, daemon)


def test_two_content_types_are_none(loose, daemon):
    with daemon.client() as client:
        connection = client.connection
        connection.putrequest("POST", "/?" + encode(question(limit=1)))
        for kind in ("application/x-www-form-urlencoded", "text/plain"):
            connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", "7")
        connection.endheaders(b"a=1&b=2")
        check_refused(client.receive(), 400, "Content-Type")
    check_that_nothing_was_spent(loose, daemon)


NEARLY = [
    "+{}", "{}+", "%09{}", "{}%0A", "%C2%A0{}", "{}%5B", "{}%5B%5D", "{}[]", "{}[0]", "+{}[x", "%01{}",
]


@pytest.mark.parametrize("spelled", NEARLY + ["upper", "capital"])
@pytest.mark.parametrize("name, value", [
    ("limit", 20000), ("from", TABLE), ("token", OTHER_TOKEN), ("target", THOUSANDS),
    ("order_by", "date"), ("where", "nofollow=true"), ("output", "xml"),
])
def test_a_name_that_is_nearly_a_parameters_is_refused(loose, daemon, spelled, name, value):
    near = {"upper": name.upper(), "capital": name.capitalize()}.get(spelled, spelled.format(name))
    for table in (TABLE, "anchors", "subscription_info"):
        query = encode(question(THOUSANDS, from_=table, token=budgeted(daemon), limit=1))
        check_refused(daemon.get(f"{query}&{near}={value}"), 400, f"'{name}'")
        check_refused(post(daemon, query, f"{near}={value}", FORM), 400, f"'{name}'")
        daemon.ctl("token", "rename", "alice", f"alice-of-{table}")
        daemon.ctl("token", "revoke", f"alice-of-{table}")
    check_that_nothing_was_spent(loose, daemon)


@pytest.mark.parametrize("near", ["order.by", "order+by", "order%5Bby", "Order.By"])
def test_so_is_one_that_php_would_turn_into_it(loose, daemon, near):
    check_refused(daemon.get(f"{encode(question())}&{near}=date"), 400, "'order_by'")
    check_that_nothing_was_spent(loose, daemon)


@pytest.mark.parametrize("table", ["Subscription_info", "subscription_info+", "BACKLINKS_NEW_LOST",
                                   "+backlinks_new_lost", "backlinks_new_lost%09"])
def test_a_table_that_is_nearly_one_with_another_price_is_refused(loose, daemon, table):
    query = encode(question(from_=None, limit=1, where="nofollow=true", having="nofollow=true"))
    check_refused(daemon.get(f"{query}&from={table}"), 400, f"'{table.strip('+%09').lower()}'")
    check_that_nothing_was_spent(loose, daemon)


@pytest.mark.parametrize("name", ["colour", "a[]", "x.y", "having_", "größe", "li mit", "order-by"])
def test_other_names_pass(loose, daemon, name):
    daemon.ask(**{name: "1"})
    assert len(arrived(loose)) == 1


@pytest.mark.parametrize("limit", ["+20000", "%2B20000", "20000+", "", "2e4", "0x4e20", "20000.0",
                                   "%C2%A020000"])
def test_under_a_budget_the_limit_of_another_table_is_digits(loose, daemon, limit):
    token = budgeted(daemon, rows="30.0")
    query = encode(question("shop.example", from_="anchors", token=token)) + "&limit=" + limit
    check_refused(daemon.get(query), 400, "limit")
    check_that_nothing_was_spent(loose, daemon)


@pytest.mark.parametrize("kind", ["registered", "issued"])
@pytest.mark.parametrize("limit, sent", [(None, "1000"), ("007", "7"), ("5", "5")])
def test_under_a_budget_the_limit_of_another_table_is_said(loose, daemon, kind, limit, sent):
    token = budgeted(daemon, kind, rows="1001.0")
    reply = daemon.ask("shop.example", from_="anchors", token=token, limit=limit)
    assert reply.status == 200
    record, = arrived(loose)
    assert record["params"]["limit"] == sent
    payer = HOUSE if kind == "issued" else token
    assert daemon.account["rows_spent"] == loose.bill(payer) > 0
    assert daemon.account["rows_unknown"] == 0


def test_without_a_budget_another_tables_words_are_its_own(loose, daemon):
    """What is no number may be any: it is reserved, and booked if the answer is lost, at the most."""
    query = encode(question("shop.example", from_="anchors")) + "&limit=%2B3"
    assert len(daemon.get(query).json["anchors"]) == 3
    record, = arrived(loose)
    assert record["params"]["limit"] == "3" and daemon.account["rows_spent"] == loose.bill(TOKEN)
    loose.fault("refuse", charged=True, times=None)
    daemon.get(query)
    loose.clear_faults()
    assert daemon.account["rows_unknown"] >= 10 + 5_000_000 * 10


@pytest.mark.parametrize("kind", ["registered", "issued"])
def test_what_upstream_bills_beyond_the_limit_counts_against_the_budget(loose, daemon, kind):
    """Nothing can hold that back; it is booked as it was billed, and there is nothing left then."""
    token = budgeted(daemon, kind, rows="10.0")
    loose.fault("more", match={"target": "rows-5.example"}, by=700)
    assert len(daemon.ask(token=token, limit=5).rows) == 705
    daemon.wait_for_log(r"^warning count .*asked=5 results=705 ")
    payer = HOUSE if kind == "issued" else token
    assert daemon.account["rows_spent"] == loose.bill(payer) == 10 + 2 * 705
    held_back = daemon.ask("rows-6.example", token=token, limit=1)
    assert held_back.status == 402
    assert daemon.account["rows_spent"] == loose.bill(payer)


# The account, where a body of unknown meaning is forwarded


@pytest.mark.parametrize("table", [TABLE, "anchors", "subscription_info"])
@pytest.mark.parametrize("body, headers", BODIES.values(), ids=list(BODIES))
def test_a_body_of_unknown_meaning_is_never_counted_as_free(loose, daemon, table, body, headers):
    """A client's own token without a budget may send it; what it may have cost is on the account."""
    query = question("rows-200.example", from_=table, limit=1)
    reply = post(daemon, query, body, headers)
    assert reply.status == 200 and reply.cache == BYPASS
    assert "X-Rows-Spent" not in reply.headers
    assert [sent["body"] for sent in loose.requests if sent["method"] == "POST"] == [body]
    account = daemon.account
    assert account["rows_spent"] >= max(loose.bill(TOKEN), 10)
    assert account["rows_unknown"] == account["rows_spent"]


def test_a_body_that_makes_what_was_free_dear_is_booked(loose, daemon):
    reply = post(daemon, {"token": TOKEN, "from": "subscription_info"},
                 part(from_=TABLE, target=THOUSANDS, mode="domain", limit=20000,
                      where="nofollow<>1"), MULTIPART)
    assert reply.status == 200
    assert 40000 > loose.bill(TOKEN) > 10000
    assert daemon.account["rows_spent"] >= loose.bill(TOKEN)


def test_a_body_of_unknown_meaning_goes_with_the_query_as_it_came(loose, daemon):
    query = encode(question("ROWS-5.example.", offset=0, select="url_to,date", limit=5))
    assert post(daemon, query, b"x", {"Content-Type": "text/plain"}).status == 200
    assert arrived(loose)[0]["params"]["target"] == "ROWS-5.example."
    assert {"offset": "0", "select": "url_to,date"}.items() <= arrived(loose)[0]["params"].items()


def test_where_other_tables_are_refused_a_body_may_not_ask_for_one(loose, start):
    daemon = start(loose.url, "tables.other=refuse")
    check_refused(post(daemon, question(), *BODIES["text"]), 403)
    assert arrived(loose) == []


def test_the_body_of_a_get_means_nothing_and_stays_here(loose, daemon):
    for kind in (FORM["Content-Type"], "text/plain", "application/x-www-form-urlencoded, x"):
        with daemon.client() as client:
            reply = client.ask("GET", "/?" + encode(question("rows-200.example", limit=2)),
                               "limit=100", {"Content-Type": kind})
        assert reply.status == 200 and len(reply.rows) == 2
    record, = arrived(loose)
    assert record["body"] == b"" and record["method"] == "GET"
    assert daemon.account["rows_spent"] == loose.bill(TOKEN) == 10 + 2 * 2


def test_a_form_says_the_same_as_a_query_string(loose, daemon):
    """Also in two halves; and it goes upstream as one."""
    token = budgeted(daemon, rows="5.0")
    reply = post(daemon, {"token": token, "from": TABLE, "limit": 5},
                 "target=rows-200.example&mode=domain&limit=5", FORM)
    assert reply.miss and len(reply.rows) == 5
    check_refused(post(daemon, question(token=token, limit=5), "limit=6", FORM), 400, "limit")
    record, = arrived(loose)
    assert record["body"] == b"" and daemon.account["rows_spent"] == loose.bill(token) == 20


# Access


@pytest.fixture
def strict():
    """The same, but it knows two tokens only."""
    with Simulator(tokens=[TOKEN, OTHER_TOKEN], loose=True) as simulator:
        yield simulator


JUNK = "deadbeef" * 5
GOOD_BODIES = {
    "multipart": (part(token=TOKEN), MULTIPART),
    "multipart that asks for the account": (part(token=TOKEN, from_="subscription_info"), MULTIPART),
    "text": (f"token={TOKEN}".encode(), {"Content-Type": "text/plain"}),
    "JSON": (f'{{"token":"{TOKEN}"}}'.encode(), {"Content-Type": "application/json"}),
}


@pytest.mark.parametrize("table", [TABLE, "anchors", "subscription_info"])
@pytest.mark.parametrize("body, headers", GOOD_BODIES.values(), ids=list(GOOD_BODIES))
def test_a_good_token_in_a_body_lets_no_other_in(strict, start, table, body, headers):
    """Junk in the query string read the cache for an hour."""
    daemon = start(strict.url)
    daemon.ask()
    for _ in range(2):
        post(daemon, question(from_=table, token=JUNK), body, headers)
        reply = daemon.ask(token=JUNK)
        assert reply.status == 403 and reply.headers["X-Status"] == "error"


@pytest.mark.parametrize("alias", ["+token", "token[]", "Token", "TOKEN+", "token%5B"])
def test_a_good_token_by_another_name_lets_no_other_in(strict, start, alias):
    daemon = start(strict.url)
    daemon.ask()
    for table in (TABLE, "anchors", "subscription_info"):
        query = encode(question("rows-6.example", from_=table, token=JUNK))
        check_refused(daemon.get(f"{query}&{alias}={TOKEN}"), 400, "'token'")
        assert daemon.ask(token=JUNK).status == 403
    assert all(record["token"] != JUNK or record["params"]["from"] == "subscription_info"
               for record in strict.requests)


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
