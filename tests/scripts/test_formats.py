"""Answers in XML, and in PHP where upstream is asked for it: paid for once, as they came, or not at
all."""

import pytest

from daemon import QUESTIONS, TOKEN, arrived, direct, eventually, question, wait_until_held
from wire import BYPASS, COLLAPSED, REFRESHED, encode, open_socket, read_all

SMALL = {"target": "rows-20.example", "limit": 50}
SMALL_COST = 10 + 20 * 2
SMALL_MOST = 10 + 50 * 2
BIG = {"target": "rows-2000.example", "limit": 2500}  # far more than is held back
BIG_COST = 10 + 2000 * 2
MIDDLE = 300_000
TYPES = {"xml": "application/xml; charset=utf-8", "php": "text/plain; charset=utf-8"}
SAID = {"xml": b"<error>no rows left</error>", "php": b's:5:"error";s:12:"no rows left";'}


@pytest.fixture
def rowcache(rowcache):
    """Starts daemons that ask upstream for PHP; by default they make it of JSON."""
    return lambda *options, **more: rowcache("cache.derive=off", *options, **more)


each_form = pytest.mark.parametrize("output", ["xml", "php"])


def ask(daemon, output, query=None, headers=None):
    return daemon.ask(headers=headers, output=output, **(query or SMALL))


def is_error(output, reply):
    beginnings = {"xml": b"<AhrefsApiResponse><error>", "php": b'a:1:{s:5:"error";s:'}
    return beginnings[output] in reply.body


def check_clean_error(output, reply, status=502):
    assert reply.whole and reply.status == status, reply
    assert reply.headers["X-Status"] == "error" and "stored" not in reply.cache
    assert reply.headers["Content-Type"] == TYPES[output] and is_error(output, reply)


def check_that_it_goes_on(sim, daemon, output, query=None, cost=SMALL_COST):
    """The next request is a miss again, and right, and costs what it costs."""
    before = daemon.account["rows_spent"]
    reply = ask(daemon, output, query)
    assert reply.miss and reply.whole
    assert reply.body == direct(sim, question(output=output, **(query or SMALL))).body
    assert daemon.account["rows_spent"] == before + cost
    assert ask(daemon, output, query).hit
    assert daemon.metrics().value("rowcache_cache_entries") == 1


# Kept


@each_form
@pytest.mark.parametrize("query, cost", [(SMALL, SMALL_COST), (BIG, BIG_COST)],
                         ids=["small", "big"])
def test_an_answer_is_paid_for_once_and_kept_as_it_came(sim, rowcache, output, query, cost):
    daemon = rowcache()
    expected = direct(sim, question(output=output, **query))
    miss, hit = ask(daemon, output, query), ask(daemon, output, query)
    assert miss.miss and hit.hit and 86000 < hit.ttl <= 86400
    for reply in (miss, hit):
        assert reply.status == 200 and reply.body == expected.body
        assert reply.headers["Content-Type"] == TYPES[output]
        assert reply.headers["X-Results-Count"] == expected.headers["X-Results-Count"]
    assert hit.saved == cost == sim.bill(TOKEN) == daemon.account["rows_spent"]
    assert daemon.account["rows_unknown"] == 0
    sent, = [record for record in arrived(sim) if record["token"] == TOKEN]
    assert sent["params"]["output"] == output


@each_form
def test_an_answer_without_results_is_kept_too(sim, rowcache, output):
    daemon = rowcache()
    query = {"target": "rows-0.example"}
    assert ask(daemon, output, query).miss
    hit = ask(daemon, output, query)
    assert hit.hit and hit.headers["X-Results-Count"] == "0"
    assert sim.bill(TOKEN) == 10


def test_each_form_has_a_result_of_its_own(sim, rowcache):
    daemon = rowcache()
    for output in ("xml", "json"):
        assert ask(daemon, output).miss
        assert ask(daemon, output).hit
    assert sim.bill(TOKEN) == 2 * SMALL_COST
    assert daemon.metrics().value("rowcache_cache_entries") == 2


