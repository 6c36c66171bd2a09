"""The simulator as an object: a server in its own thread, and the controls over it."""

import asyncio
import ssl
import threading

from .faults import Fault
from .readings import DEFAULT, Readings
from .server import Server
from .state import State
from .tables import answer


class Simulator:
    """Use as a context manager. Everything here may be called from any thread."""

    _make_fault = Fault
    _path = ""

    def __init__(self, tokens=None, ssl_files=None, host="127.0.0.1", port=0, rows_limit=500000,
                 *, literal=False, loose=False, readings=DEFAULT, odd=False, source=None):
        """`tokens` None accepts every token of 40 hex digits; `ssl_files` is (certificate, key).
        `literal`: a target of mode domain or subdomains that is more than a host has no rows;
        `loose`: parameters are read as lenient servers read them; `readings`: how undocumented
        points are read; `odd`: some rows have values that nothing documents; `source`: where rows
        come from, called as world.rows_of() is, such as v3.as_v2()."""
        self.port = None
        self.url = None
        self._address = host, port
        self._tls = _tls(ssl_files)
        self._state = State(tokens, rows_limit, literal, loose, readings, odd, source)
        self._server = Server(self._state)
        self._loop = None
        self._stopping = None
        self._ready = threading.Event()
        self._failure = None
        self._global_hold = []
        self._thread = threading.Thread(target=self._run, name="ahrefs", daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_exception):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    # What happened

    def bill(self, token) -> int:
        """The amount that a token has spent, in tenths of a row."""
        return self.bills().get(token, 0)

    def bills(self) -> dict:
        return self._state.bills()

    @property
    def requests(self) -> list:
        """The records of all requests read so far, oldest first."""
        return self._state.records()

    @property
    def in_flight(self) -> int:
        """Requests read whose answers have not been finished."""
        return self._state.in_flight

    @property
    def held(self) -> int:
        """Requests waiting for a release at this moment."""
        return self._state.held

    def wait_for(self, condition, timeout=10):
        """Waits until condition(self) is true; TimeoutError when it does not come about."""
        with self._state.changed:
            if not self._state.changed.wait_for(lambda: condition(self), timeout):
                raise TimeoutError("what was waited for did not happen")

    def reset(self):
        """Forgets bills and records, but not faults."""
        self._state.reset()

    # What is to happen

    def fault(self, kind, *, match=None, times=1, **options) -> Fault:
        """The next `times` requests that match go wrong; `.hits` of the result counts them."""
        return self._state.add_fault(self._make_fault(kind, match, times, options))

    def clear_faults(self):
        self._state.remove_faults()

    def hold(self, match=None, **options):
        """From now on, answers wait before their heads; until release()."""
        self._global_hold.append(self.fault("hold", match=match, times=None, **options))

    def release(self):
        """Ends hold(), and lets go every request that has come so far."""
        holds, self._global_hold = self._global_hold, []
        self._state.remove_faults(lambda fault: fault in holds)
        self._server.release()

    def change_world(self):
        """From now on, every target has other rows (as many as before, where all are asked for)."""
        self._state.change_world()

    def read_as(self, readings: Readings, odd=False):
        """From now on, undocumented points are read so; `odd` as in the constructor."""
        self._state.read_as(readings, odd)

    def direct(self, params) -> tuple:
        """The (body, results, cost in tenths) of a question: free, not recorded, without faults and
        without HTTP, which makes it fast."""
        reply = answer(params, self._state)
        return b"".join(reply.body), reply.results, reply.cost_tenths

    # The thread

    def _run(self):
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._failure = error
            self._ready.set()

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        host, port = self._address
        self.port = await self._server.start(host, port, self._tls)
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}{self._path}"
        self._ready.set()
        await self._stopping.wait()
        await self._server.stop()


def _tls(files):
    if not files:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    return context
