"""The controls over HTTP, for use by hand; tests use the class Simulator."""

import json

from .faults import Fault
from .readings import Readings

PREFIX = "/_sim/"


def handle(server, request, more=None):
    """The (status, data) of a request to the controls; `more` are further ones, or others."""
    actions = {**_ACTIONS, **(more or {})}
    action = actions.get((request.method, request.path.removeprefix(PREFIX)))
    if not action:
        return 404, {"error": "no such control", "controls": [" ".join(key) for key in actions]}
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


def add_fault(server, request, make_fault=Fault):
    options = json.loads(request.body)
    kind, match = options.pop("kind"), options.pop("match", None)
    server.state.add_fault(make_fault(kind, match, options.pop("times", 1), options))
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


def read_as(server, request, make_readings=Readings):
    options = json.loads(request.body)
    odd = bool(options.pop("odd", False))
    server.state.read_as(make_readings(**options), odd)
    return {**server.state.readings.changed(), "odd": odd}


_ACTIONS = {
    ("GET", "bill"): _bill,
    ("GET", "requests"): _requests,
    ("POST", "fault"): add_fault,
    ("POST", "release"): _release,
    ("POST", "clear"): _clear,
    ("POST", "reset"): _reset,
    ("POST", "change"): _change,
    ("POST", "readings"): read_as,
}
