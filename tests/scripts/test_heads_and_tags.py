"""HEAD, which never spends; and ETag, by which a client need not be sent what it has."""

import pytest

from daemon import OTHER_TOKEN, TOKEN, arrived, eventually, question
from wire import REFRESHED, encode, open_socket, read_all

ROWS_5 = 10 + 5 * 2
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


def test_head_begins_no_refresh(sim, rowcache):
    """What is served while it is revalidated is revalidated by the next GET."""
    daemon = rowcache("cache.ttl=1s", "cache.stale_while_revalidate=1h")
    daemon.ask()
    reply = eventually(lambda: (reply := head(daemon)).stale and reply)
    assert reply.status == 200
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
    assert daemon.outcomes() == {"miss": 1, "hit": 1}
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
