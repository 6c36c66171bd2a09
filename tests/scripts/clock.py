"""The clock of a daemon that is driven by a play: it stands still until the play moves it.

The daemon is rowcached with ../fake/clock.c in place of its own clock. What its libraries time
themselves goes by the machine's: the connect timeout, the idle timeout, a busy database.
"""

import mmap
import os
import struct
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from daemon import ROWCACHED
from wire import SLOW

DRIVEN = ROWCACHED.parent.parent / "tests" / "rowcached-driven"
_SECOND = 10**9  # the file has nanoseconds
_FLYING = 0.01 * SLOW  # real seconds in which one passes


class Clock:
    """The file that the daemon's clock shares with the play: the time of day, and the time for
    durations, which is never set."""

    def __init__(self, path, moment):
        """`moment` is the time of day at first; a datetime with a zone."""
        self.path = path
        path.write_bytes(bytes(16))
        with open(path, "r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 16)
        self._put(1, 3600 * _SECOND)
        self.set(moment)

    def _put(self, place, value):
        struct.pack_into("q", self._shared, 8 * place, value)

    def _get(self, place):
        return struct.unpack_from("q", self._shared, 8 * place)[0]

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._get(0) / _SECOND, timezone.utc)

    def set(self, moment):
        """Sets the time of day, as an administrator does; no time passes."""
        self._put(0, round(moment.timestamp()) * _SECOND)

    def go_on(self, **time):
        """So much time passes, in the words of timedelta: go_on(hours=1)."""
        passed = round(timedelta(**time).total_seconds() * _SECOND)
        for place in (0, 1):
            self._put(place, self._get(place) + passed)

    def go_on_until(self, moment):
        self.go_on(seconds=(moment - self.now).total_seconds())

    @contextmanager
    def flying(self):
        """Time passes meanwhile, a hundred times as fast: for a call that waits for it."""
        landed = threading.Event()

        def fly():
            while not landed.wait(_FLYING):
                self.go_on(seconds=1)

        thread = threading.Thread(target=fly)
        thread.start()
        try:
            yield
        finally:
            landed.set()
            thread.join()

    def drives(self) -> dict:
        """The arguments of a Daemon that this clock drives."""
        return {"command": lambda line: [str(DRIVEN), *line[1:]],
                "env": {**os.environ, "DRIVEN_CLOCK": str(self.path)}}
