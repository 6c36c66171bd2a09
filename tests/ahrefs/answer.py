"""An answer before it is sent, and the steps that sending it may be interrupted by.

A body is an iterable of pieces and steps, so that a fault is nothing but another body:
"the first 64 bytes, then close" needs no word in the code that sends.
"""

import socket
import struct
from dataclasses import dataclass, field
from typing import Iterable, Optional

_LINGER_NOT = struct.pack("ii", 1, 0)


class Broken(Exception):
    """The answer ends here, and the connection with it."""


@dataclass
class Answer:
    """What is to be sent, and what it costs.

    `framing` is "chunked" or "length" (the body is then a list without steps, unless
    `declared` says what length to claim). Pieces are compressed only if `compress` says so.
    """

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: Iterable = ()
    before: list = field(default_factory=list)
    results: int = 0
    cost_tenths: int = 0
    framing: str = "chunked"
    declared: Optional[int] = None
    compress: bool = True


class Charge:
    """Books the cost now; without it, it is booked when the head is sent."""

    async def perform(self, exchange):
        exchange.charge()


class Pause:
    """Waits, but not for a client that has left."""

    def __init__(self, seconds):
        self._seconds = seconds

    async def perform(self, exchange):
        await exchange.pause(self._seconds)


class Hold:
    """Waits for a release that comes after the request came."""

    async def perform(self, exchange):
        await exchange.hold()


class Close:
    """Closes the connection, in the orderly way of TCP or with a reset."""

    def __init__(self, reset=False):
        self._reset = reset

    async def perform(self, exchange):
        if self._reset:
            reset(exchange.transport)
        raise Broken


def reset(transport):
    """Has the peer see "connection reset" instead of an end of file."""
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
