"""DeepCTR's DeepFM on Keras 3, trained by `fit`; without hidden units it is an FM."""

import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import deepctr
import keras
import tensorflow as tf
from deepctr.feature_column import SparseFeat
from deepctr.models import DeepFM
from serve import names, serve


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())


class DeepCTR:
    has_linear = True

    def __init__(self, config, ids, labels):
        self.version = deepctr.__version__
        self._names, self._hidden_units = names(config), config["hidden_units"]
        columns = [
            SparseFeat(name, size, config["embedding_dim"])
            for name, size in zip(self._names, config["sizes"], strict=True)
        ]
        no_penalty = {"l2_reg_linear": 0, "l2_reg_embedding": 0, "l2_reg_dnn": 0}
        self._model = DeepFM(columns, columns, dnn_hidden_units=self._hidden_units, **no_penalty)
        self._model.compile("adam", "binary_crossentropy")
        self.parameters = self._model.count_params()
        features = {name: ids[:, :, i] for i, name in enumerate(self._names)}
        data = tf.data.Dataset.from_tensor_slices((features, labels))
        self._data, self._steps = data.repeat().prefetch(2), config["steps"]

    def set_weights(self, weights):
        variables = {variable.path: variable for variable in self._model.weights}
        for i, name in enumerate(self._names):
            _one(variables, f"sparse_emb_{name}/").assign(weights[f"table_{i}"])
            _one(variables, f"linear0sparse_emb_{name}/").assign(weights[f"linear_{i}"])
        _one(variables, "global_bias").assign(weights["bias"])
        kernels = [_one(variables, f"kernel{k}") for k in range(len(self._hidden_units))]
        biases = [_one(variables, f"bias{k}", "global") for k in range(len(self._hidden_units))]
        last = next(v for v in variables.values() if v.path.startswith("dense"))
        for k, kernel in enumerate(kernels):
            kernel.assign(weights[f"dense_{k}"])
            biases[k].assign(weights[f"dense_bias_{k}"])
        if kernels:
            last.assign(weights[f"dense_{len(kernels)}"])
        else:  # The embeddings go through a linear layer where there are no hidden ones.
            last.assign(tf.zeros_like(last))

    def probabilities(self, ids):
        columns = {name: ids[:, i] for i, name in enumerate(self._names)}
        return self._model.predict(columns, verbose=0)

    def repetition(self):
        clock = Clock()
        self._model.fit(self._data, steps_per_epoch=self._steps + 1, verbose=0, callbacks=[clock])
        return 1000 * (clock.ends[-1] - clock.ends[0]) / self._steps


def _one(variables, part, without="\n"):
    (found,) = [
        variable
        for path, variable in variables.items()
        if (path.startswith(part) or f"/{part}" in path) and without not in path
    ]
    return found


if __name__ == "__main__":
    serve(DeepCTR)
