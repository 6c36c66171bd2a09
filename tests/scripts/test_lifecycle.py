"""Start, reload, drain, sockets and TLS; and ends that nobody asked for."""

import http.client
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import sys
import tempfile
from pathlib import Path

import pytest

from ahrefs import Simulator
from certificates import make_certificate, name_shown, trust
from daemon import QUESTIONS, TOKEN, amounts, arrived, eventually, question, wait_until_held
from wire import Client, Reply, encode, has_ipv6, open_socket, patience, read_all

ROWS_5 = 10 + 5 * 2
BIG = question("huge-20000.example", limit=20000)  # 12 MB
BIG_COST = 10 + 20000 * 2


@pytest.fixture
def short_path():
    """A directory whose name leaves room in a UNIX socket's path."""
    with tempfile.TemporaryDirectory(prefix="rc") as path:
        yield Path(path)


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(rowcache, number):
    daemon = rowcache()
    daemon.ask()
    assert daemon.stop(number) == 0


def test_it_stops_at_once_with_idle_connections(rowcache):
    daemon = rowcache("server.drain_timeout=1h")
    with daemon.client() as client, open_socket(daemon.address):
        client.get(question())
        assert daemon.stop() == 0


@pytest.mark.concurrent
@pytest.mark.parametrize("query, fault, count", [
    (question(), "hold", 5), (BIG, "hold_body", 20000)], ids=["before its head", "in its body"])
def test_a_miss_under_way_is_finished_before_the_end(sim, rowcache, query, fault, count):
    daemon = rowcache()
    sim.fault(fault)
    with daemon.send(query) as client:
        wait_until_held(sim)
        daemon.signal(signal.SIGTERM)
        eventually(lambda: _refuses(daemon))
        assert daemon.running
        sim.release()
        reply = client.receive()
    assert reply.status == 200 and reply.whole and len(reply.rows) == count
    assert daemon.wait() == 0
    assert amounts(daemon.ctl_json("spend")["total"])["rows_spent"] == sim.bill(TOKEN)
    daemon.start()
    assert daemon.get(query).hit


def _refuses(daemon):
    """True if new questions are refused. It asks nothing that would have to wait."""
    try:
        return daemon.ask(headers={"Cache-Control": "only-if-cached"}).status == 503
    except OSError:
        return True


def test_what_is_paid_for_is_finished_though_its_client_has_left(sim, rowcache):
    daemon = rowcache()
    sim.fault("hold_body")
    daemon.send(question("rows-20.example")).close()
    wait_until_held(sim)
    daemon.signal(signal.SIGTERM)
    eventually(lambda: _refuses(daemon))
    sim.release()
    assert daemon.wait() == 0
    daemon.start()
    assert daemon.ask("rows-20.example").hit


def test_health_says_that_it_is_draining(sim, rowcache):
    daemon = rowcache()
    sim.fault("hold")
    with daemon.send(question()) as client:
        wait_until_held(sim)
        assert daemon.admin("/health").status == 200
        daemon.signal(signal.SIGTERM)
        eventually(lambda: daemon.admin("/health").status == 503)
        sim.release()
        assert client.receive().miss
    assert daemon.wait() == 0


def test_a_drain_ends_some_time_and_leaves_the_account_above_the_bill(sim, driven, clock):
    daemon = driven("server.drain_timeout=1s")
    sim.fault("hold", charged=True)
    with daemon.send(question(limit=50)) as client:
        wait_until_held(sim)
        daemon.signal(signal.SIGTERM)
        with clock.flying():
            assert daemon.wait() == 0
        assert _broken_or_error(client)
    total = amounts(daemon.ctl_json("spend")["total"])
    assert sim.bill(TOKEN) <= total["rows_spent"] == total["rows_unknown"] <= 10 + 50 * 2


def _broken_or_error(client):
    try:
        reply = client.receive()
    except (OSError, http.client.HTTPException):
        return True
    return not reply.whole or reply.status >= 500


