"""What one question bought answers others: fewer columns, fewer rows, another order, another form."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from ahrefs import Readings
from daemon import OTHER_TOKEN, TABLE, TOKEN, arrived, direct, eventually, question, wait_until_held
from differential import content
from queries import COLUMNS
from wire import COLLAPSED, REFRESHED, encode, open_socket, patience, read_all, wish

ROWS_40 = 10 + 40 * 2
WHERE = 50
LOST = {"where": 'type="lost"'}


def prices(reply) -> tuple:
    return reply.spent, reply.saved


def test_a_miss_brings_all_columns_and_the_client_gets_its_own(sim, rowcache):
    daemon = rowcache()
    asked = question("rows-40.example", select="url_from,type,domain_rating")
    reply = daemon.get(asked)
    assert reply.miss and reply.spent == ROWS_40
    assert reply.headers["X-Results-Count"] == "40"
    assert reply.json == direct(sim, asked).json
    assert list(reply.rows[0]) == ["type", "domain_rating", "url_from"], "upstream's order"
    sent, _ = arrived(sim)
    assert "select" not in sent["params"]
    assert "ETag" not in reply.headers, "what is stored are other bytes"


def test_other_columns_cost_nothing_more(sim, rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example", select="type,date")
    for select in ("url_from", "type,date", "date,anchor,title", ",".join(COLUMNS)):
        asked = question("rows-40.example", select=select)
        reply = daemon.get(asked)
        assert reply.derived and prices(reply) == (0, ROWS_40)
        assert reply.json == direct(sim, asked).json
    assert daemon.ask("rows-40.example").hit, "all columns are what is stored"
    assert sim.bill(TOKEN) == daemon.account["rows_spent"] == ROWS_40
    eventually(lambda: daemon.outcomes()["derived"] == 4)


@pytest.mark.parametrize("params", [
    LOST,
    {"having": 'type="lost"'},
    {"where": "domain_rating>=50"},
    {"where": 'type="lost",domain_rating<30,nofollow=false'},
    {"limit": 7}, {"limit": 7, "offset": 30}, {"offset": 45},
    {"order_by": "first_seen:desc"}, {"order_by": "last_visited,first_seen", "limit": 5000},
    {"where": "domain_rating>=50", "limit": 3, "select": "domain_rating"},
], ids=str)
def test_a_complete_answer_holds_the_narrower_ones(sim, rowcache, params):
    sim.read_as(Readings())
    daemon = rowcache()
    daemon.ask("rows-40.example")
    asked = question("rows-40.example", **params)
    reply = daemon.get(asked)
    assert reply.derived and reply.spent == 0
    upstream = direct(sim, asked)
    assert reply.json == upstream.json
    assert reply.headers["X-Results-Count"] == upstream.headers["X-Results-Count"]
    assert reply.saved == sim.direct(asked)[2], "what it would have cost"
    assert sim.bill(TOKEN) == ROWS_40


def test_a_part_of_the_rows_holds_only_its_own_beginning(sim, rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example", limit=20)
    assert daemon.ask("rows-40.example", limit=10).derived
    assert daemon.ask("rows-40.example", limit=20, offset=0, select="date").derived
    assert daemon.ask("rows-40.example", limit=10, **LOST).miss
    assert daemon.ask("rows-40.example", limit=21).miss


def test_what_upstream_might_read_otherwise_is_asked(sim, rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    for params in ({"order_by": "domain_rating"}, {"where": 'substring(anchor,"E")'},
                   {"where": "foobar=1"}):
        asked = question("rows-40.example", **params)
        reply = daemon.get(asked)
        assert not reply.derived
        assert reply.json == direct(sim, asked).json
    assert len(arrived(sim)) == 1 + 2 * 3


def test_an_answer_that_was_computed_costs_no_more_the_second_time(sim, rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    first, second = daemon.ask("rows-40.example", **LOST), daemon.ask("rows-40.example", **LOST)
    assert first.derived and second.derived and first.body == second.body
    assert first.headers["ETag"] == second.headers["ETag"]
    same = daemon.ask("rows-40.example", headers={"If-None-Match": first.headers["ETag"]}, **LOST)
    assert same.status == 304 and same.derived
    assert {entry["derived"] for entry in daemon.admin_json("/api/cache")["entries"]} == {False, True}


def test_php_is_made_of_the_same_rows(sim, rowcache):
    daemon = rowcache()
    asked = question("rows-40.example", output="php", select="date,title,nofollow,domain_rating")
    first = daemon.get(asked)
    assert first.miss and first.headers["Content-Type"].startswith("text/plain")
    assert content("php", first.body) == content("php", direct(sim, asked).body)
    second = daemon.get(asked)
    assert second.derived and second.body == first.body
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert daemon.ask("rows-40.example").hit
    assert "output" not in arrived(sim)[0]["params"]
    assert sim.bill(TOKEN) == ROWS_40


def test_an_error_of_upstreams_is_in_the_clients_form(sim, rowcache):
    asked = question("rows-40.example", output="php", order_by="foobar_rating")
    reply = rowcache().get(asked)
    assert content("php", reply.body) == content("php", direct(sim, asked).body)
    assert b"foobar_rating" in reply.body and sim.bill(TOKEN) == 0


def test_two_clients_with_other_columns_share_a_flight(sim, rowcache):
    daemon = rowcache()
    sim.hold()
    with ThreadPoolExecutor() as pool:
        one = pool.submit(daemon.ask, "rows-40.example", select="date,type")
        wait_until_held(sim)
        open_files = daemon.open_files
        two = pool.submit(daemon.ask, "rows-40.example", select="anchor", output="php")
        eventually(lambda: daemon.open_files > open_files)
        time.sleep(patience(0.1))  # its connection is there; now it joins
        sim.release()
        one, two = one.result(), two.result()
    assert one.miss and two.cache == COLLAPSED
    assert list(one.rows[0]) == ["date", "type"]
    assert content("php", two.body) == content("json", direct(
        sim, question("rows-40.example", select="anchor")).body)
    assert sim.bill(TOKEN) == ROWS_40


@pytest.mark.parametrize("options, sent", [
    (["cache.derive=off"], ["date", "type", None]),
    (["cache.widen_select=off"], ["date", "type", None]),
])
def test_switches(sim, rowcache, options, sent):
    daemon = rowcache(*options)
    for select in sent:
        assert daemon.ask("rows-40.example", select=select).miss
        assert daemon.ask("rows-40.example", select=select).hit
    assert [record["params"].get("select") for record in arrived(sim)] == sent


@pytest.mark.parametrize("params", [{"select": "date"}, {"select": "date", "output": "php"}], ids=str)
def test_a_page_that_was_paid_is_not_paid_again_however_many_there_are(sim, rowcache, params):
    daemon = rowcache()
    pages = [question("huge-1000000.example", limit=10, offset=10 * page, **params)
             for page in range(80)]
    assert all(daemon.get(page).miss for page in pages)
    assert all(daemon.get(page).derived for page in pages)
    assert len(arrived(sim)) == len(pages)


def test_many_small_answers_do_not_hide_the_one_that_holds_all(sim, rowcache):
    daemon = rowcache()
    for page in range(80):
        assert daemon.ask("rows-800.example", limit=5, offset=5 * page).miss
    assert daemon.ask("rows-800.example", limit=5000).miss
    assert daemon.ask("rows-800.example", limit=5000, **LOST).derived


# A number that may look otherwise in PHP. Only upstream knows.
UNSURE = '{"refpages":[{"date":"2024-01-01","type":"new","ahrefs_rank":1.5}]}'


def asks_wide(params) -> bool:
    return params.get("from") == TABLE and not params.get("output")


@pytest.mark.parametrize("anew, after", [("no-cache", {}), ("max-age=0", {"minutes": 1}),
                                         ("", {"days": 2})])
def test_a_wider_question_that_was_of_no_use_is_not_paid_again(sim, driven, clock, anew, after):
    daemon = driven()
    sim.fault("body", match=asks_wide, times=None, data=UNSURE)
    asked = question("rows-1.example", output="php")
    assert daemon.get(asked).spent == 2 * (10 + 2), "the wider one, and then its own"
    for _ in range(3):
        clock.go_on(**after)
        reply = daemon.get(asked, wish(anew) if anew else {})
        assert reply.spent == 10 + 2 and reply.body == direct(sim, asked).body
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_where_php_cannot_be_made_of_json_it_is_not_tried_for_each_target(sim, driven, clock):
    daemon = driven("cache.ttl=1h")
    sim.fault("body", match=asks_wide, times=None, data=UNSURE)
    assert daemon.ask("rows-1.example", output="php").spent == 2 * (10 + 2)
    for number in range(3):
        assert daemon.ask(f"rows-1.n{number}.example", output="php").spent == 10 + 2
    assert daemon.ask("rows-1.n9.example", select="date").miss, "JSON is asked wider as before"
    clock.go_on(hours=2)
    assert daemon.ask("rows-1.n5.example", output="php").spent == 2 * (10 + 2), "it is tried again"
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_a_wider_answer_that_is_left_before_its_end_has_an_unknown_cost(sim, rowcache):
    """PHP states its count before the rows. This one is neither announced nor kept."""
    daemon = rowcache("cache.max_size=1MiB")
    sim.fault("no_count", match=asks_wide)
    asked = question("huge-1000000.example", output="php", limit=40000)
    reply = daemon.get(asked)
    assert content("php", reply.body) == content("php", direct(sim, asked).body)
    assert len(arrived(sim)) == 3 and "X-Rows-Spent" not in reply.headers
    eventually(lambda: daemon.account["rows_spent"] == 2 * (10 + 40000 * 2))


def test_the_bounds_of_a_request_hold_for_the_source(driven, clock):
    daemon = driven()
    daemon.ask("rows-40.example")
    clock.go_on(seconds=60)
    reply = daemon.ask("rows-40.example", headers=wish("max-age=60, only-if-cached"), **LOST)
    assert reply.derived and reply.headers["Age"] == "60" and reply.ttl == 86400 - 60
    assert daemon.ask("rows-40.example", headers=wish("max-age=59, only-if-cached"),
                      **LOST).status == 504
    assert daemon.ask("rows-40.example", headers=wish("max-age=59, only-if-cached"),
                      limit=3).status == 504
    assert daemon.ask("rows-40.example", headers=wish("only-if-cached"), limit=3).derived
    clock.go_on(hours=24)
    assert daemon.ask("rows-40.example", headers=wish("only-if-cached"), limit=4).status == 504


def test_who_asks_anew_gets_the_new_and_so_does_everybody_after(sim, rowcache):
    daemon = rowcache()
    old = daemon.ask("rows-40.example", select="date,url_from")
    assert daemon.ask("rows-40.example", select="date,url_from").derived
    sim.change_world()
    new = daemon.ask("rows-40.example", headers=wish("no-cache"), select="date,url_from")
    assert new.cache == "rowcache; fwd=request; stored" and new.json != old.json
    for select in ("date,url_from", "date"):
        reply = daemon.ask("rows-40.example", select=select)
        assert reply.derived and [row["date"] for row in reply.rows] == \
            [row["date"] for row in new.rows]


def test_a_slice_that_was_asked_anew_is_newer_than_the_whole(sim, rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    assert daemon.ask("rows-40.example", **LOST).derived
    sim.change_world()
    new = daemon.ask("rows-40.example", headers=wish("no-cache"), **LOST)
    again = daemon.ask("rows-40.example", **LOST)
    assert again.hit and again.json == new.json


def test_what_is_purged_answers_nothing(rowcache):
    daemon = rowcache()
    for purge in (("--target", "rows-40.example"), ("--all",)):
        daemon.ask("rows-40.example")
        assert daemon.ask("rows-40.example", **LOST).derived
        daemon.ctl_text("cache", "purge", *purge)
        assert daemon.ask("rows-40.example", headers=wish("only-if-cached"), **LOST).status == 504


def test_an_old_source_answers_when_upstream_fails(sim, driven, clock):
    daemon = driven("cache.ttl=1h")
    daemon.ask("rows-40.example")
    clock.go_on(hours=2)
    sim.fault("status", times=None, code=500)
    reply = daemon.ask("rows-40.example", **LOST)
    assert reply.stale and reply.headers["Age"] == "7200"
    assert {row["type"] for row in reply.rows} == {"lost"}
    sim.clear_faults()
    assert daemon.ask("rows-40.example", **LOST).cache == REFRESHED


def test_an_old_source_is_refreshed_behind_the_clients_back(sim, driven, clock):
    daemon = driven("cache.ttl=1h", "cache.stale_while_revalidate=1h")
    daemon.ask("rows-40.example", select="date")
    clock.go_on(minutes=90)
    assert daemon.ask("rows-40.example", select="date").stale
    eventually(lambda: daemon.ask("rows-40.example", select="date").derived)
    assert len(arrived(sim)) == 2


def test_after_a_restart_the_sources_are_still_there(sim, rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    daemon.restart()
    assert daemon.ask("rows-40.example", **LOST).derived


def test_a_stranger_learns_nothing(sim, rowcache):
    daemon = rowcache("access.mode=listed")
    daemon.register("team", TOKEN)
    daemon.ask("rows-40.example")
    assert daemon.ask("rows-40.example", token=OTHER_TOKEN, **LOST).status == 403
    assert daemon.ask("rows-40.example", **LOST).derived
    daemon.ctl_text("token", "revoke", "team")
    assert daemon.ask("rows-40.example", limit=3).status == 403


def test_the_head_alone(rowcache):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    with daemon.client() as client:
        head = client.ask("HEAD", "/?" + encode(question("rows-40.example", limit=3)))
    assert head.status == 200 and head.derived and head.headers["X-Results-Count"] == "3"
    body = daemon.ask("rows-40.example", limit=3)
    assert body.headers["Content-Length"] == head.headers["Content-Length"]


def test_a_large_answer_streams_with_the_columns_asked_for(sim, rowcache):
    daemon = rowcache()
    asked = question("rows-2000.example", limit=2000, select="date,url_from,anchor")
    first, second = daemon.get(asked), daemon.get(asked)
    assert first.miss and second.derived
    assert first.json == second.json == direct(sim, asked).json


PLACES = 32  # DERIVED_PLACES
LONG = {"target": "rows-4000.example", "limit": 9000}


def idle(daemon, number):
    """A client that asks for a long answer, which nobody stores, and reads none of it."""
    sock = open_socket(daemon.address)
    line = f"GET /?{encode(question(**{**LONG, 'limit': 3500 + number}))} HTTP/1.1"
    sock.sendall(f"{line}\r\nHost: x\r\nCache-Control: no-store\r\n\r\n".encode())
    return sock


def test_who_reads_nothing_holds_up_no_short_answer(driven, clock, tmp_path):
    """On a socket that keeps little: an answer of 2 MB is not in the system's memory."""
    daemon = driven(f"server.listen=unix:{tmp_path}/client")
    cost = daemon.ask(**LONG).spent
    with ExitStack() as stay:
        idlers = [stay.enter_context(idle(daemon, number)) for number in range(PLACES)]
        assert all(sock.recv(12) == b"HTTP/1.1 200" for sock in idlers)
        one_more = stay.enter_context(idle(daemon, PLACES))
        for number in range(1, 4):
            assert daemon.ask(**{**LONG, "limit": number}).derived
        with clock.flying():
            assert one_more.recv(12) == b"HTTP/1.1 503"
    assert daemon.ask(**{**LONG, "limit": 3400}).derived
    assert daemon.account["rows_spent"] == cost


