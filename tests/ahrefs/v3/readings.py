"""The points of v3 that are not known, and the ways in which each may be read.

A `Readings` is one way to read all of them. The first value of a switch is its default;
README.md has a line for each.
"""

from dataclasses import fields, make_dataclass

CHOICES = {
    "since": ("included", "excluded"),
    "zone": ("utc", "east", "west"),
    "day": ("midnight", "whole", "end"),
    "ties": ("kept", "reversed", "hashed", "asked"),
    "null_order": ("last", "first", "least", "greatest"),
    "second_order": ("honoured", "ignored"),
    "direction": ("asc", "desc"),
    "unordered": ("stored", "newest", "oldest", "hashed"),
    "equal": ("exact", "nocase"),
    "substring": ("exact", "nocase"),
    "phrase": ("exact", "nocase"),
    "affix": ("exact", "nocase"),
    "fold": ("unicode", "ascii"),
    "word_ends": ("unicode", "ascii", "spaces"),
    "regex": ("search", "full"),
    "compare": ("bytes", "nocase"),
    "order": ("bytes", "nocase"),
    "nulls": ("sql", "false", "differ", "empty"),
    "empty": ("empty", "null too"),
    "found_again": ("live", "kept"),
    "members": ("asked", "table"),
    "empty_price": ("least", "free"),
    "expected": ("capped", "asked"),
    "own_cache": ("kept", "none"),
    "cache_of": ("workspace", "key"),
    "cost_row": ("share", "price"),
    "free_hosts": ("below", "own"),
    "throttle_body": ("object", "pair", "text", "empty"),
    "retry_after": ("none", "seconds", "date"),
    "no_limit": ("null", "absent"),
    "reset_date": ("time", "day"),
    "column_list": ("commas", "array"),
}


def _check(self):
    for name, values in CHOICES.items():
        if getattr(self, name) not in values:
            raise ValueError(f"{name}: '{getattr(self, name)}' is none of {', '.join(values)}")


def _changed(self) -> dict:
    """The switches that differ from the default."""
    return {field.name: getattr(self, field.name) for field in fields(self)
            if getattr(self, field.name) != field.default}


Readings = make_dataclass(
    "Readings", [(name, str, values[0]) for name, values in CHOICES.items()],
    namespace={"__post_init__": _check, "changed": _changed}, frozen=True,
)
DEFAULT = Readings()


def at_random(random, share=0.5, fixed=()) -> Readings:
    """Readings of which about `share` are not the default; those named in `fixed` are."""
    return Readings(**{
        name: random.choice(values[1:]) for name, values in CHOICES.items()
        if random.random() < share and name not in fixed
    })