@pytest.mark.concurrent
@each_form
def test_many_who_ask_the_same_at_once_pay_once(sim, rowcache, output):
    daemon = rowcache()
    query = question(output=output, **SMALL)
    sim.hold(match=QUESTIONS)
    first = daemon.send(query)
    wait_until_held(sim)
    open_files = daemon.open_files
    clients = [first] + [daemon.send(query) for _ in range(10)]
    eventually(lambda: daemon.open_files >= open_files + 10)
    sim.release()
    replies = [client.receive() for client in clients]
    for client in clients:
        client.close()
    assert len({reply.body for reply in replies}) == 1 and all(reply.whole for reply in replies)
    assert replies[0].miss
    assert all(reply.hit or reply.cache == COLLAPSED for reply in replies[1:])
    assert sim.bill(TOKEN) == daemon.account["rows_spent"] == SMALL_COST


@each_form
def test_head_and_tags_are_as_for_json(rowcache, output):
    daemon = rowcache()
    path = "/?" + encode(question(output=output, **SMALL))
    with daemon.client() as client:
        assert client.ask("HEAD", path).status == 504
        miss = client.ask("GET", path)
        head = client.ask("HEAD", path)
        known = client.ask("GET", path, headers={"If-None-Match": miss.headers["ETag"]})
    assert miss.miss and head.hit and head.body == b""
    assert head.headers["Content-Type"] == TYPES[output]
    assert head.headers["Content-Length"] == str(len(miss.body))
    assert head.headers["ETag"] == miss.headers["ETag"]
    assert known.status == 304 and known.body == b""


@each_form
def test_an_old_result_is_better_than_none(sim, driven, clock, output):
    daemon = driven("cache.ttl=1s")
    old = ask(daemon, output).body
    clock.go_on(seconds=2)
    sim.change_world()
    sim.fault("truncate", times=None)
    stale = ask(daemon, output)
    assert stale.status == 200 and stale.stale and stale.body == old
    assert stale.headers["Content-Type"] == TYPES[output]
    sim.clear_faults()
    well = ask(daemon, output)
    assert well.cache == REFRESHED and well.body != old


@each_form
def test_a_purge_takes_it_away(sim, rowcache, output):
    daemon = rowcache()
    assert ask(daemon, output).miss
    assert daemon.ctl("cache", "purge", "--target", SMALL["target"]).returncode == 0
    assert ask(daemon, output).miss
    assert sim.bill(TOKEN) == 2 * SMALL_COST


@each_form
def test_explain_tells_a_hit_from_a_miss(sim, rowcache, output):
    daemon = rowcache()
    query = encode(question(token=None, output=output, **SMALL))
    assert daemon.ctl_json("explain", query)["outcome"] == "miss"
    assert ask(daemon, output).miss
    told = daemon.ctl_json("explain", query)
    assert told["outcome"] == "hit" and told["normal"].endswith(f"&output={output}")
    assert len(arrived(sim)) == 1


@each_form
def test_an_answer_that_repeats_its_token_is_not_kept(sim, rowcache, output):
    daemon = rowcache()
    body = {"xml": f"<AhrefsApiResponse><row>{TOKEN}</row></AhrefsApiResponse>",
            "php": f'a:1:{{s:8:"refpages";a:1:{{i:0;s:{len(TOKEN)}:"{TOKEN}";}}}}'}[output]
    for _ in range(2):
        sim.fault("body", data=body)
        reply = ask(daemon, output, {"target": "rows-1.example"})
        assert reply.status == 200 and reply.body.decode() == body
    assert daemon.metrics().value("rowcache_cache_entries") == 0


@each_form
def test_a_missing_content_type_is_that_of_the_form(sim, rowcache, output):
    daemon = rowcache()
    sim.fault("no_type")
    assert [ask(daemon, output).headers["Content-Type"] for _ in range(2)] == [TYPES[output]] * 2


@each_form
@pytest.mark.parametrize("query", [SMALL, BIG], ids=["small", "big"])
def test_an_old_client_gets_it_too(sim, rowcache, output, query):
    daemon = rowcache()
    for _ in range(2):
        head, _, body = ask_as_of_old(daemon, output, query).partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0]
        assert body == direct(sim, question(output=output, **query)).body
    assert len([record for record in arrived(sim) if record["token"] == TOKEN]) == 1


def ask_as_of_old(daemon, output, query):
    with open_socket(daemon.address) as sock:
        sock.sendall(f"GET /?{encode(question(output=output, **query))} HTTP/1.0\r\n\r\n".encode())
        return read_all(sock)


