"""Export to a SavedModel in TF Serving's layout."""

import logging
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from aim_keras import atomic, export_arguments, served_names, warm_up
from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import MultiCategorical
from aim_keras.datasets.graph_encoding import GraphEncoding
from aim_keras.fields import PADDING, as_fields, places
from aim_keras.metrics.exact import are_probabilities
from aim_keras.models.config import CTRModel

logger = logging.getLogger(__name__)

TOLERANCE = 1e-6
CLASSES = ("0", "1")  # no click, click


def export_saved_model(
    model, fields, path: str | os.PathLike, features, logit_shift=0.0
) -> pathlib.Path:
    """Writes a model of logits as a SavedModel of probabilities, after checking that both agree.

    The SavedModel holds the model's weights once, needs nothing but TensorFlow to load, and gives
    the probability of a click, `(batch, 1)`, as `ctr`. With an `Encoding` it has the signatures

    | signature | input |
    |---|---|
    | `serving_default` | raw values under the fields' names: see `GraphEncoding` |
    | `tf_example` | the same as serialised `tf.train.Example`s, string `(batch,)`, as `inputs` |
    | `regress` | as `tf_example`, for TF Serving's Regress; the output is named `outputs` |
    | `classify` | as `tf_example`, for its Classify: `classes` "0" and "1" with their `scores` |
    | `ids` | encoded values under the fields' names |

    and carries the vocabularies and buckets. Without one, `serving_default` takes what `ids` does:

    | field | encoded |
    |---|---|
    | categorical | ids, int32 `(batch,)` |
    | multi-valued | ids, int32 `(batch, any length)`: filled up with -1, or cut, to its length |
    | dense | numbers as the model was trained on, float32 `(batch,)` |

    and for a field of weighted ids their weights as `<name>_weights`, float32, of the shape of the
    ids. A list is cut after its first ids, or before its last ones where an `Encoding` keeps these.
    An id outside a field's range is out of vocabulary; a number or a weight that is NaN or
    infinite counts as 0.

    Args:
        model: Keras model from ids `(batch, columns)`, or a list of these and of weights
            `(batch, weighted columns)` (see `Field`), to logits `(batch, 1)`. If it ends in a
            sigmoid, give the part before that; if it has an input for each field, use
            `model.export`.
        fields: `Encoding` of the fields of the model's input, or `{name: number of ids, or Field}`
            in their order; if all are categorical, a sequence of their names will do. They are
            compared to the fields of a model of `aim_keras`.
        path: Folder to write, such as `.../saved_model/1` (TF Serving: name / version). It
            appears whole or not at all, and replaces an older SavedModel, but nothing else.
        features: Arrays as the model takes them, on which the SavedModel is compared to it: `ids`
            gets these, `serving_default` raw values that are encoded as these. The first rows are
            the warm-up requests of TF Serving (`warm_up.write`).
        logit_shift: Float that is added to the model's logits, such as `log(rate)` where negatives
            were sampled down at a rate in training: the probabilities are then those of all rows.

    Raises:
        FileExistsError: if `path` is neither a SavedModel nor an empty folder.
        ValueError: if an input's name cannot be a signature's or is like another's, if `fields` are
            not the model's, if `features` has not the columns of the fields, no rows, or ids that
            are no integers of 32 bits or, with an `Encoding`, of no raw value, if `logit_shift` is
            not finite, if the model's logits are not `(batch, 1)`, or if the SavedModel's
            probabilities differ from the model's by more than 1e-6.
    """
    export_arguments.check_path(path)
    export_arguments.check_logit_shift(logit_shift)
    encoding = fields if isinstance(fields, Encoding) else None
    fields = fields.model_fields if encoding else fields
    specification = signature(fields)
    given, fields = fields, _by_name(fields)
    arrays = export_arguments.checked_features(fields, features)
    if isinstance(model, CTRModel):
        export_arguments.check_fields(given, model.fields)
    logits = _logits(model, arrays)
    module = tf.Module()
    module.variables_served = [variable.value for variable in model.weights]

    @tf.function
    def ctr(features):
        logits = model([*features] if features[1:] else features[0], training=False)
        return tf.sigmoid(logits + logit_shift)

    @tf.function(input_signature=[specification])
    def ids(inputs):
        return {"ctr": ctr(_features(fields, _last_kept(encoding, inputs)))}

    signatures, requests = {"ids": ids}, {"ids": _encoded_request(fields, arrays)}
    warm_ups = requests
    if encoding:
        module.encode = encode = GraphEncoding(encoding)
        signatures |= _raw_signatures(encode, ctr)
        requests["serving_default"] = raw = encode.decode(*arrays)
        warm_ups = requests | {"tf_example": {"inputs": np.array(encode.serialize(raw), object)}}
    else:
        signatures["serving_default"] = ids
    with atomic.new_directory(path) as temporary:
        tf.saved_model.save(module, str(temporary), signatures)
        _check_parity(temporary, requests, tf.sigmoid(logits + logit_shift).numpy())
        warm_up.write(temporary, warm_ups)
    return pathlib.Path(path)


