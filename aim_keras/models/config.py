"""The arguments of a model as a serialisable configuration."""

import keras

from aim_keras.architecture import Architecture


def serialized(**arguments):
    """`arguments` with architectures and Keras objects in their serialised form."""
    return {name: _serialized(value) for name, value in arguments.items()}


def _serialized(value):
    if isinstance(value, Architecture):
        return value.to_dict()
    if isinstance(value, keras.regularizers.Regularizer | keras.initializers.Initializer):
        return keras.saving.serialize_keras_object(value)
    return value
