"""Training one stage: optimizer, callbacks and data of a `fit` that can be interrupted."""

import dataclasses
import functools
import inspect
import math
import pathlib
import warnings
from collections.abc import Callable
from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from aim_keras.callbacks import (
    AveragedWeights,
    GateHistory,
    GateSteps,
    RankMetrics,
    RequireFinite,
    Resume,
    SearchState,
    rank_metrics,
)
from aim_keras.datasets import pipeline as data
from aim_keras.optimizers import GRDA, with_gates
from experiments import distribution, rate_decay, run_files
from experiments.gin_values import given, making

MIN_DELTA = 1e-5  # of AUC: less is no improvement
STATISTICS_BATCHES = 16  # over which averaged weights get statistics of their own


@dataclasses.dataclass(frozen=True)
class Job:
    """What all stages of a run share: the prepared data, the batch size, the seed, and the strategy
    by which several devices share a batch."""

    builder: tfds.core.DatasetBuilder
    batch_size: int
    seed: int
    strategy: tf.distribute.Strategy = tf.distribute.get_strategy()  # noqa: RUF009

    def batches(self, split, batch_size=None):
        """The batches of a split, in file order."""
        return data.batches(self.builder, split, batch_size or self.batch_size)

    def evaluate(self, model, split, verbose=1):
        """The exact AUC and log loss of a model of logits on a split, calibrated and weighted."""
        shift = self.builder.logit_shift
        return rank_metrics(model, self.batches(split), verbose=verbose, logit_shift=shift)

    def counts(self):
        """How often each id of a field occurs in train."""
        return data.counts(self.builder)

    def steps_per_pass(self, split="train"):
        """Batches in one pass over a split."""
        return math.ceil(data.rows(self.builder, split) / self.batch_size)

    def shuffled_batches(self, first_step, split="train"):
        """Endless shuffled batches of a split, from a step on: the same ones, resumed or not."""
        first_pass, step = divmod(first_step, self.steps_per_pass(split))
        return data.batches(
            self.builder,
            split,
            self.batch_size,
            shuffle_seed=self.seed,
            first_pass=first_pass,
            passes=None,
        ).skip(step)


