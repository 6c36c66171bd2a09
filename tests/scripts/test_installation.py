"""From a clone to what stands on a machine: what meson needs, and what it installs."""

import os
import subprocess
from pathlib import Path

import pytest

from wire import patience

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
