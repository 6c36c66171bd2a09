"""Where a process holds tokens, its memory is for nobody else, and for no file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon import OTHER_TOKEN, ROWCACHECTL, STRANGER, eventually


def check_private(process):
    """/proc belongs to root where a process cannot be dumped, neither to a file nor to a pipe; for
    others of the same user the memory is closed then (proc(5), "/proc/pid")."""
    assert os.stat(f"/proc/{process.pid}/environ").st_uid == 0
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    peep = f"open('/proc/{process.pid}/mem', 'rb')"
    done = subprocess.run([sys.executable, "-c", peep], user=STRANGER, group=65534,
                          extra_groups=[], capture_output=True, text=True, cwd="/")
    assert "PermissionError" in done.stderr


def test_the_daemons_memory_is_private(theirs):
    daemon = theirs()
    check_private(daemon.process)
    assert daemon.ask().miss


def test_what_it_tells_of_itself_is_complete(theirs):
    """Although its files in /proc belong to root."""
    metrics = theirs().metrics()
    for name in ("cpu_seconds_total", "open_fds", "max_fds", "resident_memory_bytes",
                 "virtual_memory_bytes", "start_time_seconds"):
        value = metrics.value("process_" + name)
        assert value > 0 or name == "cpu_seconds_total", name
    assert metrics.value("process_open_fds") > 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
def test_a_token_that_is_registered_is_private_too(shared):
    """It waits in rowcachectl, too."""
    program = shutil.copy(ROWCACHECTL, shared / "rowcachectl")
    with subprocess.Popen(
            [program, "-o", f"state.directory={shared}/state", "token", "register", "reporting"],
            user=STRANGER, group=65534, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: os.stat(f"/proc/{process.pid}/environ").st_uid == 0)
        check_private(process)
        out, error = process.communicate(OTHER_TOKEN + "\n")
    assert process.returncode == 0 and re.match("reporting", out), error
