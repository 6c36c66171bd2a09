"""rowcachectl(8) has every command of the tables, with its options, and all that check-upstream says.

    /usr/bin/python3 -m pytest tests/house
"""

import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2] / "daemon"
_COMMAND = re.compile(r'^COMMAND\(\w+, "([^"]+)", \d, "([^"]*)"', re.MULTILINE)
_ACTION = re.compile(r'^TOKEN_ACTION\((\w+), \w+, "[^"]*", "[^"]*", "([^"]*)"', re.MULTILINE)


def commands():
    """The words of each command, and its options."""
    tables = HOUSE / "tables"
    yield from _COMMAND.findall((tables / "commands.def").read_text())
    for action, options in _ACTION.findall((tables / "token_actions.def").read_text()):
        yield f"token {action}", options


def entries():
    """The heads of the manual page's commands, as plain text."""
    page = (HOUSE / "man" / "rowcachectl.8").read_text()
    section = page[page.index(".SH COMMANDS\n"):page.index(".SH EXIT STATUS\n")]
    for entry in section.replace("\\\n", "").split("\n.TP\n")[1:]:
        head = re.sub(r"\\fI([a-z]+)", lambda name: name[1].upper(), entry.split("\n")[0])
        head = re.sub(r'\\f.|^\.B[IR]? |"|\\(?=[- ])', "", head)
        words = re.match(r"[a-z-]+(?: [a-z]+)*(?:\|[a-z]+)?", head)[0]
        first, *others = words.split("|")
        for word in [first] + [first.rsplit(" ", 1)[0] + " " + other for other in others]:
            yield word, head


def test_the_manual_page_has_the_checks_of_upstream():
    """In the order in which they are printed, but for those that share an entry."""
    table = (HOUSE / "tables" / "probes.def").read_text()
    page = (HOUSE / "man" / "rowcachectl.8").read_text()
    entry = page[page.index(".BR check-upstream "):page.index("\\fBcorrection add")]
    checks = re.findall(r'^PROBE\(\w+, "([^"]+)"', table, re.MULTILINE)
    heads = re.findall(r"^\.TP\n\.BR? (.*)$", entry, re.MULTILINE)
    found = [word for head in heads for word in re.findall("[a-z-]+", head)]
    assert sorted(found) == sorted(checks) and len(checks) == table.count("\nPROBE(")


@pytest.mark.parametrize("words, options", commands(), ids=[words for words, _ in commands()])
def test_the_manual_page_has_the_command(words, options):
    heads = [head for found, head in entries() if (found + " ").startswith(words + " ")]
    assert len(heads) == 1
    assert set(re.findall("--([a-z-]+)", heads[0])) == set(options.split())
