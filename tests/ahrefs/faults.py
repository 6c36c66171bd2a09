"""Faults: each turns an answer into one that goes wrong in its way.

An answer damaged on its way costs what it would have cost; one that was put in its place
(status, html, redirect, error_first) costs nothing. Positions count body bytes before
compression.
"""

import gzip
import inspect
import json
from itertools import chain

from .answer import Charge, Close, Hold, Pause
from .formats import CONTENT_TYPES, document

CHECKS = "subscription_info"  # the table by which a proxy may ask whether a token is good
_REFPAGES = b'{"refpages":['
_NOT_UTF8 = b"\xc3\x28\xff"


class Fault:
    """A fault waiting for its requests. `times` None means every one from now on; `match` None,
    whatever is no check of a token."""

    def __init__(self, kind, match, times, options):
        kinds = self.kinds()
        if kind not in kinds:
            raise ValueError(f"unknown fault '{kind}'; there are {', '.join(sorted(kinds))}")
        inspect.signature(kinds[kind]).bind(None, **options)
        self.kind = kind
        self.hits = 0
        self.at_accept = kind == "refuse" and options.get("at") == "accept"
        self._match = match
        self._times = times
        self._options = options

    @staticmethod
    def kinds() -> dict:
        """The faults that there are, in the order in which they are applied."""
        return KINDS

    @staticmethod
    def is_check(params) -> bool:
        """Whether a request is one by which a proxy may ask about a token."""
        return params.get("from") == CHECKS

    def wants(self, params) -> bool:
        """True if the fault is for this request."""
        if self.used_up():
            return False
        if callable(self._match):
            return bool(self._match(params))
        if self._match is None:
            return not self.is_check(params)
        return all(params.get(name) == value for name, value in self._match.items())

    def used_up(self) -> bool:
        return self._times is not None and self.hits >= self._times

    def apply(self, answer):
        self.kinds()[self.kind](answer, **self._options)


def delay(answer, seconds, charged=False):
    _wait_first(answer, Pause(seconds), charged)


def hold(answer, charged=False):
    _wait_first(answer, Hold(), charged)


def hold_body(answer, after=64):
    head, rest = _split(answer.body, after)
    answer.body = chain(head, [Hold()], rest)


def status(answer, code=500, body=b"", headers=None):
    body = body.encode() if isinstance(body, str) else body
    _replace(answer, code, {"Content-Type": "text/plain", **(headers or {})}, body)


def cut(answer, after=64, reset=False):
    head, _ = _split(answer.body, after)
    answer.body = chain(head, [Close(reset)])


def garbage(answer, after=64, data=b'\x00\x01<garbage>"}}]'):
    head, _ = _split(answer.body, after)
    answer.body = chain(head, [_bytes(data)])


def truncate(answer, after=64):
    answer.body, _ = _split(answer.body, after)


def stall(answer, after=64):
    head, _ = _split(answer.body, after)
    answer.body = chain(head, [Hold(), Close()])


def count(answer, by=1):
    answer.headers["X-Results-Count"] = str(answer.results + by)


def no_count(answer):
    answer.headers.pop("X-Results-Count", None)


def no_type(answer):
    answer.headers.pop("Content-Type", None)


def late_error(answer, text="internal error"):
    text = text.encode()
    if _format(answer) == "xml":
        end = b"</AhrefsApiResponse>\n"
        _edit_end(answer, b"<error>" + text + b"</error>" + end, end)
    else:
        _edit_end(answer, b',"error":"' + text + b'"}')


def empty_error(answer, value=None, last=False):
    """A member `error` that says nothing, beside the results."""
    member = b'"error":' + json.dumps(value).encode()
    if last:
        _edit_end(answer, b"," + member + b"}")
    else:
        _edit_first(answer, b"{", b"{" + member + b",")


def more(answer, by=1):
    """More results than were asked for, each of them paid."""
    _edit_end(answer, b",{}" * by + b"]}", b"]}")
    answer.results += by
    answer.cost_tenths += 2 * by
    answer.headers["X-Results-Count"] = str(answer.results)


def null_refpages(answer):
    """No results, as a serializer writes a list that was never made."""
    answer.body = [b'{"refpages":null}']
    answer.cost_tenths -= 2 * answer.results
    answer.results = 0
    answer.headers["X-Results-Count"] = "0"


def error_first(answer, text="internal error"):
    answer.body = document(_format(answer), {"error": text, "refpages": []})
    answer.results = answer.cost_tenths = 0
    answer.headers["X-Results-Count"] = "0"