# Broken


DAMAGED = [
    ("truncate", {}), ("truncate", {"after": 0}), ("cut", {}), ("cut", {"after": 0}),
    ("cut", {"reset": True}), ("bad_gzip", {}), ("garbage", {}), ("garbage", {"after": 0}),
    ("content_length", {}), ("trailing", {}), ("trailing", {"data": "x"}),
    ("body", {"data": '{"refpages":[]}'}), ("body", {"data": "<Other><refpages/></Other>"}),
    ("body", {"data": "a:0:{}"}), ("body", {"data": 's:8:"refpages";'}),
    ("body", {"data": "<AhrefsApiResponse>" + "<a>" * 5000}),
    ("body", {"data": 'a:1:{s:8:"refpages";' + "a:1:{i:0;" * 5000}),
    ("body", {"data": '<!DOCTYPE a [<!ENTITY b "c">]><AhrefsApiResponse>&b;</AhrefsApiResponse>'}),
]


def name(value):
    """Of a fault or of its options, for the list of tests."""
    if isinstance(value, dict):
        return " ".join(f"{key}={option}"[:40] for key, option in value.items()) or "plain"
    return value


@each_form
@pytest.mark.parametrize("kind, options", DAMAGED, ids=name)
def test_a_damaged_answer_is_a_clean_error(sim, rowcache, output, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    check_clean_error(output, ask(daemon, output))
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == SMALL_COST
    eventually(lambda: daemon.outcomes() == {"error": 1})
    check_that_it_goes_on(sim, daemon, output)


@each_form
def test_a_page_is_no_answer(sim, rowcache, output):
    daemon = rowcache()
    for page in ("<!DOCTYPE html><title>Maintenance</title>", "<html><p>Back soon.</p></html>"):
        sim.fault("html", body=page)
        check_clean_error(output, ask(daemon, output))
    assert daemon.account["rows_unknown"] == 2 * SMALL_MOST
    check_that_it_goes_on(sim, daemon, output)


@each_form
@pytest.mark.parametrize("by", [1, -1, -15, -20, 3000])
def test_a_number_that_is_wrong_is_a_clean_error(sim, rowcache, output, by):
    """XML does not tell how many results came in its place, so the most may have."""
    daemon = rowcache()
    sim.fault("count", by=by)
    check_clean_error(output, ask(daemon, output))
    account = daemon.account
    booked = max(20, 20 + by) if output == "php" else max(50, 20 + by)
    assert account["rows_spent"] == account["rows_unknown"] == 10 + 2 * booked >= sim.bill(TOKEN)
    check_that_it_goes_on(sim, daemon, output)


@each_form
@pytest.mark.parametrize("kind, options", [
    ("cut", {"after": MIDDLE}), ("cut", {"after": MIDDLE, "reset": True}),
    ("truncate", {"after": MIDDLE}), ("garbage", {"after": MIDDLE}),
    ("bad_gzip", {"after": 60000}), ("content_length", {}),
    ("trailing", {}), ("count", {}),
], ids=name)
def test_a_big_answer_that_breaks_is_never_whole(sim, rowcache, output, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    reply = ask(daemon, output, BIG)
    # Where it has broken before the client's turn came, nothing of it is sent at all.
    if reply.status == 200:
        assert not reply.whole and len(reply.body) >= 64 * 1024
    else:
        check_clean_error(output, reply)
    eventually(lambda: daemon.account["rows_unknown"] >= sim.bill(TOKEN) == BIG_COST)
    assert daemon.account["rows_spent"] == daemon.account["rows_unknown"]
    eventually(lambda: daemon.outcomes() == {"error": 1})
    check_that_it_goes_on(sim, daemon, output, BIG, BIG_COST)


@each_form
def test_an_old_client_does_not_take_half_for_whole(sim, rowcache, output):
    """The end of the connection is the end of its answer, so it waits for the end of upstream's."""
    daemon = rowcache()
    sim.fault("cut", after=MIDDLE)
    assert ask_as_of_old(daemon, output, BIG).startswith(b"HTTP/1.1 502 ")
    check_that_it_goes_on(sim, daemon, output, BIG, BIG_COST)


def test_xml_that_ends_in_an_error_is_no_result(sim, rowcache):
    daemon = rowcache()
    sim.fault("late_error", text="out of memory")
    reply = ask(daemon, "xml")
    assert reply.status == 200 and reply.headers["X-Status"] == "error"
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == SMALL_COST
    check_that_it_goes_on(sim, daemon, "xml")


# Without X-Results-Count


def test_php_without_a_number_is_counted(sim, rowcache):
    daemon = rowcache()
    sim.fault("no_count")
    miss, hit = ask(daemon, "php"), ask(daemon, "php")
    assert miss.miss and miss.spent == SMALL_COST
    assert hit.hit and hit.headers["X-Results-Count"] == "20" and hit.saved == SMALL_COST


@pytest.mark.parametrize("query, most", [(SMALL, SMALL_MOST), (BIG, 10 + 2500 * 2)],
                         ids=["small", "big"])
def test_xml_without_a_number_is_passed_on_and_not_kept(sim, rowcache, query, most):
    """It is whole, but nobody can say how many results it has, nor what they cost."""
    daemon = rowcache()
    for times in (1, 2):
        sim.fault("no_count")
        reply = ask(daemon, "xml", query)
        assert reply.status == 200 and reply.whole and reply.cache == "rowcache; fwd=uri-miss"
        assert not {"X-Results-Count", "X-Rows-Spent", "ETag"} & set(reply.headers)
        account = daemon.account
        assert account["rows_spent"] == account["rows_unknown"] == times * most
        daemon.wait_for_log(f"^warning store .*{daemon.request(reply)['id']}.* outcome=not-stored")
    assert 2 * most >= sim.bill(TOKEN)
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    assert ask(daemon, "xml", query).miss


def test_xml_without_a_number_and_without_results_is_kept(sim, rowcache):
    daemon = rowcache()
    sim.fault("no_count")
    sim.fault("body", data="<AhrefsApiResponse/>")
    query = {"target": "rows-0.example"}
    miss, hit = ask(daemon, "xml", query), ask(daemon, "xml", query)
    assert miss.miss and miss.spent == 10 == sim.bill(TOKEN)
    assert hit.hit and hit.headers["X-Results-Count"] == "0"


# Errors of upstream


@each_form
@pytest.mark.parametrize("count", [True, False], ids=["counted", "uncounted"])
def test_an_error_is_relayed_and_free(sim, rowcache, output, count):
    daemon = rowcache()
    for _ in range(2):
        if not count:
            sim.fault("no_count")
        reply = ask(daemon, output, {"target": "rows-20.example", "order_by": "foobar_rating"})
        assert reply.status == 200 and reply.headers["X-Status"] == "error"
        assert is_error(output, reply) and b"foobar_rating" in reply.body
        assert reply.headers["Content-Type"] == TYPES[output] and "stored" not in reply.cache
    assert len(arrived(sim)) == 2 and sim.bill(TOKEN) == daemon.account["rows_spent"] == 0
    assert daemon.metrics().value("rowcache_cache_entries") == 0


@each_form
def test_an_error_that_the_head_does_not_tell_is_one_too(sim, rowcache, output):
    daemon = rowcache()
    sim.fault("error_first", text="no rows left")
    reply = ask(daemon, output)
    assert reply.status == 200 and SAID[output] in reply.body and "stored" not in reply.cache
    assert reply.headers["X-Status"] == "error"
    assert sim.bill(TOKEN) == daemon.account["rows_spent"] == 0
    check_that_it_goes_on(sim, daemon, output)


# Other forms


def test_a_form_of_unknown_meaning_is_neither_read_nor_kept(sim, rowcache):
    """`output` without a word: it means JSON to this upstream, but nobody has said so."""
    daemon = rowcache()
    sim.fault("trailing", data="x", times=None)
    query = question(output="", **SMALL)
    for times in (1, 2):
        reply = daemon.get(query)
        assert reply.status == 200 and reply.whole and reply.cache == BYPASS
        assert reply.body == direct(sim, query).body and reply.body.endswith(b"}x")
        assert daemon.account["rows_spent"] == sim.bill(TOKEN) == times * SMALL_COST
    assert daemon.ctl_json("explain", encode(query))["outcome"] == "bypass"
    assert daemon.metrics().value("rowcache_cache_entries") == 0