@pytest.mark.concurrent
def test_it_stops_while_many_are_asking(sim, rowcache):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    clients = [daemon.send(question(f"rows-{n % 20}.example")) for n in range(60)]
    wait_until_held(sim, 20)
    daemon.signal(signal.SIGTERM)
    eventually(lambda: _refuses(daemon))
    sim.release()
    replies = [client.receive() for client in clients]
    for number, reply in enumerate(replies):
        assert reply.whole and (reply.status == 503 or len(reply.rows) == number % 20)
    assert sum(reply.status == 200 for reply in replies) >= 20
    for client in clients:
        client.close()
    assert daemon.wait() == 0
    assert amounts(daemon.ctl_json("spend")["total"])["rows_spent"] == sim.bill(TOKEN)


# Killed


def kill_and_restart(daemon):
    daemon.kill()
    daemon.start()


def test_what_was_answered_is_on_the_account_whatever_happens(sim, rowcache):
    daemon = rowcache()
    for number in range(5):
        assert daemon.ask(f"rows-{number}.example").miss
        kill_and_restart(daemon)
        account = daemon.account
        assert account["rows_spent"] == sim.bill(TOKEN)
        assert account["rows_unknown"] == 0 and account["misses"] == number + 1


@pytest.mark.parametrize("fault", [
    {"kind": "hold", "charged": True}, {"kind": "hold_body", "after": 64},
], ids=["before its head", "in its body"])
def test_it_may_be_killed_while_it_waits_for_upstream(sim, rowcache, fault):
    daemon = rowcache()
    sim.fault(**fault)
    client = daemon.send(question(limit=50))
    wait_until_held(sim)
    kill_and_restart(daemon)
    client.close()
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == 10 + 50 * 2 >= sim.bill(TOKEN)
    assert daemon.ask(limit=50, headers={"Cache-Control": "only-if-cached"}).status == 504
    assert daemon.ask(limit=50).miss
    assert daemon.account["rows_spent"] == 10 + 50 * 2 + ROWS_5
    assert daemon.account["rows_unknown"] == 10 + 50 * 2


def test_killed_in_the_middle_of_a_big_answer(sim, rowcache):
    daemon = rowcache()
    sim.fault("hold_body", after=6000000)
    client = daemon.send(BIG)
    response = client.head()
    assert len(response.read(1000000)) == 1000000
    wait_until_held(sim)
    kill_and_restart(daemon)
    client.close()
    sim.release()
    assert daemon.get(BIG, {"Cache-Control": "only-if-cached"}).status == 504
    assert daemon.metrics().value("rowcache_cache_entries") == 0
    account = daemon.account
    assert account["rows_spent"] == account["rows_unknown"] == sim.bill(TOKEN) == BIG_COST
    reply = daemon.get(BIG)
    assert reply.miss and len(reply.rows) == 20000
    assert daemon.get(BIG).hit


