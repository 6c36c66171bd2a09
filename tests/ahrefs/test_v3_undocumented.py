"""What is not known of v3 is read as a switch says, and each switch changes what it is for."""

import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from . import Simulator as V2, v3
from .test_v3 import KEY, OTHER, TOKEN, ask, both, field, limits
from .v3.faults import KINDS
from .v3.readings import CHOICES, at_random

TARGET = "rows-900.example"


def direct(readings=None, odd=False, endpoint="site-explorer/all-backlinks", **params):
    sim = v3.Simulator(readings=v3.Readings(**(readings or {})), odd=odd)
    given = {"target": TARGET, "select": "url_from", "aggregation": "all", "limit": 9999, **params}
    given = {name: json.dumps(value) if isinstance(value, dict) else value
             for name, value in given.items()}
    body = json.loads(sim.direct(given, endpoint)[0])
    return next(iter(body.values()))


def column(name, readings=None, **params):
    return [row[name] for row in direct(readings, select=name, **params)]


def test_values_are_checked():
    with pytest.raises(ValueError, match="ties: 'x' is none of kept"):
        v3.Readings(ties="x")
    assert v3.Readings(zone="east").changed() == {"zone": "east"}
    assert set(at_random(Random(1), 1.0).changed()) == set(CHOICES)
    assert at_random(Random(1), 1.0, fixed=("ties",)).ties == "kept"


def test_since_takes_its_day_in_or_not():
    days = [time[:10] for time in column("last_seen") if time]
    day = max(set(days), key=days.count)

    def lost(**readings):
        return {time[:10] for time in column("last_seen", readings, history="since:" + day) if time}

    assert day in lost() and day not in lost(since="excluded")
    assert lost() - {day} == lost(since="excluded")


def test_a_day_begins_where_the_zone_says():
    def first(zone):
        return min(filter(None, column("last_seen", {"zone": zone}, target="rows-9000.example",
                               history="since:2024-02-01")))

    assert first("east") < "2024-02-01T00" < first("utc") < "2024-02-01T05:00" <= first("west")
    above = field("first_seen_link", "gte", "2024-02-01")
    assert min(column("first_seen_link", {"zone": "east"}, where=above)) < "2024-02-01"
    whole = {"zone": "west", "day": "whole"}
    assert min(column("first_seen_link", whole, where=above)) >= "2024-02-01T05:00:00Z"


def test_a_bare_day_beside_times():
    def days(day, op):
        where = field("first_seen_link", op, "2024-02-01")
        return {time[:10] for time in column("first_seen_link", {"day": day}, where=where)
                if time != "2024-02-01T00:00:00Z"}

    for op, day, holds in [("gte", "midnight", True), ("gt", "midnight", True),
                           ("lte", "midnight", False), ("gte", "whole", True),
                           ("gt", "whole", False), ("lte", "whole", True), ("eq", "whole", True),
                           ("gt", "end", False), ("lte", "end", True), ("gte", "end", False)]:
        assert ("2024-02-01" in days(day, op)) == holds, (op, day)


def test_ties():
    def order(ties, **params):
        return column("url_from", {"ties": ties}, order_by="link_type:asc", **params)

    kept, backwards, hashed, asked = map(order, CHOICES["ties"])
    assert len({tuple(one) for one in (kept, backwards, hashed, asked)}) == 4
    assert sorted(kept) == sorted(asked)
    assert order("hashed", limit=300) == hashed[:300]
    assert order("asked", limit=300) != asked[:300], "another question"
    assert order("asked", limit=300) == order("asked", limit=300)


def test_where_nulls_come():
    def nulls(null_order, way):
        found = column("last_seen", {"null_order": null_order}, order_by="last_seen:" + way)
        return "first" if found[0] is None else "last"

    upwards, downwards = ([nulls(one, way) for one in CHOICES["null_order"]]
                          for way in ("asc", "desc"))
    assert upwards == ["last", "first", "first", "last"]
    assert downwards == ["last", "first", "last", "first"]


def test_the_second_column_of_an_order():
    params = {"order_by": "http_code:asc,url_from:desc"}
    honoured = column("url_from", **params)
    ignored = column("url_from", {"second_order": "ignored"}, **params)
    assert ignored == column("url_from", order_by="http_code:asc") != honoured


