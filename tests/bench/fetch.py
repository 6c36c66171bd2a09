"""A client that takes time: several requests at once on connections of their own, in one loop."""

import select
import socket
import time

_STEP = 1 << 20
_ACCEPTED = 0.002  # seconds after which a connection is the server's, so that this is not measured
_buffer = bytearray(_STEP)


class Fetched:
    """One answer. Times are seconds from the moment at which the request was sent."""

    def __init__(self, first, end, size, head, tail):
        self.first, self.end, self.size, self.head, self.tail = first, end, size, head, tail

    @property
    def sound(self):
        """A whole 200 of the upstream's: its last row is there."""
        return self.head.startswith(b"HTTP/1.1 200") and self.tail.rstrip(b"\r\n0").endswith(b"]}")


class _Running:
    def __init__(self, port, request, small_window):
        self.sock = socket.socket()
        if small_window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STEP)
        self.sock.connect(("127.0.0.1", port))
        self.size, self.head, self.tail = 0, b"", b""
        self.first = self.end = None
        self.request = request

    def send(self):
        self.began = time.perf_counter()
        self.sock.sendall(self.request)

    def read(self):
        """Takes what is there; False after the end."""
        try:
            count = self.sock.recv_into(_buffer)
        except ConnectionError:
            count = 0
        now = time.perf_counter() - self.began
        if count == 0:
            self.end = now
            self.sock.close()
            return False
        if self.first is None:
            self.first = now
        if len(self.head) < 1024:
            self.head += bytes(_buffer[:1024])[:count]
        self.tail = (self.tail + bytes(_buffer[max(0, count - 16):count]))[-16:]
        self.size += count
        return True

    def result(self):
        return Fetched(self.first or self.end, self.end, self.size, self.head, self.tail)


def request_of(port, path, headers=()):
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def fetch_all(port, paths, headers=(), pace=None):
    """Asks for all paths at once, and reads each answer to its end. `pace` is bytes a second at which
    one answer is read, in steps of a MiB."""
    running = [_Running(port, request_of(port, path, headers), bool(pace)) for path in paths]
    poll = select.epoll()
    by_file = {one.sock.fileno(): one for one in running}
    for file in by_file:
        poll.register(file, select.EPOLLIN)
    time.sleep(_ACCEPTED)
    for one in running:
        one.send()
    while by_file:
        for file, _ in poll.poll():
            one = by_file[file]
            if not one.read():
                del by_file[file]
            elif pace:
                time.sleep(max(0, one.began + one.size / pace - time.perf_counter()))
    poll.close()
    return [one.result() for one in running]


def fetch(port, path, headers=(), pace=None):
    return fetch_all(port, [path], headers, pace)[0]
