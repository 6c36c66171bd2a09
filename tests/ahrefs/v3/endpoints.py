"""The endpoints: which there are, who may ask them, and those whose answers are no rows."""

import json

from .answers import LEAST, Answer, Context, document, refusal
from .columns import BATCH
from .errors import Refused, refused
from .query import MODES, PROTOCOLS, need, one_of, read_scope
from .rows import ENDPOINTS, rows_answer

PREFIX = "/v3/"
LIMITS = "subscription-info/limits-and-usage"


def answer(request, state, today) -> Answer:
    """The answer to any request."""
    try:
        if not request.path.startswith(PREFIX):
            raise refused(404, "not found")
        text, key = state.key_of(request.headers)
        state.check_pace(key)
        return answer_to(request, state, today, text, key)
    except Refused as error:
        return refusal(error)


def answer_to(request, state, today, text, key) -> Answer:
    """The answer to a request of a good key; or Refused."""
    name = endpoint_of(request)
    if name in key.workspace.lacks:
        raise refused(403, "Insufficient plan")
    method, action = _ROUTES.get(name, (None, None))
    if not action:
        raise refused(404, f"endpoint '{name}' not found")
    if request.method != method:
        raise refused(405, "method not allowed")
    return action(Context(state, name, request, request.params, text, key, today))


def endpoint_of(request) -> str:
    return request.path.removeprefix(PREFIX)


# Endpoints of other shapes


def _limits_and_usage(context):
    key, workspace, state = context.key, context.key.workspace, context.state
    whole = context.readings.reset_date == "time"
    said = {
        "subscription": f"{workspace.plan}, billed monthly",
        "usage_reset_date": workspace.reset_date if whole else workspace.reset_date[:10],
        "units_limit_workspace": workspace.units_limit,
        "units_usage_workspace": state.used_in(workspace),
        "units_limit_api_key": key.units_limit,
        "units_usage_api_key": state.used_by(context.text, key),
        "api_key_expiration_date": key.expires,
    }
    if context.readings.no_limit == "absent":
        said = {name: value for name, value in said.items() if value is not None}
    return document(context, {"limits_and_usage": said}, 0, 0)


def _metrics(context):
    """One object in place of rows."""
    scope = read_scope(need(context.params, "target"),
                       one_of(context.params, "mode", MODES, "subdomains"))
    context.check_units(LEAST)
    number = len(scope.hosts[0])
    metrics = {"org_keywords": number * 31, "org_keywords_1_3": number, "org_traffic": number * 97,
               "org_cost": None, "paid_keywords": 0, "paid_traffic": 0, "paid_cost": None,
               "paid_pages": 0}
    return document(context, {"metrics": metrics}, 1, LEAST)


def _batch_analysis(context):
    asked = _batch(context.request.body)
    row_cost = sum(BATCH[name].price for name in asked["select"])
    cost = max(LEAST, row_cost * len(asked["targets"]))
    context.check_units(cost)
    rows = [_batch_row(index, target) for index, target in enumerate(asked["targets"])]
    data = {"targets": [{name: row[name] for name in asked["select"]} for row in rows]}
    return document(context, data, len(rows), cost)


def _batch(body):
    """The body of a batch, checked."""
    try:
        asked = json.loads(body)
        names, targets = [str(name) for name in asked["select"]], list(asked["targets"])
        if not names or not targets:
            raise ValueError
        for target in targets:
            read_scope(target["url"], one_of({"mode": target["mode"]}, "mode", MODES))
            one_of({"protocol": target["protocol"]}, "protocol", PROTOCOLS)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise refused(400, "bad body: select and targets are needed") from None
    for name in names:
        if name not in BATCH:
            raise refused(400, f"column '{name}' not found; available columns: {', '.join(BATCH)}")
    return {"select": list(dict.fromkeys(names)), "targets": targets}


def _batch_row(index, target):
    number = len(target["url"])
    return {
        "index": index, "url": target["url"], "mode": target["mode"],
        "protocol": target["protocol"], "ip": None if number % 3 else "192.0.2.1",
        "domain_rating": number % 100 + 0.5, "url_rating": number % 90, "ahrefs_rank": None,
        "backlinks": number * 1000, "refdomains": number * 10, "org_keywords": number * 31,
        "org_traffic": number * 97,
    }


_ROUTES = {
    **{name: ("GET", rows_answer) for name in ENDPOINTS},
    LIMITS: ("GET", _limits_and_usage),
    "site-explorer/metrics": ("GET", _metrics),
    "batch-analysis": ("POST", _batch_analysis),
}
