"""The server: connections, and the sending of answers with all that may interrupt it."""

import asyncio
import json
import sys
import traceback
import zlib

from . import control, http1, tables
from .answer import Answer, Broken, reset
from .faults import apply_all

_WRITE_BUFFER = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_METHODS = ("GET", "POST")


class Server:
    """Serves a state; lives in one event loop, except for what says otherwise."""

    def __init__(self, state):
        self.state = state
        self._loop = None
        self._listener = None
        self._gate_moved = None
        self._tasks = set()
        self._connections = 0

    async def start(self, host, port, tls) -> int:
        """Listens; the answer is the port."""
        self._loop = asyncio.get_running_loop()
        self._gate_moved = asyncio.Event()
        self._listener = await self._loop.create_server(
            lambda: _Protocol(self), host, port, ssl=tls, backlog=1024
        )
        return self._listener.sockets[0].getsockname()[1]

    async def stop(self):
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def release(self):
        """From any thread: lets go every request that has come so far."""
        self.state.open_gate()
        self._loop.call_soon_threadsafe(self._move_gate)

    def _move_gate(self):
        self._gate_moved.set()
        self._gate_moved = asyncio.Event()

    def exchange(self, *parts):
        """What serves one request."""
        return Exchange(self, *parts)

    async def gate_beyond(self, number):
        while self.state.gate <= number:
            await self._gate_moved.wait()

    def connected(self, reader, writer, gone):
        """A new connection, already accepted by the kernel."""
        if self.state.refuses_connection():
            reset(writer.transport)
            return
        self._connections += 1
        task = self._loop.create_task(self._serve(reader, writer, gone, self._connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader, writer, gone, number):
        writer.transport.set_write_buffer_limits(_WRITE_BUFFER)
        try:
            while request := await http1.read_request(reader, writer):
                await self.exchange(writer, gone, request, number).run()
                if not request.keep_alive:
                    break
        except http1.BadRequest as error:
            writer.write(http1.head(400, {"Connection": "close"}) + str(error).encode())
        except asyncio.CancelledError:
            writer.transport.abort()
        except (Broken, OSError):
            pass
        except Exception:
            print("cannot serve a request:", traceback.format_exc(), file=sys.stderr)
        finally:
            writer.close()


class _Protocol(asyncio.StreamReaderProtocol):
    """The usual protocol of streams, which also tells when the peer has left while
    nothing is being read or written: a held answer must not wait for nobody."""

    def __init__(self, server):
        self._gone = asyncio.Event()
        reader = asyncio.StreamReader(limit=http1.MOST_HEAD)
        super().__init__(reader, lambda *streams: server.connected(*streams, self._gone))

    def eof_received(self):
        self._gone.set()
        return super().eof_received()

    def connection_lost(self, exc):
        self._gone.set()
        super().connection_lost(exc)


class Exchange:
    """One request and its answer."""

    controls = staticmethod(control.handle)

    def __init__(self, server, writer, gone, request, connection):
        self.transport = writer.transport
        self._server = server
        self._state = server.state
        self._writer = writer
        self._gone = gone
        self._request = request
        self._connection = connection
        self._answer = None
        self._record = None
        self._ticket = 0
        self._charged = False
        self._finished = False

    async def run(self):
        if self._request.path.startswith(control.PREFIX):
            await self._control()
            return
        self._record = self._new_record()
        self._ticket = self._state.begin(self._record)
        try:
            self._answer = self._find_answer()
            self._record["status"] = self._answer.status
            for step in self._answer.before:
                await step.perform(self)
            self.charge()
            await self._send()
        finally:
            self._finish(completed=False)

    def charge(self):
        """Books the cost, once."""
        if not self._charged:
            self._charged = True
            self._state.charge(self._record, self._answer)

    async def pause(self, seconds):
        await self._wait_for(asyncio.sleep(seconds))

    async def hold(self):
        self._state.count_held(+1)
        try:
            await self._wait_for(self._server.gate_beyond(self._ticket))
        finally:
            self._state.count_held(-1)

    async def _wait_for(self, what):
        """Waits for it or for the client to leave, whichever comes first."""
        waits = [asyncio.ensure_future(what), asyncio.ensure_future(self._gone.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._gone.is_set():
            raise Broken

    def _new_record(self):
        request = self._request
        params = request.loose_params if self._state.loose else request.params
        return {
            "token": params.get("token", ""), "params": params, "method": request.method,
            "path": request.path, "headers": request.headers, "body": request.body,
            "connection": self._connection, "faults": [], "status": None,
            "results": 0, "cost_tenths": 0, "completed": False,
        }

    def _find_answer(self):
        if self._request.path != "/":
            return _plain(404, "not found")
        if self._request.method not in _METHODS:
            return _plain(405, "method not allowed", Allow=", ".join(_METHODS))
        params = self._record["params"]
        answer = tables.answer(params, self._state)
        faults = self._state.meet_faults(params)
        self._record["faults"] = [fault.kind for fault in faults]
        apply_all(faults, answer)
        return answer

    async def _control(self):
        status, data = self.controls(self._server, self._request)
        self._answer = _plain(status, json.dumps(data, indent=1) + "\n")
        self._answer.headers["Content-Type"] = "application/json"
        await self._send()

    def _finish(self, completed):
        if self._record and not self._finished:
            self._finished = True
            self._state.finish(self._record, completed)

    async def _send(self):
        """Sends head and body. What comes last is sent only after the books are closed,
        so that a client that has an answer's end finds its record complete."""
        gzipped = self._answer.compress and self._request.takes_gzip
        chunked = self._answer.framing == "chunked" and self._request.version == 1
        last = self._head(gzipped, chunked)
        body = _gzip(self._answer.body) if gzipped else self._answer.body
        for item in body:
            if isinstance(item, bytes):
                if item:
                    await self._write(last)
                    last = http1.chunk(item) if chunked else item
            else:
                await self._write(last)
                last = b""
                await item.perform(self)
        self._finish(completed=True)
        await self._write(last + b"0\r\n\r\n" if chunked else last)
        if not chunked and self._answer.framing == "chunked":
            raise Broken  # HTTP/1.0: the end of the connection is the end of the body

    def _head(self, gzipped, chunked):
        answer = self._answer
        headers = {"Server": "simulator", **answer.headers}
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        if answer.framing == "length":
            headers["Content-Length"] = _length(answer)
        if not self._request.keep_alive:
            headers["Connection"] = "close"
        return http1.head(answer.status, headers)

    async def _write(self, data):
        if data:
            self._writer.write(data)
            await self._writer.drain()


def _length(answer):
    """What is claimed of the body, or its bytes, whatever a fault has made of it."""
    if answer.declared is not None:
        return answer.declared
    answer.body = list(answer.body)
    return sum(len(item) for item in answer.body if isinstance(item, bytes))


def _plain(status, text, **headers):
    headers["Content-Type"] = "text/plain"
    return Answer(status, headers, [text.encode()], framing="length", compress=False)


def _gzip(body):
    """Compresses the pieces; before a step, all that went before it is made readable."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    for item in body:
        if isinstance(item, bytes):
            yield packer.compress(item)
        else:
            yield packer.flush(zlib.Z_SYNC_FLUSH)
            yield item
    yield packer.flush()
