"""What stands in a query may have been written to deceive whoever reads log and reports."""

import json
import re
from urllib.parse import quote_from_bytes

import pytest

from daemon import TABLE, TOKEN, eventually

# Commands to a terminal, marks that turn the order of letters, and what cannot be seen.
HIDDEN = {
    "CSI": "\x9b31m", "NEL": "\x85", "DEL": "\x7f", "ESC": "\x1b[2J", "a line's end": "\n",
    "right to left override": "\u202egnp.exe", "isolate": "\u2066a\u2069", "Arabic mark": "\u061c",
    "no-break space": "\xa0", "line separator": "\u2028", "ideographic space": "\u3000",
    "soft hyphen": "\xad", "zero width space": "\u200b", "joiner": "\u2060", "BOM": "\ufeff",
    "variation selector": "\ufe0f", "Hangul filler": "\u3164", "tag": "\U000e0041",
    "noncharacter": "\ufffe",
}
SHOWN = ["日本語 👍", "köln", "пример", "a'b", "ﷺ"]
SEEN = re.compile("[\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u05ff\u0620-\u06dc\u3001-\u3100"
                  "\u4e00-\u9fff\ufdf0-\ufdff\U0001f300-\U0001f5ff]*")


def check_seen(text):
    for line in text.splitlines() if "\r\n" not in text else text.split("\r\n"):
        assert SEEN.fullmatch(line), ascii(line)


def ask(daemon, target: bytes):
    return daemon.get(f"token={TOKEN}&from={TABLE}&mode=exact&limit=1&target="
                      + quote_from_bytes(target))


def reports(daemon):
    for more in ([], ["--csv"], ["--json"]):
        done = daemon.ctl("spend", "--by", "target", *more, text=False)
        assert done.returncode == 0, done.stderr
        yield done.stdout.decode()


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_cannot_be_seen_is_shown_as_an_escape(rowcache, text):
    daemon = rowcache("server.log_requests=all")
    ask(daemon, f"a{text}b.example".encode())
    ask(daemon, b"last.example")
    eventually(lambda: "last.example" in daemon.log)
    for report in reports(daemon):
        check_seen(report)
    assert json.loads(report) == daemon.spend("by=target"), "JSON's escapes mean the same"
    done = daemon.ctl("correction", "add", "nobody" + text, "--spent", "1", "--reason", text)
    assert done.returncode != 0
    check_seen(done.stderr)
    assert daemon.stop() == 0
    check_seen(daemon.log)


def test_what_can_be_seen_stays_as_it_is(rowcache):
    daemon = rowcache("server.log_requests=all")
    for text in SHOWN:
        ask(daemon, f"http://rows-1.example/{text}".encode())
    ask(daemon, b"last.example")
    eventually(lambda: "last.example" in daemon.log)
    for shown in [*reports(daemon), daemon.log]:
        check_seen(shown)
        assert all(text in shown for text in SHOWN), shown


@pytest.mark.parametrize("value", [b"\x9b31m", b"\xff", b"\xe2\x80", b"\xc0\xae"])
def test_a_reason_that_is_no_text_does_not_reach_a_terminal(rowcache, value):
    daemon = rowcache()
    daemon.ask()
    done = daemon.ctl("correction", "add", "nobody", "--spent", "1", "--reason", b"x" + value,
                      text=False, input=b"")
    assert done.returncode != 0
    check_seen(done.stderr.decode())
