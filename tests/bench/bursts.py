#!/usr/bin/python3
"""Bursts of misses over TLS, with single misses between: how many connections upstream sees.

    tests/bench/bursts.py build

BUILD is a meson build directory. A real nginx, which speaks TLS, stands before the simulated Ahrefs.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from servers import cpu_of

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "scripts")]

BURSTS, AT_ONCE = 20, 32  # and as many single misses after each burst


def measure(daemon):
    """The seconds of each miss of a burst."""
    def ask(number):
        began = time.monotonic()
        assert daemon.ask(f"rows-5.n{number}.example").miss
        return time.monotonic() - began

    took, number = [], 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(BURSTS):
            took += pool.map(ask, range(number, number + AT_ONCE))
            number += AT_ONCE
            for _ in range(AT_ONCE):
                ask(number)
                number += 1
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build")
    os.environ["ROWCACHE_BUILD"] = parser.parse_args().build
    from ahrefs import Simulator
    from certificates import make_certificate
    from daemon import Daemon
    from nginx import Nginx

    with tempfile.TemporaryDirectory() as place, Simulator() as sim:
        place = Path(place)
        certificate, key = make_certificate(place, "ahrefs")
        with Nginx(place, sim.url, certificate, key, "keepalive_requests 100000") as front:
            daemon = Daemon(place / "state", front.url,
                            ["access.mode=open", f"upstream.ca_file={certificate}"])
            daemon.start()
            before = cpu_of(daemon.process.pid)
            took = measure(daemon)
            spent = cpu_of(daemon.process.pid) - before
            daemon.end()
            print(f"{BURSTS} bursts of {AT_ONCE} misses: {front.connections} connections, "
                  f"{median(took) * 1000:.0f} ms a miss (median), {spent * 1000:.0f} ms of CPU")


if __name__ == "__main__":
    main()
