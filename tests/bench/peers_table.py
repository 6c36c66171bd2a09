"""The table that peers.py prints, in Markdown."""

import os
import platform
from statistics import median

NAMES = ("nginx", "Varnish", "Squid", "rowcached", "ready-made")
HUGE = ("stored, fast", "not stored, fast", "stored, slow", "not stored, slow")


class Table:
    """Cells of one server beside nginx's. A figure that was not measured is an empty cell."""

    def __init__(self, samples):
        self.samples = samples

    def value(self, figure, name):
        values = self.samples.get(figure, {}).get(name)
        return median(values) if values else None

    def ratio(self, figure, name):
        value, base = self.value(figure, name), self.value(figure, "nginx")
        if value is None:
            return ""
        return f"{value / base:.2f} ({value:,.0f})" if base else f"({value:,.0f})"

    def numbers(self, figures, name, form):
        values = [self.value(figure, name) for figure in figures]
        return "" if None in values else "; ".join(form(value) for value in values)


def ratio(figure):
    return lambda table, name: table.ratio(figure, name)


def numbers(*figures, form=lambda value: f"{value:.1f}"):
    return lambda table, name: table.numbers(figures, name, form)


def large_or_small(value):
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


ROWS = (
    ("hit, 10 results: requests per CPU-second, x nginx (number)", ratio("hit 10")),
    ("hit, 100 results", ratio("hit 100")),
    ("hit, 1,000 results", ratio("hit 1000")),
    ("hit, 1,000 results, load generator's CPU included", ratio("hit 1000 with wrk")),
    ("2,000 distinct targets, 10 results", ratio("distinct 10")),
    ("2,000 distinct targets, 100 results", ratio("distinct 100")),
    ("p50; p99 ms, 10 results", numbers("hit 10 p50", "hit 10 p99")),
    ("p50; p99 ms, 100 results", numbers("hit 100 p50", "hit 100 p99")),
    ("p50; p99 ms, 1,000 results", numbers("hit 1000 p50", "hit 1000 p99")),
    ("the same load for all, 10 results: requests a second; p50; p99 ms",
     numbers("paced 10 a second", "paced 10 p50", "paced 10 p99", form=large_or_small)),
    ("the same load for all, 100 results",
     numbers("paced 100 a second", "paced 100 p50", "paced 100 p99", form=large_or_small)),
    ("requests a second, 10; 100; 1,000 results",
     numbers("hit 10 a second", "hit 100 a second", "hit 1000 a second", form=lambda value: f"{value:,.0f}")),
    ("miss, 1,000 results: added ms to first byte; total ms; CPU ms",
     numbers("miss added", "miss total", "miss cpu")),
    ("miss, 60 MB: added ms to first byte; total x direct; CPU ms",
     numbers("export added", "export x direct", "export cpu")),
    ("16 misses of 60 MB at once, MB/s", numbers("16 exports", form=lambda value: f"{value:.0f}")),
    *((f"600 MB {kind} client: speed x direct; CPU s; peak MiB",
       numbers(*(f"huge {kind} {figure}" for figure in ("x direct", "cpu", "peak")),
               form=large_or_small))
      for kind in HUGE),
    ("200 identical misses: requests upstream; last first byte, ms, after 300 ms of silence",
     numbers("together questions", "together last", form=lambda value: f"{value:.0f}")),
    ("CPU us of an exact hit, 100 results; of a derived answer again",
     numbers("exact again", "derived again")),
    ("resident MiB: empty; with 4,003 URLs; after the load",
     numbers("memory empty", "memory filled", "memory after the load", form=lambda value: f"{value:.0f}")),
)


DIRECT = (("1,000 results", "miss direct", 1, "ms"), ("60 MB", "export direct", 0, "ms"),
          ("600 MB", "huge stored, fast direct", 2, "s"))


def print_table(samples):
    table = Table(samples)
    names = [name for name in NAMES if any(name in of for of in samples.values())]
    print("| figure |", " | ".join(names), "|")
    print("| --- |", " | ".join("---:" for _ in names), "|")
    for title, cell in ROWS:
        cells = [cell(table, name) for name in names]
        if any(cells):
            print(f"| {title} |", " | ".join(cells), "|")
    direct = [f"{title} {value:.{digits}f} {unit}" for title, figure, digits, unit in DIRECT
              if (value := table.value(figure, "upstream")) is not None]
    if direct:
        print(f"\nDirect: {'; '.join(direct)}.")


def machine():
    processor = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo")
                      if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} x {processor}, Linux {platform.release()}"
