"""The admin side for other machines: with TLS and a token, or not at all."""

import os
import re
import shutil
import signal
import ssl
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_server

import pytest

from certificates import HERE, make_certificate, name_shown, trust
from daemon import ROWCACHECTL, ROWCACHED, TOKEN, eventually, question, run, told_by_proc
from wire import FORM, Client, encode, open_socket, patience, read_all

SECRET = "Adm1n-t0ken_for/the+plays=~!"
OTHER_SECRET = "An0ther-t0ken_for/the+plays="
FAR = ["0.0.0.0:0", "[::]:0", "10.1.2.3:0", "127.0.0.1:0,0.0.0.0:0", "[::ffff:0.0.0.0]:0"]
WHY = re.compile(r"machine|loopback|reach|admin\.token_file")

LOOKED_AT = [
    "/", "/metrics", "/api/spend", "/api/spend?by=day", "/api/cache", "/api/status", "/api/token",
    "/api/correction", "/api/explain?" + encode(question()),
]
CHANGES = [
    "/api/token/add", "/api/token/register", "/api/token/rotate", "/api/token/revoke",
    "/api/token/rename", "/api/token/budget", "/api/token/allow", "/api/token/deny",
    "/api/correction", "/api/reconcile",
]
ROUTES = [("GET", path) for path in [*LOOKED_AT, "/api/request/nobody", "/api/nothing", "/nothing"]]
ROUTES += [("POST", path) for path in CHANGES]
WRONG = {
    "none": None, "empty": "", "no scheme": SECRET, "no token": "Bearer", "a blank": "Bearer ",
    "another": "Bearer " + OTHER_SECRET, "too short": "Bearer " + SECRET[:-1],
    "too long": "Bearer " + SECRET + "x", "another case": "Bearer " + SECRET.swapcase(),
    "twice": f"Bearer {SECRET} {SECRET}", "another scheme": "Basic " + SECRET,
    "a token of Ahrefs": "Bearer " + TOKEN,
}


class Files:
    """The three that make an admin listener fit for other machines."""

    def __init__(self, directory, names=HERE):
        self.directory = directory
        self.certificate, self.key = directory / "chain.pem", directory / "key.pem"
        self.token = directory / "admin-token"
        self.renew_certificate("first", names)
        self.write_token(SECRET + "\n")

    def renew_certificate(self, name, names=HERE):
        for source, place in zip(make_certificate(self.directory, name, names),
                                 (self.certificate, self.key)):
            shutil.copy(source, place)

    def write_token(self, data):
        self.token.write_bytes(data.encode() if isinstance(data, str) else data)
        self.token.chmod(0o600)

    @property
    def keys(self) -> dict:
        return {"admin.tls_certificate": self.certificate, "admin.tls_key": self.key,
                "admin.token_file": self.token}

    def options(self, *without) -> list:
        return [f"{key}={file}" for key, file in self.keys.items() if key not in without]


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def port_of(daemon):
    return daemon.addresses("admin")[0].rpartition(":")[2]


def here(daemon):
    """Where a listener for all machines is found from this one."""
    return "127.0.0.1:" + port_of(daemon)


def bearer(secret=SECRET):
    return {"Authorization": "Bearer " + secret}


class Admin:
    """Asks the admin side of a daemon as another machine would."""

    def __init__(self, daemon, files=None, headers=None):
        self._daemon = daemon
        self._tls = trust(files.certificate) if files else None
        self._headers = bearer() if headers is None else headers

    def ask(self, path, method="GET", body=None, **headers):
        with Client(here(self._daemon), self._tls) as client:
            return client.ask(method, path, body, {**self._headers, **headers})


def ctl(daemon, options, *arguments, **more):
    """rowcachectl with the options that the daemon was started with."""
    words = [word for option in options for word in ("-o", option)]
    return daemon.ctl(*words, *arguments, **more)


def start_refused(rowcache, *options):
    """The messages of a daemon that does not start, and of -t, which has to say the same."""
    daemon = rowcache(*options, wait=False)
    assert daemon.wait() == 1
    words = [word for option in options for word in ("-o", option)]
    checked = run(ROWCACHED, "-t", *words)
    assert checked.returncode == 1
    return daemon.log, checked.stderr


@pytest.fixture
def remote(rowcache, files):
    """A daemon whose admin side every machine can reach."""
    return rowcache("admin.listen=0.0.0.0:0", *files.options())


# Where it listens


@pytest.mark.parametrize("address", FAR)
def test_an_address_for_other_machines_is_refused(rowcache, address):
    for said in start_refused(rowcache, f"admin.listen={address}"):
        assert "admin.listen" in said and WHY.search(said), said


