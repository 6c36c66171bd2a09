"""Which daemon rowcachectl asks, or none; and that nobody else is told a secret."""

import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import closing
from socket import create_server

import pytest

from daemon import OTHER_TOKEN, ROWCACHECTL, STRANGER, run
from wire import open_socket, patience

ADMIN_TOKEN = "Adm1n-t0ken_for/the+plays=~!"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")

# Says where it listens, then what it is sent.
IMPOSTOR = """
import os, socket, sys
path = sys.argv[1]
server = socket.socket(socket.AF_UNIX) if path else socket.socket()
server.bind(path or ("127.0.0.1", 0))
if path: os.chmod(path, 0o777)
server.listen()
print(path or server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    said = connection.recv(65536)
    if said == b"end": break
    print(said, flush=True)
    connection.close()
"""


class Impostor:
    """A process of another user where the daemon is looked for."""

    def __init__(self, path=""):
        self._process = subprocess.Popen(
            [sys.executable, "-c", IMPOSTOR, str(path)], user=STRANGER, cwd="/",
            stdout=subprocess.PIPE, text=True)
        where = self._process.stdout.readline().strip()
        self.address = f"unix:{where}" if path else f"127.0.0.1:{where}"

    def end(self) -> str:
        """The bytes that it was sent."""
        with open_socket(self.address) as sock:
            sock.sendall(b"end")
        return self._process.communicate(timeout=patience(30))[0].replace("b''\n", "")


class Listener:
    """Somebody of the same user where the daemon is looked for; counts who comes."""

    def __init__(self):
        self.came = 0
        self._server = create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            connection, _ = self._server.accept()
            with connection:
                if connection.recv(65536) == b"end":
                    return
                self.came += 1

    def end(self) -> int:
        """The number of requests that came."""
        with open_socket(self.address) as sock:
            sock.sendall(b"end")
        self._thread.join(patience(30))
        self._server.close()
        return self.came


@pytest.fixture
def listener():
    one = Listener()
    yield one
    if one._thread.is_alive():
        one.end()


@pytest.fixture
def admin_token(tmp_path):
    """The option that names the file with the token of the admin side."""
    file = tmp_path / "admin-token"
    file.write_text(ADMIN_TOKEN + "\n")
    file.chmod(0o600)
    return f"admin.token_file={file}"


def ctl(daemon, *words, **options):
    return daemon.ctl(*words, **{"input": OTHER_TOKEN + "\n", **options})


def on(address):
    return ("-o", f"admin.listen={address}")


# While no daemon runs

ACCOUNT = [["spend"], ["token", "list"], ["token", "add", "alice"], ["correction", "list"],
           ["token", "register", "reporting"]]


@pytest.mark.parametrize("words", ACCOUNT, ids=" ".join)
def test_while_the_daemon_is_stopped_whoever_listens_in_its_place_is_not_asked(
        rowcache, listener, words):
    daemon = rowcache()
    assert daemon.ask().miss
    assert daemon.stop() == 0
    done = ctl(daemon, *on(listener.address), *words)
    assert done.returncode == 0 and str(daemon.state) in done.stderr, done.stderr
    assert listener.end() == 0
    names = [line["token"] for line in daemon.ctl_json("token", "list")["tokens"]]
    assert words[-1] in ("spend", "list") or words[-1] in names


def test_before_there_ever_was_a_daemon_a_token_is_told_to_nobody(listener, tmp_path):
    where = ["-o", f"state.directory={tmp_path / 'fresh'}", *on(listener.address)]
    done = run(ROWCACHECTL, *where, "token", "register", "reporting", input=OTHER_TOKEN + "\n")
    assert done.returncode == 0, done.stderr
    assert listener.end() == 0
    assert "reporting" in run(ROWCACHECTL, *where, "token", "list").stdout


@pytest.mark.parametrize("words", [["status"], ["cache", "list"], ["cache", "purge", "--all"],
                                   ["explain", "from=subscription_info"], ["reconcile"]],
                         ids=" ".join)
@pytest.mark.parametrize("with_token", [True, False], ids=["with a token", "without"])
def test_what_only_a_daemon_can_answer_is_asked_of_nobody_else(
        rowcache, listener, admin_token, words, with_token):
    daemon = rowcache()
    assert daemon.stop() == 0
    options = ["-o", admin_token] if with_token else []
    done = ctl(daemon, *options, *on(listener.address), *words)
    assert done.returncode == 1 and not done.stdout
    assert "state.directory" in done.stderr and "does not run" in done.stderr
    assert listener.end() == 0


@pytest.mark.parametrize("words", [["status"], ["cache", "list"]], ids=" ".join)
def test_the_admin_token_is_not_sent_where_no_daemon_ever_was(
        listener, admin_token, tmp_path, words):
    done = run(ROWCACHECTL, "-o", f"state.directory={tmp_path / 'fresh'}", "-o", admin_token,
               *on(listener.address), *words)
    assert done.returncode == 1 and "state.directory" in done.stderr
    assert listener.end() == 0


