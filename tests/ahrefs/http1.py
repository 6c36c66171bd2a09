"""As much of HTTP/1.1 as a well-behaved server needs: reading requests, writing heads."""

import asyncio
import re
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from . import loose

MOST_HEAD = 1024 * 1024
_MOST_BODY = 16 * 1024 * 1024
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.([01])")
_FORM = "application/x-www-form-urlencoded"


class BadRequest(Exception):
    """Not HTTP, or more of it than is reasonable."""


class Request(NamedTuple):
    method: str
    target: str
    version: int
    headers: dict
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path or "/"

    @property
    def loose_params(self) -> dict:
        """The same as a lenient server reads them."""
        return loose.params(urlsplit(self.target).query, self.body)

    @property
    def params(self) -> dict:
        """Decoded parameters; those of a form follow those of the query string, the last counts."""
        pairs = _decode(urlsplit(self.target).query)
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
            pairs += _decode(self.body.decode("latin-1"))
        return dict(pairs)

    @property
    def keep_alive(self) -> bool:
        wish = self.headers.get("connection", "").lower()
        return "close" not in wish and (self.version == 1 or "keep-alive" in wish)

    @property
    def takes_gzip(self) -> bool:
        """True if gzip is accepted with a quality above zero."""
        for item in self.headers.get("accept-encoding", "").lower().split(","):
            name, _, quality = item.replace(" ", "").partition(";q=")
            if name in ("gzip", "x-gzip", "*"):
                return not quality or quality.strip("0.") != ""
        return False


async def read_request(reader, writer):
    """The next request of a connection; None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial.strip():
            raise BadRequest("the head is incomplete") from end
        return None
    except asyncio.LimitOverrunError as overrun:
        raise BadRequest("the head is too large") from overrun
    first, *lines = head.decode("latin-1").lstrip("\r\n").split("\r\n")
    method, target, version = _request_line(first)
    headers = dict(_header(line) for line in lines if line)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(method, target, version, headers, await _read_body(reader, headers))


def head(status, headers) -> bytes:
    """A status line and headers."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _request_line(line):
    found = _REQUEST_LINE.fullmatch(line)
    if not found:
        raise BadRequest("the request line is malformed")
    return found[1], found[2], int(found[3])


def _header(line):
    name, colon, value = line.partition(":")
    if not colon:
        raise BadRequest("a header line is malformed")
    return name.strip().lower(), value.strip()


async def _read_body(reader, headers):
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await _read_chunks(reader)
        length = int(headers.get("content-length") or 0)
        if not 0 <= length <= _MOST_BODY:
            raise BadRequest("the body is too large")
        return await reader.readexactly(length)
    except (ValueError, asyncio.IncompleteReadError) as error:
        raise BadRequest("the body is malformed") from error


async def _read_chunks(reader):
    body = b""
    while size := int((await reader.readline()).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if len(body) > _MOST_BODY:
            raise BadRequest("the body is too large")
    while (await reader.readline()).strip():
        pass
    return body


def _decode(query):
    return parse_qsl(query, keep_blank_values=True, errors="replace")