def test_the_account_can_be_read_after_a_kill(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    sim.fault("hold", charged=True)
    client = daemon.send(question("rows-6.example", limit=6))
    wait_until_held(sim)
    daemon.kill()
    client.close()
    report = daemon.ctl_json("spend")
    assert amounts(report["total"])["rows_spent"] >= ROWS_5
    assert daemon.ctl_json("spend") == report, "looking is not booking"
    daemon.start()
    assert daemon.account["rows_spent"] >= sim.bill(TOKEN) == ROWS_5 + 10 + 6 * 2


# Damage


def test_a_cache_that_is_no_database_is_set_aside(sim, rowcache):
    daemon = rowcache()
    daemon.ask()
    before = daemon.spend()
    assert daemon.stop() == 0
    garbage = os.urandom(20000)
    (daemon.state / "cache.db").write_bytes(garbage)
    daemon.start()
    assert daemon.wait_for_log(r"(warn|error)\w* .*cache\.db")
    assert garbage in [file.read_bytes() for file in daemon.state.iterdir()]
    assert daemon.spend() == before
    assert daemon.ask().miss and daemon.ask().hit


@pytest.mark.parametrize("damage", ["cut", "overwritten", "empty"])
def test_a_cache_that_is_damaged_never_gives_wrong_answers(sim, rowcache, damage):
    daemon = rowcache()
    targets = [f"rows-{100 + n}.example" for n in range(20)]
    rows = [daemon.ask(target).rows for target in targets]
    before = daemon.account["rows_spent"]
    assert daemon.stop() == 0
    file = daemon.state / "cache.db"
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    if damage == "overwritten":
        data[middle:middle + 40000] = os.urandom(40000)
    file.write_bytes({"cut": data[:middle], "overwritten": data, "empty": b""}[damage])
    daemon.start()
    for _ in range(2):
        for target, expected in zip(targets, rows):
            reply = daemon.ask(target)
            assert not reply.whole or reply.status == 200 and reply.rows == expected
    for target, expected in zip(targets, rows):
        reply = daemon.ask(target)
        assert reply.hit and reply.rows == expected
    assert before <= daemon.account["rows_spent"] == sim.bill(TOKEN)


def test_without_the_cache_file_it_begins_anew(rowcache):
    daemon = rowcache()
    daemon.ask()
    assert daemon.stop() == 0
    for file in daemon.state.glob("cache.db*"):
        file.unlink()
    daemon.start()
    assert daemon.ask().miss and daemon.account["misses"] == 2


def test_a_ledger_that_is_damaged_is_not_begun_anew(rowcache):
    """Without its account the daemon must not spend; a person has to look at it."""
    daemon = rowcache()
    daemon.ask()
    assert daemon.stop() == 0
    garbage = os.urandom(20000)
    (daemon.state / "ledger.db").write_bytes(garbage)
    daemon.start(wait=False)
    assert daemon.wait() == 1 and "ledger.db" in daemon.log
    assert (daemon.state / "ledger.db").read_bytes() == garbage


def test_two_daemons_do_not_share_a_state_directory(rowcache):
    first = rowcache()
    second = rowcache(f"state.directory={first.state}", wait=False)
    assert second.wait() == 1 and str(first.state) in second.log
    assert first.ask().miss and first.account["misses"] == 1


def test_when_the_ledger_cannot_be_written_spending_stops_and_hits_go_on(sim, rowcache):
    daemon = rowcache(restore_signals=False)  # so that a full disk is an error and not a signal
    assert daemon.ask().miss
    limits = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    for number in range(3):
        reply = daemon.ask(f"rows-{6 + number}.example")
        assert reply.status == 503 and reply.headers["X-Status"] == "error"
        assert daemon.ask().hit
    assert sim.bill(TOKEN) == ROWS_5
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, limits)
    eventually(lambda: daemon.ask("rows-9.example").status == 200)
    assert daemon.account["rows_spent"] == sim.bill(TOKEN) == ROWS_5 + 10 + 9 * 2


# Reload


def write(file, **sections):
    file.write_text("".join(f"[{name}]\n{lines}\n" for name, lines in sections.items()))


@pytest.fixture
def configuration(tmp_path):
    file = tmp_path / "rowcached.conf"
    write(file, cache="ttl = 24h")
    return file


def time_to_live(client):
    """Of results that are stored now."""
    time_to_live.turn += 1
    query = question(f"rows-1.turn{time_to_live.turn}.example")
    assert client.get(query).status == 200
    return client.get(query).ttl


time_to_live.turn = 0


def test_a_reload_drops_no_connection(rowcache, configuration):
    daemon = rowcache(arguments=["-c", str(configuration)])
    with daemon.client() as client:
        assert time_to_live(client) > 3600
        sock = client.connection.sock
        write(configuration, cache="ttl = 1h")
        daemon.signal(signal.SIGHUP)
        eventually(lambda: time_to_live(client) <= 3600)
        assert client.connection.sock is sock


