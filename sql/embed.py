#!/usr/bin/env python3
"""Turns a folder of SQL (see README.md) into a C header and source with a struct db_schema."""

import pathlib
import re
import sys

NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$", re.MULTILINE)
APPLICATION_ID = re.compile(r"^-- application_id: (0x[0-9a-f]{8})$", re.MULTILINE)


def c_string(text):
    """The text as C string literals, one a line, without comments and empty lines."""
    lines = (line.split("--")[0].rstrip() for line in text.splitlines())
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines if line)
    return "\n".join(f'    "{line}\\n"' for line in escaped) or '    ""'


def statements(text):
    """The named statements, in the order of the file."""
    parts = NAME.split(text)
    named = list(zip(parts[1::2], (part.strip() for part in parts[2::2])))
    names = [name for name, _ in named]
    assert len(names) == len(set(names)), "a statement's name stands twice"
    assert all(body.count(";") == 1 and body.endswith(";") for _, body in named), "one statement a name"
    return named


def main(folder, header, source):
    name = folder.name
    migrations = [path.read_text() for path in sorted(folder.glob("[0-9][0-9][0-9]_*.sql"))]
    application_id = APPLICATION_ID.search(migrations[0]).group(1)
    named = statements((folder / "statements.sql").read_text())
    constants = "".join(f"  {name.upper()}_SQL_{n.upper()},\n" for n, _ in named)
    header.write_text(
        f"/* Made by sql/embed.py from sql/{name}/. */\n#pragma once\n\n"
        f'#include "db/db.h"\n\nenum {name}_sql {{\n{constants}}};\n\n'
        f"extern const struct db_schema {name}_schema;\n")
    arrays = (
        ("migrations", [c_string(text) for text in migrations]),
        ("names", [f'    "{n}"' for n, _ in named]),
        ("statements", [c_string(body) for _, body in named]))
    source.write_text(
        f"/* Made by sql/embed.py from sql/{name}/. */\n"
        f'#include "{header.name}"\n\n'
        + "".join(f"static const char *const {n}[] = {{\n" + ",\n".join(items) + ",\n};\n\n"
                  for n, items in arrays)
        + f"const struct db_schema {name}_schema = {{\n"
        f'    .name = "{name}",\n    .application_id = {application_id},\n'
        f"    .migrations = migrations,\n    .migration_count = {len(migrations)},\n"
        f"    .statement_names = names,\n    .statements = statements,\n"
        f"    .statement_count = {len(named)},\n}};\n")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:4]))