def deep(answer, levels=10000):
    member = b'"deep":' + b"[" * levels + b"]" * levels + b","
    _edit_first(answer, _REFPAGES + b"{", _REFPAGES + b"{" + member)


def html(answer, body="<!DOCTYPE html><title>Maintenance</title><p>Back soon."):
    _replace(answer, 200, {"Content-Type": "text/html; charset=utf-8"}, body.encode())


def body(answer, data=""):
    """Another body in place of the results, which were paid."""
    answer.body = [_bytes(data)]


def redirect(answer, location="https://moved.example/", code=302):
    _replace(answer, code, {"Location": location}, b"")


def bad_gzip(answer, after=64):
    """A gzip stream that is right for `after` bytes of its own and wrong from there on."""
    packed = gzip.compress(b"".join(answer.body), mtime=0)
    answer.body = [packed[:after] + bytes(255 - byte for byte in packed[after:])]
    answer.headers["Content-Encoding"] = "gzip"
    answer.compress = False


def refuse(answer, at="request", reset=False, charged=False):
    if at not in ("request", "accept"):
        raise ValueError("refuse: at is 'request' or 'accept'")
    _wait_first(answer, Close(reset), charged)


def slow(answer, size=64, pause=0.01):
    answer.body = _drip(answer.body, size, Pause(pause))


def content_length(answer, by=100, close=True):
    """Claims more than it sends; with close=False it stalls instead, until a release."""
    body = b"".join(answer.body)
    answer.framing, answer.compress = "length", False
    answer.declared = len(body) + by
    answer.body = [body, *([] if close else [Hold()]), Close()]


def bad_utf8(answer):
    _edit_first(answer, b'":"', b'":"' + _NOT_UTF8)


def trailing(answer, data=b'{"refpages":[]}'):
    answer.body = chain(answer.body, [_bytes(data)])


def long_head(answer, size=300 * 1024):
    answer.headers["X-Long"] = "x" * size


def bom(answer):
    answer.body = chain([b"\xef\xbb\xbf"], answer.body)


def no_refpages(answer):
    answer.body = [b'{"something":[]}']


def twice(answer, second="[]"):
    _edit_end(answer, b',"refpages":' + second.encode() + b"}")


# In the order in which they are applied when several meet in one request:
# other answers, then edits, then what interrupts the sending.
KINDS = {
    function.__name__: function
    for function in (
        status, html, redirect, error_first, null_refpages, no_refpages, body,
        more, count, no_count, no_type, long_head,
        deep, bad_utf8, empty_error, late_error, twice, bom, trailing, bad_gzip,
        garbage, truncate, content_length, cut, stall, hold_body, slow,
        delay, hold, refuse,
    )
}


def apply_all(faults, answer):
    """Applies the faults that a request has met."""
    for fault in sorted(faults, key=lambda fault: list(fault.kinds()).index(fault.kind)):
        fault.apply(answer)


def _wait_first(answer, step, charged):
    answer.before += [Charge(), step] if charged else [step]


def _replace(answer, code, headers, body):
    answer.status = code
    answer.headers = headers
    answer.body = [body]
    answer.results = answer.cost_tenths = 0
    answer.framing, answer.compress = "length", False


def _format(answer):
    return next(name for name, kind in CONTENT_TYPES.items()
                if kind == answer.headers.get("Content-Type", CONTENT_TYPES["json"]))


def _bytes(data):
    return data.encode() if isinstance(data, str) else data


def _split(body, after):
    """The first `after` bytes of a body, and the rest; the rest only once the first is read."""
    items = iter(body)
    rest = []
    return _first(items, after, rest), _rest(items, rest)


def _first(items, after, rest):
    while after > 0:
        item = next(items, None)
        if item is None:
            return
        if isinstance(item, bytes):
            item, more = item[:after], item[after:]
            after -= len(item)
            rest.append(more)
        yield item


def _rest(items, rest):
    yield from filter(None, rest)
    yield from items


def _edit_first(answer, old, new):
    """Edits where the rows begin: old may straddle the first two pieces."""
    items = iter(answer.body)
    start = next(items, b"") + next(items, b"")
    answer.body = chain([start.replace(old, new, 1)], items)


def _edit_end(answer, end, old=b"}"):
    """Puts `end` in place of the closing brace of a JSON body, or of more than that."""
    answer.body = _with_end(answer.body, end, old)


def _with_end(body, end, old):
    last = b""
    for item in body:
        yield last
        last = item
    yield last.removesuffix(old) + end if isinstance(last, bytes) else last


def _drip(body, size, pause):
    for item in body:
        if not isinstance(item, bytes):
            yield item
            continue
        for at in range(0, len(item), size):
            yield item[at:at + size]
            yield pause
