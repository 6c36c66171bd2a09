"""JSON, XML and PHP's serialize(): whole documents, and row arrays as streams of bytes."""

import json
import re
from itertools import islice
from xml.sax.saxutils import escape

from .rowsets import Repeated

CONTENT_TYPES = {
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "php": "text/plain; charset=utf-8",
}
_ROWS_PER_PIECE = 64
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_OPEN = '<?xml version="1.0" encoding="UTF-8"?>\n<AhrefsApiResponse>'
_XML_CLOSE = "</AhrefsApiResponse>\n"

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def document(output, data):
    """One value as a whole document; the pieces are a list so that it can be sent again."""
    return [_DOCUMENT[output](data).encode()]


def row_array(output, member, rows):
    """{member: [row, ...]} in pieces of moderate size, made as they are asked for."""
    return _ROW_ARRAY[output](member, rows)


def _json_rows(member, rows):
    yield f'{{"{member}":['.encode()
    yield from (_json_blocks if isinstance(rows, Repeated) else _json_pieces)(rows)
    yield b"]}"


def _json_pieces(rows):
    separator = b""
    for piece in _pieces(map(_json, rows), ","):
        yield separator + piece
        separator = b","


def _json_blocks(rows):
    """A repetition is encoded once and sent over and over, which is what makes it fast."""
    if not len(rows):
        return
    texts = [_json(row).encode() for row in rows.block]
    first = texts[rows.start:rows.start + len(rows)]
    yield b",".join(first)
    whole, rest = divmod(len(rows) - len(first), len(texts))
    block = b"," + b",".join(texts)
    for _ in range(whole):
        yield block
    if rest:
        yield b"," + b",".join(texts[:rest])


def _xml_rows(member, rows):
    yield f"{_XML_OPEN}<{member}>".encode()
    yield from _pieces(map(_xml_row, rows))
    yield f"</{member}>{_XML_CLOSE}".encode()


def _php_rows(member, rows):
    yield f"a:1:{{{_php(member)}a:{len(rows)}:{{".encode()
    yield from _pieces(_php(index) + _php(row) for index, row in enumerate(rows))
    yield b"}}"


def _pieces(texts, separator=""):
    texts = iter(texts)
    while batch := list(islice(texts, _ROWS_PER_PIECE)):
        yield separator.join(batch).encode()


def _xml_document(data):
    return _XML_OPEN + _xml(data) + _XML_CLOSE


def _xml_row(row):
    return f"<row>{_xml(row)}</row>"


def _xml(value):
    """Objects become elements, array elements `row`; what XML cannot hold becomes U+FFFD."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(map(_xml_row, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_NOT_IN_XML.sub("\ufffd", str(value)), {"\r": "&#13;"})


def _php(value):
    return _PHP[type(value)](value)


def _php_array(pairs):
    body = "".join(_php(key) + _php(value) for key, value in pairs)
    return f"a:{len(pairs)}:{{{body}}}"


_PHP = {
    bool: lambda value: f"b:{int(value)};",
    int: lambda value: f"i:{value};" if -2**63 <= value < 2**63 else f"d:{float(value)!r};",
    float: lambda value: f"d:{value!r};",
    str: lambda value: f's:{len(value.encode())}:"{value}";',
    type(None): lambda value: "N;",
    dict: lambda value: _php_array(list(value.items())),
    list: lambda value: _php_array(list(enumerate(value))),
}
_DOCUMENT = {"json": _json, "xml": _xml_document, "php": _php}
_ROW_ARRAY = {"json": _json_rows, "xml": _xml_rows, "php": _php_rows}