# PHP that is made of JSON: whatever happens to the JSON


PHP = {"target": "rows-20.example", "limit": 50, "output": "php"}
PHP_COST = 10 + 20 * 2
BIG_PHP = {"target": "rows-2000.example", "limit": 2500, "output": "php"}
BIG_PHP_COST = 10 + 2000 * 2


def check_that_it_goes_on(sim, daemon, asked, cost):
    before = daemon.account["rows_spent"]
    first, second = daemon.ask(**asked), daemon.ask(**asked)
    assert first.miss and second.derived and first.body == second.body
    assert content("php", first.body) == content("php", direct(sim, question(**asked)).body)
    assert daemon.account["rows_spent"] == before + cost


@pytest.mark.parametrize("kind, options", [
    ("truncate", {}), ("cut", {}), ("cut", {"after": 0}), ("bad_gzip", {}), ("garbage", {}),
    ("trailing", {}), ("count", {"by": 1}), ("count", {"by": -1}),
    ("body", {"data": "a:0:{}"}),
], ids=str)
def test_php_of_a_damaged_answer_is_a_clean_error(sim, rowcache, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    reply = daemon.ask(**PHP)
    assert reply.whole and reply.status == 502 and "stored" not in reply.cache
    assert reply.body.startswith(b'a:1:{s:5:"error";s:')
    assert daemon.account["rows_unknown"] >= sim.bill(TOKEN) == PHP_COST
    check_that_it_goes_on(sim, daemon, PHP, PHP_COST)


@pytest.mark.parametrize("kind, options", [
    ("cut", {"after": 300_000}), ("truncate", {"after": 300_000}), ("garbage", {"after": 300_000}),
    ("trailing", {}), ("count", {}),
], ids=str)
def test_php_of_a_big_answer_that_breaks_is_never_whole(sim, rowcache, kind, options):
    daemon = rowcache()
    sim.fault(kind, **options)
    reply = daemon.ask(**BIG_PHP)
    assert reply.status == 502 or not reply.whole
    eventually(lambda: daemon.account["rows_unknown"] >= sim.bill(TOKEN) == BIG_PHP_COST)
    eventually(lambda: daemon.outcomes() == {"error": 1})
    check_that_it_goes_on(sim, daemon, BIG_PHP, BIG_PHP_COST)


each_size = pytest.mark.parametrize("asked, cost", [(PHP, PHP_COST), (BIG_PHP, BIG_PHP_COST)],
                                    ids=["small", "big"])


@each_size
def test_an_error_after_the_results_is_not_asked_for_again_in_php(sim, rowcache, asked, cost):
    """That may cost a second time: the error is in JSON, or the answer breaks off."""
    daemon = rowcache()
    sim.fault("late_error", text="out of memory")
    reply = daemon.ask(**asked)
    assert not reply.whole or reply.error == "out of memory"
    assert "json" in reply.headers["Content-Type"] or not reply.whole
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == cost
    check_that_it_goes_on(sim, daemon, asked, cost)


@each_size
def test_php_of_an_answer_without_a_number_is_counted(sim, rowcache, asked, cost):
    daemon = rowcache()
    sim.fault("no_count", match={"token": TOKEN})
    check_that_it_goes_on(sim, daemon, asked, cost)
    assert daemon.account["rows_unknown"] == 0


@pytest.mark.parametrize("asked", [PHP, BIG_PHP], ids=["small", "big"])
def test_an_old_client_gets_php_of_json(sim, rowcache, asked):
    daemon = rowcache()
    for _ in range(2):
        with open_socket(daemon.address) as sock:
            sock.sendall(f"GET /?{encode(question(**asked))} HTTP/1.0\r\n\r\n".encode())
            head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0]
        assert content("php", body) == content("php", direct(sim, question(**asked)).body)
    assert sum(record["token"] == TOKEN for record in arrived(sim)) == 1


def test_an_answer_that_repeats_its_token_is_not_kept_in_another_form(sim, rowcache):
    """Nor with other columns."""
    daemon = rowcache()
    row = '{"anchor":"%s","title":"t"}' % TOKEN
    for asked in ({"output": "php"}, {"select": "anchor"}):
        sim.fault("body", data='{"refpages":[%s]}' % row)
        reply = daemon.ask("rows-1.example", **asked)
        assert reply.status == 200 and TOKEN.encode() in reply.body
    assert daemon.metrics().value("rowcache_cache_entries") == 0
