"""A client of v3 that others wrote runs its calls unchanged against rowcache: ../clients."""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from daemon import ROWCACHED, eventually
from v3 import KEY, LIMITS, paid
from wire import patience

CLIENTS = Path(__file__).resolve().parent.parent / "clients"
INSTALLED = ROWCACHED.parent.parent / "clients"
NPM = ["npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
NOT_REACHED = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
               "ERR_SOCKET_TIMEOUT", "EHOSTUNREACH", "E503", "network")


@pytest.fixture(scope="module")
def spacecat():
    """The script with the client beside it, installed once for a build directory."""
    lock = (CLIENTS / "package-lock.json").read_bytes()
    done = INSTALLED / "installed"
    if not done.exists() or done.read_bytes() != lock:
        install()
        done.write_bytes(lock)
    return shutil.copy(CLIENTS / "spacecat.mjs", INSTALLED)


def install():
    INSTALLED.mkdir(exist_ok=True)
    for file in CLIENTS.glob("*.json"):
        shutil.copy(file, INSTALLED)
    if not shutil.which("npm"):
        pytest.fail("no npm here: tests/run installs it", pytrace=False)
    done = subprocess.run(NPM, cwd=INSTALLED, capture_output=True, text=True, timeout=patience(120))
    if done.returncode and any(word in done.stderr for word in NOT_REACHED):
        pytest.skip(f"npm's registry cannot be reached: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr


def run(script, url) -> list:
    """What came of each of the client's calls."""
    done = subprocess.run(
        ["node", script], cwd=INSTALLED, capture_output=True, text=True, timeout=patience(60),
        env={**os.environ, "AHREFS_API_BASE_URL": url, "AHREFS_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.strip().split("\n")]


def without_usage(calls) -> list:
    """The results, but for the usage, which has grown."""
    return [one["result"] for one in calls if one["name"] != "getLimitsAndUsage"]


def run_both(script, url, sim) -> tuple:
    """Two runs on one day: the client asks for what is known today."""
    while True:
        day = date.today()
        first = run(script, url)
        arrived, bill = len(paid(sim)), sim.bill(KEY)
        second = run(script, url)
        if date.today() == day:
            return first, second, arrived, bill


def test_its_calls_cost_once(spacecat, sim3, rowcache3):
    daemon = rowcache3()
    url = f"http://{daemon.address}/v3"
    first, second, arrived, bill = run_both(spacecat, url, sim3)
    assert [one.get("error") for one in first + second] == [None] * 30
    assert without_usage(first) == without_usage(second) == without_usage(run(spacecat, sim3.url))
    assert sum(one["cost"] for one in first) == bill > 0
    assert [one["cost"] for one in second] == [0] * 15
    assert len({record["endpoint"] for record in paid(sim3)}) == 8
    eventually(lambda: sum(daemon.outcomes().values()) == 30)
    outcomes = daemon.outcomes()
    assert outcomes["miss"] == arrived <= 14
    assert outcomes["hit"] + outcomes.get("derived", 0) == 28 - arrived
    assert daemon.account["units_spent"] == bill
    assert first[-1]["result"]["limits_and_usage"]["units_usage_api_key"] == bill
    assert all(record["headers"]["authorization"] == f"Bearer {KEY}" for record in sim3.requests)
    assert [record["endpoint"] for record in sim3.requests].count(LIMITS) >= 3
