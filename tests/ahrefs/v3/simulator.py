"""The simulator of v3 as an object: that of v2 with another state, other answers and faults."""

from dataclasses import replace
from urllib.parse import urlencode

from .. import control, server, simulator
from ..faults import apply_all
from ..http1 import Request
from .account import Key, State, Workspace, bearer
from .endpoints import PREFIX, answer, answer_to, endpoint_of
from .faults import Fault
from .links import TODAY
from .readings import DEFAULT, Readings


class Simulator(simulator.Simulator):
    """Use as a context manager; what is not said here is as in the simulator of v2, with units in
    place of tenths of rows and Bearer keys in place of tokens."""

    _make_fault = Fault
    _path = PREFIX.rstrip("/")

    def __init__(self, keys=None, ssl_files=None, host="127.0.0.1", port=0, *, workspace=None,
                 readings=DEFAULT, odd=False, today=TODAY, pace=None, minute=60):
        """`keys` None accepts every key of 20 characters or more, a list those, a dict has a Key
        for each; `workspace` is that of keys without one; `today` is the last day of the data;
        `pace`: requests in a minute and key, None: any number; `minute`: its seconds."""
        super().__init__(None, ssl_files, host, port)
        self.today = today
        self._state = State(keys, workspace or Workspace(), readings, odd, pace, minute)
        self._server = Server(self._state, today)

    def bill(self, token) -> int:
        """The units that a key has spent."""
        return super().bill(token)

    def forget_cache(self):
        """From now on, no answer comes from Ahrefs' own cache that was given before."""
        self._state.forget_cache()

    def direct(self, params, endpoint="site-explorer/all-backlinks") -> tuple:
        """The (body, rows, list price) of a question: free, not recorded, without limits, faults,
        Ahrefs' own cache and HTTP; Refused if it is an error."""
        asked = Request("GET", f"{PREFIX}{endpoint}?{urlencode(params)}", 1, {}, b"")
        key = Key(replace(self._state.workspace, units_limit=None))
        reply = answer_to(asked, self._state, self.today, "", key)
        return b"".join(reply.body), reply.results, reply.list_units


class Server(server.Server):
    def __init__(self, state, today):
        super().__init__(state)
        self.today = today

    def exchange(self, *parts):
        return Exchange(self, *parts)


def _fault(server_, request):
    return control.add_fault(server_, request, Fault)


def _read_as(server_, request):
    return control.read_as(server_, request, Readings)


def _forget(server_, _request):
    server_.state.forget_cache()
    return {"forgotten": True}


_CONTROLS = {("POST", "fault"): _fault, ("POST", "readings"): _read_as, ("POST", "forget"): _forget}


class Exchange(server.Exchange):
    """One request and its answer."""

    @staticmethod
    def controls(server_, request):
        return control.handle(server_, request, _CONTROLS)

    def _new_record(self):
        request = self._request
        return {
            "token": bearer(request.headers), "endpoint": endpoint_of(request),
            "params": request.params, "method": request.method, "path": request.path,
            "headers": request.headers, "body": request.body, "connection": self._connection,
            "faults": [], "status": None, "results": 0, "units": 0, "cache": None,
            "completed": False,
        }

    def _find_answer(self):
        found = answer(self._request, self._state, self._server.today)
        found.whole = replace(found, headers=dict(found.headers))
        faults = self._state.meet_faults(
            {**self._record["params"], "endpoint": self._record["endpoint"]})
        self._record["faults"] = [fault.kind for fault in faults]
        apply_all(faults, found)
        return found
