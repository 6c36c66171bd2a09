"""From a clone to what stands on a machine: what meson needs, and what it installs."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from daemon import ROWCACHECTL, ROWCACHED, is_sanitized, run
from wire import patience

BUILD = ROWCACHED.parents[1]
SOURCE = Path(__file__).resolve().parents[2]


def meson(*words, **more):
    return subprocess.run(["meson", *map(str, words)], capture_output=True, text=True,
                          timeout=patience(300), **more)


@pytest.fixture
def without_cmocka(tmp_path):
    """The environment of a machine that has everything but cmocka."""
    finder = tmp_path / "pkg-config"
    finder.write_text('#!/bin/sh\ncase "$*" in *cmocka*) exit 1;; esac\nexec pkg-config "$@"\n')
    finder.chmod(0o755)
    return {**os.environ, "PKG_CONFIG": str(finder), "CMAKE": "/bin/false"}


def test_the_tests_dependencies_are_not_needed_to_build(without_cmocka, tmp_path):
    done = meson("setup", tmp_path / "build", SOURCE, "--prefix", "/usr", "--sysconfdir", "/etc",
                 env=without_cmocka)
    assert done.returncode == 0, done.stdout
    assert "cmocka" in done.stdout and "left out" in done.stdout


def test_the_tests_do_not_leave_themselves_out(without_cmocka, tmp_path):
    """Where they were asked for, which ./tests/run does, what they lack is an error."""
    assert "-Dtests=enabled" in (SOURCE / "tests" / "run").read_text()
    done = meson("setup", tmp_path / "build", SOURCE, "-Dtests=enabled", env=without_cmocka)
    assert done.returncode != 0 and "cmocka" in done.stdout


def install(root):
    done = meson("install", "-C", BUILD, "--no-rebuild", env={**os.environ, "DESTDIR": str(root)})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Where it all lies below a directory that stands for the machine's root."""
    root = tmp_path_factory.mktemp("root")
    install(root)

    def find(name):
        found, = root.rglob(name)
        return found

    return find


def settings_in(file):
    """What a configuration sets, and what it names beside that."""
    lines = file.read_text().splitlines()
    keys = [line for line in lines if re.match(r";?\w+ =", line)]
    return [key for key in keys if key[0] != ";"], [key.strip(";").split(" =")[0] for key in keys]


def test_the_installed_configuration_keeps_the_admin_side_to_a_unix_socket(installed, tmp_path):
    """And says where the state is, so that rowcachectl knows it as the daemon does."""
    file = installed("rowcached.conf")
    changed, names = settings_in(file)
    assert changed == ["listen = unix:/run/rowcache/admin.sock", "directory = /var/lib/rowcache"]
    assert names == settings_in(SOURCE / "conf" / file.name)[1]
    assert run(installed("rowcached"), "-t", "-c", file).returncode == 0
    unit = installed("rowcached.service").read_text().splitlines()
    for line in ("User=rowcache", "Group=rowcache", "StateDirectory=rowcache",
                 "StateDirectoryMode=0700", "RuntimeDirectory=rowcache",
                 "RuntimeDirectoryMode=0750"):
        assert line in unit


def test_the_installed_programs_find_each_other(sim, start, installed, tmp_path):
    """With the installed configuration and no option that both were not given."""
    file = tmp_path / "rowcached.conf"
    text = installed("rowcached.conf").read_text()
    for place in ("/run/rowcache", "/var/lib/rowcache"):
        assert place in text
        (tmp_path / Path(place).parts[1]).mkdir()
        text = text.replace(place, str(tmp_path / Path(place).parts[1]))
    text = text.replace(";listen = 127.0.0.1:8080", "listen = 127.0.0.1:0")
    file.write_text(text.replace(";url = https://apiv2.ahrefs.com/", f"url = {sim.url}"))
    programs = {name: installed(name) for name in ("rowcached", "rowcachectl")}
    daemon = start(None, command=lambda _line: [programs["rowcached"], "-c", file])
    assert daemon.ask().miss
    socket = Path(daemon.addresses("admin")[0].removeprefix("unix:"))
    assert socket.is_socket() and stat.S_IMODE(socket.stat().st_mode) == 0o660
    spend = run(programs["rowcachectl"], "-c", file, "spend")
    assert spend.returncode == 0 and "2.0" in spend.stdout and not spend.stderr, spend.stderr
    assert run(programs["rowcachectl"], "-c", file, "status").returncode == 0


def test_a_configuration_that_was_changed_survives_an_upgrade(tmp_path):
    """The new one is put beside it."""
    install(tmp_path)
    file, = tmp_path.rglob("rowcached.conf")
    new = file.with_name("rowcached.conf.new")
    original = file.read_text()
    install(tmp_path)
    assert not new.exists() and file.read_text() == original
    changed = original.replace(";ttl = 24h", "ttl = 48h")
    assert changed != original
    file.write_text(changed)
    install(tmp_path)
    assert file.read_text() == changed and new.read_text() == original


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_finds_nothing_wrong_with_the_units(installed, tmp_path):
    files = []
    for name in ("rowcached.service", "rowcached.socket"):
        text = installed(name).read_text()
        file = tmp_path / name
        file.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={ROWCACHED}", text))
        files.append(str(file))
    done = run("systemd-analyze", "verify", "--man=no", *files)
    said = [line for line in done.stderr.splitlines() if "rowcached" in line]
    assert done.returncode == 0 and not said, done.stderr


def elf(file, *options):
    return run("readelf", "--wide", *options, file).stdout


@pytest.mark.skipif(not shutil.which("readelf"), reason="there are no binutils")
@pytest.mark.parametrize("program", [ROWCACHED, ROWCACHECTL], ids=lambda file: file.name)
def test_the_programs_are_hardened(program):
    """Their place in memory differs from start to start, and what is filled at the start cannot be
    written afterwards; copies within libc are held against the size of their target."""
    assert re.search(r"Type:\s+DYN", elf(program, "--file-header"))
    segments = elf(program, "--program-headers")
    assert "GNU_RELRO" in segments and re.search(r"GNU_STACK .* RW ", segments)
    assert re.search(r"\bNOW\b", elf(program, "--dynamic"))
    symbols = elf(program, "--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert is_sanitized() or re.search(r"__\w+_chk@GLIBC", symbols.replace("__stack_chk_fail", ""))
