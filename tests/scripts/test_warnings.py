"""Where tokens would cross a network in the clear, the log says so; it is not refused, since
something in between may keep them secret."""

import signal
import socket
import sys

import pytest

from test_admin_remote import make_certificate

CLEAR = r"\bwarning (listening|upstream) .*in the clear"


def warnings(daemon):
    return [line for line in daemon.lines if "in the clear" in line]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "127.0.0.1:0,0.0.0.0:0"])
def test_a_listener_for_other_machines_without_tls_is_warned_of(rowcache, address):
    daemon = rowcache(f"server.listen={address}")
    line, = warnings(daemon)
    exposed = daemon.addresses("client")[-1]
    assert line.startswith("warning listening ") and exposed in line and "server.tls_" in line
    assert not exposed.startswith("127.")


def test_a_socket_from_systemd_is_warned_of_too(rowcache):
    with socket.create_server(("0.0.0.0", 0)) as passed:
        script = (f"import os, sys; os.dup2({passed.fileno()}, 3);"
                  "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
                  "os.execv(sys.argv[1], sys.argv[1:])")
        daemon = rowcache(command=lambda line: [sys.executable, "-c", script, *line],
                          pass_fds=[passed.fileno()])
    assert len(warnings(daemon)) == 1


def test_what_stays_on_this_machine_is_not_warned_of(rowcache, tmp_path):
    for address in ("127.0.0.1:0", "127.1.2.3:0", "localhost:0", f"unix:{tmp_path}/client"):
        assert warnings(rowcache(f"server.listen={address}")) == []


def test_with_tls_nothing_is_warned_of(rowcache, tmp_path):
    certificate, key = make_certificate(tmp_path, "first")
    daemon = rowcache("server.listen=0.0.0.0:0", f"server.tls_certificate={certificate}",
                      f"server.tls_key={key}")
    assert warnings(daemon) == []


@pytest.mark.parametrize("url", ["http://apiv2.ahrefs.com/", "HTTP://192.0.2.1:8080/x",
                                 "http://[2001:db8::1]/", "http://localhost.example/",
                                 "http://127.0.0.1.example/"])
def test_an_upstream_without_tls_is_warned_of(rowcache, url):
    line, = warnings(rowcache(upstream=url))
    assert line.startswith("warning upstream ") and "upstream.url" in line and "https" in line


@pytest.mark.parametrize("url", ["https://apiv2.ahrefs.com/", "http://127.0.0.1:1/",
                                 "http://127.0.0.1", "http://localhost/x/y", "http://localhost:80",
                                 "http://[::1]/", "http://[::1]:81/"])
def test_an_upstream_with_tls_or_on_this_machine_is_not_warned_of(rowcache, url):
    assert warnings(rowcache(upstream=url)) == []


def test_a_reload_warns_too(sim, rowcache, tmp_path):
    file = tmp_path / "rowcached.conf"
    file.write_text(f"[upstream]\nurl = {sim.url}\n")
    daemon = rowcache(arguments=["-c", str(file)], upstream=None)
    assert warnings(daemon) == []
    file.write_text("[upstream]\nurl = http://192.0.2.1/\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log(CLEAR)
