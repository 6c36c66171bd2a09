"""Whatever upstream sends: no client takes half for whole, nothing broken is kept, and the
account is never below the bill."""

import re

import pytest

from ahrefs import Simulator
from daemon import TOKEN, arrived, direct, eventually, question, wait_until_held
from wire import encode, talk

STALL = "upstream.stall_timeout=30s"
SMALL = {"target": "rows-20.example", "limit": 50}
SMALL_COST = 10 + 20 * 2
SMALL_MOST = 10 + 50 * 2
BIG = {"target": "rows-2000.example", "limit": 2500}  # about 1.4 MB, 64 KiB of it are held back
BIG_COST = 10 + 2000 * 2
BIG_MOST = 10 + 2500 * 2
MIDDLE = 300000

# Damaged on the way: charged in full. X-Results-Count came, so the cost is known by it.
DAMAGED = [
    ("deep", {}), ("bad_utf8", {}), ("trailing", {}), ("trailing", {"data": "x"}),
    ("twice", {}), ("twice", {"second": "[{}]"}), ("no_refpages", {}),
    ("bad_gzip", {}), ("garbage", {}), ("garbage", {"after": 0}), ("truncate", {}),
    ("truncate", {"after": 0}), ("content_length", {}), ("cut", {}), ("cut", {"after": 0}),
    ("cut", {"reset": True}),
]
STALLED = [("stall", {}), ("stall", {"after": 0}), ("content_length", {"close": False})]
# Charged or not, no count came: it may have cost whatever the limit allows.
SILENT = [
    ("refuse", {"charged": True}), ("refuse", {"charged": True, "reset": True}),
    ("hold", {"charged": True}),
]
# Something else in its place: free.
REFUSED = [
    ("status", {"code": 400}), ("status", {"code": 403}), ("status", {"code": 404}),
    ("status", {"code": 500}), ("status", {"code": 503, "headers": {"Retry-After": "7"}}),
    ("error_first", {}),
]
# Past the bytes that are held back.
LATE = [
    ("cut", {"after": MIDDLE}), ("cut", {"after": MIDDLE, "reset": True}),
    ("truncate", {"after": MIDDLE}), ("garbage", {"after": MIDDLE}),
    ("bad_gzip", {"after": 60000}), ("content_length", {}), ("trailing", {}), ("twice", {}),
    ("count", {}), ("stall", {"after": MIDDLE}),
]


def name(value):
    """Of a fault or of its options, for the list of tests."""
    if isinstance(value, dict):
        return " ".join(f"{key}={option}" for key, option in value.items()) or "plain"
    return value


def check_clean_error(reply, *statuses):
    assert reply.whole and reply.status in statuses, reply
    assert reply.headers["X-Status"] == "error" and "stored" not in reply.cache
    assert list(reply.json) == ["error"] and reply.error


def check_that_it_goes_on(sim, daemon, query, cost):
    """The next request is a miss again, and right, and costs what it costs."""
    before = daemon.account["rows_spent"]
    again = daemon.ask(**query)
    assert again.miss and again.whole
    assert again.json == direct(sim, question(**query)).json
    assert daemon.account["rows_spent"] == before + cost
    assert daemon.ask(**query).hit
    assert daemon.metrics().value("rowcache_cache_entries") == 1


def ask_what_comes_to_a_halt(sim, daemon, clock, query):
    """The answer to a question of which no more comes from upstream: then time passes."""
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question(**query)))
        wait_until_held(sim)
        with clock.flying():
            return client.receive()


