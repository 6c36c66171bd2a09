"""Each point that v2's documentation leaves open can be read either way, and the README lists them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from . import Readings, Simulator
from .conditions import compile_conditions
from .orders import arranged
from .readings import CHOICES, DEFAULT, at_random
from .test_ahrefs import TOKEN, ask, connect

ROW = {
    "date": "2024-01-15", "type": "new", "domain_rating": 50, "redirect": 0, "nofollow": True,
    "first_seen": "2024-01-15T10:30:00Z", "url_from": "https://site3.example/p/1",
    "title": "", "anchor": "",
}


def holds(text, readings=DEFAULT, **row):
    return compile_conditions("where", text, readings)({**ROW, **row})


def held_by(switch, text, **row):
    """The values of a switch by which the row satisfies the condition."""
    return {value for value in CHOICES[switch]
            if holds(text, replace(DEFAULT, **{switch: value}), **row)}


HELD = [
    ("equal", 'anchor="home"', {"anchor": "Home"}, {"ascii", "unicode", "dictionary"}),
    ("equal", 'anchor="Home"', {"anchor": "Home"}, {"exact", "ascii", "unicode", "dictionary"}),
    ("equal", 'anchor="ГОД"', {"anchor": "год"}, {"unicode", "dictionary"}),
    ("equal", 'anchor="strasse"', {"anchor": "straße"}, {"unicode", "dictionary"}),
    ("equal", 'anchor="Home"', {"anchor": "Höme "}, {"dictionary"}),
    ("equal", 'anchor<>"home"', {"anchor": "Home"}, {"exact"}),
    ("substring", 'substring(anchor,"om")', {"anchor": "HOME"}, {"ascii", "unicode"}),
    ("substring", 'substring(anchor,"ОД")', {"anchor": "год"}, {"unicode"}),
    ("word", 'word(anchor,"here")', {"anchor": "click Here"}, {"ascii", "unicode"}),
    ("word", 'word(anchor,"ГОД")', {"anchor": "новый год"}, {"unicode"}),
    ("word_ends", 'word(anchor,"here")', {"anchor": "here, please"}, {"unicode", "ascii"}),
    ("word_ends", 'word(anchor,"e")', {"anchor": "eß"}, {"ascii"}),
    ("word_ends", 'word(anchor,"a,b")', {"anchor": "x a,b"}, {"unicode", "ascii", "spaces"}),
    ("subdomain", 'subdomain(url_from,"SITE3.example")', {}, {"ascii"}),
    ("own_subdomain", 'subdomain(url_from,"site3.example")', {}, {"yes"}),
    ("own_subdomain", 'subdomain(url_from,"example")', {}, {"yes", "no"}),
    ("no_scheme", 'subdomain(url_from,"example")', {"url_from": "a.example/p"}, {"host"}),
    ("day_above", 'first_seen>"2024-01-15"', {}, {"text", "midnight"}),
    ("day_above", 'first_seen>="2024-01-15"', {}, {"text", "midnight", "whole"}),
    ("day_above", 'first_seen>="2024-01-16"', {}, set()),
    ("day_above", 'first_seen>"2024-01-15"', {"first_seen": "2024-01-15T00:00:00Z"}, {"text"}),
    ("day_below", 'first_seen<="2024-01-15"', {}, {"whole", "end"}),
    ("day_below", 'first_seen<"2024-01-15"', {}, {"end"}),
    ("day_below", 'first_seen<="2024-01-15"', {"first_seen": "2024-01-15T00:00:00Z"},
     {"midnight", "whole", "end"}),
    ("day_below", 'first_seen<="2024-01-16"', {}, {"text", "midnight", "whole", "end"}),
    ("day_equal", 'first_seen="2024-01-15"', {}, {"whole"}),
    ("day_equal", 'first_seen="2024-01-15"', {"first_seen": "2024-01-15T00:00:00Z"},
     {"midnight", "whole"}),
    ("day_equal", 'first_seen<>"2024-01-15"', {}, {"text", "midnight"}),
    ("time_on_day", 'date>="2024-01-15T00:00:00Z"', {}, {"midnight", "cut"}),
    ("time_on_day", 'date="2024-01-15T12:00:00Z"', {}, {"cut"}),
    ("time_forms", 'first_seen="2024-01-15 10:30"', {}, {"parsed"}),
    ("time_forms", 'first_seen<"2024-01-15T10:40:00+02:00"', {}, {"text"}),
    ("compare", 'anchor<"b"', {"anchor": "C"}, {"bytes", "utf16"}),
    ("compare", 'anchor<"b"', {"anchor": "Á"}, {"dictionary"}),
    ("compare", 'anchor<"ab"', {"anchor": "a-c"}, {"bytes", "utf16", "nocase"}),
    ("compare", 'anchor<"\ufeff"', {"anchor": "\U0001f600"}, {"utf16"}),
    ("nulls", 'anchor<>"x"', {"anchor": None}, {"differ", "empty"}),
    ("nulls", "domain_rating<5", {"domain_rating": None}, {"empty"}),
    ("nulls", "nofollow=false", {"nofollow": None}, {"empty"}),
    ("nulls", 'first_seen<"2024-01-15"', {"first_seen": None}, {"empty"}),
    ("nulls", 'substring(anchor,"")', {"anchor": None}, {"empty"}),
]


@pytest.mark.parametrize("switch, text, row, values", HELD)
def test_a_condition_is_read_either_way(switch, text, row, values):
    assert held_by(switch, text, **row) == values


def in_order(switch, column, values, **readings):
    """For each value of a switch, the row values sorted by the column."""
    rows = [{**ROW, column: value} for value in values]
    return {value: [row[column] for row in arranged(
                rows, [(column, False)], replace(DEFAULT, **{switch: value}, **readings))]
            for value in CHOICES[switch]}


def test_text_is_in_the_order_of_a_collation():
    assert in_order("order", "anchor", ["b", "C", "Á", "a-c", "ab"]) == {
        "bytes": ["C", "a-c", "ab", "b", "Á"],
        "utf16": ["C", "a-c", "ab", "b", "Á"],
        "nocase": ["a-c", "ab", "b", "C", "Á"],
        "dictionary": ["Á", "ab", "a-c", "b", "C"],
    }
    text = ["\U0001f600", "\ufeff"]
    assert in_order("order", "anchor", text)["utf16"] == text
    assert in_order("order", "anchor", text)["bytes"] == text[::-1]


def test_nulls_are_first_or_last():
    assert in_order("null_order", "redirect", [0, None, 301]) == {
        "least": [None, 0, 301], "greatest": [0, 301, None]}


@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


def test_rows_of_one_rank_are_in_either_order(sim):
    everything = ask(sim, "rows-300.example").rows
    answers = {}
    for ties in CHOICES["ties"]:
        sim.read_as(Readings(ties=ties))
        assert ask(sim, "rows-300.example").rows == everything
        rows = answers[ties] = ask(sim, "rows-300.example", order_by="type").rows
        assert [row["type"] for row in rows] == sorted(row["type"] for row in rows)
        assert ask(sim, "rows-300.example", order_by="type", limit=9, offset=50).rows == rows[50:59]
        lost = ask(sim, "rows-300.example", order_by="type", where='type="lost"').rows
        assert lost == [row for row in rows if row["type"] == "lost"]
    new = [row for row in everything if row["type"] == "new"]
    assert answers["kept"][-len(new):] == new
    assert answers["reversed"][-len(new):] == new[::-1]
    assert answers["hashed"] not in (answers["kept"], answers["reversed"])


def test_without_order_the_oldest_or_the_newest_come_first(sim):
    def days(unordered, **params):
        sim.read_as(Readings(unordered=unordered))
        return [row["date"] for row in ask(sim, "rows-300.example", **params).rows]

    stored = days("stored")
    assert days("oldest") == sorted(stored)
    assert days("newest") == sorted(stored, reverse=True)
    assert days("newest", limit=3, offset=2) == sorted(stored, reverse=True)[2:5]


def test_functions_may_refuse_dates(sim):
    text = 'substring(first_seen,"2023")'
    assert ask(sim, "rows-300.example", where=text).rows
    sim.read_as(Readings(functions_on_dates="refused"))
    assert "not a string" in ask(sim, "rows-300.example", where=text).error


def test_members_come_as_asked_or_as_in_the_table(sim):
    def members():
        return list(ask(sim, select="url_to,date").rows[0])

    assert members() == ["url_to", "date"]
    sim.read_as(Readings(members="table"))
    assert members() == ["date", "url_to"]


def test_prices_may_be_those_of_older_or_other_pages(sim):
    def cost(target="rows-5.example", **params):
        before = sim.bill(TOKEN)
        ask(sim, target, **params)
        return sim.bill(TOKEN) - before

    assert cost(offset=2) == 10 + 3 * 2 and cost("ahrefs.com", limit=1) == 10 + 2
    sim.read_as(Readings(offset_price="charged", own_domain="free"))
    assert cost(offset=2) == 10 + 3 * 2 + 50 and cost(offset=0) == 20
    assert cost("ahrefs.com", limit=1) == 0


def test_odd_rows_are_rows_of_the_same_number(sim):
    usual = ask(sim, "rows-400.example").rows
    sim.read_as(DEFAULT, odd=True)
    odd = ask(sim, "rows-400.example").rows
    differ = [(one, other) for one, other in zip(usual, odd) if one != other]
    assert len(odd) == 400 and 50 < len(differ) < 150
    assert any(other["title"] is None for _, other in differ)
    for text in ("redirect>0", 'first_seen<"2022-01-01"', 'anchor<>"x"', "nofollow=true",
                 'word(title,"click")', 'subdomain(url_from,"example")'):
        for column in ("redirect", "title", "prev_visited"):
            assert "X-Status" not in ask(sim, where=text, order_by=column).headers


def test_every_reading_answers_every_question(sim):
    random = Random("every reading")
    for _ in range(50):
        sim.read_as(at_random(random), odd=random.random() < 0.5)
        for column in ("date", "type", "domain_rating", "first_seen", "nofollow", "title"):
            reply = ask(sim, "rows-40.example", order_by=column + ":desc")
            assert len(reply.rows) == 40


def test_a_direct_answer_is_that_of_http_and_free(sim):
    params = {"token": TOKEN, "from": "backlinks_new_lost", "target": "rows-5.example",
              "mode": "domain", "where": 'type="new"'}
    body, results, cost = sim.direct(params)
    assert sim.requests == [] and sim.bills() == {}
    assert ask(sim, where='type="new"').body == body
    assert sim.bill(TOKEN) == cost == 60 + 2 * results


def test_readings_are_set_over_http(sim):
    connection = connect(sim)
    for body, status in (({"ties": "reversed", "odd": True}, 200), ({"ties": "lost"}, 400),
                         ({"tie": "kept"}, 400)):
        connection.request("POST", "/_sim/readings", json.dumps(body))
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()
    rows = ask(sim, "rows-40.example", order_by="type").rows
    sim.read_as(Readings(ties="reversed"), odd=True)
    assert ask(sim, "rows-40.example", order_by="type").rows == rows


def test_the_readme_lists_every_switch_with_its_values():
    text = (Path(__file__).parent / "README.md").read_text()
    listed = {name: tuple(re.findall(r"`([^`]+)`", values))
              for name, values in re.findall(r"^\| `(\w+)` \| ((?:`[^`]+`(?:, )?)+) \|", text, re.M)}
    assert CHOICES.items() <= listed.items()


def test_default_readings_are_the_first_of_each():
    assert DEFAULT.changed() == {}
    assert all(getattr(DEFAULT, name) == values[0] for name, values in CHOICES.items())
    with pytest.raises(ValueError):
        Readings(ties="lost")