def _raw_signatures(encode, ctr):
    """The signatures of raw values, given a graph from features to probabilities."""
    examples = tf.TensorSpec((None,), tf.string, name="inputs")
    encoded = tf.function(encode, input_signature=[encode.inputs])

    @tf.function(input_signature=[encode.inputs])
    def serving_default(inputs=encode.missing):
        return {"ctr": ctr(encoded(inputs))}

    @tf.function(input_signature=[examples])
    def tf_example(inputs):
        return {"ctr": ctr(encoded(encode.parse(inputs)))}

    @tf.function(input_signature=[examples])
    def regress(inputs):
        return {"outputs": tf_example(inputs)["ctr"]}

    @tf.function(input_signature=[examples])
    def classify(inputs):
        click = tf_example(inputs)["ctr"]
        scores = tf.concat([1 - click, click], axis=1)
        return {"classes": tf.broadcast_to(CLASSES, tf.shape(scores)), "scores": scores}

    return {f.__name__: f for f in (serving_default, tf_example, regress, classify)}


def _last_kept(encoding, inputs):
    """Encoded inputs where the lists that keep their last items have these alone."""
    kept = dict(inputs)
    for name, kind in encoding.fields.items() if encoding else ():
        if isinstance(kind, MultiCategorical) and kind.keep == "last":
            lists = tf.RaggedTensor.from_tensor(inputs[name], padding=PADDING)
            kept[name] = lists[:, -kind.max_length :].to_tensor(PADDING)
    return kept


def _features(fields, inputs):
    """Encoded inputs to ids and, where fields are weighted, weights, as the model takes them."""
    ids, weights = [], []  # (batch, length) each
    for name, field in fields.items():
        of_ids, of_weights = _input_names(name, field)
        if of_weights:
            given = inputs[of_weights]
            given = tf.where(tf.math.is_finite(given), given, 0.0)
            weights.append(_fitted(given, field, 0.0))
        if of_ids and of_weights:
            shapes = tf.shape(inputs[of_ids]), tf.shape(inputs[of_weights])
            tf.debugging.assert_equal(*shapes, f"{of_weights} must have the shape of {name}")
        if of_ids:
            ids.append(_fitted(inputs[of_ids], field, PADDING))
        else:
            ids.append(tf.zeros_like(weights[-1], tf.int32))
    return tuple(tf.concat(columns, axis=1) for columns in (ids, weights) if columns)


def _input_names(name, field):
    """The signature's inputs for a field's ids and for its weights, `None` where it has none."""
    if field.dense:
        return None, name
    return name, f"{name}_weights" if field.weighted else None


def _by_name(fields):
    return as_fields(fields if isinstance(fields, Mapping) else dict.fromkeys(fields, 1))


def signature(fields) -> dict[str, tf.TensorSpec]:
    """The inputs of the signature that fields are served with: see `export_saved_model`.

    Raises:
        ValueError: if an input's name cannot be a signature's or is like another's.
    """
    names = list(fields)
    inputs = [
        (key, tf.TensorSpec((None, None) if field.multi_valued else (None,), dtype, name=key))
        for name, field in _by_name(fields).items()
        for key, dtype in zip(_input_names(name, field), (tf.int32, tf.float32), strict=True)
        if key is not None
    ]
    served_names.check([key for key, _ in inputs], names)
    return dict(inputs)


def _fitted(values, field, padding):
    """Ids or weights, lists cut or filled up: `(batch, length)`."""
    if not field.multi_valued:
        return values[:, None]
    values = values[:, : field.length]
    missing = [[0, 0], [0, field.length - tf.shape(values)[1]]]
    return tf.ensure_shape(tf.pad(values, missing, constant_values=padding), (None, field.length))


def _encoded_request(fields, arrays):
    """Arrays as the model takes them, as the inputs of the signature `ids`."""
    inputs = {}
    for (name, field), slices in zip(fields.items(), places(fields.values()), strict=True):
        for key, array, columns in zip(_input_names(name, field), arrays, slices, strict=False):
            if key:
                values = array[:, columns]
                inputs[key] = values if field.multi_valued else values[:, 0]
    return inputs


def _logits(model, arrays):
    logits = model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
    if np.shape(logits) != (len(arrays[0]), 1):
        raise ValueError(
            f"model must give logits (batch, 1). Received: {model.name}, which gives shape "
            f"{np.shape(logits)} for features of {len(arrays[0])} rows"
        )
    if are_probabilities(logits):
        logger.warning(
            "All outputs of %s are from 0 to 1, so they may be probabilities: a model of logits is "
            "exported, and its sigmoid served.",
            model.name,
        )
    return logits


def _check_parity(path, requests, expected):
    loaded = tf.saved_model.load(str(path))
    for name, inputs in requests.items():
        serve = loaded.signatures[name]
        ctr = serve(**{key: tf.constant(array) for key, array in inputs.items()})["ctr"].numpy()
        difference = float(np.max(np.abs(ctr - expected), initial=0.0))
        if not difference <= TOLERANCE:
            raise ValueError(
                f"The SavedModel must give the model's probabilities to {TOLERANCE}. "
                f"Received: a difference of {difference} by its signature {name}"
            )