def test_direction_and_no_order():
    up = column("last_visited", order_by="last_visited")
    assert up == sorted(up)
    assert column("last_visited", {"direction": "desc"}, order_by="last_visited") == up[::-1]
    stored, newest, oldest, hashed = (
        column("first_seen_link", {"unordered": one}) for one in CHOICES["unordered"])
    assert newest == sorted(stored, reverse=True) and oldest == sorted(stored)
    assert stored not in (newest, oldest, hashed) and sorted(hashed) == oldest


@pytest.mark.parametrize("switch, op, value", [
    ("equal", "eq", "click HERE"), ("substring", "substring", "HERE"),
    ("phrase", "phrase_match", "HERE"), ("affix", "prefix", "CLICK"), ("affix", "suffix", "HERE"),
])
def test_case(switch, op, value):
    where = field("anchor", op, value)
    assert column("anchor", where=where) == []
    found = column("anchor", {switch: "nocase"}, where=where)
    assert found and all("click here" in anchor for anchor in found)


def test_what_the_i_forms_fold():
    where = field("anchor", "isubstring", "ОБРАТНЫЕ")
    assert column("anchor", where=where) and not column("anchor", {"fold": "ascii"}, where=where)


def test_where_a_word_ends():
    def count(word_ends, word):
        return len(column("anchor", {"word_ends": word_ends},
                          where=field("anchor", "phrase_match", word)))

    assert count("unicode", "Gr") == 0 < count("ascii", "Gr")
    assert count("spaces", "secrets") == 0 < count("unicode", "secrets")


def test_a_regex_is_searched_or_has_to_fit_all():
    where = field("anchor", "regex", "click")
    assert column("anchor", where=where) and not column("anchor", {"regex": "full"}, where=where)


def test_collations():
    def order(**readings):
        return column("anchor", readings, order_by="anchor:asc")

    assert order() == sorted(order()) != order(order="nocase")
    where = field("anchor", "lt", "b")
    assert "Home" in {anchor.split(" ")[0] for anchor in column("anchor", where=where)}
    assert "Home" not in {anchor.split(" ")[0]
                          for anchor in column("anchor", {"compare": "nocase"}, where=where)}


def test_nulls_in_conditions():
    def nulls(where, **readings):
        return None in column("alt", readings, where=where)

    same, other = field("alt", "eq", "x"), field("alt", "neq", "x")
    for reading, answers in [("sql", (False, False, False)), ("false", (False, False, True)),
                             ("differ", (False, True, True)), ("empty", (False, True, True))]:
        assert answers == tuple(nulls(one, nulls=reading) for one in (same, other, {"not": same}))
    assert not nulls({"field": "alt", "is": "empty"})
    assert nulls({"field": "alt", "is": "empty"}, empty="null too")
    assert nulls({"or": [same, {"field": "alt", "is": "is_null"}]})
    assert not nulls({"not": {"and": [same, field("http_code", "gte", 0)]}})


def test_what_a_link_found_again_shows():
    def strange(**readings):
        rows = direct(readings, target="shop.example", select="is_lost,last_seen", history="live")
        return [row for row in rows if row["last_seen"]]

    assert not strange() and strange(found_again="kept")
    assert not any(row["is_lost"] for row in strange(found_again="kept"))


def test_v2_can_show_what_v3_forgets():
    asked = {"token": TOKEN, "from": "backlinks_new_lost", "target": "shop.example",
             "mode": "domain", "limit": "99999"}
    usual = json.loads(V2(source=v3.as_v2()).direct(asked)[0])["refpages"]
    returns = json.loads(V2(source=v3.as_v2(returns=True)).direct(asked)[0])["refpages"]
    texts = Counter(map(json.dumps, returns))
    texts.subtract(map(json.dumps, usual))
    assert min(texts.values()) == 0 and max(texts.values()) == 1
    assert {json.loads(text)["type"] for text in +texts} == {"new", "lost"}


@pytest.mark.parametrize("rounding, rounded", [
    ("up", lambda rating: rating + 0.5), ("even", round), ("down", lambda rating: rating - 0.5)])
