"""What a client is told of a failure: which kind it is, and nothing of the machine; the rest is for
whoever reads the log."""

import resource
import socket
from contextlib import closing

import pytest

from ahrefs import Simulator
from daemon import eventually
from test_lifecycle import make_certificate

GARBAGE = b"SSH-2.0-OpenSSH_9.2\r\n"


def check_reply(daemon, reply, *insides):
    """Its words are the same whatever the machine is called."""
    told = reply.error + str(reply.headers)
    for inside in (str(daemon.state), "127.0.0.1", "localhost", "ledger.db", ".pem", *insides):
        assert inside not in told, told
    for word in ("curl", "SSL", "port ", "errno", "gnutls"):
        assert word not in reply.error, told


def unused_port():
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_nobody_listens_upstream(start):
    port = unused_port()
    daemon = start(f"http://127.0.0.1:{port}/", "access.mode=open")
    reply = daemon.ask()
    assert reply.status == 502 and "connection" in reply.error
    check_reply(daemon, reply, str(port))
    assert daemon.wait_for_log(rf"warning upstream .*{port}")


def test_upstreams_name_is_not_known(start):
    daemon = start("http://ahrefs.invalid/", "access.mode=open")
    reply = daemon.ask()
    assert reply.status == 502 and "name" in reply.error
    check_reply(daemon, reply, "ahrefs.invalid")
    daemon.wait_for_log(r"warning upstream .*ahrefs\.invalid")


def test_upstreams_certificate_is_not_accepted(start, tmp_path):
    certificate, key = make_certificate(tmp_path, "ahrefs")
    with Simulator(ssl_files=(certificate, key)) as sim:
        daemon = start(sim.url, "access.mode=open")
        reply = daemon.ask()
        assert reply.status == 502 and "certificate" in reply.error
        check_reply(daemon, reply)
        daemon.wait_for_log(r"warning upstream .*certificate")
        assert daemon.stop() == 0


@pytest.mark.parametrize("kind, word", [("cut", "broke"), ("bad_gzip", "encoding"),
                                        ("refuse", "closed")])
def test_an_answer_that_breaks_off_is_named(sim, rowcache, kind, word):
    daemon = rowcache("access.mode=open")
    sim.fault(kind)
    reply = daemon.ask()
    assert reply.status == 502 and word in reply.error
    check_reply(daemon, reply)
    daemon.wait_for_log("warning upstream .*detail=")


def test_an_upstream_that_speaks_no_http_is_named(start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        daemon = start("http://127.0.0.1:{}/".format(server.getsockname()[1]), "access.mode=open")
        with daemon.client() as client:
            client.send("GET", "/?token=" + "c0ffee00" * 5
                        + "&from=backlinks_new_lost&target=a.example&mode=domain")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(GARBAGE)
            reply = client.receive()
    assert reply.status == 502 and "HTTP" in reply.error
    check_reply(daemon, reply)


def test_the_ledger_cannot_be_written(rowcache):
    daemon = rowcache(restore_signals=False)
    assert daemon.ask().miss
    limits = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    reply = daemon.ask("rows-6.example")
    assert reply.status == 503 and "ledger" in reply.error
    check_reply(daemon, reply, "disk")
    daemon.wait_for_log(r"error ledger_broken .*ledger\.db")
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, limits)
    eventually(lambda: daemon.ask("rows-6.example").status == 200)
