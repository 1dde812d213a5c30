"""How often each string of a stream occurs, in memory that grows with the distinct ones alone."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

LEAST_MERGED = 1 << 16
SLICE = 1 << 16


class Counts:
    """Strings and how often each was seen, in the order in which they were seen first.

    What was added is merged once it holds more strings than what was merged before: so a string is
    moved a bounded number of times on average, and the memory is that of twice the distinct ones.
    """

    def __init__(self):
        self._values = [pa.array([], pa.large_string())]
        self._counts = [np.zeros(0, np.int64)]
        self._unmerged = 0

    def add(self, values: Sequence[str] | pa.Array, counts: np.ndarray | pa.Array) -> None:
        """Adds to the count of each value; a value may come more than once."""
        if not isinstance(values, pa.Array):
            values = pa.array(values, pa.string())
        self._values.append(values.cast(pa.large_string()))
        self._counts.append(np.asarray(counts, np.int64))
        self._unmerged += len(values)
        if self._unmerged > max(LEAST_MERGED, len(self._values[0])):
            self._merge()

    def items(self) -> Iterator[tuple[str, int]]:
        """Each string, once, and its count."""
        self._merge()
        values, counts = self._values[0], self._counts[0]
        for i in range(0, len(values), SLICE):
            part = slice(i, i + SLICE)
            yield from zip(values[part].to_pylist(), counts[part].tolist(), strict=True)

    def at_least(self, count: int) -> tuple[pa.Array, np.ndarray]:
        """Each string that was seen as often, once, `(n,)`, and its count, int64 `(n,)`."""
        self._merge()
        kept = self._counts[0] >= count
        return self._values[0].filter(pa.array(kept)), self._counts[0][kept]

    def _merge(self) -> None:
        merged = pa.concat_arrays(self._values).dictionary_encode()
        counts = np.zeros(len(merged.dictionary), np.int64)
        np.add.at(counts, merged.indices.to_numpy(), np.concatenate(self._counts))
        self._values, self._counts, self._unmerged = [merged.dictionary], [counts], 0
