"""TCP connections over IPv4 as the kernel sees them (proc(5), /proc/net/tcp)."""

from pathlib import Path
from typing import NamedTuple

ESTABLISHED, SYN_SENT, CLOSE_WAIT = 1, 2, 8  # of `state`; the last: the other end was closed
HELD = {ESTABLISHED, SYN_SENT, CLOSE_WAIT}  # the process still holds this end


class Connection(NamedTuple):
    """One end: its port, the other end's, and how many bytes that it received are unread."""
    here: int
    there: int
    state: int
    unread: int
    inode: int


def connections() -> list:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [_parse(line.split()) for line in lines]


def _parse(fields):
    here, there = (int(fields[n].rpartition(":")[2], 16) for n in (1, 2))
    unread = int(fields[4].partition(":")[2], 16)
    return Connection(here, there, int(fields[3], 16), unread, int(fields[9]))
