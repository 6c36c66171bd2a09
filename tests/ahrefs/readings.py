"""The points of v2 that are not documented, and the ways in which each may be read.

A `Readings` is one way to read all of them. The default is what the simulator does if nothing else
is said. The first value of a switch is its default; README.md has a line for each switch.
"""

from dataclasses import dataclass, fields, replace

CHOICES = {
    "equal": ("exact", "ascii", "unicode", "dictionary"),
    "substring": ("exact", "ascii", "unicode"),
    "word": ("exact", "ascii", "unicode"),
    "subdomain": ("exact", "ascii"),
    "word_ends": ("unicode", "ascii", "spaces"),
    "own_subdomain": ("yes", "no"),
    "no_scheme": ("no host", "host"),
    "day_above": ("text", "midnight", "whole", "end"),
    "day_below": ("text", "midnight", "whole", "end"),
    "day_equal": ("text", "midnight", "whole"),
    "time_on_day": ("text", "midnight", "cut"),
    "time_forms": ("text", "parsed"),
    "functions_on_dates": ("text", "refused"),
    "compare": ("bytes", "utf16", "nocase", "dictionary"),
    "order": ("bytes", "utf16", "nocase", "dictionary"),
    "ties": ("kept", "reversed", "hashed"),
    "unordered": ("stored", "oldest", "newest"),
    "nulls": ("sql", "differ", "empty"),
    "null_order": ("least", "greatest"),
    "members": ("asked", "table"),
    "offset_price": ("free", "charged"),
    "own_domain": ("charged", "free"),
}


@dataclass(frozen=True)
class Readings:
    """One value of CHOICES for each switch."""

    equal: str = "exact"
    substring: str = "exact"
    word: str = "exact"
    subdomain: str = "exact"
    word_ends: str = "unicode"
    own_subdomain: str = "yes"
    no_scheme: str = "no host"
    day_above: str = "text"
    day_below: str = "text"
    day_equal: str = "text"
    time_on_day: str = "text"
    time_forms: str = "text"
    functions_on_dates: str = "text"
    compare: str = "bytes"
    order: str = "bytes"
    ties: str = "kept"
    unordered: str = "stored"
    nulls: str = "sql"
    null_order: str = "least"
    members: str = "asked"
    offset_price: str = "free"
    own_domain: str = "charged"

    def __post_init__(self):
        for name, values in CHOICES.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name}: '{getattr(self, name)}' is none of {', '.join(values)}")

    def changed(self) -> dict:
        """The switches that differ from the default."""
        return {field.name: getattr(self, field.name) for field in fields(self)
                if getattr(self, field.name) != field.default}


DEFAULT = Readings()


def at_random(random, share=0.5, fixed=()) -> Readings:
    """Readings of which about `share` are not the default; those named in `fixed` are."""
    others = {name: random.choice(values[1:]) for name, values in CHOICES.items()
              if random.random() < share and name not in fixed}
    return replace(DEFAULT, **others)
