"""A fake Ahrefs v3 for the attempts: it goes by the reference to the letter, and reads each of its
"not known" points as the play chooses. It shares nothing with the simulator (../ahrefs/v3), so
that a mistake of its author and the daemon's shows."""

import gzip
import json
import math
import random
import re
import threading
from collections import defaultdict
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

INT = """ahrefs_rank_source ahrefs_rank_target class_c http_code links_external links_internal
    page_size positions redirect_code refdomains_source traffic traffic_domain""".split()
FLOAT = "domain_rating_source domain_rating_target url_rating_source".split()
BOOL = "is_dofollow is_lost is_new is_nofollow is_spam is_text noindex".split()
TIME = "first_seen first_seen_link last_visited last_seen".split()
STRING = "anchor encoding link_type snippet_left snippet_right title url_from url_to".split()
OPTIONAL = "alt discovered_status drop_reason lost_reason".split()
COLUMNS = INT + FLOAT + BOOL + TIME + STRING + OPTIONAL
PRICES = {"class_c": 5, "refdomains_source": 5, "traffic": 10, "traffic_domain": 10}
PARAMETERS = {"target", "select", "mode", "where", "order_by", "limit", "aggregation", "history",
              "protocol", "timeout", "output"}
READINGS = {"includes": True, "nulls": "last", "second": True, "case": True, "empty": 50, "zone": 0}
JSON = {"Content-Type": "application/json; charset=utf-8"}


def link(number, **given) -> dict:
    """A live link found long ago, with whatever else is given."""
    usual = dict.fromkeys(INT, 0) | dict.fromkeys(FLOAT, 10) | dict.fromkeys(BOOL, False)
    usual |= dict.fromkeys(STRING, "") | dict.fromkeys(OPTIONAL + ["redirect_code", "last_seen"])
    usual |= {
        "url_from": f"https://s{number}.example/p{number}", "url_to": "https://t.example/",
        "anchor": f"a{number}", "title": f"T{number}", "encoding": "utf8", "http_code": 200,
        "link_type": "text", "first_seen": "2025-01-01T00:00:00Z",
        "first_seen_link": "2025-01-02T03:04:05Z", "last_visited": "2026-03-01T00:00:00Z",
        "is_new": True, "is_dofollow": True,
    }
    return {**usual, **given}


class _Refused(Exception):
    def __init__(self, text, status=400):
        self.status = status
        self.body = json.dumps({"error": text}).encode()


