"""HEAD, which never spends; and ETag, by which a client need not be sent what it has."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemon import OTHER_TOKEN, TOKEN, arrived, eventually, question
from wire import REFRESHED, encode, open_socket, read_all, talk

ROWS_5 = 10 + 5 * 2
FIRST_STORE = Path(__file__).parents[2] / "sql" / "cache" / "001_entries.sql"
FIRST_COLUMNS = ("id, key, state, normal, target, results, body_length, stored_bytes, cost, "
                 "answered_at, hits, content_type")
MOVING = ("Date", "Age", "Cache-Status", "X-Request-Id")  # what differs from answer to answer


def ask(daemon, method, query=None, headers=None):
    with daemon.client() as client:
        return client.ask(method, "/?" + encode(query or question()), headers=headers)


def head(daemon, headers=None, **params):
    return ask(daemon, "HEAD", question(**params), headers)


def steady(reply) -> dict:
    """Its headers but for those that differ from answer to answer."""
    return {name: value for name, value in reply.headers.items() if name not in MOVING}


# HEAD


def test_head_has_the_headers_of_get_and_no_body(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    get, reply = daemon.ask(), head(daemon)
    assert reply.status == 200 and reply.body == b"" and reply.hit
    assert steady(reply) == steady(get)
    assert reply.headers["Content-Length"] == str(len(get.body))
    assert {"Age", "X-Rows-Spent", "X-Rows-Saved"} <= set(reply.headers)
    assert sim.bill(TOKEN) == ROWS_5


def test_nothing_follows_a_head_on_its_connection(rowcache):
    daemon = rowcache()
    daemon.ask()
    line = f"/?{encode(question())} HTTP/1.1\r\nHost: x\r\n"
    with open_socket(daemon.address) as sock:
        sock.sendall(f"HEAD {line}\r\nHEAD /nothing{line}\r\n"
                     f"GET {line}Connection: close\r\n\r\n".encode())
        said = read_all(sock)
    assert [part[:3] for part in said.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]
    assert said.count(b"refpages") == 1 and said.count(b"there is nothing") == 0


@pytest.mark.parametrize("params", [
    {}, {"output": "xml"}, {"output": "php"}, {"from_": "anchors"},
    {"from_": "subscription_info", "target": None, "mode": None},
], ids=str)
def test_head_never_asks_upstream(sim, rowcache, params):
    """Where GET would ask, it is answered as with only-if-cached."""
    daemon = rowcache("access.mode=open")
    reply = head(daemon, **params)
    assert reply.status == 504 and reply.headers["X-Status"] == "error" and reply.body == b""
    get = ask(daemon, "GET", question(**params), {"Cache-Control": "only-if-cached"})
    assert get.status == 504 and steady(get) == steady(reply)
    assert sim.requests == [] and daemon.account["rows_spent"] == 0


@pytest.mark.parametrize("wish", ["no-cache", "max-age=0, no-cache", "no-cache, max-stale"])
def test_head_with_no_cache_asks_nobody_either(sim, rowcache, wish):
    daemon = rowcache()
    daemon.ask()
    assert head(daemon, {"Cache-Control": wish}).status == 504
    assert len(arrived(sim)) == 1


def test_head_begins_no_refresh(sim, driven, clock):
    """What is served while it is revalidated is revalidated by the next GET."""
    daemon = driven("cache.ttl=1s", "cache.stale_while_revalidate=1h")
    daemon.ask()
    clock.go_on(seconds=1)
    reply = head(daemon)
    assert reply.stale and reply.status == 200
    assert len(arrived(sim)) == 1
    assert daemon.ask().stale
    sim.wait_for(lambda sim: len(arrived(sim)) == 2)


def test_head_of_what_is_too_old_is_not_answered(sim, rowcache):
    daemon = rowcache("cache.ttl=0s")
    daemon.ask()
    assert head(daemon).status == 504
    assert daemon.ask().cache == REFRESHED and len(arrived(sim)) == 2


@pytest.mark.parametrize("query, status", [
    (question(mode=None), 400), (question(token=None), 401), (question(limit="ten"), 400),
])
def test_errors_have_the_same_head(rowcache, query, status):
    daemon = rowcache()
    get, reply = ask(daemon, "GET", query), ask(daemon, "HEAD", query)
    assert get.status == reply.status == status and reply.body == b""
    assert steady(get) == steady(reply) and get.error
    assert reply.headers["Content-Length"] == str(len(get.body))


def test_a_token_that_is_not_known_is_verified_for_a_head_too(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    assert head(daemon, token=OTHER_TOKEN).hit
    assert head(daemon, token="JUNK").status == 403
    assert sim.bills() == {TOKEN: ROWS_5}


def test_a_head_saves_nothing(sim, rowcache):
    """It would not have spent anything without the cache either; nor does it keep a result stored."""
    daemon = rowcache()
    daemon.ask()
    assert head(daemon).hit
    eventually(lambda: daemon.account["hits"] == 1)
    assert daemon.account["rows_saved"] == 0 and daemon.account["rows_spent"] == ROWS_5
    eventually(lambda: daemon.outcomes() == {"miss": 1, "hit": 1})
    entry, = daemon.admin_json("/api/cache")["entries"]
    assert entry["hits"] == 0 and entry["saved"] == "0.0"
    daemon.ask()
    eventually(lambda: daemon.account["hits"] == 2)
    assert daemon.account["rows_saved"] == ROWS_5


# Allow


def test_405_names_the_methods_that_there_are(rowcache):
    daemon = rowcache()
    assert ask(daemon, "DELETE").headers["Allow"] == "GET, HEAD, POST"
    for path, methods in {"/health": "GET, HEAD", "/api/correction": "GET, HEAD, POST",
                          "/api/cache": "GET, HEAD, DELETE", "/api/token/add": "POST"}.items():
        reply = daemon.admin(path, method="PUT")
        assert reply.status == 405 and reply.headers["Allow"] == methods
        for method in ("GET", "HEAD", "POST", "DELETE"):
            assert (daemon.admin(path, method=method).status == 405) != (method in methods)


# ETag and If-None-Match


def known(daemon, tag, method="GET", headers=None, **params):
    """A question of a client that has what `tag` stands for."""
    return ask(daemon, method, question(**params), {"If-None-Match": tag, **(headers or {})})


def test_a_stored_answer_has_a_strong_tag(sim, rowcache):
    daemon = rowcache()
    miss, hit = daemon.ask(), daemon.ask()
    assert re.fullmatch(r'"[!#-~]+"', hit.headers["ETag"])
    assert miss.miss and miss.headers["ETag"] == hit.headers["ETag"]
    assert head(daemon).headers["ETag"] == hit.headers["ETag"]
    assert daemon.ask(token=OTHER_TOKEN).headers["ETag"] == hit.headers["ETag"]
    daemon.restart()
    assert daemon.ask().headers["ETag"] == hit.headers["ETag"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("form", ["TAG", "W/TAG", "*", '"other", TAG', ' "a,b" ,W/"c",\tTAG ,'])
def test_what_a_client_has_is_not_sent_again(sim, rowcache, form, method):
    daemon = rowcache()
    full = daemon.ask()
    reply = known(daemon, form.replace("TAG", full.headers["ETag"]), method)
    assert reply.status == 304 and reply.body == b"" and reply.hit
    assert reply.headers["ETag"] == full.headers["ETag"] and reply.headers["Date"]
    assert reply.headers["Age"] and "Content-Type" not in reply.headers
    assert reply.headers.get("Content-Length", str(len(full.body))) == str(len(full.body))
    assert "Transfer-Encoding" not in reply.headers
    assert reply.spent == 0 and reply.saved == ROWS_5
    assert sim.bill(TOKEN) == ROWS_5


def test_two_lines_of_tags_are_one_list(rowcache):
    daemon = rowcache()
    tag = daemon.ask().headers["ETag"]
    said = talk(daemon.address, (
        f'GET /?{encode(question())} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
        f'If-None-Match: "a"\r\nIf-None-Match: {tag}\r\n\r\n').encode())
    assert said.startswith(b"HTTP/1.1 304 ") and said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("form", ['"other"', "", "UNQUOTED", '"TAG-gzip"', "junk", '"*"', "W/*"])
def test_what_a_client_has_not_is_sent(rowcache, form):
    daemon = rowcache()
    tag = daemon.ask().headers["ETag"].strip('"')
    reply = known(daemon, form.replace("UNQUOTED", tag).replace("TAG", tag))
    assert reply.status == 200 and reply.hit and len(reply.rows) == 5


def test_a_hit_that_is_not_sent_saves_what_it_would_have_cost(rowcache):
    """Upstream knows no conditions: without the cache the client would have paid for all of it."""
    daemon = rowcache("server.log_requests=all")
    tag = daemon.ask().headers["ETag"]
    reply = known(daemon, tag)
    assert reply.status == 304
    eventually(lambda: daemon.account["hits"] == 1)
    assert daemon.account["rows_saved"] == ROWS_5
    eventually(lambda: daemon.outcomes() == {"miss": 1, "hit": 1})
    assert daemon.admin_json("/api/cache")["entries"][0]["hits"] == 1
    eventually(lambda: daemon.request(reply)["outcome"] == "hit")
    assert daemon.request(reply)["status"] == 304


def test_a_post_is_answered_in_full(rowcache):
    """304 is an answer to GET and HEAD alone."""
    daemon = rowcache()
    tag = daemon.ask().headers["ETag"]
    with daemon.client() as client:
        reply = client.post(question(), {"If-None-Match": tag})
    assert reply.status == 200 and reply.hit and reply.headers["ETag"] == tag


def test_another_answer_has_another_tag(sim, rowcache):
    daemon = rowcache()
    old = daemon.ask()
    assert daemon.ask("rows-6.example").headers["ETag"] != old.headers["ETag"]
    sim.change_world()
    reply = known(daemon, old.headers["ETag"], headers={"Cache-Control": "no-cache"})
    assert reply.status == 200 and reply.rows != old.rows
    assert reply.headers["ETag"] != old.headers["ETag"]
    assert known(daemon, old.headers["ETag"]).status == 200
    assert known(daemon, reply.headers["ETag"]).status == 304


def test_a_tag_is_no_answer_before_the_answer_is_known(sim, driven, clock):
    """A miss is asked upstream, and answered in full, whatever the client has."""
    daemon = driven("cache.ttl=1s")
    for tag in ("*", '"a"'):
        assert known(daemon, tag, target=f"rows-{len(tag)}.example").status == 200
    old = daemon.ask()
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
    reply = known(daemon, old.headers["ETag"])
    assert reply.status == 200 and reply.cache == REFRESHED
    assert known(daemon, old.headers["ETag"], "HEAD").status in (200, 504)


def test_a_stale_answer_that_may_be_served_need_not_be_sent(sim, driven, clock):
    daemon = driven("cache.ttl=1s")
    old = daemon.ask()
    clock.go_on(seconds=1)
    assert daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 504
    reply = known(daemon, old.headers["ETag"], headers={"Cache-Control": "max-stale"})
    assert reply.status == 304 and reply.stale
    sim.fault("status", times=None, code=500)
    reply = known(daemon, old.headers["ETag"])
    assert reply.status == 304 and reply.stale


def test_a_new_store_has_new_tags(sim, rowcache):
    """Its ids begin anew, and its answers may be others."""
    daemon = rowcache()
    tag = daemon.ask().headers["ETag"]
    assert daemon.stop() == 0
    for file in daemon.state.glob("cache.*"):
        file.unlink()
    sim.change_world()
    daemon.start()
    reply = known(daemon, tag)
    assert reply.miss and reply.headers["ETag"] != tag
    assert known(daemon, tag).status == 200


def test_what_was_stored_before_there_were_tags_has_one(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    assert daemon.stop() == 0
    make_old(daemon.state / "cache.db")
    daemon.start()
    reply = daemon.ask()
    assert reply.hit and known(daemon, reply.headers["ETag"]).status == 304
    assert sim.bill(TOKEN) == ROWS_5


def make_old(file):
    """Keeps of the stored results what the first version of the file had of them."""
    with closing(sqlite3.connect(file)) as cache:
        cache.executescript(f"""
            CREATE TEMP TABLE kept AS SELECT {FIRST_COLUMNS} FROM entry;
            CREATE TEMP TABLE kept_chunk AS SELECT * FROM chunk;
            DROP TABLE entry;
            DROP TABLE chunk;
            {FIRST_STORE.read_text()}
            INSERT INTO entry ({FIRST_COLUMNS}) SELECT * FROM kept;
            INSERT INTO chunk SELECT * FROM kept_chunk;
            PRAGMA user_version = 1;
        """)


@pytest.mark.parametrize("params, headers", [
    ({"output": ""}, {}), ({"from_": "anchors"}, {}), ({}, {"Cache-Control": "no-store"}),
    ({"mode": None}, {}),
], ids=str)
def test_what_is_not_stored_has_no_tag(rowcache, params, headers):
    daemon = rowcache()
    assert "ETag" not in daemon.ask(headers=headers, **params).headers
    assert known(daemon, "*", headers=headers, **params).status != 304


def test_a_refusal_of_upstream_has_no_tag(sim, rowcache):
    daemon = rowcache()
    sim.fault("error_first", text="no rows left")
    reply = daemon.ask()
    assert reply.error == "no rows left" and "ETag" not in reply.headers


@pytest.mark.heavy
def test_a_big_answer_has_its_tag_from_the_beginning(rowcache):
    daemon = rowcache()
    with daemon.client() as client:
        client.send("GET", "/?" + encode(question("rows-20000.example", limit=20000)))
        response = client.head()
        tag = response.headers["ETag"]
        assert response.headers["Transfer-Encoding"] == "chunked" and tag
        response.read()
    eventually(lambda: known(daemon, tag, target="rows-20000.example", limit=20000).status == 304)