def test_a_reload_does_not_change_the_api(rowcache, configuration):
    daemon = rowcache(arguments=["-c", str(configuration)])
    write(configuration, cache="ttl = 1h", upstream="api = v3")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(r"\berror reload outcome=refused reason=.*upstream\.api")
    with daemon.client() as client:
        assert time_to_live(client) > 3600


def test_a_request_under_way_outlives_a_reload(sim, rowcache, configuration):
    daemon = rowcache(arguments=["-c", str(configuration)])
    sim.fault("hold", match={"target": "rows-5.example"})
    with daemon.send(question()) as waiting, daemon.client() as client:
        wait_until_held(sim)
        write(configuration, cache="ttl = 1h")
        daemon.signal(signal.SIGHUP)
        eventually(lambda: time_to_live(client) <= 3600)
        sim.release()
        assert waiting.receive().miss


@pytest.mark.parametrize("wrong", ["ttl = soon", "nonsense = 1", "["])
def test_a_reload_of_a_wrong_file_changes_nothing(rowcache, configuration, wrong):
    daemon = rowcache(arguments=["-c", str(configuration)])
    write(configuration, tariff="request = 3", cache=wrong)
    daemon.signal(signal.SIGHUP)
    line = daemon.wait_for_log(rf"(warn|error).*{re.escape(str(configuration))}")
    assert re.search(rf"{re.escape(str(configuration))}:4\b", line)
    assert daemon.ask().spent == ROWS_5
    with daemon.client() as client:
        assert time_to_live(client) > 3600

    write(configuration, cache="ttl = 1h")
    daemon.signal(signal.SIGHUP)
    with daemon.client() as client:
        eventually(lambda: time_to_live(client) <= 3600)


def test_a_reload_without_the_file_changes_nothing(rowcache, configuration):
    daemon = rowcache(arguments=["-c", str(configuration)])
    configuration.unlink()
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(rf"(warn|error).*{re.escape(str(configuration))}")
    assert daemon.ask().miss


def test_a_reload_may_name_another_upstream(sim, rowcache, configuration):
    with Simulator() as other:
        write(configuration, upstream=f"url = {sim.url}")
        daemon = rowcache(arguments=["-c", str(configuration)], upstream=None)
        assert daemon.ask().miss
        write(configuration, upstream=f"url = {other.url}")
        daemon.signal(signal.SIGHUP)
        numbers = iter(range(6, 1000))
        eventually(lambda: daemon.ask(f"rows-{next(numbers)}.example").miss and other.requests)
        assert daemon.ask().hit
        assert daemon.account["rows_spent"] == sim.bill(TOKEN) + other.bill(TOKEN)
        assert daemon.stop() == 0


def test_what_waits_for_the_next_start_is_said(rowcache, configuration):
    daemon = rowcache(arguments=["-c", str(configuration)])
    write(configuration, server="threads = 7")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(r"server\.threads")
    assert daemon.ask().miss


@pytest.mark.concurrent
def test_many_reloads_change_no_answer(rowcache, configuration):
    daemon = rowcache(arguments=["-c", str(configuration)])
    with daemon.client() as client:
        for number in range(100):
            write(configuration, tariff=f"request = {number}", cache="ttl = 1h")
            daemon.signal(signal.SIGHUP)
            reply = client.get(question(f"rows-{number % 50}.example"))
            assert reply.status == 200 and len(reply.rows) == number % 50


# TLS


@pytest.fixture
def tls(tmp_path):
    """A certificate and a key where the daemon will look for them."""
    first = make_certificate(tmp_path, "first")
    files = [str(tmp_path / "chain.pem"), str(tmp_path / "key.pem")]
    for source, place in zip(first, files):
        shutil.copy(source, place)
    return files


def over_tls(tls):
    return [f"server.tls_certificate={tls[0]}", f"server.tls_key={tls[1]}"]


