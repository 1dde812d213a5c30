"""The arguments of a model as a serialisable configuration."""

from collections.abc import Mapping

import keras

from aim_keras.architecture import Architecture
from aim_keras.fields import Field


def serialized(**arguments):
    """`arguments` with architectures, fields and Keras objects in their serialised form."""
    return {name: _serialized(value) for name, value in arguments.items()}


def _serialized(value):
    if isinstance(value, Architecture):
        return value.to_dict()
    if isinstance(value, Field):
        return value.to_config()
    if isinstance(value, Mapping):
        return {key: _serialized(item) for key, item in value.items()}
    if isinstance(value, keras.regularizers.Regularizer | keras.initializers.Initializer):
        return keras.saving.serialize_keras_object(value)
    return value