@pytest.mark.parametrize("kind, options", DAMAGED, ids=name)
def test_a_damaged_small_answer_is_a_clean_error(sim, rowcache, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    check_clean_error(daemon.ask(**SMALL), 502)
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == SMALL_COST
    eventually(lambda: daemon.outcomes() == {"error": 1})
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


@pytest.mark.parametrize("kind, options", STALLED, ids=name)
def test_a_stalled_small_answer_times_out(sim, driven, clock, kind, options):
    daemon = driven(STALL)
    sim.fault(kind, **options)
    check_clean_error(ask_what_comes_to_a_halt(sim, daemon, clock, SMALL), 504)
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == SMALL_COST
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


@pytest.mark.parametrize("kind, options", SILENT, ids=name)
def test_an_answer_that_is_lost_may_have_cost_the_most(sim, driven, clock, kind, options):
    daemon = driven(STALL)
    sim.fault(kind, times=None, **options)
    if kind == "hold":
        check_clean_error(ask_what_comes_to_a_halt(sim, daemon, clock, SMALL), 504)
    else:
        check_clean_error(daemon.ask(**SMALL), 502)
    sim.clear_faults()
    account = daemon.account
    assert account["rows_unknown"] == account["rows_spent"]
    assert sim.bill(TOKEN) <= account["rows_spent"]
    assert account["rows_spent"] == len(arrived(sim)) * SMALL_MOST
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


@pytest.mark.parametrize("options", [{}, {"reset": True}], ids=name)
def test_what_is_asked_again_on_another_connection_may_have_cost_twice(sim, rowcache, options):
    """A connection that was kept from one request to the next may be lost with the answer to
    the next one, which is charged; whoever asks again pays again."""
    daemon = rowcache()
    assert daemon.ask().miss
    before = daemon.account["rows_spent"]
    sim.fault("refuse", charged=True, **options)
    reply = daemon.ask(**SMALL)
    assert reply.miss and len(arrived(sim)) == 3
    account = daemon.account
    assert account["rows_unknown"] == account["rows_spent"] - before == SMALL_MOST + SMALL_COST
    assert sim.bill(TOKEN) <= account["rows_spent"]
    assert "X-Rows-Spent" not in reply.headers and daemon.request(reply)["state"] == "unknown"
    assert daemon.ask(**SMALL).saved == SMALL_COST, "without the cache it would be asked once"


@pytest.mark.parametrize("options", [{}, {"reset": True}], ids=name)
def test_the_cost_of_a_big_answer_that_was_asked_for_twice_is_not_told_as_known(sim, rowcache,
                                                                                options):
    """It goes out before its end; its X-Results-Count tells the price of one request only."""
    daemon = rowcache()
    assert daemon.ask().miss
    before = daemon.account["rows_spent"]
    sim.fault("refuse", charged=True, **options)
    reply = daemon.ask(**BIG)
    assert reply.miss and reply.whole and "X-Rows-Spent" not in reply.headers
    account = daemon.account
    assert account["rows_unknown"] == account["rows_spent"] - before == BIG_MOST + BIG_COST
    assert daemon.ask(**BIG).saved == BIG_COST


def test_without_a_count_a_broken_answer_may_have_cost_the_most(sim, rowcache):
    daemon = rowcache()
    sim.fault("no_count")
    sim.fault("truncate")
    check_clean_error(daemon.ask(**SMALL), 502)
    assert daemon.account["rows_unknown"] == SMALL_MOST
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


@pytest.mark.parametrize("by", [1, -1, -20, 1000000])
def test_a_count_that_is_wrong_is_a_clean_error(sim, rowcache, by):
    daemon = rowcache()
    sim.fault("count", by=by)
    check_clean_error(daemon.ask(**SMALL), 502)
    account = daemon.account
    assert sim.bill(TOKEN) <= account["rows_spent"] == account["rows_unknown"]
    assert account["rows_spent"] <= 10 + 2 * max(50, 20 + by)
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


@pytest.mark.parametrize("kind, options", [("html", {}), ("long_head", {}), ("refuse", {}),
                                           ("refuse", {"reset": True})], ids=name)
def test_what_cannot_be_read_is_a_clean_error(sim, rowcache, kind, options):
    daemon = rowcache()
    sim.fault(kind, times=None, **options)
    check_clean_error(daemon.ask(**SMALL), 502)
    sim.clear_faults()
    assert sim.bill(TOKEN) <= daemon.account["rows_spent"] <= len(arrived(sim)) * SMALL_MOST
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


@pytest.mark.parametrize("kind, options", REFUSED, ids=name)
def test_a_refusal_is_free(sim, rowcache, kind, options):
    daemon = rowcache()
    body = '{"error":"not today"}'
    relayed = {"body": body} if kind == "status" else {"text": "not today"}
    sim.fault(kind, **options, **relayed)
    reply = daemon.ask(**SMALL)
    code = options.get("code", 200)
    assert reply.status == code and reply.error == "not today"
    if code != 200:
        assert reply.cache.endswith(f"; fwd-status={code}")
        assert reply.headers["Retry-After"] == options.get("headers", {}).get("Retry-After")
    assert "stored" not in reply.cache
    assert daemon.account["rows_spent"] == daemon.account["rows_unknown"] == 0
    assert sim.bill(TOKEN) == 0
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


def test_upstream_throttles(sim, rowcache):
    daemon = rowcache()
    sim.fault("status", code=429, body="slow down", headers={"Retry-After": "7"})
    reply = daemon.ask(**SMALL)
    assert reply.status == 429 and reply.headers["Retry-After"] == "7"
    assert "fwd-status=429" in reply.cache
    assert daemon.account["rows_spent"] == 0
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


def test_a_redirect_is_not_followed(sim, rowcache):
    """It could lead a token anywhere."""
    daemon = rowcache()
    with Simulator() as elsewhere:
        sim.fault("redirect", location=elsewhere.url + "/?token=" + TOKEN)
        reply = daemon.ask(**SMALL)
        assert reply.status == 502 and TOKEN.encode() not in reply.body
        assert elsewhere.requests == []
    check_that_it_goes_on(sim, daemon, SMALL, SMALL_COST)


GONE = "API v2 is discontinued, please use API v3"


@pytest.mark.parametrize("kind, options", [
    ("status", {"code": 410, "body": GONE}), ("error_first", {"text": GONE}),
], ids=["by its status", "by its text"])
def test_an_upstream_that_is_discontinued_is_named(sim, rowcache, kind, options):
    """Once in the log, and in the status until an answer comes."""
    daemon = rowcache()
    assert "discontinued" not in daemon.ctl_text("status")
    sim.fault(kind, times=2, **options)
    for _ in range(2):
        assert b"discontinued" in daemon.ask(**SMALL).body
    daemon.wait_for_log(r"\bwarning upstream key=upstream\.api .*remedy=\"upstream\.api = v3")
    assert "set upstream.api = v3" in daemon.ctl_text("status")
    assert daemon.ask(**SMALL).status == 200
    assert "discontinued" not in daemon.ctl_text("status")
    assert sum("key=upstream.api" in line for line in daemon.log.splitlines()) == 1


@pytest.mark.parametrize("query, cost, most", [
    (SMALL, SMALL_COST, SMALL_MOST), (BIG, BIG_COST, BIG_MOST),
], ids=["small", "big"])
def test_an_error_after_the_results_is_seen(sim, rowcache, query, cost, most):
    daemon = rowcache()
    sim.fault("late_error", text="out of memory")
    reply = daemon.ask(**query)
    assert not reply.whole or reply.status >= 500 or reply.error == "out of memory"
    eventually(lambda: cost <= daemon.account["rows_spent"] <= most)
    check_that_it_goes_on(sim, daemon, query, cost)


# Odd, but whole: what it says is clear, and so is what it costs.
ODD = [
    ("empty_error", {}), ("empty_error", {"last": True}), ("empty_error", {"value": False}),
    ("empty_error", {"value": ""}), ("empty_error", {"value": [], "last": True}),
    ("empty_error", {"value": {}}), ("bom", {}), ("null_refpages", {}),
]


@pytest.mark.parametrize("count", [True, False], ids=["counted", "uncounted"])
@pytest.mark.parametrize("kind, options", ODD, ids=name)
def test_an_odd_answer_that_is_whole_has_a_known_cost_and_is_kept(sim, rowcache, kind, options,
                                                                  count):
    """Each of these was booked as unknown at 201.0 rows, without a limit, and asked for again."""
    daemon = rowcache()
    sim.fault(kind, **options)
    if not count:
        sim.fault("no_count")
    query = {"target": "rows-20.example"}
    reply = daemon.ask(**query)
    assert reply.status == 200 and reply.miss and "X-Status" not in reply.headers
    rows = 0 if kind == "null_refpages" else 20
    assert len(reply.rows or []) == rows and reply.headers["X-Results-Count"] == str(rows)
    account = daemon.account
    assert account["rows_spent"] == sim.bill(TOKEN) == 10 + rows * 2
    assert account["rows_unknown"] == 0
    again = daemon.ask(**query)
    assert again.hit and again.body == reply.body


def test_a_byte_order_mark_is_upstreams_and_stays(sim, rowcache):
    daemon = rowcache()
    sim.fault("bom", times=None)
    for query in (SMALL, BIG):
        expected = direct(sim, question(**query)).body
        assert expected.startswith(b"\xef\xbb\xbf{")
        assert [daemon.ask(**query).body for _ in range(2)] == [expected] * 2


@pytest.mark.parametrize("query", [{"from_": "subscription_info"}, {"from_": "anchors"}])
def test_an_odd_answer_of_another_table_is_an_answer_too(sim, rowcache, query):
    daemon = rowcache()
    sim.fault("empty_error")
    sim.fault("bom")
    sim.fault("no_count")
    reply = daemon.ask(**query)
    assert reply.status == 200 and "X-Status" not in reply.headers
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)
    assert daemon.account["rows_unknown"] == 0