def test_a_client_is_served_over_tls(rowcache, tls):
    daemon = rowcache(*over_tls(tls))
    with daemon.client(trust(tls[0])) as client:
        assert client.get(question()).miss
        assert client.get(question()).hit
        assert client.get(BIG).whole and client.get(BIG).whole
    said = talk_plainly(daemon)
    assert b"refpages" not in said
    with daemon.client(trust(tls[0])) as client:
        assert client.get(question()).hit


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("side", ["client", "admin"])
def test_tls_before_1_2_is_not_spoken(rowcache, tls, side, version):
    daemon = rowcache(*over_tls(tls), f"admin.tls_certificate={tls[0]}", f"admin.tls_key={tls[1]}")
    context = trust(tls[0])
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = context.minimum_version = ssl.TLSVersion[version]
    with open_socket(daemon.addresses(side)[0]) as sock:
        if version in ("TLSv1_2", "TLSv1_3"):
            spoken = context.wrap_socket(sock, server_hostname="localhost").version()
            assert spoken == version.replace("_", ".")
        else:
            with pytest.raises(OSError):
                context.wrap_socket(sock, server_hostname="localhost")


def talk_plainly(daemon):
    with open_socket(daemon.address) as sock:
        sock.sendall(f"GET /?{encode(question())} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return read_all(sock)


def test_a_broken_big_answer_is_not_whole_over_https(sim, rowcache, tls):
    daemon = rowcache(*over_tls(tls))
    sim.fault("cut", after=300000)
    sim.fault("hold_body", after=200000)
    with daemon.client(trust(tls[0])) as client:
        client.send("GET", "/?" + encode(BIG))
        response = client.head()
        sim.release()
        reply = Reply(response)
    assert reply.status == 200 and not reply.whole


def test_a_renewed_certificate_is_shown_after_a_reload(rowcache, tls, tmp_path):
    daemon = rowcache(*over_tls(tls))
    with daemon.client(trust(tls[0])) as old:
        assert old.get(question()).miss
        sock = old.connection.sock
        for source, place in zip(make_certificate(tmp_path, "second"), tls):
            shutil.copy(source, place)
        assert name_shown(daemon.address) == "first"
        daemon.signal(signal.SIGHUP)
        eventually(lambda: name_shown(daemon.address) == "second")
        assert old.get(question()).hit and old.connection.sock is sock
    with daemon.client(trust(tls[0])) as new:
        assert new.get(question()).hit


@pytest.mark.parametrize("damage", ["garbage", "another key", "gone"])
def test_a_certificate_that_cannot_be_used_leaves_the_old_one(rowcache, tls, tmp_path, damage):
    daemon = rowcache(*over_tls(tls))
    if damage == "garbage":
        Path(tls[0]).write_text("not a certificate")
    elif damage == "another key":
        shutil.copy(make_certificate(tmp_path, "second")[1], tls[1])
    else:
        Path(tls[0]).unlink()
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(r"(warn|error).*(tls|certificate|pem)")
    assert name_shown(daemon.address) == "first"


def test_it_does_not_start_with_a_certificate_that_cannot_be_used(rowcache, tls):
    Path(tls[1]).write_text("not a key")
    daemon = rowcache(*over_tls(tls), wait=False)
    assert daemon.wait() == 1 and "server.tls_" in daemon.log


def test_upstream_is_verified(start, tmp_path):
    certificate, key = make_certificate(tmp_path, "ahrefs")
    with Simulator(ssl_files=(certificate, key)) as sim:
        trusting = start(sim.url, f"upstream.ca_file={certificate}")
        assert trusting.ask().miss and trusting.ask().hit
        suspicious = start(sim.url)
        reply = suspicious.ask("rows-6.example")
        assert reply.status == 502 and reply.error
        assert suspicious.account["rows_spent"] == 0
        assert [record["params"]["target"] for record in arrived(sim)] == ["rows-5.example"]
        assert trusting.stop() == suspicious.stop() == 0


# Sockets


def test_requests_on_a_unix_socket_leave_no_warnings(rowcache, short_path):
    """libmicrohttpd complains of each that TCP's options cannot be set; nothing is wrong."""
    daemon = rowcache(f"server.listen=unix:{short_path}/client")
    with daemon.client() as client:
        assert client.get(question()).miss
        assert all(client.get(question()).hit for _ in range(3))
    assert daemon.stop() == 0
    assert not [line for line in daemon.lines if line.startswith("warning")]


def test_both_sides_listen_on_unix_sockets(rowcache, short_path):
    client, admin = f"unix:{short_path}/client", f"unix:{short_path}/admin"
    daemon = rowcache(f"server.listen={client}", f"admin.listen={admin}")
    assert daemon.addresses("client") == [client] and daemon.addresses("admin") == [admin]
    assert daemon.ask().miss and daemon.ask().hit
    assert daemon.admin("/health").status == 200
    assert daemon.ctl_json("status")["entries"] == 1
    kill_and_restart(daemon)
    assert daemon.ask().status == 200, "a socket left over is no obstacle"
    assert daemon.stop() == 0
    assert list(short_path.iterdir()) == [], "and none is left over by a stop"


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6")
def test_it_listens_on_ipv6(rowcache):
    daemon = rowcache("server.listen=[::1]:0", "admin.listen=[::1]:0")
    assert daemon.address.startswith("[::1]:")
    assert daemon.ask().miss and daemon.admin("/health").status == 200
    assert daemon.ctl_json("status")["entries"] == 1


def test_it_listens_on_several_addresses(rowcache, short_path):
    daemon = rowcache(f"server.listen=127.0.0.1:0, unix:{short_path}/client,127.0.0.1:0")
    addresses = daemon.addresses("client")
    assert len(set(addresses)) == 3
    for address, outcome in zip(addresses, ("miss", "hit", "hit")):
        with Client(address) as client:
            assert getattr(client.get(question()), outcome)


def test_a_socket_from_systemd_wins(rowcache, short_path):
    for name in ("", "client", "rowcached.socket"):
        with socket.create_server(("127.0.0.1", 0)) as passed:
            daemon = rowcache(f"server.listen=unix:{short_path}/not-this",
                              command=with_socket(passed, name), pass_fds=[passed.fileno()])
            address = "127.0.0.1:{}".format(passed.getsockname()[1])
        assert daemon.addresses("client") == [address]
        assert daemon.ask().miss and daemon.ask().hit
        assert not list(short_path.iterdir())
        assert daemon.stop() == 0


def with_socket(passed, name):
    """Starts a daemon as systemd does when it hands over a socket."""
    script = (
        "import os, sys\n"
        f"os.dup2({passed.fileno()}, 3)\n"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
        f"if {name!r}: os.environ['LISTEN_FDNAMES'] = {name!r}\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    return lambda line: [sys.executable, "-c", script, *line]


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="there is no systemd")
def test_the_first_connection_starts_it(rowcache, short_path):
    path = f"{short_path}/client"
    activate = ["systemd-socket-activate", "-l", path]
    daemon = rowcache(wait=False, command=lambda line: [*activate, *line])
    daemon.wait_for_log("Listening on", 30)
    with Client("unix:" + path) as client:
        assert client.get(question()).miss
        daemon.wait_for_log(r"\binfo ready\b")  # the answer may be here before the log is read
        assert daemon.addresses("client") == ["unix:" + path]
        assert client.get(question()).hit
    assert daemon.stop() == 0


def test_systemd_is_told_when_it_is_ready(rowcache, short_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(f"{short_path}/notify")
        notify.settimeout(patience(10))
        rowcache(env={**os.environ, "NOTIFY_SOCKET": f"{short_path}/notify"})
        said = b""
        while b"READY=1" not in said:
            said = notify.recv(4096)
