"""The cache stays within its size, and keeps what saves most for its bytes."""

from daemon import OTHER_TOKEN, TOKEN, eventually, question
from wire import Client

MIB = 1024 * 1024
LOG = 8 * MIB  # room for the database's own log, which has a size of its own
CACHED = {"Cache-Control": "only-if-cached"}


def check_disk(daemon, most):
    """The file itself, give or take a tenth, and its log."""
    def within():
        sizes = [file.stat().st_size for file in daemon.state.glob("cache.db*")]
        database = (daemon.state / "cache.db").stat().st_size
        return database <= most * 1.1 and sum(sizes) <= most + LOG
    eventually(within)


def test_the_cache_stays_within_its_size(sim, rowcache):
    daemon = rowcache("cache.max_size=2MiB")
    for number in range(60):
        reply = daemon.ask(f"rows-{500 + number}.example")
        assert reply.miss and len(reply.rows) == 500 + number
    eventually(lambda: daemon.metrics().value("rowcache_cache_bytes") <= 2 * MIB)
    check_disk(daemon, 2 * MIB)
    entries = daemon.metrics().value("rowcache_cache_entries")
    assert 0 < entries < 60
    cached = [number for number in range(60)
              if daemon.ask(f"rows-{500 + number}.example", CACHED).status == 200]
    assert len(cached) == entries
    for number in cached:
        assert len(daemon.ask(f"rows-{500 + number}.example").rows) == 500 + number
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)
    daemon.restart()
    check_disk(daemon, 2 * MIB)
    assert daemon.metrics().value("rowcache_cache_entries") == entries


def test_what_saves_most_for_its_bytes_stays(rowcache):
    daemon = rowcache("cache.max_size=2MiB")
    valuable = [question(f"rows-{n}.example", where="redirect=-1", having="redirect=-1")
                for n in range(1, 6)]
    for query in valuable * 3:
        assert daemon.get(query).rows == []
    big = [question(f"rows-{600 + n}.example") for n in range(40)]
    for query in big:
        assert daemon.get(query).miss
    eventually(lambda: daemon.metrics().value("rowcache_cache_bytes") <= 2 * MIB)
    assert all(daemon.get(query, CACHED).hit for query in valuable)
    assert sum(daemon.get(query, CACHED).hit for query in big) < 40


def test_a_result_that_is_larger_than_the_cache_is_served_all_the_same(sim, rowcache):
    daemon = rowcache("cache.max_size=1MiB")
    daemon.ask()
    query = question("rows-9000.example", limit=9000)
    reply = daemon.get(query)
    with Client(f"127.0.0.1:{sim.port}") as ahrefs:
        assert reply.whole and reply.json == ahrefs.get({**query, "token": OTHER_TOKEN}).json
    eventually(lambda: daemon.metrics().value("rowcache_cache_bytes") <= MIB)
    again = daemon.get(query)
    assert again.whole and again.json == reply.json
    assert daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_a_smaller_size_holds_from_the_next_start_on(rowcache):
    daemon = rowcache()
    for number in range(40):
        daemon.ask(f"rows-{600 + number}.example")
    assert daemon.metrics().value("rowcache_cache_bytes") > MIB
    daemon.restart("cache.max_size=1MiB")
    daemon.ask("rows-5.example")
    eventually(lambda: daemon.metrics().value("rowcache_cache_bytes") <= MIB)
    assert daemon.ask("rows-5.example").hit


def test_what_is_purged_gives_its_room_back(rowcache):
    daemon = rowcache("cache.max_size=2MiB")
    for turn in range(4):
        for number in range(12):
            assert daemon.ask(f"rows-{500 + number}.example").miss
        assert daemon.ctl("cache", "purge", "--all").returncode == 0
    check_disk(daemon, 2 * MIB)
    eventually(lambda: daemon.metrics().value("rowcache_cache_bytes") < MIB)