def test_rounding_at_a_half(rounding, rounded):
    asked = {"token": TOKEN, "from": "backlinks_new_lost", "target": TARGET, "mode": "domain"}
    rows = json.loads(V2(source=v3.as_v2(rounding=rounding)).direct(asked)[0])["refpages"]
    told = {(row["url_from"], row["first_seen"]): row["domain_rating"] for row in rows}
    halves = [link for link in direct(select="url_from,first_seen_link,domain_rating_source")
              if link["domain_rating_source"] % 1 == 0.5]
    assert len(halves) > 20
    for link in halves:
        whole = told[link["url_from"], link["first_seen_link"]]
        assert whole == rounded(link["domain_rating_source"])


def test_odd_values_are_told_alike():
    old, new = both(V2(source=v3.as_v2(), odd=True), v3.Simulator(odd=True), "x.example", "domain",
                    "2024-01-01", ",domain_rating>=10", field("domain_rating_source", "gte", 9.5))
    kept = [json.loads(row) for row in old]
    assert kept and kept == [json.loads(row) for row in new]


def test_order_of_members():
    assert list(direct(select="title,url_from")[0]) == ["title", "url_from"]
    assert list(direct({"members": "table"}, select="title,url_from")[0]) == ["url_from", "title"]


# What is not in the rows


def of(**readings):
    return v3.Simulator(readings=v3.Readings(**readings))


def test_prices():
    with of(empty_price="free", cost_row="price") as sim:
        assert ask(sim, "rows-0.example").cost("total-actual") == 0
        assert ask(sim, "rows-3.example").headers["x-api-units-cost-row"] == "1"


def test_expected_usage_may_not_know_the_cap():
    for reading, expected in [("capped", 250), ("asked", 1000)]:
        with v3.Simulator({KEY: v3.Key(units_limit=100)}, workspace=v3.Workspace("Standard"),
                          readings=v3.Readings(expected=reading)) as sim:
            assert f"Expected usage: {expected}," in ask(sim).json["error"]


def test_its_own_cache():
    with of(own_cache="none") as sim:
        assert [ask(sim).headers["x-api-cache"] for _ in range(2)] == ["no_cache"] * 2
        assert sim.bill(KEY) == 100
    with of(cache_of="key") as sim:
        kinds = [ask(sim, key=key).headers["x-api-cache"] for key in (KEY, OTHER, KEY)]
        assert kinds == ["miss", "miss", "hit"]


def test_free_hosts():
    with of(free_hosts="own") as sim:
        assert ask(sim, "ahrefs.com/blog/", mode="prefix", limit=9).cost("total-actual") == 0
        assert ask(sim, "help.ahrefs.com", limit=9).cost("total-actual") == 50


@pytest.mark.parametrize("body, text", [
    ("object", b'{"error": "Too many requests"}'), ("pair", b'["Error", "Too many requests"]'),
    ("text", b"Too many requests"), ("empty", b""),
])
def test_bodies_of_429(body, text):
    with v3.Simulator(pace=0, readings=v3.Readings(throttle_body=body)) as sim:
        reply = ask(sim)
        assert (reply.status, reply.body) == (429, text)


@pytest.mark.parametrize("retry_after, pattern", [
    ("seconds", r"\d+"), ("date", r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
])
def test_retry_after(retry_after, pattern):
    with v3.Simulator(pace=0, readings=v3.Readings(retry_after=retry_after)) as sim:
        assert re.fullmatch(pattern, ask(sim).headers["Retry-After"])


def test_limits_and_usage():
    with of(no_limit="absent", reset_date="day") as sim:
        said = limits(sim)
        assert "units_limit_api_key" not in said and said["usage_reset_date"] == "2024-03-04"


def test_the_list_of_columns():
    with of(column_list="array") as sim:
        error = ask(sim, select="__probe__").json["error"]
        assert error["message"] == "column '__probe__' not found" and "url_from" in error["columns"]


def test_readings_can_change():
    with of() as sim:
        sim.read_as(v3.Readings(null_order="first"), odd=True)
        rows = ask(sim, TARGET, select="last_seen", order_by="last_seen:desc").rows
        assert rows[0]["last_seen"] is None


def test_the_manual_has_every_switch_and_fault():
    text = (Path(__file__).parent / "v3" / "README.md").read_text()
    lines = re.findall(r"^\| `(\w+)` \| ((?:`[^`]+`(?:, )?)+) \|", text, re.MULTILINE)
    switches = {name: tuple(re.findall("`([^`]+)`", values)) for name, values in lines}
    assert CHOICES.items() <= switches.items()
    assert not [kind for kind in KINDS if f"`{kind}`" not in text]
