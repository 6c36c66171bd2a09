"""What the clients of soak.py ask and do, and what they find wrong with the answers."""

import gzip
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from random import Random

from daemon import TOKEN, question
from wire import encode, open_socket, talk

TARGETS, MOST_ROWS = 200, 300
POPULAR = 60  # questions that are asked again and again
RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: closing sends a reset


def rows_in(target):
    return int(target.partition(".")[0].removeprefix("rows-"))


class Clients:
    def __init__(self, daemon, tokens):
        self.daemon, self.tokens = daemon, tokens
        self.asked, self.wrong = Counter(), []
        self.over = threading.Event()

    def begin(self, random, count):
        """Threads that ask until `over` is set."""
        self.over.clear()
        threads = [threading.Thread(target=self._client, args=(random.random(),))
                   for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def _client(self, seed):
        random = Random(seed)
        while not self.over.is_set():
            kind = random.choice(self.KINDS)
            try:
                outcome = kind(self, random)
            except (OSError, http.client.HTTPException, IndexError):  # no address: not up yet
                outcome = "broke off"
                self.over.wait(0.05)  # the daemon may be down
            self.asked[f"{kind.__name__}: {outcome}"] += 1

    def question(self, random, **more):
        number = random.randrange(POPULAR if random.random() < 0.7 else TARGETS * MOST_ROWS)
        target = f"rows-{number * 7 % MOST_ROWS}.n{number // MOST_ROWS}.example"
        token = random.choice(list(self.tokens.values()))
        return target, question(target, **{"token": token, "limit": MOST_ROWS, **more})

    def check(self, target, reply, most=MOST_ROWS):
        """Half an answer, and an error, are said to be that; all else is right."""
        if reply.status == 200 and reply.whole and "error" not in reply.json:
            if len(reply.rows) != min(rows_in(target), most):
                self.wrong.append((target, repr(reply)))
        return reply.cache.split(";")[1].split("=")[0].strip() if reply.cache else reply.status

    # Answers

    def ask(self, random):
        target, asked = self.question(random)
        return self.check(target, self.daemon.get(asked))

    def ask_twice(self, random):
        """On one connection, spelled alike: most of these second ones are hits."""
        target, asked = self.question(random)
        with self.daemon.client() as client:
            self.check(target, client.get(asked))
            return self.check(target, client.get(asked))

    def ask_often(self, random):
        """A dashboard that is loaded again and again."""
        target, asked = self.question(random)
        with self.daemon.client() as client:
            for _ in range(50):
                kind = self.check(target, client.get(asked))
        return kind

    def slice(self, random):
        """A part of what another client may have asked for whole."""
        most = random.choice((5, 20, 80))
        columns = random.choice((None, "url_from,anchor", "date,domain_rating"))
        target, asked = self.question(random, limit=most, select=columns)
        reply = self.daemon.get(asked)
        kind = self.check(target, reply, most)
        return "derived" if reply.derived else kind

    def zipped(self, random):
        target, asked = self.question(random)
        reply = self.daemon.get(asked, {"Accept-Encoding": "gzip"})
        if reply.headers["Content-Encoding"] != "gzip":
            return f"{reply.status}, not zipped"
        if reply.whole:
            reply.body = gzip.decompress(reply.body)
        return self.check(target, reply)

    def insist(self, random):
        target, asked = self.question(random)
        return self.check(target, self.daemon.get(asked, {"Cache-Control": "no-cache"}))

    def unstored(self, random):
        target, asked = self.question(random)
        return self.check(target, self.daemon.get(asked, {"Cache-Control": "no-store"}))

    def head(self, random):
        with self.daemon.client() as client:
            return client.ask("HEAD", "/?" + encode(self.question(random)[1])).status

    def other_table(self, random):
        return self.daemon.get({**self.question(random)[1], "from": "anchors"}).status

    def xml(self, random):
        return self.daemon.get({**self.question(random)[1], "output": "xml"}).status

    def stranger(self, random):
        return self.daemon.get({**self.question(random)[1], "token": "guess"}).status

    def malformed(self, random):
        line = random.choice((b"GET /?from", b"GET / HTTP/1.1\r\nX Y: z\r\n\r\n", b"\0\r\n\r\n"))
        return len(talk(self.daemon.address, line)) > 0

    # Connections

    def leave(self, random):
        """Asks and hangs up, before or after the answer has begun."""
        with open_socket(self.daemon.address) as sock:
            sock.sendall(_line(self.question(random)[1]))
            if random.random() < 0.5:
                sock.recv(1)
        return "left"

    def break_off(self, random):
        """Resets the connection in the middle of two megabytes, or in the middle of the request."""
        asked = _line(_huge(random))
        with open_socket(self.daemon.address, receive_buffer=4096) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if random.random() < 0.3:
                sock.sendall(asked[:len(asked) // 2])
                return "in the request"
            sock.sendall(asked)
            for _ in range(random.randrange(20)):
                sock.recv(65536)
        return "in the answer"

    def read_slowly(self, random):
        """Two megabytes through a small window."""
        with open_socket(self.daemon.address, receive_buffer=4096) as sock:
            sock.sendall(_line(_huge(random), "Connection: close\r\n"))
            while not self.over.is_set() and sock.recv(65536):
                time.sleep(0.005)
        return "read"

    KINDS = [ask] * 8 + [ask_twice] * 4 + [slice] * 3 + [
        ask_often, zipped, zipped, insist, unstored, head, other_table, xml, stranger, malformed,
        leave, leave, break_off, read_slowly]


def _huge(random):
    return question(f"huge-{4000 + random.randrange(50)}.example", token=TOKEN, limit=5000)


def _line(asked, headers=""):
    return f"GET /?{encode(asked)} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()
