"""The state of the simulator, shared by its own thread and those of the tests."""

import math
import re
import threading

from .faults import Fault
from .readings import DEFAULT
from .world import rows_of

_TOKEN = re.compile("[0-9A-Fa-f]{40}")


class State:
    """Bills, records, faults and the gate, under one lock that tests can wait on."""

    def __init__(self, tokens=None, rows_limit=500000, literal=False, loose=False,
                 readings=DEFAULT, odd=False, source=None):
        self.readings = readings
        self.odd = odd
        self.source = source or rows_of
        self.rows_limit = rows_limit
        self.literal = literal
        self.loose = loose
        self.changed = threading.Condition()
        self.gate = 0
        self.edition = 0
        self._tokens = None if tokens is None else frozenset(tokens)
        self._faults = []
        self._forget()

    def _forget(self):
        self._bills = {}
        self._records = []
        self.in_flight = 0
        self.held = 0

    # The account

    def accepts(self, token) -> bool:
        return bool(_TOKEN.fullmatch(token)) if self._tokens is None else token in self._tokens

    def rows_left(self, token) -> int:
        return max(0, self.rows_limit - math.ceil(self.bills().get(token, 0) / 10))

    def bills(self) -> dict:
        with self.changed:
            return dict(self._bills)

    # Requests, in the order of their life

    def begin(self, record) -> int:
        """Notes a request that has been read; the number is for passing the gate with."""
        with self.changed:
            self._records.append(record)
            self.in_flight += 1
            self.changed.notify_all()
            return self.gate

    def charge(self, record, answer):
        with self.changed:
            record.update(results=answer.results, cost_tenths=answer.cost_tenths)
            if answer.cost_tenths:
                before = self._bills.get(record["token"], 0)
                self._bills[record["token"]] = before + answer.cost_tenths
            self.changed.notify_all()

    def finish(self, record, completed):
        with self.changed:
            record["completed"] = completed
            self.in_flight -= 1
            self.changed.notify_all()

    def count_held(self, by):
        with self.changed:
            self.held += by
            self.changed.notify_all()

    def records(self) -> list:
        with self.changed:
            return [dict(record) for record in self._records]

    def reset(self):
        """Forgets bills and records; requests in flight go on and will still be booked."""
        with self.changed:
            in_flight, held = self.in_flight, self.held
            self._forget()
            self.in_flight, self.held = in_flight, held

    # Faults and the gate

    def add_fault(self, fault: Fault):
        with self.changed:
            self._faults.append(fault)
            return fault

    def meet_faults(self, params) -> list:
        """The faults that strike this request; each is one time nearer to its end."""
        return self._meet(lambda fault: not fault.at_accept and fault.wants(params))

    def refuses_connection(self) -> bool:
        return bool(self._meet(lambda fault: fault.at_accept and fault.wants({})))

    def _meet(self, wanted):
        with self.changed:
            met = [fault for fault in self._faults if wanted(fault)]
            for fault in met:
                fault.hits += 1
            self._faults = [fault for fault in self._faults if not fault.used_up()]
            return met

    def remove_faults(self, unwanted=lambda fault: True):
        with self.changed:
            self._faults = [fault for fault in self._faults if not unwanted(fault)]

    def open_gate(self):
        with self.changed:
            self.gate += 1

    def change_world(self):
        with self.changed:
            self.edition += 1

    def read_as(self, readings, odd):
        with self.changed:
            self.readings, self.odd = readings, odd
