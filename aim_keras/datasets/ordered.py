"""Work spread over the cores whose results come in order."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yields `function(item)` of each item, in order, worked out by a thread a core.

    At most two results a core are under way or wait to be taken, so memory does not grow with the
    number of items. An error, of `function` or of `items`, is raised in its place in the order:
    after all results before it, and the items after it are given up.
    """
    cores = os.cpu_count() or 1
    waiting: collections.deque[futures.Future] = collections.deque()
    pool = futures.ThreadPoolExecutor(cores)
    try:
        for future in _submitted(pool, function, items):
            waiting.append(future)
            if len(waiting) == 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _submitted(pool, function, items) -> Iterator[futures.Future]:
    try:
        for item in items:
            yield pool.submit(function, item)
    except Exception as error:
        failed: futures.Future = futures.Future()
        failed.set_exception(error)
        yield failed
