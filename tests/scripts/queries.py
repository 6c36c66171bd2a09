"""Questions at random, always the same ones, and each of them spelled in another way.

What respell() changes is what cannot change the answer: the order of parameters, encodings,
defaults said or left unsaid, the case and the clothes of a host, the order in a set.
"""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple
from urllib.parse import urlencode

from daemon import TABLE, TOKEN

COLUMNS = (
    "date type ahrefs_rank domain_rating url_from url_to links_internal links_external encoding "
    "http_code title origin first_seen last_visited prev_visited original link_type redirect "
    "nofollow alt anchor text_pre text_post"
).split()

_TARGETS = {
    "domain": [
        "shop.example", "blog.news.example", "rows-37.example", "rows-1200.example",
        "bücher.example", "example.org",
    ],
    "subdomains": ["example.com", "news.example", "日本語.example", "rows-3.example"],
    "exact": ["example.com/api/", "https://shop.example/API/", "http://bücher.example/blog/3"],
    "prefix": ["example.com/", "http://shop.example/api/", "https://example.org/blog/1"],
}
_PUNYCODE = {
    "bücher.example": "xn--bcher-kva.example",
    "日本語.example": "xn--wgv71a119e.example",
}
_OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
_UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
_MAY_STAY_RAW = _UNRESERVED + ",:/*()"


class Comparison(NamedTuple):
    """column OP value; a text is quoted, a number or boolean is not."""

    column: str
    operator: str
    value: object

    def plain(self):
        return f"{self.column}{self.operator}{_literal(self.value)}"

    def respelled(self, random):
        operator = ":" if self.operator == "=" and random.random() < 0.5 else self.operator
        value = _literal(self.value, random.choice("\"'"))
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            value = random.choice((value, f'"{value}"'))
        return _spaced(random, self.column, operator, value)


class Call(NamedTuple):
    """function(column,"text")"""

    function: str
    column: str
    value: str

    def plain(self):
        return f"{self.function}({self.column},{_literal(self.value)})"

    def respelled(self, random):
        value = _literal(self.value, random.choice("\"'"))
        return _spaced(random, self.function, "(", self.column, ",", value, ")")


@dataclass
class Question:
    """One question, before it is spelled."""

    mode: str
    target: str
    select: list = field(default_factory=list)
    where: list = field(default_factory=list)
    having: list = field(default_factory=list)
    order_by: list = field(default_factory=list)
    limit: int = 1000
    offset: int = 0
    output: str = "json"

    def plain(self, token=TOKEN) -> str:
        """As a careful client would spell it."""
        return urlencode(self._params(token, {
            "select": ",".join(self.select),
            "where": ",".join(condition.plain() for condition in self.where),
            "having": ",".join(condition.plain() for condition in self.having),
            "order_by": ",".join(name + (":desc" if down else "") for name, down in self.order_by),
            "limit": "" if self.limit == 1000 else str(self.limit),
            "offset": str(self.offset or ""),
            "output": "" if self.output == "json" else self.output,
        }))

    def respelled(self, random: Random, token=TOKEN) -> str:
        """Otherwise, but the same."""
        params = self._params(token, {
            "target": _respelled_target(random, self.target),
            "select": ",".join(_shuffled(random, self.select)) or _sometimes(random, "*"),
            "where": _respelled_set(random, self.where),
            "having": _respelled_set(random, self.having),
            "order_by": ",".join(_respelled_order(random, *key) for key in self.order_by),
            "limit": str(self.limit),
            "offset": str(self.offset),
            "output": _sometimes(random, "json") if self.output == "json" else self.output,
        })
        pairs = random.sample(list(params.items()), len(params))
        return "&".join(f"{_encoded(random, n)}={_encoded(random, v)}" for n, v in pairs)

    def _params(self, token, clauses):
        params = {"token": token, "from": TABLE, "target": self.target, "mode": self.mode}
        return params | {name: value for name, value in clauses.items() if value}


def questions(count, seed="rowcache") -> list:
    """`count` different questions."""
    random = Random(seed)
    found = {}
    while len(found) < count:
        one = _question(random)
        found[one.plain()] = one
    return list(found.values())


def _question(random):
    mode = random.choice(list(_TARGETS))
    return Question(
        mode=mode,
        target=random.choice(_TARGETS[mode]),
        select=random.choice(([], random.sample(COLUMNS, random.randint(1, 6)))),
        where=[condition(random) for _ in range(random.choice((0, 0, 1, 1, 2)))],
        having=[condition(random) for _ in range(random.choice((0, 0, 0, 1)))],
        order_by=[
            (name, random.random() < 0.5)
            for name in random.sample(COLUMNS, random.choice((0, 0, 1, 2)))
        ],
        limit=random.choice((1000, 1000, 1, 7, 50, 333, 5000)),
        offset=random.choice((0, 0, 0, 3, 100)),
    )


def condition(random):
    pick = random.choice
    return pick((
        lambda: Comparison(pick(("ahrefs_rank", "domain_rating")), pick(_OPERATORS),
                           random.randint(0, 100)),
        lambda: Comparison("http_code", pick(("=", "<>")), pick((200, 301, 404))),
        lambda: Comparison("type", pick(("=", "<>")), pick(("new", "lost"))),
        lambda: Comparison(pick(("nofollow", "original")), pick(("=", "<>")), pick((True, False))),
        lambda: Comparison("date", pick(_OPERATORS), f"2024-01-{random.randint(10, 28)}"),
        lambda: Comparison("first_seen", pick(("<=", ">")), f"20{random.randint(20, 23)}-05-31"),
        lambda: Comparison("anchor", pick(("=", "<>")),
                           pick(("Home", "", "it's a 'quoted' anchor"))),
        lambda: Call("substring", "title", pick(("Köln", '"secrets"', "C:\\Users", "a,b;c"))),
        lambda: Call("word", pick(("anchor", "text_pre")), pick(("here", "tips"))),
        lambda: Call("subdomain", "url_from", f"site{random.randint(0, 14)}.example"),
    ))()


def _literal(value, quote='"'):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return quote + value.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _spaced(random, *words):
    """With spaces where they mean nothing."""
    return "".join(random.choice(("", "", " ")) + word for word in words)


def _shuffled(random, items):
    return random.sample(items, len(items))


def _sometimes(random, text):
    return random.choice(("", text))


def _respelled_set(random, conditions):
    return ",".join(one.respelled(random) for one in _shuffled(random, conditions))


def _respelled_order(random, name, down):
    return name + (":desc" if down else random.choice(("", ":asc")))


def _respelled_target(random, target):
    scheme, _, rest = target.rpartition("://")
    host, slash, path = rest.partition("/")
    host = random.choice((host, host.upper(), _PUNYCODE.get(host, host)))
    host += random.choice(("", "."))
    return (scheme and random.choice((scheme, scheme.upper())) + "://") + host + slash + path


def _encoded(random, text):
    return "".join(_encoded_character(random, one) for one in text)


def _encoded_character(random, one):
    if one == " ":
        return random.choice(("+", "%20"))
    if one in _MAY_STAY_RAW and random.random() < 0.8:
        return one
    return "".join(random.choice(("%%%02x", "%%%02X")) % byte for byte in one.encode())