class Strict:
    """The fake; `links` are the rows of every target. Its attributes may be changed at any time."""

    def __init__(self, links=(), **readings):
        self.links = list(links)
        self.readings = {**READINGS, **readings}
        self.cap = 0  # 0: none
        self.plan = "Enterprise, billed yearly"
        self.left = None  # units; None: any number
        self.headers = True  # whether answers tell their cost
        self.gzip = False
        self.fault = lambda request: None  # or (status, headers, body) in place of an answer
        self.requests = []
        self.complaints = []  # what a client must not do
        self.bill = defaultdict(int)
        self._lock = threading.Lock()

    def __enter__(self):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake._handle(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v3"
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()

    @property
    def paid(self) -> list:
        """The requests but for those of limits-and-usage."""
        return [request for request in self.requests if "limits-" not in request["path"]]

    def last(self, name):
        """A parameter of the last paid request."""
        return self.paid[-1]["params"].get(name)

    def _handle(self, http):
        split = urlsplit(http.path)
        pairs = parse_qsl(split.query, True)
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        request = {"method": http.command, "path": split.path, "params": dict(pairs), "body": body,
                   "key": http.headers.get("Authorization", "").removeprefix("Bearer ")}
        if len(pairs) != len(request["params"]):
            self.complaints.append(f"parameters given twice: {pairs}")
        with self._lock:
            self.requests.append(request)
        try:
            status, headers, data = self.fault(request) or self._answer(request)
        except _Refused as refused:
            status, headers, data = refused.status, JSON, refused.body
        if self.gzip and "gzip" in http.headers.get("Accept-Encoding", ""):
            data, headers = gzip.compress(data), {**headers, "Content-Encoding": "gzip"}
        http.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            http.send_header(name, value)
        http.end_headers()
        http.wfile.write(data)

    def _answer(self, request):
        endpoint, params = request["path"].removeprefix("/v3/"), request["params"]
        if endpoint == "subscription-info/limits-and-usage":
            body = json.dumps({"limits_and_usage": self._limits(request["key"])}).encode()
            return 200, JSON, body
        if endpoint == "site-explorer/all-backlinks" and request["method"] == "GET":
            return self._backlinks(params, request["key"])
        if endpoint == "site-explorer/domain-rating":
            body = json.dumps({"domain_rating": {"domain_rating": 55.5}}).encode()
            return self._charged(body, 1, 1, params, request["key"])
        if endpoint == "batch-analysis/batch-analysis":
            return self._charged(b'{"targets":[{"url":"x"}]}', 1, 80, params, request["key"])
        raise _Refused("not found", 404)

    def _limits(self, key):
        return {"subscription": self.plan, "usage_reset_date": "2026-04-04T00:00:00Z",
                "units_limit_workspace": 400000, "units_usage_workspace": sum(self.bill.values()),
                "units_limit_api_key": None, "units_usage_api_key": self.bill[key],
                "api_key_expiration_date": "2027-08-06T01:57:32Z"}

    def _charged(self, body, rows, row_cost, params, key, media=None):
        most = max(50, row_cost * int(params.get("limit", 1000)))
        price = max(50, rows * row_cost) if rows else self.readings["empty"]
        actual = 0 if params.get("target") == "ahrefs.com" else price
        if self.left is not None and actual:
            if most > self.left:
                raise _Refused(f"API units limit reached. Expected usage: {most}, "
                               f"API units left: {self.left}.", 403)
            self.left -= actual
        with self._lock:
            self.bill[key] += actual
        costs = {"rows": rows, "units-cost-row": max(row_cost, math.ceil(50 / max(rows, 1))),
                 "units-cost-total": price, "units-cost-total-actual": actual, "cache": "no_cache"}
        told = {f"x-api-{name}": str(value) for name, value in costs.items()}
        return 200, {**(media or JSON), **(told if self.headers else {})}, body

    def _backlinks(self, params, key):
        self.complaints += [f"unknown parameter {name}" for name in params.keys() - PARAMETERS]
        if not params.get("target") or not params.get("select"):
            raise _Refused("target or select is missing")
        select = params["select"].split(",")
        for name in select:
            if name not in COLUMNS:
                raise _Refused(f"column '{name}' not found. Available: {', '.join(COLUMNS)}")
        bought = set(select)
        where = json.loads(params.get("where", '{"and": []}'))
        rows = [row for row in self.links if self._reaches(row, params.get("history", "all_time"))
                and self._keeps(where, row, bought)]
        random.shuffle(rows)  # without an order, and among equal keys
        self._sort(rows, params.get("order_by"), bought)
        limit = int(params.get("limit", 1000))
        limit = min(limit, self.cap or limit)
        rows = [{name: row[name] for name in select} for row in rows[:limit]]
        cost = sum(PRICES.get(name, 1) for name in bought)
        if params.get("output") == "csv":
            lines = [",".join(select)] + [",".join(map(str, row.values())) for row in rows]
            return self._charged("\n".join(lines).encode(), len(rows), cost, params, key,
                                 {"Content-Type": "text/csv"})
        body = json.dumps({"backlinks": rows}, ensure_ascii=False).encode()
        return self._charged(body, len(rows), cost, params, key)

    def _sort(self, rows, order, bought):
        keys = [key.partition(":") for key in order.split(",")] if order else []
        bought.update(name for name, _, _ in keys)
        for name, _, direction in reversed(keys if self.readings["second"] else keys[:1]):
            if not direction:
                self.complaints.append("an order without a direction")
            down = direction == "desc"
            nulls = (self.readings["nulls"] == "last") != down
            filler = "" if name in TIME + STRING + OPTIONAL else 0
            rows.sort(key=lambda row: ((row[name] is None) == nulls, row[name] or filler),
                      reverse=down)

    def _reaches(self, row, history):
        if row["last_seen"] is None or history == "all_time":
            return True
        if history == "live":
            return False
        start = _moment(history.removeprefix("since:"), self.readings["zone"])
        skipped = timedelta(days=0 if self.readings["includes"] else 1)
        return _moment(row["last_seen"]) >= start + skipped

    def _keeps(self, node, row, bought):
        """Every part is looked at, so that its column is charged."""
        for word, judge in (("and", all), ("or", any)):
            if word in node:
                return judge([self._keeps(part, row, bought) for part in node[word]])
        if "not" in node:
            return not self._keeps(node["not"], row, bought)
        if node["field"] not in COLUMNS:
            raise _Refused(f"column '{node['field']}' not found")
        bought.add(node["field"])
        value = row[node["field"]]
        if node["is"] in ("is_null", "empty"):
            return value is None or (node["is"] == "empty" and value == "")
        return self._compares(node["field"], value, *node["is"])

    def _compares(self, name, value, op, given):
        if value is None:
            return op == "neq"
        if name in TIME:
            value, given = _moment(value), _moment(given, self.readings["zone"])
        elif name in BOOL:
            given = given in (True, 1, "true")
        elif type(given) not in ((int, float) if name in INT + FLOAT else (str,)):
            raise _Refused(f"'{name}' compared with {given!r}")
        if op in ("substring", "isubstring"):
            lower = str if op == "substring" and self.readings["case"] else str.lower
            return lower(given) in lower(value)
        if op in ("phrase_match", "prefix", "suffix"):
            forms = {"phrase_match": r"\b{}\b", "prefix": "^{}", "suffix": "{}$"}
            return re.search(forms[op].format(re.escape(given)), value) is not None
        return {"eq": value == given, "neq": value != given, "gt": value > given,
                "gte": value >= given, "lt": value < given, "lte": value <= given}[op]


def _moment(text, hours=0):
    """A time, or a day that begins so many hours after midnight UTC."""
    if "T" in text:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    return datetime.strptime(text, "%Y-%m-%d") + timedelta(hours=hours)
