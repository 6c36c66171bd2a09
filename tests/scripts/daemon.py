"""rowcached as its user has it: a process with options, a log, two listeners and a directory."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from itertools import takewhile
from pathlib import Path

import pytest

from metrics import Metrics
from wire import Client, Reply, encode, patience, tenths

TOKEN = "c0ffee00" * 5
OTHER_TOKEN = "0badcafe" * 5
HOUSE = TOKEN  # in upstream.token_file (the fixture house), and sent by clients as well
AHREFS = "5ec2e7c0ffee" + "0123456789abcdef" + "0badcafe1337"  # in upstream.token_file (issuing)
TABLE = "backlinks_new_lost"
QUESTIONS = {"from": TABLE}  # for holds and faults that are to leave checks of tokens alone

_BUILD = Path(os.environ.get("ROWCACHE_BUILD", "build")).resolve()
ROWCACHED = _BUILD / "daemon" / "rowcached"
ROWCACHECTL = _BUILD / "daemon" / "rowcachectl"
STRANGER = "nobody"  # another user than the one who runs the plays
_LISTENING = re.compile(r"\binfo listening side=(\w+) address=(\S+)")
READY = re.compile(r"\binfo ready\b")
_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion")


def question(target="rows-5.example", **params) -> dict:
    """A query of the table, with whatever else is given; None leaves a parameter out, and
    `from_` stands for `from`."""
    usual = {"token": TOKEN, "from": TABLE, "target": target, "mode": "domain"}
    given = {name.rstrip("_"): value for name, value in params.items()}
    return {name: str(value) for name, value in {**usual, **given}.items() if value is not None}


def arrived(sim) -> list:
    """The questions that came upstream; checks of tokens are free and do not count."""
    checks = "subscription_info"
    return [record for record in sim.requests if record["params"].get("from") != checks]


def wait_until_held(sim, count=1):
    """Until upstream holds that many requests."""
    sim.wait_for(lambda sim: sim.held == count, patience(10))


def direct(sim, query) -> Reply:
    """The simulator's own answer, paid with another token."""
    with Client(f"127.0.0.1:{sim.port}") as client:
        return client.get({**query, "token": OTHER_TOKEN})


def eventually(condition, seconds=10):
    """Waits until condition() is true, and gives what it was."""
    end = time.monotonic() + patience(seconds)
    while not (result := condition()):
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)
    return result


def is_sanitized() -> bool:
    """True if the daemon was built with a sanitizer, which needs memory of its own."""
    program = ROWCACHED.read_bytes()
    return any(name in program for name in (b"libasan", b"libtsan", b"libubsan"))


def told_by_proc(process, file) -> bytes:
    """The content of /proc/PID/FILE; empty if only root may read it."""
    try:
        return Path(f"/proc/{process.pid}/{file}").read_bytes()
    except PermissionError:
        return b""


def run(program, *arguments, **options) -> subprocess.CompletedProcess:
    """A program run to its end."""
    usual = {"capture_output": True, "text": True, "timeout": patience(60)}
    return subprocess.run([program, *arguments], **{**usual, **options})


