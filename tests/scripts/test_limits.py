"""Limits on what one client may take: its connections, and its requests."""

import socket

from daemon import eventually
from wire import open_socket, patience

GET = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


def is_served(sock):
    said = b""
    try:
        sock.sendall(GET)
        while not said.endswith(b"}"):
            piece = sock.recv(65536)
            if not piece:
                return False
            said += piece
    except ConnectionError:
        return False
    return said.startswith(b"HTTP/1.1 404 ")


def comes_from(address, daemon):
    """A connection from another address of this machine."""
    host, _, port = daemon.address.rpartition(":")
    return socket.create_connection((host, int(port)), patience(30), source_address=(address, 0))


# Connections of one address


def test_an_address_has_so_many_connections(rowcache):
    daemon = rowcache("server.max_connections_per_address=3")
    held = [open_socket(daemon.address) for _ in range(3)]
    assert all(map(is_served, held))
    for _ in range(20):
        with open_socket(daemon.address) as further:
            assert not is_served(further)
    assert all(map(is_served, held))
    with comes_from("127.0.0.2", daemon) as other:
        assert is_served(other)
    held.pop().close()

    def is_let_in():
        with open_socket(daemon.address) as sock:
            return is_served(sock)

    eventually(is_let_in)
    warned = [line for line in daemon.lines if "warning connections" in line]
    assert len(warned) == 1 and "refused-per-address=1" in warned[0]  # and the rest a minute later
    for sock in held:
        sock.close()


def test_who_has_no_address_does_not_count(rowcache, tmp_path):
    daemon = rowcache("server.max_connections_per_address=1",
                      f"server.listen=unix:{tmp_path}/client")
    held = [open_socket(daemon.address) for _ in range(5)]
    assert all(map(is_served, held))
    for sock in held:
        sock.close()


def test_without_the_limit_one_address_may_have_many(rowcache):
    daemon = rowcache()
    held = [open_socket(daemon.address) for _ in range(50)]
    assert all(map(is_served, held))
    for sock in held:
        sock.close()
