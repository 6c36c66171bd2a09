"""Runs wrk, and reads what it says."""

import re
import resource
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
_UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


class Load:
    """What one run has done: requests, seconds of wrk's own CPU, milliseconds of 50 and 99 %."""

    def __init__(self, text, cpu):
        self.requests = int(re.search(r"(\d+) requests in", text)[1])
        self.cpu = cpu
        self.p50, self.p99 = (_milliseconds(text, share) for share in ("50", "99"))
        self.faults = re.findall(r"Non-2xx.*|Socket errors.*", text)


def _milliseconds(text, share):
    value, unit = re.search(rf"^\s*{share}%\s+([\d.]+)(\w+)$", text, re.MULTILINE).groups()
    return float(value) * _UNITS[unit]


def load(port, path, seconds, connections=64, threads=2, distinct=0, pause=0):
    """Asks for `path` again and again. With `distinct`, `path` has a %d for the numbers below it. With `pause`, each
    connection pauses up to so many milliseconds before each request."""
    line = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    url = f"http://127.0.0.1:{port}"
    if distinct:
        line += ["-s", HERE / "distinct.lua", url, "--", str(distinct), path]
    elif pause:
        line += ["-s", HERE / "paced.lua", url + path, "--", str(pause)]
    else:
        line.append(url + path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Load(done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
