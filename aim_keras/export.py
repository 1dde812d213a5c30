"""Export to a SavedModel in TF Serving's layout."""

import os
import pathlib
import re

import numpy as np
import tensorflow as tf

from aim_keras import atomic

TOLERANCE = 1e-6


def export_saved_model(model, fields, path: str | os.PathLike, features) -> pathlib.Path:
    """Writes a model of logits as a SavedModel of probabilities, after checking that both agree.

    The signature `serving_default` takes an int32 vector of ids, `(batch,)`, for each field under
    the field's name, and gives the probability of a click, `(batch, 1)`, as `ctr`. It holds the
    model's weights once and needs nothing but TensorFlow to load.

    Args:
        model: Keras model from ids `(batch, fields)` to logits `(batch, 1)`.
        fields: Names of the fields, in the order of the model's input.
        path: Folder to write, such as `.../saved_model/1` (TF Serving: name / version). It
            appears whole or not at all, and replaces an older one.
        features: Integer array `(rows, fields)` on which the SavedModel is compared to the model.

    Raises:
        ValueError: if a field's name cannot be a signature's input or repeats, if `features` has
            not a column for each field, or if the SavedModel's probabilities differ from the
            model's by more than 1e-6.
    """
    for field in fields:
        if not re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.-]*", field):
            raise ValueError(
                "To be served, a field's name must be of letters, digits, '_', '.' and '-'. "
                f"Received: {field!r}"
            )
    if len(set(fields)) < len(fields):
        raise ValueError(f"fields must be distinct. Received: fields={fields}")
    features = np.asarray(features, "int32")
    if features.ndim != 2 or features.shape[1] != len(fields):
        raise ValueError(
            f"features must have a column for each of the {len(fields)} fields. "
            f"Received: shape {features.shape}"
        )
    specification = {field: tf.TensorSpec((None,), tf.int32, name=field) for field in fields}

    @tf.function(input_signature=[specification])
    def serve(ids):
        logits = model(tf.stack([ids[field] for field in fields], axis=1), training=False)
        return {"ctr": tf.sigmoid(logits)}

    module = tf.Module()
    module.variables_served = [variable.value for variable in model.weights]
    module.serve = serve
    with atomic.new_directory(path) as temporary:
        tf.saved_model.save(module, str(temporary), signatures={"serving_default": serve})
        _check_parity(model, fields, temporary, features)
    return pathlib.Path(path)


def _check_parity(model, fields, path, features):
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    columns = {field: tf.constant(features[:, i]) for i, field in enumerate(fields)}
    ctr = served(**columns)["ctr"].numpy()
    expected = tf.sigmoid(model.predict(features, verbose=0)).numpy()
    difference = float(np.max(np.abs(ctr - expected), initial=0.0))
    if not difference <= TOLERANCE:
        raise ValueError(
            f"The SavedModel must give the model's probabilities to {TOLERANCE}. "
            f"Received: a difference of {difference}"
        )
