"""Row sets: what the clauses of a query work on, one after the other."""

from itertools import chain, islice, repeat

from .errors import ApiError
from .orders import arranged


class Listed:
    """Rows that are all there."""

    def __init__(self, rows):
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def __iter__(self):
        return iter(self._rows)

    def where(self, holds):
        return Listed([row for row in self._rows if holds(row)])

    def order(self, keys, readings):
        """Sorts by (column, descending) pairs."""
        return Listed(arranged(self._rows, keys, readings))

    def window(self, offset, limit):
        return Listed(self._rows[offset:offset + limit])

    def select(self, columns):
        return Listed([{name: row[name] for name in columns} for row in self._rows])


class Repeated:
    """A block of rows over and over: millions of results in the memory of a few hundred.

    Conditions and columns apply to the block. Sorting would not leave a repetition, and is refused.
    """

    def __init__(self, block, count, start=0):
        self.block = block
        self.start = start
        self._count = count

    def __len__(self):
        return self._count

    def __iter__(self):
        endless = chain.from_iterable(repeat(self.block)) if self.block else iter(())
        return islice(endless, self.start, self.start + self._count)

    def where(self, holds):
        if not self.block:
            return self
        block = [row for row in self.block if holds(row)]
        whole, rest = divmod(self._count, len(self.block))
        partial = sum(1 for row in self.block[:rest] if holds(row))
        return Repeated(block, whole * len(block) + partial)

    def order(self, keys, _readings):
        if keys:
            raise ApiError("order_by: not simulated for this target")
        return self

    def window(self, offset, limit):
        count = max(0, min(self._count - offset, limit))
        start = offset % len(self.block) if count else 0
        return Repeated(self.block, count, start)

    def select(self, columns):
        block = [{name: row[name] for name in columns} for row in self.block]
        return Repeated(block, self._count, self.start)
