"""Training on several devices or machines, by `tf.distribute`: each has all weights and a part of
every batch."""

import contextlib
import pathlib
import shutil
import tempfile
import zlib

import keras
import numpy as np
import tensorflow as tf

from aim_keras import atomic
from aim_keras.backend import of_first_replica

STRATEGIES = {
    None: tf.distribute.get_strategy,
    "mirrored": tf.distribute.MirroredStrategy,
    "multi_worker": tf.distribute.MultiWorkerMirroredStrategy,
}
WORKER_IS_GONE = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


def strategy_of(name, batch_size):
    """The strategy of that name, which is none where there is one device; the first thing of
    TensorFlow's that a process does.

    Args:
        name: `None` for one device; `"mirrored"` for all devices of this machine; `"multi_worker"`
            for those of all machines that the environment variable `TF_CONFIG` names.
        batch_size: Rows of a batch, on all devices together.

    Raises:
        ValueError: on another name, or if the devices cannot have equal parts of a batch.
    """
    if name not in STRATEGIES:
        raise ValueError(f"distribution must be one of {[*STRATEGIES]}. Received: {name!r}")
    strategy = STRATEGIES[name]()
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"batch_size must be a multiple of the number of devices, {replicas}. "
            f"Received: batch_size={batch_size}"
        )
    return strategy if replicas > 1 else tf.distribute.get_strategy()


def is_chief(strategy):
    """Whether this process writes the results: the only one, or the first worker."""
    return strategy.extended.should_checkpoint


@contextlib.contextmanager
def folder(strategy, run_dir, configuration):
    """Yields the folder that this process writes in: the chief's is `run_dir`, which it locks.

    Any other worker's is a temporary copy of it, so that all go on from the same epoch.

    Raises:
        BlockingIOError: if another chief is at work in `run_dir`.
        ValueError: if the workers differ in `configuration`, or in what they see in `run_dir`.
    """
    with contextlib.ExitStack() as stack:
        if is_chief(strategy):
            stack.enter_context(atomic.locked(run_dir))
            own = run_dir
        else:
            own = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) / run_dir.name
            if run_dir.exists():
                # The chief removes what earlier processes left under temporary names.
                shutil.copytree(run_dir, own, ignore=shutil.ignore_patterns(".*"))
        files = sorted(str(path.relative_to(own)) for path in own.rglob("*"))
        seen = zlib.crc32(repr((configuration, files)).encode())
        if of_chief(strategy, [seen]) != [seen]:
            raise ValueError(
                "Every worker must have the chief's configuration, and see the folder of its run. "
                f"Received: {files} in {run_dir}"
            )
        yield own


def of_chief(strategy, numbers):
    """The numbers that the chief calls this with, on all workers, to the bit; it waits for all."""
    if strategy.num_replicas_in_sync == 1:
        return numbers
    received = _broadcast(strategy, tf.constant(numbers, tf.float64))
    return strategy.experimental_local_results(received)[0].numpy().tolist()


@tf.function
def _broadcast(strategy, numbers):
    return strategy.run(of_first_replica, (numbers,))


def replicated(model, strategy):
    """A copy of a model for a strategy of several replicas; itself where there is one.

    To be called in the strategy's scope.
    """
    if strategy.num_replicas_in_sync == 1:
        return model
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    for layer in copy._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
    return copy


class Validation(keras.callbacks.Callback):
    """Validates a replicated model: the logs get the metrics of its weights on one device, on all
    workers those of the chief, so that all decide alike.

    Args:
        metrics: `RankMetrics`.
        model: the model that is replicated; it gets the weights.
        strategy: `tf.distribute.Strategy`.
    """

    def __init__(self, metrics, model, strategy):
        super().__init__()
        metrics.set_model(model)
        self._metrics = metrics
        self._strategy = strategy

    def on_epoch_end(self, epoch, logs=None):
        if self.model is not self._metrics.model:
            self._metrics.model.set_weights(self.model.get_weights())
        found = {}
        self._metrics.on_epoch_end(epoch, found)
        logs.update(zip(found, of_chief(self._strategy, [*found.values()]), strict=True))


def fit(model, strategy, batches, epochs, steps_per_epoch, callbacks):
    """`model.fit` under a strategy, whose replicas have equal parts of each batch.

    Returns:
        The `History`.

    Raises:
        ConnectionError: if another worker is gone.
    """
    several = strategy.num_replicas_in_sync > 1
    if several:
        batches = _of_replicas(strategy, batches)
    options = {"epochs": epochs, "callbacks": callbacks}
    if not (several and isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)):
        return model.fit(batches, steps_per_epoch=steps_per_epoch, shuffle=False, **options)
    try:
        return _fit_by_workers(model, strategy, batches, steps=steps_per_epoch, **options)
    except WORKER_IS_GONE as error:
        raise ConnectionError(
            "Every worker must stay: start all of them again, and the training goes on after its "
            f"last finished epoch. Received: {type(error).__name__}"
        ) from error


def _of_replicas(strategy, batches):
    """Batches by replica. One that has no equal parts is filled up by its own first rows."""
    replicas = strategy.num_replicas_in_sync

    def of_worker(context):
        here = replicas // context.num_input_pipelines
        first = here * context.input_pipeline_id

        def parts(*batch):
            rows = tf.shape(tf.nest.flatten(batch)[0])[0]
            part = -(-rows // replicas)
            places = tf.range(first * part, (first + here) * part) % rows
            places = tf.reshape(places, (here, part))
            return tf.nest.map_structure(lambda tensor: tf.gather(tensor, places), batch)

        return batches.map(parts, 2).unbatch().prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(of_worker)


def _fit_by_workers(model, strategy, batches, epochs, steps, callbacks):
    """The loop of `model.fit`, which Keras does not have for several workers."""

    def step(batch):
        features, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(features, labels, model(features, training=True), weights)
            scaled = model.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        model.optimizer.apply(tape.gradient(scaled, variables), variables)
        return loss

    @tf.function
    def distributed_step(stream):
        return strategy.reduce("SUM", strategy.run(step, (next(stream),)), axis=None)

    shown = {"add_progbar": is_chief(strategy), "verbose": 1, "epochs": epochs, "steps": steps}
    callbacks = keras.callbacks.CallbackList(callbacks, add_history=True, model=model, **shown)
    history = model.history
    stream = iter(batches)
    model.stop_training = False
    callbacks.on_train_begin()
    logs = {}
    for epoch in range(model._initial_epoch or 0, epochs):
        losses = []
        callbacks.on_epoch_begin(epoch)
        for number in range(steps):
            callbacks.on_train_batch_begin(number)
            losses.append(float(distributed_step(stream)))
            logs = {"loss": float(np.mean(losses))}
            callbacks.on_train_batch_end(number, logs)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    callbacks.on_train_end(logs)
    return history
