"""A search and a re-training by the devices of a strategy, for `distribution_test.py`.

`python -m tests.experiments.distributed_search FOLDER STRATEGY...` trains by each strategy in turn,
in a folder of its name, and writes what became of the weights. `DIES` in the environment lets the
process kill itself when the search has had one epoch.
"""

import functools
import os
import pathlib
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from aim_keras.callbacks import Resume
from aim_keras.datasets import planted
from aim_keras.models import DeepFM
from aim_keras.optimizers import GRDA, LazyAdam
from experiments import binary, distribution, fitting, stage

BATCH_SIZE = 100
EPSILON = 1e-3  # or Adam moves biases under a batch norm by the rounding of gradients that are zero
AVERAGES = {"use_ema": True, "ema_momentum": 0.8}
MODEL = functools.partial(
    DeepFM,
    embedding_dim=4,
    functions=("inner", "vector_kernel"),
    hidden_units=(4,),
    mlp_norm="batch",
)
SEARCH = functools.partial(
    fitting.fit,
    weights=functools.partial(LazyAdam, 0.01, epsilon=EPSILON, l2=1e-4),
    gates=functools.partial(GRDA, 0.1, mu=0.6, target_threshold=0.62),
    epochs=2,
)
RETRAIN = functools.partial(
    fitting.fit,
    weights=functools.partial(keras.optimizers.Adam, 0.1, epsilon=EPSILON, **AVERAGES),
    epochs=20,
    patience=1,
)


def builder(folder):
    """810 rows of train: the last batch of a pass has 10, the last of valid too."""
    units = (("inner", ("f0", "f1")), ("vector_kernel", ("f1", "f2")))
    of_data = {"num_train": 810, "num_valid": 410, "num_test": 200, "vocabulary": (5, 6, 7, 8)}
    data = planted.builder(folder / "data", units=units, **of_data)
    data.download_and_prepare()
    return data


def train(folder, name):
    """Searches and re-trains, and writes `NAME_WORKER.npz`: gates and weights."""
    strategy = distribution.strategy_of(name, BATCH_SIZE)
    data = builder(folder)
    with distribution.folder(strategy, folder / str(name), "one configuration") as own:
        job = fitting.Job(data, BATCH_SIZE, 0, strategy)
        found, record, searched = stage.search(
            own / "search", job, MODEL, SEARCH, "interactions", None
        )
        regularized = functools.partial(MODEL, embedding_regularizer=keras.regularizers.L2(1e-4))
        model, _, again = stage.retrain(own / "retrain", job, regularized, RETRAIN, found)
        gates = keras.saving.load_model(searched / "model.keras", compile=False)
        result = {
            "alpha": gates.get_layer("interaction_2").alpha.numpy(),
            "kept": sorted(map(str, found.units(2))),
            "auc": [record["auc"], again["auc"]],
            "epochs": again["epochs"],
            **{f"weights_{i}": value for i, value in enumerate(model.get_weights())},
        }
        worker = int(not distribution.is_chief(strategy))
        np.savez(folder / f"{name}_{worker}.npz", **result)


def die_after_one_epoch():
    begin = Resume.on_epoch_begin

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        begin(self, epoch, logs)

    Resume.on_epoch_begin = on_epoch_begin


@binary.ends_in_words
def main(argv):
    folder, *names = argv[1:]
    if os.environ.get("DIES"):
        die_after_one_epoch()
    if "mirrored" in names:
        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # traced sooner
    for name in names:
        keras.backend.clear_session()
        train(pathlib.Path(folder), None if name == "None" else name)


if __name__ == "__main__":
    main(sys.argv)
