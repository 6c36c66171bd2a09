"""The fixtures of all plays: a simulated Ahrefs, and any number of daemons in front of it."""

import os
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ahrefs import Simulator  # noqa: E402
from clock import Clock  # noqa: E402
from daemon import AHREFS, HOUSE, ROWCACHED, STRANGER, Daemon  # noqa: E402
from v3 import DAY, HOUSE_KEY, V3, simulator  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "heavy: moves hundreds of megabytes")
    config.addinivalue_line("markers", "concurrent: many clients at once; for ThreadSanitizer")
    if not ROWCACHED.exists():
        pytest.exit("no rowcached there: ROWCACHE_BUILD names the build directory", 2)


@pytest.fixture
def sim(request):
    """The simulated Ahrefs; it accepts every token of 40 hex digits, or those that the plays' file
    names in AHREFS_KNOWS."""
    with Simulator(tokens=getattr(request.module, "AHREFS_KNOWS", None)) as simulator:
        yield simulator


@pytest.fixture
def start(tmp_path):
    """Starts daemons in front of any upstream; they end with the test, without a complaint."""
    daemons = []

    def start_one(upstream, *options, wait=True, **more):
        daemon = Daemon(tmp_path / f"state{len(daemons)}", upstream, options, **more)
        daemons.append(daemon)
        daemon.start(wait)
        return daemon

    yield start_one
    for daemon in daemons:
        daemon.end()


@pytest.fixture
def rowcache(sim, start):
    """Starts daemons in front of the simulator: rowcache("cache.ttl=1s")."""

    def start_one(*options, upstream=sim.url, **more):
        return start(upstream, *options, **more)

    yield start_one
    sim.clear_faults()
    sim.release()


@pytest.fixture
def clock(tmp_path):
    """The clock of driven daemons. At first it is noon, in a winter of no leap year."""
    return Clock(tmp_path / "clock", datetime(2026, 3, 3, 12, tzinfo=timezone.utc))


@pytest.fixture
def driven(rowcache, clock):
    """Starts daemons in front of the simulator whose time is the clock's."""
    return lambda *options, **more: rowcache(*options, **clock.drives(), **more)


@pytest.fixture
def purse(tmp_path):
    """The file with the token, which no client has, that issued tokens spend from."""
    file = tmp_path / "ahrefs-token"
    file.write_text(AHREFS + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def issuing(rowcache, purse):
    """Starts daemons whose issued tokens can spend."""
    return lambda *options, **more: rowcache(f"upstream.token_file={purse}", *options, **more)


@pytest.fixture
def house(tmp_path):
    """The option that names the file with the Ahrefs token that issued tokens spend from."""
    file = tmp_path / "house"
    file.write_text(HOUSE + "\n")
    file.chmod(0o600)
    return f"upstream.token_file={file}"


@pytest.fixture
def sim3():
    """The simulated v3; it accepts every key of 20 characters or more."""
    with simulator() as one:
        yield one


@pytest.fixture
def rowcache3(sim3, start):
    """Starts daemons in front of the simulated v3."""

    def start_one(*options, upstream=sim3.url, **more):
        return start(upstream, *V3, *options, **more)

    yield start_one
    sim3.clear_faults()
    sim3.release()


@pytest.fixture
def driven3(rowcache3, clock):
    """Starts daemons in front of the simulated v3 whose day is the last one of its data."""
    assert str(clock.now.date()) == DAY
    return lambda *options, **more: rowcache3(*options, **clock.drives(), **more)


@pytest.fixture
def purse3(tmp_path):
    """The option that names the file with the key that issued tokens spend from."""
    file = tmp_path / "ahrefs-key"
    file.write_text(HOUSE_KEY + "\n")
    file.chmod(0o600)
    return f"upstream.token_file={file}"


@pytest.fixture
def issuing3(rowcache3, purse3):
    """Starts daemons in front of the simulated v3 whose issued tokens can spend."""
    return lambda *options, **more: rowcache3(purse3, *options, **more)


@pytest.fixture
def shared():
    """A directory that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="rc") as path:
        os.chmod(path, 0o777)
        yield Path(path)


@pytest.fixture
def theirs(rowcache, shared):
    """Starts a daemon that another user runs: theirs("cache.ttl=1s")."""
    if os.geteuid() != 0:
        pytest.skip("only root can be several users")
    program = shutil.copy(ROWCACHED, shared / "rowcached")
    state = shared / "state"
    state.mkdir(mode=0o700)
    shutil.chown(state, STRANGER)

    def start_one(*options):
        daemon = rowcache(f"state.directory={state}", *options, cwd="/", user=STRANGER,
                          command=lambda line: [program, *line[1:]])
        daemon.state = state
        return daemon

    return start_one
