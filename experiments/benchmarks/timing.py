"""Repetitions of several sides, interleaved, and their medians."""

import math
import statistics
import time

import keras
import tensorflow as tf

from aim_keras.arguments import checked_integer


def interleaved(sides, repetitions):
    """Runs all sides in turn, again and again: what slows the machine down slows all of them.

    Args:
        sides: `{name: repetition}`, callables without arguments that give the milliseconds of a
            step.
        repetitions: Integer >= 1: how often each runs after a first, uncounted time.

    Returns:
        `{name: [milliseconds]}`, in the order of the repetitions.

    Raises:
        ValueError: if `repetitions` is below 1.
    """
    checked_integer("repetitions", repetitions)
    for repetition in sides.values():
        repetition()
    times = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, repetition in sides.items():
            times[name].append(repetition())
    return times


def medians(times):
    """`{name: median}` of what `interleaved` gives."""
    return {name: statistics.median(values) for name, values in times.items()}


class StepClock(keras.callbacks.Callback):
    """Milliseconds a step of an epoch, without its first execution, which starts the input.

    Args:
        steps_per_execution: Integer >= 1, as of `keras.Model.compile`.
    """

    def __init__(self, steps_per_execution=1):
        super().__init__()
        self.steps_per_execution = steps_per_execution

    def on_epoch_begin(self, epoch, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())

    @property
    def milliseconds(self):
        steps = (len(self.ends) - 1) * self.steps_per_execution
        return 1000 * (self.ends[-1] - self.ends[0]) / steps


def fitting(model, batches, steps):
    """A repetition that trains a compiled model by `fit` on batches in memory.

    Args:
        model: Compiled Keras model.
        batches: Arrays `(number, batch, ...)` of features and of labels.
        steps: Integer >= 1: timed steps of a repetition, rounded up to whole executions.
    """
    dataset = tf.data.Dataset.from_tensor_slices(batches).repeat().prefetch(2)
    clock = StepClock(model.steps_per_execution)
    executions = 1 + math.ceil(steps / model.steps_per_execution)
    total = executions * model.steps_per_execution

    def repetition():
        model.fit(dataset, steps_per_epoch=total, shuffle=False, verbose=0, callbacks=[clock])
        return clock.milliseconds

    return repetition


def calling(function, inputs, steps):
    """A repetition that calls a function on each of some inputs in turn, `steps` times in all."""

    def repetition():
        started = time.perf_counter()
        for step in range(steps):
            function(inputs[step % len(inputs)])
        return 1000 * (time.perf_counter() - started) / steps

    return repetition
