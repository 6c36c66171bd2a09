"""Keys and workspaces: who may ask, what a plan gives, and the state that all requests share."""

import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Optional

from .. import state
from .errors import FORBIDDEN, UNAUTHORIZED, Refused, refused
from .readings import DEFAULT

CAPS = {"Lite": 100, "Standard": 250, "Advanced": 500, "Enterprise": None}
_BY_PLAN = object()
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{20,200}")
_THROTTLED = "Too many requests"


@dataclass(eq=False)
class Workspace:
    """A subscription. `cap`: rows in one answer, None: all, otherwise by the plan's name;
    `lacks`: columns and endpoints (site-explorer/all-backlinks) that the plan has not; `paid`:
    whether the free targets are free."""

    plan: str = "Enterprise"
    cap: object = _BY_PLAN
    units_limit: Optional[int] = None
    units_used: int = 0
    lacks: frozenset = frozenset()
    paid: bool = True
    reset_date: str = "2024-03-04T00:00:00Z"

    @property
    def rows_cap(self) -> Optional[int]:
        return CAPS[self.plan] if self.cap is _BY_PLAN else self.cap


@dataclass(eq=False)
class Key:
    """One key of a workspace, the simulator's own if None."""

    workspace: Optional[Workspace] = None
    units_limit: Optional[int] = None
    units_used: int = 0
    expires: str = "2027-08-06T01:57:32Z"
    expired: bool = False
    recent: deque = field(default_factory=deque, repr=False)


class State(state.State):
    """The state of the v2 simulator, but its bills are in units; keys, the cache and the pace."""

    def __init__(self, keys, workspace, readings=DEFAULT, odd=False, pace=None, minute=60):
        super().__init__(readings=readings, odd=odd)
        self.workspace = workspace
        self.pace = pace
        self._minute = minute
        self._keys = {} if keys is None else _named(keys)
        self._any_key = keys is None
        self._cache = {}
        for key in self._keys.values():
            key.workspace = key.workspace or workspace

    # Who asks

    def key_of(self, headers) -> tuple:
        """The (text, Key) that a request was made with."""
        text = bearer(headers)
        if not text:
            raise Refused(403, FORBIDDEN)
        key = self._find_key(text)
        if not key or key.expired:
            raise Refused(401, UNAUTHORIZED)
        return text, key

    def _find_key(self, text):
        with self.changed:
            if self._any_key and text not in self._keys and _KEY.fullmatch(text):
                self._keys[text] = Key(self.workspace)
            return self._keys.get(text)

    def check_pace(self, key):
        """Refuses what is more than the pace allows in a minute."""
        now = time.monotonic()
        with self.changed:
            while key.recent and key.recent[0] <= now - self._minute:
                key.recent.popleft()
            if self.pace is not None and len(key.recent) >= self.pace:
                oldest = key.recent[0] if key.recent else now
                raise self.throttled(oldest + self._minute - now)
            key.recent.append(now)

    def throttled(self, seconds) -> Refused:
        """A 429, with or without a Retry-After."""
        body = {"object": {"error": _THROTTLED}, "pair": ["Error", _THROTTLED],
                "text": _THROTTLED, "empty": ""}[self.readings.throttle_body]
        wait = int(seconds) + 1
        when = datetime.now(timezone.utc) + timedelta(seconds=wait)
        headers = {"none": {}, "seconds": {"Retry-After": wait},
                   "date": {"Retry-After": format_datetime(when, usegmt=True)}}
        return Refused(429, body, headers[self.readings.retry_after])

    # Units

    def used_by(self, text, key) -> int:
        return key.units_used + self.bills().get(text, 0)

    def used_in(self, workspace) -> int:
        bills = self.bills()
        own = (bills.get(text, 0) for text, key in list(self._keys.items())
               if key.workspace is workspace)
        return workspace.units_used + sum(own)

    def check_units(self, text, key, expected):
        """Refuses what could cost more than either limit leaves."""
        limits = ((key.workspace.units_limit, self.used_in(key.workspace)),
                  (key.units_limit, self.used_by(text, key)))
        left = min((max(0, limit - used) for limit, used in limits if limit is not None),
                   default=None)
        if left is not None and expected > left:
            raise refused(403, "API units limit reached. "
                          f"Expected usage: {expected}, API units left: {left}.")

    def charge(self, record, answer):
        """Books the units, and keeps the answer as Ahrefs' own cache does."""
        with self.changed:
            record.update(results=answer.results, units=answer.units, cache=answer.cache)
            if answer.units:
                self._bills[record["token"]] = self._bills.get(record["token"], 0) + answer.units
            if answer.keep:
                self._cache[answer.keep] = answer.whole
            self.changed.notify_all()

    # Ahrefs' own cache

    def kept(self, where):
        """The answer that was given to the same question before, or None."""
        return self._cache.get(where) if self.readings.own_cache == "kept" else None

    def forget_cache(self):
        with self.changed:
            self._cache = {}


def bearer(headers) -> str:
    """The key in an Authorization header, or nothing."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _named(keys):
    return dict(keys) if isinstance(keys, dict) else {text: Key() for text in keys}