@pytest.mark.parametrize("value", [0, True, "out of memory", [None], {"code": 7}], ids=repr)
def test_an_error_that_says_something_beside_results_is_an_error(sim, rowcache, value):
    """It costs at the most what its results do, whatever was asked for."""
    daemon = rowcache()
    sim.fault("empty_error", value=value)
    sim.fault("no_count")
    reply = daemon.ask("rows-20.example")
    assert reply.status == 200 and reply.headers["X-Status"] == "error"
    assert "stored" not in reply.cache
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == SMALL_COST
    assert daemon.ask("rows-20.example").miss


MORE = {"target": "rows-20.example", "limit": 20}


@pytest.mark.parametrize("query, kind, by, booked, is_known", [
    (MORE, "more", 700, 10 + 2 * 720, True),
    ({**MORE, "output": ""}, "count", 3000, 10 + 2 * 3020, True),
    ({**MORE, "output": "xml"}, "count", 3000, 10 + 2 * 3020, False),
    ({"target": "shop.example", "from_": "anchors", "limit": 3}, "count", 4000, 10 + 10 * 4003,
     True),
    (MORE, "count", 3000, 10 + 2 * 3020, False),
], ids=["results", "output", "xml", "table", "count"])
def test_more_results_than_were_asked_for_are_booked_and_made_known(sim, rowcache, query, kind, by,
                                                                    booked, is_known):
    daemon = rowcache()
    sim.fault(kind, by=by)
    daemon.ask(**query)
    account = daemon.account
    assert account["rows_spent"] == booked >= sim.bill(TOKEN)
    assert account["rows_unknown"] == (0 if is_known else booked)
    daemon.wait_for_log(r"^warning count .*asked=\d+ results=\d+ ")


