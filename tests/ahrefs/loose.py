"""Parameters as a lenient server reads them: PHP in most, some other frameworks in the rest.

Names are trimmed and lower-cased, end at `[`, and have `_` for a dot or a space; the last of two
counts; `;` separates as `&` does; numbers, tables and tokens are trimmed and lower-cased. The body
counts whatever its type says, as a form, as multipart/form-data or as JSON, before the query string.
"""

import json
import re
from urllib.parse import unquote_plus

_PART = re.compile(rb'name="([^"]*)"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n(.*?)\r\n--', re.DOTALL)
_NUMBERS = ("limit", "offset")
_WORDS = ("from", "mode", "output", "token")


def params(query: str, body: bytes) -> dict:
    pairs = _split(query) + _of_body(body)
    found = {_name(name): value for name, value in pairs}
    for name in _NUMBERS:
        if name in found:
            found[name] = found[name].strip().lstrip("+") or "0"
    for name in _WORDS:
        if name in found:
            found[name] = found[name].strip().lower()
    return found


def _split(text):
    pieces = re.split("[&;]", text)
    return [tuple(map(unquote_plus, piece.partition("=")[::2])) for piece in pieces if piece]


def _name(name):
    name = name.split("\0")[0].strip().lower()
    if re.match(r"order\[by", name):
        return "order_by"  # PHP: a bracket that is not closed
    return re.sub(r"[ .]", "_", name.partition("[")[0].strip())


def _of_body(body):
    if parts := _PART.findall(body):
        return [(name.decode(errors="replace"), value.decode(errors="replace"))
                for name, value in parts]
    try:
        return [(name, str(value)) for name, value in json.loads(body).items()]
    except (ValueError, AttributeError):
        return _split(body.decode(errors="replace").strip())
