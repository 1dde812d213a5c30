from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from aim_keras.datasets import counts
from aim_keras.datasets.counts import Counts


@pytest.mark.parametrize("least_merged", [1, 30, 1 << 16])
def test_counts_equal_a_counter_and_its_order(monkeypatch, least_merged):
    monkeypatch.setattr(counts, "LEAST_MERGED", least_merged)
    monkeypatch.setattr(counts, "SLICE", least_merged)
    rng = np.random.default_rng(least_merged)
    counted, counter = Counts(), Counter()
    for _ in range(60):
        values = [f"é{v}" if v else "" for v in rng.zipf(1.3, rng.integers(0, 40)) % 1000]
        numbers = rng.integers(1, 9, len(values))
        counted.add(values, numbers)
        for value, number in zip(values, numbers.tolist(), strict=True):
            counter[value] += number
    assert list(counted.items()) == list(counter.items())
    counted.add(pa.array(["", "new"]), pa.array([5, 6]))
    counter.update({"": 5, "new": 6})
    assert list(counted.items()) == list(counter.items())


def test_nothing_was_counted():
    assert list(Counts().items()) == []


def test_what_is_frequent_is_kept_with_its_count():
    counted = Counts()
    counted.add(["a", "b", "c", "a"], [1, 3, 2, 2])
    values, numbers = counted.at_least(3)
    assert values.to_pylist() == ["a", "b"]
    assert numbers.tolist() == [3, 3]
    again = Counts()
    again.add(values, numbers)
    assert dict(again.items()) == {"a": 3, "b": 3}


def test_memory_grows_with_distinct_strings_alone(monkeypatch):
    monkeypatch.setattr(counts, "LEAST_MERGED", 100)
    counted, values = Counts(), [f"value {i}" for i in range(1000)]
    before, held = pa.total_allocated_bytes(), []
    for _ in range(50):
        counted.add(values, np.ones(1000, np.int64))
        held.append(pa.total_allocated_bytes() - before)
    assert max(held[10:]) <= max(held[:10])
    assert dict(counted.items()) == dict.fromkeys(values, 50)