@pytest.mark.parametrize("count", [True, False], ids=["counted", "uncounted"])
def test_more_results_than_were_asked_for_and_that_cannot_be_read_are_booked_too(sim, rowcache, count):
    daemon = rowcache()
    sim.fault("more", by=700)
    sim.fault("trailing", data="x")
    if not count:
        sim.fault("no_count")
    assert daemon.ask(**MORE).status == 502
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == 10 + 2 * 720


@pytest.mark.parametrize("output", ["", "xml"])
def test_what_no_answer_can_have_reaches_no_account(sim, rowcache, output):
    daemon = rowcache()
    sim.fault("count", by=5_000_000)
    daemon.ask(**{**MORE, "output": output})
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == 10 + 2 * 20


@pytest.mark.parametrize("kind, options", LATE, ids=name)
def test_a_big_answer_that_breaks_is_never_whole(sim, driven, clock, kind, options):
    daemon = driven(STALL)
    sim.fault(kind, **options)
    if kind == "stall":
        reply = ask_what_comes_to_a_halt(sim, daemon, clock, BIG)
    else:
        reply = daemon.ask(**BIG)
    # Where it has broken before the client's turn came, nothing of it is sent at all.
    if reply.status == 200:
        assert not reply.whole and len(reply.body) >= 64 * 1024
    else:
        assert reply.status == (504 if kind == "stall" else 502) and reply.error
    assert sim.bill(TOKEN) == BIG_COST
    cost = BIG_COST + (2 if kind == "count" else 0)
    eventually(lambda: daemon.account["rows_spent"] == daemon.account["rows_unknown"] == cost)
    eventually(lambda: daemon.outcomes() == {"error": 1})
    check_that_it_goes_on(sim, daemon, BIG, BIG_COST)


