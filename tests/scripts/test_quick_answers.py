"""A request like one that was answered before is answered from memory, without the work of the first. Nobody must see a
difference, and every change must be seen by the next request."""

import gzip
import signal
import threading

import pytest

from daemon import OTHER_TOKEN, TOKEN, eventually, question
from wire import encode

ROWS_5 = 10 + 5 * 2  # in tenths
GZIP = {"Accept-Encoding": "gzip"}


def warm(daemon, **params):
    """Stores the answer, and has it answered from memory from now on."""
    for _ in range(3):
        assert daemon.ask(**params).status == 200


def head(reply, *without):
    return sorted((name, value) for name, value in reply.headers.items()
                  if name not in ("Date", "ETag", *without))


@pytest.mark.parametrize("headers", [{}, GZIP, {"User-Agent": "a", "Accept": "*/*"}], ids=str)
@pytest.mark.parametrize("params", [{}, {"output": "xml"}, {"target": "rows-60.example", "limit": 60},
                                    {"target": "rows-0.example"}], ids=str)
def test_a_quick_answer_is_the_same_to_the_byte(driven, headers, params):
    """With log_requests = all each request goes through all steps."""
    quick, stepwise = driven(), driven("server.log_requests=all")
    for daemon in (quick, stepwise):
        warm(daemon, **params)
    replies = [quick.ask(headers=headers, **params) for _ in range(4)]
    truth = stepwise.ask(headers=headers, **params)
    for reply in replies:
        assert head(reply) == head(truth, "X-Request-Id") and reply.body == truth.body
        assert reply.headers["ETag"] == replies[0].headers["ETag"]


def test_age_and_ttl_move_on(driven, clock):
    daemon = driven("cache.ttl=1h")
    warm(daemon)
    clock.go_on(seconds=7)
    for _ in range(2):
        reply = daemon.ask()
        assert reply.headers["Age"] == "7" and "ttl=3593" in reply.headers["Cache-Status"]
    clock.go_on(hours=1)
    assert "fwd=stale" in daemon.ask().headers["Cache-Status"]


def test_every_hit_is_counted(rowcache):
    daemon = rowcache()
    with daemon.client() as client:
        for _ in range(50):
            assert client.get(question()).status == 200
    eventually(lambda: daemon.outcomes().get("hit") == 49)
    eventually(lambda: (daemon.account["requests"], daemon.account["hits"]) == (50, 49))
    assert daemon.account["rows_saved"] == 49 * ROWS_5
    assert daemon.admin_json("/api/cache")["entries"][0]["hits"] == 49


def test_each_token_is_judged_for_itself(issuing):
    daemon = issuing("access.mode=listed")
    one, two = daemon.issue("one"), daemon.issue("two")
    warm(daemon, token=one)
    assert daemon.ask(token=two).hit
    assert daemon.ask(token=OTHER_TOKEN).status == 403
    eventually(lambda: [daemon.accounts[name]["hits"] for name in ("one", "two")] == [2, 1])


def test_a_revoked_token_is_refused_at_once(rowcache):
    daemon = rowcache()
    daemon.register("tool", TOKEN)
    warm(daemon)
    daemon.ctl_text("token", "revoke", "tool")
    assert daemon.ask().status == 403
    assert daemon.ask(token=OTHER_TOKEN).hit


def test_what_was_purged_is_asked_again(rowcache):
    daemon = rowcache()
    warm(daemon)
    daemon.ctl_text("cache", "purge", "--target", "rows-5.example")
    assert "fwd=uri-miss" in daemon.ask().headers["Cache-Status"]


def test_what_no_cache_has_brought_is_what_all_get(sim, rowcache):
    daemon = rowcache()
    warm(daemon)
    before = daemon.ask().headers["ETag"]
    after = daemon.ask(headers={"Cache-Control": "no-cache"}).headers["ETag"]
    assert before != after
    for _ in range(3):
        reply = daemon.ask()
        assert reply.hit and reply.headers["ETag"] == after


def test_a_reload_holds_for_the_next_request(rowcache, tmp_path):
    file = tmp_path / "rowcached.conf"
    file.write_text("[cache]\nttl = 1h\n")
    daemon = rowcache(arguments=("-c", str(file)))
    warm(daemon)
    assert daemon.ask().hit
    file.write_text("[cache]\nttl = 0\n")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: "fwd=stale" in daemon.ask().headers["Cache-Status"])


def test_wishes_and_conditions_are_heard(rowcache):
    daemon = rowcache()
    warm(daemon)
    tag = daemon.ask().headers["ETag"]
    assert daemon.ask(headers={"If-None-Match": tag}).status == 304
    assert "fwd=request" in daemon.ask(headers={"Cache-Control": "min-fresh=90000"}).headers["Cache-Status"]
    warm(daemon)
    with daemon.client() as client:
        reply = client.ask("HEAD", "/?" + encode(question()))
        assert reply.status == 200 and reply.hit and not reply.body


def test_a_token_in_another_parameter_is_refused_as_ever(rowcache):
    daemon = rowcache()
    warm(daemon)
    assert daemon.ask(token="rows-5.example").status == 400


def test_both_codings_come_from_memory(rowcache):
    daemon = rowcache()
    warm(daemon, target="rows-60.example", limit=60)
    plain = daemon.ask("rows-60.example", limit=60)
    for _ in range(3):
        coded = daemon.ask("rows-60.example", GZIP, limit=60)
        assert gzip.decompress(coded.body) == plain.body
        assert int(coded.headers["Content-Length"]) == len(coded.body)
        assert coded.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'


def test_without_memory_all_comes_from_the_disk(rowcache):
    daemon = rowcache("cache.memory=0")
    warm(daemon)
    assert daemon.ask().hit
    assert daemon.metrics().value("rowcache_memory_entries") == 0


@pytest.mark.concurrent
def test_hits_while_the_result_is_replaced(sim, rowcache):
    """Nobody gets an answer that is older than one that he, or she, has had before."""
    daemon = rowcache()
    warm(daemon)
    wrong, done = [], threading.Event()

    def ask():
        seen, last = [], None
        with daemon.client() as client:
            while not done.is_set():
                tag = client.get(question()).headers["ETag"]
                if tag != last and tag in seen:
                    wrong.append(tag)
                seen, last = [*seen, tag] if tag not in seen else seen, tag

    clients = [threading.Thread(target=ask) for _ in range(6)]
    for client in clients:
        client.start()
    for _ in range(15):
        assert daemon.ask(headers={"Cache-Control": "no-cache"}).status == 200
    done.set()
    for client in clients:
        client.join()
    assert not wrong
