"""Options and the configuration file: what is right is taken, what is wrong is named."""

import re
import socket
from pathlib import Path

import pytest

from daemon import ROWCACHECTL, ROWCACHED, run

DEFAULTS = {  # of the contract
    "server.listen": "127.0.0.1:8080", "admin.listen": "127.0.0.1:8081",
    "upstream.url": "https://apiv2.ahrefs.com/", "upstream.connect_timeout": "10s",
    "upstream.stall_timeout": "60s", "cache.ttl": "24h", "cache.stale_if_error": "7d",
    "cache.stale_while_revalidate": "0s", "cache.max_size": "2GiB", "tables.other": "forward",
    "tariff.request": "1", "tariff.result": "0.2", "tariff.where": "5", "tariff.having": "5",
    "tariff.offset": "0", "tariff.other_request": "1", "tariff.other_result": "1",
}

WRONG = [  # lines of a file, the line and the words that name the fault
    ("[server]\nlisten = 127.0.0.1:8080\nnonsense = 1\n", 3, "nonsense"),
    ("[server]\n[nonsense]\nlisten = 127.0.0.1:8080\n", 2, "nonsense"),
    ("[cache]\n\n; a comment\nttl = soon\n", 4, "cache.ttl"),
    ("[cache]\nttl = 5\n", 2, "cache.ttl"),
    ("[cache]\nttl = -5s\n", 2, "cache.ttl"),
    ("[cache]\nttl = 99999999999999999999d\n", 2, "cache.ttl"),
    ("[cache]\nttl = 1h\nttl = 2h\n", 3, "cache.ttl"),
    ("[cache]\nmax_size = 1KiB\n", 2, "cache.max_size"),
    ("[cache]\nmax_size = 2GB\n", 2, "cache.max_size"),
    ("[tariff]\nresult = 0.25\n", 2, "tariff.result"),
    ("[tariff]\nresult = 1e3\n", 2, "tariff.result"),
    ("[tables]\nother = perhaps\n", 2, "tables.other"),
    ("[server]\nlisten = example.com:8080\n", 2, "server.listen"),
    ("[server]\nlisten = 127.0.0.1:99999\n", 2, "server.listen"),
    ("[server]\nlisten =\n", 2, "server.listen"),
    ("[server]\nthreads = -1\n", 2, "server.threads"),
    ("[upstream]\nurl = ftp://example.com/\n", 2, "upstream.url"),
    ("[upstream]\nurl =\n", 2, "upstream.url"),
    ("[upstream]\nconnect_timeout = 0s\n", 2, "upstream.connect_timeout"),
]


def check(tmp_path, text):
    file = tmp_path / "rowcached.conf"
    file.write_text(text)
    return file, run(ROWCACHED, "-c", file, "-t")


def test_a_right_file_is_right(tmp_path):
    lines = [f"[{key.partition('.')[0]}]\n{key.partition('.')[2]} = {value}\n"
             for key, value in DEFAULTS.items()]
    _, done = check(tmp_path, "# everything as it is anyway\n" + "".join(lines))
    assert done.returncode == 0, done.stderr


def test_an_empty_file_is_right(tmp_path):
    assert check(tmp_path, "")[1].returncode == 0


def test_the_sample_is_right():
    sample = Path(__file__).resolve().parents[2] / "conf" / "rowcached.conf"
    done = run(ROWCACHED, "-c", sample, "-t")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text, line, words", WRONG)
def test_a_fault_is_named_with_file_line_and_key(tmp_path, text, line, words):
    file, done = check(tmp_path, text)
    assert done.returncode == 1
    assert f"{file}:{line}:" in done.stderr and words in done.stderr
    assert len(done.stderr.splitlines()) == 1, "the first fault, and that once"


@pytest.mark.parametrize("text", ["garbage\n", "[cache\nttl = 1h\n", "ttl = 1h\n", "\0\xff\n"])
def test_what_is_no_configuration_is_named_with_file_and_line(tmp_path, text):
    file, done = check(tmp_path, text)
    assert done.returncode == 1 and re.search(rf"{file}:[12]:", done.stderr), done.stderr