@pytest.mark.parametrize("kind, options", [("cut", {"after": MIDDLE}), ("trailing", {})], ids=name)
def test_an_old_client_does_not_take_half_for_whole_either(sim, rowcache, kind, options):
    """To whom the end of the connection is the end of the answer, a break must look different."""
    daemon = rowcache()
    sim.fault(kind, **options)
    said = talk(daemon.address, f"GET /?{encode(question(**BIG))} HTTP/1.0\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.[01] 502 ", said) and b'{"error":' in said
    check_that_it_goes_on(sim, daemon, BIG, BIG_COST)


@pytest.mark.parametrize("kind, options", [("deep", {}), ("bad_utf8", {}), ("cut", {}), ("html", {})], ids=name)
def test_a_big_answer_that_breaks_at_once_is_a_clean_error(sim, rowcache, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    check_clean_error(daemon.ask(**BIG), 502)
    assert sim.bill(TOKEN) <= daemon.account["rows_spent"] <= BIG_MOST
    check_that_it_goes_on(sim, daemon, BIG, BIG_COST)


@pytest.mark.parametrize("kind, options", [
    ("slow", {"size": 997, "pause": 0.001}), ("delay", {"seconds": 0.05}),
    ("hold_body", {"after": 10}), ("no_count", {}),
], ids=name)
def test_slow_is_not_broken(sim, rowcache, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question(**SMALL)))
        if kind == "hold_body":
            wait_until_held(sim)
            sim.release()
        reply = client.receive()
    assert reply.miss and len(reply.rows) == 20
    assert daemon.ask(**SMALL).hit
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == SMALL_COST


def test_the_errors_keep_the_form_that_was_asked_for(sim, rowcache):
    daemon = rowcache()
    sim.fault("cut", times=None)
    xml = daemon.ask(**SMALL, output="xml")
    assert xml.status == 502 and xml.headers["X-Status"] == "error"
    assert b"<AhrefsApiResponse><error>" in xml.body.replace(b"\n", b"")
    php = daemon.ask(**SMALL, output="php")
    assert php.status == 502 and php.body.startswith(b'a:1:{s:5:"error";s:')


def test_nobody_listens_upstream(start):
    daemon = start("http://127.0.0.1:1")
    check_clean_error(daemon.ask(**SMALL), 502)
    assert daemon.account["rows_spent"] == 0
    assert daemon.inflight == 0


def test_a_name_that_does_not_resolve_upstream(start):
    daemon = start("http://upstream.invalid/", "upstream.connect_timeout=2s")
    check_clean_error(daemon.ask(**SMALL), 502, 504)
    assert daemon.account["rows_spent"] == 0


def test_many_failures_leave_nothing_behind(sim, rowcache):
    daemon = rowcache()
    before = daemon.open_files
    for kind in ("cut", "garbage", "status", "refuse", "bad_gzip") * 6:
        sim.fault(kind, times=None)
        assert daemon.ask(**SMALL).status != 200
        sim.clear_faults()
    assert daemon.ask(**SMALL).miss
    metrics = daemon.metrics()
    assert metrics.value("rowcache_upstream_inflight") == 0
    assert metrics.value("process_open_fds") <= before + 10