class Daemon:
    """One state directory, and the process that works in it."""

    def __init__(self, state, upstream, options=(), arguments=(), command=None, **process):
        """`options` are section.key=value; `arguments` come before them as they are; `command`
        makes the list that starts the daemon out of the one that would; the rest is Popen's."""
        self.state = Path(state)
        self.state.mkdir(exist_ok=True)
        self.process = None
        self.lines = []
        self._upstream = upstream
        self._options = list(options)
        self._arguments = list(arguments)
        self._command = command or (lambda line: line)
        self._popen = process
        self._moved = threading.Condition()
        self._since = 0
        self._reader = None

    # Its life

    def start(self, wait=True):
        self._since = len(self.lines)
        self.process = subprocess.Popen(
            self._command([str(ROWCACHED), *self._arguments, *self._dash_o()]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="backslashreplace", **self._popen,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if wait:
            self.wait_for_log(READY, 60)

    def stop(self, number=signal.SIGTERM) -> int:
        """Asks it to end and waits; the answer is the exit status."""
        self.signal(number)
        return self.wait()

    def kill(self):
        """Ends it without warning, like a power cut."""
        self.stop(signal.SIGKILL)

    def restart(self, *options):
        """Stops it, and starts it again with further options."""
        assert self.stop() == 0
        self._options += options
        self.start()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self) -> int:
        status = self.process.wait(patience(60))
        self._reader.join(patience(10))
        return status

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self):
        """Stops it if it runs; what it says or does wrong then is the test's failure."""
        status = self.stop() if self.running else 0
        reports = [line for line in self.lines if _REPORT.search(line)]
        if status or reports:
            print(self.log)
        assert status == 0 and not reports

    def _dash_o(self):
        usual = [
            "server.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0",
            f"state.directory={self.state}",
        ]
        if self._upstream:
            usual.append(f"upstream.url={self._upstream}")
        return [word for option in usual + self._options for word in ("-o", option)]

    # Its log

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_for_log(self, pattern, seconds=10) -> str:
        """The first line since the last start that has the pattern, once it is there."""
        wanted = re.compile(pattern)
        end = time.monotonic() + patience(seconds)
        with self._moved:
            while not (line := self._find(wanted)):
                if not self._reader.is_alive() or time.monotonic() > end:
                    pytest.fail(f"no log line has {pattern!r}:\n{self.log}", pytrace=False)
                self._moved.wait(0.1)
        return line

    def _find(self, wanted):
        return next((line for line in self.lines[self._since:] if wanted.search(line)), None)

    def _read_log(self):
        for line in self.process.stderr:
            with self._moved:
                self.lines.append(line.rstrip("\n"))
                self._moved.notify_all()

    # The client side

    def addresses(self, side) -> list:
        """The addresses at which it listens: its log has them before it is ready."""
        begin = takewhile(lambda line: not READY.search(line), self.lines[self._since:])
        found = map(_LISTENING.search, begin)
        return [line[2] for line in found if line and line[1] == side]

    @property
    def address(self) -> str:
        return self.addresses("client")[0]

    def client(self, tls=None) -> Client:
        return Client(self.address, tls)

    def get(self, query, headers=None):
        """One question on a connection of its own."""
        with self.client() as client:
            return client.get(query, headers)

    def ask(self, target="rows-5.example", headers=None, **params):
        return self.get(question(target, **params), headers)

    def send(self, query, headers=None) -> Client:
        """A client whose question is on its way."""
        client = self.client()
        client.send("GET", "/?" + encode(query), headers=headers)
        return client

    # The admin side

    def admin(self, path, method="GET"):
        with Client(self.addresses("admin")[0]) as client:
            return client.ask(method, path)

    def admin_json(self, path):
        reply = self.admin(path)
        assert reply.status == 200, reply
        return reply.json

    def spend(self, query="") -> dict:
        return self.admin_json("/api/spend" + ("?" + encode(query) if query else ""))

    @property
    def account(self) -> dict:
        """The total of /api/spend, its amounts in tenths of a row."""
        return amounts(self.spend()["total"])

    @property
    def accounts(self) -> dict:
        """The lines of /api/spend by their tokens' names, or fingerprints for those without a
        name; amounts in tenths of a row."""
        return {line["token"]: amounts(line) for line in self.spend()["tokens"]}

    def budget(self, name="alice") -> dict:
        """A token's budget as the list of tokens has it."""
        lines = self.admin_json("/api/token")["tokens"]
        return next(line["budget"] for line in lines if line["token"] == name)

    def metrics(self) -> Metrics:
        return Metrics(self.admin("/metrics").body.decode())

    @property
    def open_files(self) -> int:
        """Connections among them, and a few that come and go."""
        return self.metrics().value("process_open_fds")

    @property
    def inflight(self) -> int:
        """Requests on their way upstream, those that wait for a place included."""
        return self.metrics().value("rowcache_upstream_inflight")

    def outcomes(self) -> dict:
        """The number of requests by outcome, without the outcomes that no request had."""
        samples = self.metrics().all("rowcache_requests_total")
        return {labels["outcome"]: int(value) for labels, value in samples if value}

    def request(self, reply) -> dict:
        """The admin side's record of the request that got this answer; there is one a moment after
        the client has the answer."""
        path = "/api/request/" + reply.headers["X-Request-Id"]
        eventually(lambda: self.admin(path).status == 200)
        return self.admin_json(path)

    def ctl(self, *arguments, **options) -> subprocess.CompletedProcess:
        """rowcachectl with this daemon's configuration."""
        return run(ROWCACHECTL, *self.dash_o_of_ctl(), *arguments, **options)

    def dash_o_of_ctl(self) -> list:
        where = ["-o", f"state.directory={self.state}"]
        for side, key in (("admin", "admin.listen"), ("client", "server.listen")):
            for address in self.addresses(side)[:1]:
                where += ["-o", f"{key}={address}"]
        return where

    def issue(self, name="alice", *budget) -> str:
        """A new token of rowcache's own."""
        return self.ctl_json("token", "add", name, *budget)["token"]

    def register(self, name, token, *more):
        self.ctl_text("token", "register", name, *more, input=token + "\n")

    def ctl_text(self, *arguments, **options) -> str:
        """The output of a command, which has to succeed."""
        done = self.ctl(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ctl_json(self, *arguments):
        return json.loads(self.ctl_text(*arguments, "--json"))


def amounts(entry) -> dict:
    """A line of the account with its amounts in tenths of a row, and in units."""
    kinds = {"rows": tenths, "units": int}
    return {name: kinds.get(name.partition("_")[0], lambda other: other)(value)
            for name, value in entry.items()}
