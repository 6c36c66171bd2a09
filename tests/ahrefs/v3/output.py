"""The four forms of rows; what JSON, XML and PHP look like is as in v2."""

import csv
import io

from .. import formats

CONTENT_TYPES = {**formats.CONTENT_TYPES, "csv": "text/csv; charset=utf-8"}


class Rows:
    """Rows with the columns asked for, made as they are read: a million need no memory."""

    def __init__(self, rows, columns):
        self.columns = columns
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def __iter__(self):
        columns = self.columns
        return ({name: row[name] for name in columns} for row in self._rows)


def row_array(output, member, rows):
    """{member: [row, ...]} in pieces; of CSV, a line of names and one for each row."""
    if output == "csv":
        return _csv(rows)
    if output == "xml":
        rows = ({name: "" if own is None else own for name, own in row.items()} for row in rows)
    return formats.row_array(output, member, rows)


def _csv(rows):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows.columns)
    for row in rows:
        writer.writerow(map(_cell, row.values()))
        if text.tell() > 16384:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(own):
    if own is None:
        return ""
    if isinstance(own, bool):
        return str(own).lower()
    return ",".join(map(str, own)) if isinstance(own, list) else own
