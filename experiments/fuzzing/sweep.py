"""Inputs judged in a process of their own, which may crash or hang without ending the sweep."""

import multiprocessing
import os
import pathlib
import resource
import tempfile
import time

from experiments.fuzzing import configurations, documents, runs, texts
from experiments.fuzzing.target import ACCEPTED, REFUSED, verdict

TARGETS = {
    **texts.targets(),
    **documents.targets(),
    **runs.targets(),
    **configurations.targets(),
}
FEWER = {  # of slow readers one input for so many of the others
    **dict.fromkeys(("encoding", "inference"), 4),
    **dict.fromkeys(("criteo", "criteo_skip"), 20),
    **dict.fromkeys((name for name in TARGETS if name.startswith("run_")), 10),
    **dict.fromkeys((name for name in TARGETS if name.startswith("prepared_")), 20),
    "run_analysis": 20,
    "state": 20,
    "weights": 40,
    "prepared_rows": 1000,
}
ROUND = 10_000  # inputs of a process: Arrow keeps memory of each damaged Zstandard stream
HANG_SECONDS = 60  # for one input; a slow machine takes a second
MEMORY = 4 << 30  # bytes of data of a process
SHOWN = 20  # failures of a target that are kept
MEMORY_FOLDER = "/dev/shm"


def sweep(name: str, seed: int, first: int, count: int) -> dict:
    """Judges `count` inputs of a target, from the number `first`.

    Returns:
        `{"inputs", "accepted", "refused", "failed", "seconds", "failures"}`; a failure is
        `{"input": its number, "what": what went wrong}`, the first 20 of them.
    """
    begun = time.monotonic()
    result = {"inputs": count, ACCEPTED: 0, REFUSED: 0, "failed": 0}
    failures, next_one, end = [], first, first + count
    while next_one < end:
        until = min(next_one + ROUND, end)
        next_one = _in_a_process(name, seed, next_one, until, result, failures)
    result["seconds"] = round(time.monotonic() - begun, 1)
    return {**result, "failures": failures[:SHOWN]}


def _in_a_process(name, seed, first, end, result, failures):
    """Judges until the end, or until a process dies or hangs: the number to go on with."""
    context = multiprocessing.get_context("spawn")  # Arrow's threads do not survive a fork
    state = context.Array("q", [first, 0, 0, 0], lock=False)  # input, accepted, refused, ready
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_judge, args=(name, seed, first, end, state, sender))
    process.start()
    sender.close()
    hung = _watch(process, receiver, state, failures)
    result[ACCEPTED] += state[1]
    result[REFUSED] += state[2]
    if process.exitcode == 0:
        result["failed"] = len(failures)
        return end
    if not state[3]:
        raise ChildProcessError(f"The process of {name} ended before its first input")
    ending = f"ran over {HANG_SECONDS} s" if hung else f"ended the process: {process.exitcode}"
    failures.append({"input": state[0], "what": ending})
    result["failed"] = len(failures)
    return state[0] + 1


def _watch(process, receiver, state, failures):
    """Collects failures until the process ends; whether it had to be killed."""
    at, since, hung, is_open = None, time.monotonic(), False, True
    while is_open:
        try:
            if receiver.poll(1):
                failures.append(receiver.recv())
        except EOFError:
            is_open = False
        if state[0] != at or not state[3]:
            at, since = state[0], time.monotonic()
        elif time.monotonic() - since > HANG_SECONDS and process.is_alive():
            process.kill()
            hung = True
    process.join()
    return hung


def _judge(name, seed, first, end, state, sender):
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.RLIM_INFINITY))
    target = TARGETS[name]()
    state[3] = 1
    place = MEMORY_FOLDER if os.path.isdir(MEMORY_FOLDER) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for number in range(first, end):
            state[0] = number
            found = verdict(target, target.input(name, seed, number), pathlib.Path(folder))
            if found in (ACCEPTED, REFUSED):
                state[1 + (found == REFUSED)] += 1
            else:
                sender.send({"input": number, "what": found[:500]})
