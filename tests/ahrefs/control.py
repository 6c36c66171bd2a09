"""The controls over HTTP, for use by hand; tests use the class Simulator."""

import json

from .faults import Fault
from .readings import Readings

PREFIX = "/_sim/"


def handle(server, request):
    """The (status, data) of a request to the controls."""
    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if not action:
        return 404, {"error": "no such control", "controls": [" ".join(key) for key in _ACTIONS]}
    try:
        return 200, action(server, request)
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"error": str(error)}


def _bill(server, _request):
    return server.state.bills()


def _requests(server, _request):
    return [
        {**record, "body": record["body"].decode("latin-1")} for record in server.state.records()
    ]


def _fault(server, request):
    options = json.loads(request.body)
    kind, match = options.pop("kind"), options.pop("match", None)
    server.state.add_fault(Fault(kind, match, options.pop("times", 1), options))
    return {"fault": kind}


def _release(server, _request):
    server.release()
    return {"released": True}


def _clear(server, _request):
    server.state.remove_faults()
    return {"cleared": True}


def _reset(server, _request):
    server.state.reset()
    return {"reset": True}


def _change(server, _request):
    server.state.change_world()
    return {"edition": server.state.edition}


def _read_as(server, request):
    options = json.loads(request.body)
    odd = bool(options.pop("odd", False))
    server.state.read_as(Readings(**options), odd)
    return {**server.state.readings.changed(), "odd": odd}


_ACTIONS = {
    ("GET", "bill"): _bill,
    ("GET", "requests"): _requests,
    ("POST", "fault"): _fault,
    ("POST", "release"): _release,
    ("POST", "clear"): _clear,
    ("POST", "reset"): _reset,
    ("POST", "change"): _change,
    ("POST", "readings"): _read_as,
}