# While a daemon runs


@pytest.mark.parametrize("words", ACCOUNT, ids=" ".join)
def test_an_error_of_the_daemon_is_an_error_and_no_reason_to_go_round_it(
        rowcache, admin_token, words):
    """Without its token the daemon refuses; the directory, which could be read, is left alone."""
    daemon = rowcache(admin_token)
    assert daemon.ask().miss
    done = ctl(daemon, *words)
    assert done.returncode == 1 and not done.stdout
    assert "401" in done.stderr and str(daemon.state) not in done.stderr
    right = ctl(daemon, "-o", admin_token, "token", "list", "--json")
    assert right.returncode == 0 and '"alice"' not in right.stdout and "reporting" not in right.stdout


def test_a_daemon_that_listens_elsewhere_can_be_read_and_not_changed(rowcache):
    daemon = rowcache()
    assert daemon.ask().miss
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        where = on("127.0.0.1:{}".format(unused.getsockname()[1]))
        assert "2.0" in ctl(daemon, *where, "spend").stdout
        done = ctl(daemon, *where, "token", "add", "alice")
    assert done.returncode == 1 and "in use" in done.stderr
    assert [line["token"] for line in daemon.ctl_json("token", "list")["tokens"]] != ["alice"]


@needs_root
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_process_of_another_user_is_not_told_a_token(rowcache, shared, kind):
    """The daemon runs, but where it is looked for, somebody else listens."""
    daemon = rowcache()
    impostor = Impostor(shared / "admin" if kind == "unix" else "")
    done = ctl(daemon, *on(impostor.address), "token", "register", "reporting")
    said = impostor.end()
    assert said == ""
    assert done.returncode == 1 and "user 65534" in done.stderr, done.stderr
    assert OTHER_TOKEN not in done.stderr
    assert daemon.ctl_json("token", "list")["tokens"] == []


@needs_root
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_process_of_another_user_is_not_told_the_admin_token(
        rowcache, shared, admin_token, kind):
    daemon = rowcache(admin_token)
    impostor = Impostor(shared / "admin" if kind == "unix" else "")
    for words in (["status"], ["spend"], ["token", "list"]):
        done = ctl(daemon, "-o", admin_token, *on(impostor.address), *words)
        assert done.returncode == 1 and not done.stdout and ADMIN_TOKEN not in done.stderr
    assert impostor.end() == ""


@needs_root
@pytest.mark.parametrize("words", [["status"], ["spend"], ["token", "add", "alice"]], ids=" ".join)
def test_a_socket_of_another_user_is_not_believed(rowcache, shared, words):
    """What holds no secret is not asked of it, either."""
    daemon = rowcache()
    impostor = Impostor(shared / "admin")
    done = ctl(daemon, *on(impostor.address), *words)
    assert done.returncode == 1 and "user 65534" in done.stderr and not done.stdout
    assert impostor.end() == ""


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_the_daemons_own_user_is_told_everything(theirs, shared, kind):
    """It is another than the one who administers it."""
    address = f"unix:{shared}/admin" if kind == "unix" else "127.0.0.1:0"
    daemon = theirs(f"admin.listen={address}")
    done = ctl(daemon, "token", "register", "reporting")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert daemon.ask(token=OTHER_TOKEN).miss
    assert "reporting" in ctl(daemon, "spend").stdout
    assert daemon.stop() == 0
    # A search for leaks cannot trace a process that has become somebody else.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = ctl(daemon, "token", "add", "alice", env=environment)
    assert done.returncode == 0, done.stderr
    owners = {file.name: file.owner() for file in daemon.state.iterdir()}
    assert set(owners.values()) == {STRANGER}, owners


@needs_root
def test_the_admin_socket_is_for_its_user_and_group(rowcache, shared):
    """Others are turned away by the system; the directory in which it lies lets them pass."""
    daemon = rowcache(f"admin.listen=unix:{shared}/admin")
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{shared}/admin')"
    others = subprocess.run([sys.executable, "-c", connect], user=STRANGER, group=65534,
                            extra_groups=[], cwd="/", capture_output=True, text=True)
    assert "PermissionError" in others.stderr
    member = subprocess.run([sys.executable, "-c", connect], user=STRANGER, group=65534,
                            extra_groups=[os.getegid()], cwd="/", capture_output=True, text=True)
    assert member.returncode == 0, member.stderr
    assert daemon.admin("/health").status == 200


def test_looking_is_no_obstacle_to_a_start(rowcache):
    """Commands look at the lock for a moment; a daemon that starts just then waits for it."""
    daemon = rowcache()
    stop = threading.Event()

    def look():
        while not stop.is_set():
            ctl(daemon, "spend")

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            daemon.restart()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert re.search("ready", daemon.log)
