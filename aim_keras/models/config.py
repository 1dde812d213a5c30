"""A model as its arguments: what is saved of it, and what it is made from again."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.architecture import Architecture
from aim_keras.fields import Field, as_fields
from aim_keras.layers.quantized import refuse_quantized
from aim_keras.models.inputs import within_32_bits
from aim_keras.models.of_probabilities import refuse_loss, refuse_metric


class CTRModel(keras.Model):
    """A functional model that is saved as the arguments it was made from.

    When it is loaded it is made again, with the same layers frozen, under the dtype policy that it
    was made under, whatever the policy is by then. It refuses to be trained or evaluated with
    Keras's losses and metrics of probabilities.

    Args:
        features: What `field_inputs` gives.
        logits: Keras tensor, `(batch, 1)`; the model's output is float32 under any policy.
        name: Name of the model.
        **arguments: All other arguments of the subclass.
    """

    def __init__(self, features: Any, logits: Any, name: str, **arguments: Any) -> None:
        super().__init__(inputs=features, outputs=ops.cast(logits, "float32"), name=name)
        self._arguments = _serialized(arguments)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(within_32_bits(inputs), training=training, mask=mask)

    @property
    def fields(self) -> dict[object, Field]:
        """The fields it was made of, in the order of its features."""
        return as_fields(self._arguments["vocabulary_sizes"])

    def get_config(self) -> dict[str, Any]:
        layers = list(self._flatten_layers(include_self=False))
        refuse_quantized(self, layers)
        config = {**self._arguments, "name": self.name, "dtype": self.dtype_policy.name}
        if frozen := [layer.path for layer in layers if layer.weights and not layer.trainable]:
            config["frozen"] = frozen
        return config if self.trainable else {**config, "trainable": False}

    # Not `compile`: Keras does not compile a loaded model of another one.
    def make_train_function(self, force: bool = False) -> Any:
        self._check_loss()
        return super().make_train_function(force)

    def make_test_function(self, force: bool = False) -> Any:
        self._check_loss()
        return super().make_test_function(force)

    def _check_loss(self):
        for loss in keras.tree.flatten(self.loss):
            refuse_loss(self, loss)

    # The first public moment at which Keras has made metrics of their names.
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        for compiled in self.metrics:
            for metric in getattr(compiled, "metrics", ()):
                refuse_metric(self, metric)
        return results

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        before = keras.config.dtype_policy()
        of_any_model = ("dtype", "frozen", "trainable")
        arguments = {key: value for key, value in config.items() if key not in of_any_model}
        keras.config.set_dtype_policy(config.get("dtype", before))
        try:
            model = cls(**arguments)
        finally:
            keras.config.set_dtype_policy(before)
        if not config.get("trainable", True):
            model.trainable = False
        for layer in model._flatten_layers(include_self=False):
            if layer.path in config.get("frozen", ()):
                layer.trainable = False
        return model


def _serialized(value):
    """A value with architectures, fields and Keras objects serialised, and NumPy's as Python's."""
    if isinstance(value, Architecture):
        return value.to_dict()
    if isinstance(value, Field):
        return value.to_config()
    if isinstance(value, Mapping):
        return {key: _serialized(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        items = [_serialized(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, keras.regularizers.Regularizer | keras.initializers.Initializer):
        return keras.saving.serialize_keras_object(value)
    return value