def fit(
    model,
    stage_dir,
    job,
    searching,
    weights: Callable = keras.optimizers.Adam,
    gates: Callable = GRDA,
    loss: Callable = keras.losses.BinaryCrossentropy,
    gates_every: PositiveInt | None = None,
    epochs: PositiveInt = 1,
    epochs_per_pass: PositiveFloat = 1,
    epoch_decay: PositiveFloat = 1.0,
    gates_decay: PositiveFloat | None = None,
    patience: NonNegativeInt | None = None,
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.1,
    patience_steps: PositiveInt = 1,
    jit_compile: bool = False,
):
    """Compiles and trains the model of a stage in place, from where it was interrupted if it was.

    A search ends with its last weights, since its gates are sparse only together; a re-training
    with the weights of the best validation AUC.

    Args:
        model: Keras model of logits.
        stage_dir: `pathlib.Path` of the stage's folder: backup, TensorBoard events, of a search the
            history of its gates, of a re-training the best weights.
        job: `Job`.
        searching: Whether the model has gates to search.
        weights: Callable that gives the optimizer of all weights but the gates. With `use_ema`,
            the moving averages of the weights are what is validated and kept, with statistics of
            their own (`AveragedWeights`).
        gates: Callable that gives the optimizer of the gates, in a search; `total_steps` is given
            to one that takes it.
        loss: Callable that gives the loss with `from_logits=True`, such as
            `keras.losses.BinaryFocalCrossentropy`. What is reported and served stays the log loss
            and the sigmoid of the logits.
        gates_every: `None` for steps that train the gates beside the weights, on the rows of train
            (the paper); a number for a step of the gates on rows of valid after each so many of the
            weights (`GateSteps`).
        epochs: Number of epochs; after each one the model is validated.
        epochs_per_pass: Number of epochs in one pass over the rows (the paper: 5); below 1, an
            epoch is several passes.
        epoch_decay: Factor of the learning rates after each epoch (the published code: 0.75).
        gates_decay: Factor of the gates' learning rate alone; `None` for `epoch_decay`.
        patience: Number of epochs without a better validation AUC after which training stops;
            after each such epoch the learning rate is multiplied by `plateau_factor`. `None`
            trains all epochs.
        plateau_factor: see `patience`.
        patience_steps: Least number of steps that `patience` counts as one epoch: several epochs
            if few rows make them shorter.
        jit_compile: of `keras.Model.compile`.

    Returns:
        Number of epochs trained now, without those before an interruption.

    Raises:
        FloatingPointError: if the loss or a weight becomes NaN or infinite (`RequireFinite`).
        ConnectionError: if another worker is gone.
        ValueError: if several devices are given `gates_every` or `jit_compile`, or a target
            threshold is given beside a decay of the gates' rate.
    """
    if job.strategy.num_replicas_in_sync > 1 and (gates_every is not None or jit_compile):
        raise ValueError(
            "Several devices train neither with gates_every nor with jit_compile. "
            f"Received: gates_every={gates_every}, jit_compile={jit_compile}"
        )
    steps = math.ceil(job.steps_per_pass() / epochs_per_pass)
    total_steps = epochs * (steps // (gates_every or 1))
    options = _counting(gates, total_steps)
    check_optimizer(weights)
    if searching:
        check_optimizer(gates, **options)
        if epochs > 1:
            decay = epoch_decay if gates_decay is None else gates_decay
            rate_decay.check_target(gates(**options), decay)
    make_gates = functools.partial(gates, **options) if searching else None
    trained, averaged = _compiled(model, job, weights, make_gates, gates_every, loss, jit_compile)
    stage_dir.mkdir(parents=True, exist_ok=True)
    wait = math.ceil(patience_steps / steps)
    deciding = [*_deciding(stage_dir, searching, patience, plateau_factor, wait)]
    resume = Resume(stage_dir / "backup", deciding)
    gate_steps, observers = [], []
    if searching:
        observers = [
            SearchState(stage_dir / "tensorboard" / "search"),
            GateHistory(stage_dir / run_files.GATES),
        ]
    if searching and gates_every is not None:
        first_step = resume.finished_epochs * (steps // gates_every)
        gate_steps = [GateSteps(job.shuffled_batches(first_step, "valid"), gates_every)]
    history = distribution.fit(
        trained,
        job.strategy,
        job.shuffled_batches(first_step=resume.finished_epochs * steps),
        epochs=epochs,
        steps_per_epoch=steps,
        callbacks=[
            *gate_steps,
            RequireFinite(resume),
            *_validating(model, job, deciding, averaged),
            *rate_decay.callbacks(epoch_decay, gates_decay if searching else None),
            keras.callbacks.TensorBoard(stage_dir / "tensorboard", write_graph=False),
            *observers,
            resume,
        ],
    )
    if not searching:
        model.load_weights(best_weights(stage_dir))
    elif trained is not model:
        model.set_weights(trained.get_weights())
    return len(history.epoch)


def _compiled(model, job, weights, gates, gates_every, loss, jit_compile):
    """The model that is trained, compiled, and whether its weights are averaged."""
    with job.strategy.scope():
        trained = distribution.replicated(model, job.strategy)
        optimizer = weights()
        averaged = optimizer.use_ema
        if gates is not None:
            optimizer = with_gates(optimizer, gates(), joint=gates_every is None)
        with making(loss):
            of_logits = loss(from_logits=True)
        trained.compile(optimizer, of_logits, jit_compile=jit_compile)
        # Moments that are made while a step is traced may be copied as a whole by the first one.
        optimizer.build(trained.trainable_variables)
    return trained, averaged


def _deciding(stage_dir, searching, patience, plateau_factor, wait):
    """The callbacks that keep the best weights, lower the rates and stop, by the AUC on valid."""
    monitor = {"monitor": "val_auc", "mode": "max"}
    if not searching:
        yield keras.callbacks.ModelCheckpoint(
            best_weights(stage_dir), **monitor, save_best_only=True, save_weights_only=True
        )
    if patience is not None:
        yield keras.callbacks.ReduceLROnPlateau(
            **monitor, factor=plateau_factor, patience=wait, min_delta=MIN_DELTA, min_lr=1e-6
        )
        patience *= wait
        yield keras.callbacks.EarlyStopping(**monitor, patience=patience, min_delta=MIN_DELTA)


def _validating(model, job, deciding, averaged):
    """The callbacks that see the weights that are validated, moving averages or not."""
    metrics = RankMetrics(job.batches("valid"), logit_shift=job.builder.logit_shift)
    callbacks = [distribution.Validation(metrics, model, job.strategy), *deciding]
    if not averaged:
        return callbacks
    batches = job.shuffled_batches(first_step=0).take(STATISTICS_BATCHES)
    return [AveragedWeights([*batches], callbacks, model)]


def best_weights(stage_dir):
    """Where a re-training leaves the weights of its best epoch, which it ends with."""
    return pathlib.Path(stage_dir) / "best.weights.h5"


def check_optimizers(fit, searching):
    """Makes the optimizers that a `fit` will be given, as gin configures it in the scope of now.

    Raises:
        ValueError: see `check_optimizer`.
    """
    with making(fit):
        arguments = given(fit, resolve_references=True)
    check_optimizer(arguments.get("weights", keras.optimizers.Adam))
    if searching:
        gates = arguments.get("gates", GRDA)
        check_optimizer(gates, **_counting(gates, total_steps=1))


def _counting(gates, total_steps):
    return {"total_steps": total_steps} if takes(gates, "total_steps") else {}


def check_optimizer(make, **options):
    """Makes an optimizer and a step with it: Keras looks at some of its values only then.

    Raises:
        ValueError: if either is impossible with the values that gin gives.
    """
    with making(make), warnings.catch_warnings(action="ignore"):  # This gradient is dense.
        weight = keras.Variable(np.zeros(2), name="tried")
        make(**options).apply([keras.ops.ones_like(weight)], [weight])


def takes(called, *names):
    """Whether a function, or a class, takes arguments of these names."""
    # A class that gin has configured has a metaclass, whose signature is not the class's.
    called = called.__init__ if inspect.isclass(called) else called
    return set(names) <= set(inspect.signature(called).parameters)


def adam(
    total_steps,
    learning_rate: PositiveFloat = 1e-3,
    pretraining: Annotated[float, Field(ge=0, le=1)] = 0.0,
):
    """Adam for gates that are a softmax, which no threshold has to make sparse.

    Args:
        total_steps: Number of steps of the gates in the search.
        learning_rate: Float.
        pretraining: Share of the steps in which the gates stay equal, so that the weights of all
            candidates are trained before one is preferred.
    """
    still = round(pretraining * total_steps)
    return keras.optimizers.Adam(
        keras.optimizers.schedules.PiecewiseConstantDecay([still], [0.0, learning_rate])
        if still
        else learning_rate
    )