@pytest.mark.parametrize("missing", ["admin.tls_certificate", "admin.tls_key", "admin.token_file"])
def test_all_three_are_needed(rowcache, files, missing):
    for said in start_refused(rowcache, "admin.listen=0.0.0.0:0", *files.options(missing)):
        assert "admin.listen" in said or "admin.tls_" in said, said
        assert SECRET not in said


@pytest.mark.parametrize("only", ["admin.tls_certificate", "admin.tls_key", "admin.token_file"])
def test_one_of_the_three_is_not_enough(rowcache, files, only):
    others = [key for key in files.keys if key != only]
    for said in start_refused(rowcache, "admin.listen=0.0.0.0:0", *files.options(*others)):
        assert "admin.listen" in said or "admin.tls_" in said, said


def test_with_all_three_it_is_right(files):
    for address in FAR[:3]:
        words = [word for option in [f"admin.listen={address}", *files.options()]
                 for word in ("-o", option)]
        done = run(ROWCACHED, "-t", *words)
        assert done.returncode == 0, done.stderr


def test_with_all_three_it_listens_for_all_machines(remote, files):
    assert remote.addresses("admin")[0].startswith("0.0.0.0:")
    admin = Admin(remote, files)
    assert admin.ask("/health").body.strip() == b"ok"
    assert admin.ask("/api/spend").json["tokens"] == []
    assert remote.ask().miss, "the client side is as it was"


def test_it_speaks_https_and_nothing_else(remote, files):
    for path in ("/health", "/api/spend"):
        with open_socket(here(remote)) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                         f"Authorization: Bearer {SECRET}\r\n\r\n".encode())
            said = read_all(sock)
        assert b" 200 " not in said and b"tokens" not in said and SECRET.encode() not in said
    assert Admin(remote, files).ask("/health").status == 200


def test_a_certificate_that_cannot_be_used_is_refused(rowcache, files):
    files.key.write_text("not a key")
    options = ["admin.listen=0.0.0.0:0", *files.options()]
    daemon = rowcache(*options, wait=False)
    assert daemon.wait() == 1 and "admin.tls_" in daemon.log


# Access


def check_unauthorized(reply):
    assert reply.status == 401, reply
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert SECRET.encode() not in reply.body and SECRET not in str(reply.headers)


@pytest.mark.parametrize("method, path", ROUTES, ids=lambda word: word.partition("?")[0])
def test_without_the_token_there_is_no_answer(remote, files, method, path):
    body = encode({"name": "mallory", "token": "mallory"}) if method == "POST" else None
    for headers in ({}, bearer(OTHER_SECRET)):
        stranger = Admin(remote, files, headers)
        check_unauthorized(stranger.ask(path, method, body, **FORM))
    assert Admin(remote, files).ask("/api/token").json["tokens"] == []


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_token_is_none(remote, files, value):
    stranger = Admin(remote, files, {} if value is None else {"Authorization": value})
    check_unauthorized(stranger.ask("/api/spend"))
    assert stranger.ask("/health").status == 200


def test_the_token_is_no_parameter(remote, files):
    """It would stand in logs and histories."""
    stranger = Admin(remote, files, {})
    for query in (f"?token={SECRET}", f"?access_token={SECRET}", "?" + encode({"token": SECRET})):
        check_unauthorized(stranger.ask("/api/spend" + query))
    assert SECRET not in remote.log


def test_only_looking_at_the_health_is_free(remote, files):
    stranger = Admin(remote, files, {})
    assert stranger.ask("/health").status == 200
    assert stranger.ask("/health", "POST", "").status in (401, 405)
    for path in ("/health/", "//health", "/health/../api/spend", "/api/health", "/healthy"):
        check_unauthorized(stranger.ask(path))


@pytest.mark.parametrize("path", LOOKED_AT, ids=lambda path: path.partition("?")[0])
def test_with_the_token_everything_is_answered(remote, files, path):
    assert Admin(remote, files).ask(path).status == 200


def test_a_connection_is_not_let_in_for_good(remote, files):
    """Each request has to show the token, whatever the one before it has shown."""
    with Client(here(remote), trust(files.certificate)) as client:
        for _ in range(3):
            assert client.ask("GET", "/api/spend", headers=bearer()).status == 200
            check_unauthorized(client.ask("GET", "/api/spend"))


@pytest.mark.parametrize("host", ["rowcache.example", "rowcache.example:8081", "192.0.2.7:8081"])
def test_any_host_is_right_with_the_token(remote, files, host):
    """A page of somebody else's cannot have the token, so names need not be refused."""
    assert Admin(remote, files).ask("/api/spend", Host=host).status == 200
    check_unauthorized(Admin(remote, files, {}).ask("/api/spend", Host=host))