def test_a_file_that_is_not_there(tmp_path):
    done = run(ROWCACHED, "-c", tmp_path / "nowhere.conf", "-t")
    assert done.returncode == 1 and "nowhere.conf" in done.stderr


@pytest.mark.parametrize("option, word", [
    ("cache.ttl=soon", "cache.ttl"), ("cache.nonsense=1", "cache.nonsense"),
    ("nonsense", "nonsense"), ("=", "="), ("cache.ttl", "cache.ttl"),
])
def test_a_wrong_option_is_named(option, word):
    done = run(ROWCACHED, "-t", "-o", option)
    assert done.returncode == 1 and word in done.stderr


def test_an_option_takes_the_place_of_the_file_and_the_last_one_holds(rowcache, tmp_path):
    file = tmp_path / "rowcached.conf"
    file.write_text("[cache]\nttl = 1h\n")
    daemon = rowcache("cache.ttl=30m", "cache.ttl=2h", arguments=["-c", str(file)])
    daemon.ask()
    assert 7000 < daemon.ask().ttl <= 7200


def test_a_file_is_read(rowcache, tmp_path):
    file = tmp_path / "rowcached.conf"
    file.write_text("[cache]\nttl = 1h\n[tariff]\nfree_targets = ahrefs.com,\n  rows-5.example\n")
    daemon = rowcache(arguments=["-c", str(file)])
    assert daemon.ask().spent == 0
    assert daemon.ask().ttl <= 3600
    assert daemon.ask("rows-6.example").spent > 0


def test_certificate_and_key_go_together():
    done = run(ROWCACHED, "-t", "-o", "server.tls_certificate=/nowhere/chain.pem")
    assert done.returncode == 1 and "server.tls_" in done.stderr


def test_both_programs_print_their_version():
    for program in (ROWCACHED, ROWCACHECTL):
        done = run(program, "-V")
        assert done.returncode == 0 and re.search(r"\d+\.\d+", done.stdout), done


def test_the_help_shows_every_key_with_its_default():
    done = run(ROWCACHED, "-h")
    assert done.returncode == 0 and not done.stderr
    for key, default in DEFAULTS.items():
        line = next(line for line in done.stdout.splitlines() if key in line)
        assert default in line, key
    for option in ("-c", "-o", "-t", "-V", "-h"):
        assert option in done.stdout


@pytest.mark.parametrize("arguments", [["-x"], ["nonsense"], ["-c"], ["-o"], ["--nonsense"]])
def test_arguments_that_make_no_sense(arguments):
    done = run(ROWCACHED, *arguments)
    assert done.returncode != 0 and done.stderr


def test_an_address_that_is_taken_ends_the_start(rowcache):
    with socket.create_server(("127.0.0.1", 0)) as other:
        daemon = rowcache(f"server.listen=127.0.0.1:{other.getsockname()[1]}", wait=False)
        assert daemon.wait() == 1
        assert str(other.getsockname()[1]) in daemon.log


def test_a_state_directory_that_cannot_be(rowcache, tmp_path):
    (tmp_path / "file").write_text("")
    daemon = rowcache(f"state.directory={tmp_path}/file/state", wait=False)
    assert daemon.wait() == 1 and f"{tmp_path}/file" in daemon.log


@pytest.mark.parametrize("variable, directory", [
    ("STATE_DIRECTORY", "."), ("XDG_STATE_HOME", "rowcache"), ("HOME", ".local/state/rowcache"),
])
def test_where_the_state_is_kept_without_a_setting(rowcache, tmp_path, variable, directory):
    home = tmp_path / "home"
    home.mkdir()
    daemon = rowcache("state.directory=", env={variable: str(home)})
    assert daemon.ask().miss
    assert {"cache.db", "ledger.db"} <= {file.name for file in (home / directory).iterdir()}
    assert list(daemon.state.iterdir()) == []
