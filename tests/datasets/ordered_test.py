import os
import threading
import time

import pytest

from aim_keras.datasets.ordered import in_order


def test_results_keep_the_order_whatever_finishes_first():
    def late_first(i):
        time.sleep(0.02 * (i % 4 == 0))
        return i * i

    assert list(in_order(late_first, range(40))) == [i * i for i in range(40)]


def test_items_are_worked_on_at_the_same_time():
    """Each item waits for another one: alone it would time out."""
    meeting = threading.Barrier(2, timeout=30)
    if (os.cpu_count() or 1) < 2:
        pytest.skip("a single core: two items are never worked on at once")
    assert len(list(in_order(lambda i: meeting.wait(), range(4)))) == 4


def test_reading_runs_ahead_of_the_taker_by_two_items_a_core_at_most():
    taken, read = 0, 0

    def items():
        nonlocal read
        for i in range(200):
            read += 1
            yield i

    for _ in in_order(lambda i: i, items()):
        assert read - taken <= 2 * (os.cpu_count() or 1)
        taken += 1
    assert taken == read == 200


def _until_the_error(stream, error):
    results = []

    def take_all():
        for result in stream:
            results.append(result)

    with pytest.raises(error, match=r"^7$"):
        take_all()
    return results


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_function_comes_after_the_results_before_it(error):
    def function(i):
        if i >= 7:
            raise error(i)
        time.sleep(0.01 * (7 - i))
        return i

    assert _until_the_error(in_order(function, range(50)), error) == list(range(7))


def test_an_error_of_the_items_comes_after_the_results_before_it():
    def items():
        yield from range(7)
        raise ValueError(7)

    assert _until_the_error(in_order(lambda i: i, items()), ValueError) == list(range(7))


def test_no_thread_is_left_behind_by_a_taker_who_stops():
    before = threading.active_count()
    stream = in_order(lambda i: i, range(1000))
    assert next(stream) == 0
    stream.close()
    assert threading.active_count() == before