def test_a_page_of_somebody_elses_changes_nothing(remote, files):
    reply = Admin(remote, files).ask("/api/token/add", "POST", encode({"name": "mallory"}),
                                     Origin="https://evil.example", **FORM)
    assert reply.status >= 400 and reply.status != 401
    assert Admin(remote, files).ask("/api/token").json["tokens"] == []


def test_a_token_may_be_issued_from_another_machine(remote, files):
    admin = Admin(remote, files)
    reply = admin.ask("/api/token/add", "POST", encode({"name": "alice"}), **FORM)
    assert reply.status == 200 and re.fullmatch("[0-9a-f]{40}", reply.json["token"])
    assert [line["token"] for line in admin.ask("/api/token").json["tokens"]] == ["alice"]


# On this machine


def test_a_token_without_tls_on_this_machine(rowcache, files):
    """Where others have accounts on the same machine, loopback is not enough."""
    options = files.options("admin.tls_certificate", "admin.tls_key")
    daemon = rowcache(*options)
    check_unauthorized(Admin(daemon, headers={}).ask("/api/spend"))
    assert Admin(daemon, headers={}).ask("/health").status == 200
    assert Admin(daemon).ask("/api/spend").status == 200
    done = ctl(daemon, options, "status", "--json")
    assert done.returncode == 0, done.stderr
    refused = daemon.ctl("status")
    assert refused.returncode == 1 and refused.stderr and not refused.stdout


def test_tls_without_a_token_on_this_machine(rowcache, files):
    options = files.options("admin.token_file")
    daemon = rowcache(*options)
    assert Admin(daemon, files, {}).ask("/api/spend").status == 200
    done = ctl(daemon, options, "spend", "--json")
    assert done.returncode == 0, done.stderr


def test_a_name_for_host_is_refused_without_a_token(rowcache):
    """As ever: a name may be one that a page of somebody else's has pointed to this machine."""
    daemon = rowcache()
    assert Admin(daemon, headers={}).ask("/api/spend").status == 200
    assert Admin(daemon, headers={}).ask("/api/spend", Host="evil.example").status >= 400


# rowcachectl


def test_rowcachectl_needs_no_more_than_the_same_options(remote, files):
    options = files.options()
    assert remote.ask().miss
    status = ctl(remote, options, "status", "--json")
    assert status.returncode == 0 and '"entries"' in status.stdout, status.stderr
    spend = ctl(remote, options, "spend")
    assert spend.returncode == 0 and "2.0" in spend.stdout, spend.stderr
    added = ctl(remote, options, "token", "add", "alice")
    assert added.returncode == 0, added.stderr
    assert re.fullmatch("[0-9a-f]{40}\n", added.stdout)
    assert remote.ask(token=added.stdout.strip()).hit
    reconciled = ctl(remote, options, "reconcile", "--json")
    assert reconciled.returncode == 0, reconciled.stderr


def test_rowcachectl_reads_the_same_file(rowcache, files, tmp_path):
    file = tmp_path / "rowcached.conf"
    lines = [f"{key.partition('.')[2]} = {value}\n" for key, value in files.keys.items()]
    file.write_text("[admin]\n" + "".join(lines))
    daemon = rowcache(arguments=["-c", str(file)])
    done = run(ROWCACHECTL, "-c", file, "-o", f"admin.listen={here(daemon)}", "status")
    assert done.returncode == 0, done.stderr


def test_what_a_certificate_is_called_does_not_matter(rowcache, tmp_path):
    """It is the one of the file, or it is not; the machine's own name seldom is localhost."""
    files = Files(tmp_path, "DNS:rowcache.example")
    daemon = rowcache("admin.listen=0.0.0.0:0", *files.options())
    done = ctl(daemon, files.options(), "status")
    assert done.returncode == 0, done.stderr


def check_ctl_refused(done):
    assert done.returncode in (1, 2) and done.stderr and not done.stdout
    assert SECRET not in done.stderr and OTHER_SECRET not in done.stderr


def test_rowcachectl_without_the_right_token_is_refused(remote, files, tmp_path):
    check_ctl_refused(ctl(remote, files.options("admin.token_file"), "status"))
    files.write_token(OTHER_SECRET)
    check_ctl_refused(ctl(remote, files.options(), "status"))
    files.write_token("short")
    check_ctl_refused(ctl(remote, files.options(), "status"))
    files.token.unlink()
    check_ctl_refused(ctl(remote, files.options(), "status"))
    files.write_token(SECRET)
    assert ctl(remote, files.options(), "status").returncode == 0


