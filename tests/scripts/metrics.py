"""Prometheus' text format, read strictly: what a scraper would stumble over is an error here."""

import re

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_PARTS = ("_bucket", "_sum", "_count")


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.types = {}
        self._samples = {}
        assert text.endswith("\n")
        for line in text.splitlines():
            self._line(line)

    def names(self) -> set:
        return {name for name, _labels in self._samples}

    def value(self, name, **labels) -> float:
        """The sum of the samples that have these labels, whatever others they have."""
        return sum(value for found, value in self.all(name) if labels.items() <= found.items())

    def all(self, name) -> list:
        """(labels, value) of each sample of this name."""
        return [
            (dict(labels), value) for (found, labels), value in self._samples.items()
            if found == name
        ]

    def _line(self, line):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in self.types, f"{name} is typed twice"
            self.types[name] = kind
        elif line and not line.startswith("# HELP "):
            self._sample(line)

    def _sample(self, line):
        found = _SAMPLE.fullmatch(line)
        assert found, f"no sample: {line!r}"
        name, labels, value = found.groups()
        assert self._family(name) in self.types, f"no type for {line!r}"
        key = name, frozenset(_labels(labels or ""))
        assert key not in self._samples, f"twice: {line!r}"
        self._samples[key] = float(value)

    def _family(self, name):
        for part in _PARTS:
            family = name.removesuffix(part)
            if self.types.get(family) == "histogram":
                return family
        return name


def _labels(text):
    found = _LABEL.findall(text)
    assert "".join(_LABEL.split(text)[::3]) == "", f"labels: {text!r}"
    return found