def test_rowcachectl_does_not_speak_plainly_where_tls_is(remote, files):
    plain = files.options("admin.tls_certificate", "admin.tls_key")
    check_ctl_refused(ctl(remote, plain, "status"))


def test_rowcachectl_refuses_a_server_with_another_certificate(remote, files):
    """Though it has the same name."""
    files.renew_certificate("second")
    check_ctl_refused(ctl(remote, files.options(), "status"))
    check_ctl_refused(ctl(remote, files.options(), "token", "add", "alice"))
    remote.signal(signal.SIGHUP)
    eventually(lambda: ctl(remote, files.options(), "status").returncode == 0)


@contextmanager
def impostor(certificate, key):
    """A server that is not the daemon: its address, and what it is sent after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    received = []

    def serve():
        sock, _ = listener.accept()
        sock.settimeout(patience(30))
        try:
            with context.wrap_socket(sock, server_side=True) as tls:
                received.append(tls.recv(65536))
        except OSError:
            sock.close()

    with closing(create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(patience(30))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = "127.0.0.1:{}".format(listener.getsockname()[1])
        yield address, received
        open_socket(address).close()  # so that it does not wait for whoever did not come
        thread.join(patience(30))


def test_rowcachectl_does_not_give_the_token_to_a_stranger(rowcache, files, tmp_path):
    daemon = rowcache()
    other = make_certificate(tmp_path, "second")
    with impostor(*other) as (address, received):
        done = ctl(daemon, [*files.options(), f"admin.listen={address}"], "status")
    check_ctl_refused(done)
    assert b"".join(received) == b""


# The token's file


@pytest.mark.parametrize("data", [
    b"", b"\n", b"hunter2-hunter2\n", b"hunter2-" * 128 + b"x\n", b"hunter2-hunter2 hunter2\n",
    b"hunter2-hunter2-hunter2\nhunter2-hunter2-hunter2\n", "hunter2-hünter2-hunter2\n".encode(),
    b"hunter2-hunter2\0hunter2\n", b"hunter2-hunter2\thunter2\n", b"hunter2-" * 20000,
], ids=["empty", "a line end", "15", "1025", "a space", "two lines", "not ASCII", "a zero", "a tab",
        "very long"])
@pytest.mark.parametrize("listen", ["0.0.0.0:0", "127.0.0.1:0"])
def test_a_file_that_holds_no_token_is_refused(rowcache, files, listen, data):
    files.write_token(data)
    for said in start_refused(rowcache, f"admin.listen={listen}", *files.options()):
        assert "admin.token_file" in said and str(files.token) in said, said
        assert "hunter2" not in said


@pytest.mark.parametrize("kind", ["missing", "a directory"])
def test_a_file_that_cannot_be_read_is_refused(rowcache, files, kind):
    files.token.unlink()
    if kind == "a directory":
        files.token.mkdir()
    for said in start_refused(rowcache, "admin.listen=0.0.0.0:0", *files.options()):
        assert "admin.token_file" in said and str(files.token) in said, said


@pytest.mark.parametrize("secret", [
    "sixteen-letters!", "x" * 1024, "".join(map(chr, range(33, 127))),
], ids=["16", "1024", "every visible character"])
@pytest.mark.parametrize("end", ["\n", ""], ids=["a line", "no line end"])
def test_what_a_token_may_be(rowcache, files, secret, end):
    files.write_token(secret + end)
    options = files.options("admin.tls_certificate", "admin.tls_key")
    daemon = rowcache(*options)
    assert Admin(daemon, headers=bearer(secret)).ask("/api/spend").status == 200
    check_unauthorized(Admin(daemon, headers=bearer(secret[:-1])).ask("/api/spend"))
    assert ctl(daemon, options, "status").returncode == 0


def test_a_token_may_be_a_credential_of_systemd(rowcache, files, tmp_path):
    """A name without '/' is looked for where systemd has put it."""
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    daemon = rowcache("admin.token_file=admin-token", env=environment)
    check_unauthorized(Admin(daemon, headers={}).ask("/api/spend"))
    assert Admin(daemon).ask("/api/spend").status == 200


# Reload


def test_a_reload_reads_token_and_certificate_again(remote, files):
    with Client(here(remote), trust(files.certificate)) as kept:
        assert kept.ask("GET", "/api/spend", headers=bearer()).status == 200
        files.write_token(OTHER_SECRET + "\n")
        files.renew_certificate("second")
        assert kept.ask("GET", "/api/spend", headers=bearer()).status == 200
        assert name_shown(here(remote)) == "first"
        remote.signal(signal.SIGHUP)
        eventually(lambda: name_shown(here(remote)) == "second")
        new = Admin(remote, files, bearer(OTHER_SECRET))
        eventually(lambda: new.ask("/api/spend").status == 200)
        assert kept.ask("GET", "/api/spend", headers=bearer(OTHER_SECRET)).status == 200
        check_unauthorized(kept.ask("GET", "/api/spend", headers=bearer()))
        check_unauthorized(Admin(remote, files).ask("/api/spend"))
    assert ctl(remote, files.options(), "status").returncode == 0


@pytest.mark.parametrize("damage", ["short", "a space", "gone"])
def test_a_reload_with_a_broken_token_changes_nothing(remote, files, damage):
    """Neither the token nor what was right beside it."""
    old = trust(files.certificate)
    files.renew_certificate("second")
    if damage == "gone":
        files.token.unlink()
    else:
        files.write_token({"short": "hunter2", "a space": "hunter2-hunter2 hunter2"}[damage])
    remote.signal(signal.SIGHUP)
    line = remote.wait_for_log(r"(warn|error).*(admin\.token_file|admin-token)")
    assert "hunter2" not in line
    assert name_shown(here(remote)) == "first"
    with Client(here(remote), old) as client:
        assert client.ask("GET", "/api/spend", headers=bearer()).status == 200
        check_unauthorized(client.ask("GET", "/api/spend"))

    files.write_token(OTHER_SECRET)
    remote.signal(signal.SIGHUP)
    eventually(lambda: name_shown(here(remote)) == "second")
    new = Admin(remote, files, bearer(OTHER_SECRET))
    eventually(lambda: new.ask("/api/spend").status == 200)


def test_a_reload_with_a_broken_certificate_changes_nothing(remote, files):
    old = trust(files.certificate)
    files.certificate.write_text("not a certificate")
    files.write_token(OTHER_SECRET)
    remote.signal(signal.SIGHUP)
    remote.wait_for_log(r"(warn|error).*(admin\.tls_|chain\.pem)")
    assert name_shown(here(remote)) == "first"
    with Client(here(remote), old) as client:
        assert client.ask("GET", "/api/spend", headers=bearer()).status == 200
        check_unauthorized(client.ask("GET", "/api/spend", headers=bearer(OTHER_SECRET)))


# Nowhere


def test_the_admin_token_is_nowhere(remote, files):
    """Neither in what is told to whoever has it or has not, nor in what is written down."""
    remote.ask()
    told = varied_play(remote, files)
    for reply in told:
        check_no_secret(f"an answer of {reply.status}", reply.body + str(reply.headers).encode())
    for command in (["status"], ["spend"], ["token", "list"], ["token", "add", "alice"],
                    ["nonsense"], ["status", "--nonsense"]):
        done = ctl(remote, files.options(), *command)
        check_no_secret(" ".join(command), (done.stdout + done.stderr).encode())
    for file in ("cmdline", "comm", "environ"):
        check_no_secret(file, told_by_proc(remote.process, file))
    remote.signal(signal.SIGHUP)
    eventually(lambda: ctl(remote, files.options(), "status").returncode == 0)
    assert remote.stop() == 0
    check_no_secret("the log", remote.log.encode())
    for file in filter(Path.is_file, remote.state.rglob("*")):
        check_no_secret(file.name, file.read_bytes())


def varied_play(daemon, files):
    """Right and wrong requests that have the token, and some that have it in a wrong place."""
    admin = Admin(daemon, files)
    told = [admin.ask(path, method, "" if method == "POST" else None) for method, path in ROUTES]
    told += [admin.ask(f"/api/spend?by={SECRET}"), admin.ask(f"/api/request/{SECRET}")]
    told += [admin.ask(f"/api/explain?token={SECRET}"), admin.ask("/health", "DELETE")]
    told += [Admin(daemon, files, {"Authorization": "Basic " + SECRET}).ask("/api/spend")]
    told += [Admin(daemon, files, {"Authorization": SECRET}).ask("/api/spend")]
    told += [daemon.get(question(token=SECRET)), daemon.get(question(), bearer())]
    told += [daemon.get(question("rows-6.example"), bearer())]
    return told


def check_no_secret(where, data):
    assert SECRET.encode() not in data, f"{where} holds the admin token"


def test_the_clients_side_does_not_ask_for_the_admin_token(sim, remote):
    """And what a client says there is not sent on."""
    assert remote.ask().miss and remote.ask(headers=bearer()).hit
    assert remote.ask("rows-6.example", headers=bearer()).miss
    assert all(SECRET not in str(record["headers"]) for record in sim.requests)
