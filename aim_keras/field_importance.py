"""Which fields a model reads most from."""

from collections.abc import Iterable, Mapping

import keras
import numpy as np

from aim_keras import metrics
from aim_keras.fields import Field, as_fields, places, widths


def permutation_importance(
    model: keras.Model,
    batches: Iterable,
    vocabulary_sizes: Mapping[str, int | Field],
    logit_shift: float = 0.0,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """What a model loses where a field's values change places among the rows of each batch.

        importance(f) = AUC(logits) - AUC(logits with the columns of f permuted)

    and likewise by how much the log loss rises. A field that is not read has zeros; fields that
    tell the same share their importance. It is an evaluation for each field, and the larger the
    batches, the more values a row may take.

    Args:
        model: Keras model of logits.
        batches: Iterable of `(features, labels)` or `(features, labels, sample_weight)`, as the
            model is evaluated on.
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        logit_shift: Float that is added to the logits for the log loss.
        seed: Integer, of the permutations.

    Returns:
        `{field: {"auc": what is lost, "log_loss": what is added}}`.

    Raises:
        ValueError: if there is no batch, or the features do not have the fields' columns.

    Reference: Breiman, Random Forests, 2001, section 10.
    """
    fields = as_fields(vocabulary_sizes)
    columns = places(fields.values())
    width, _ = widths(fields.values())
    rng = np.random.default_rng(seed)
    parts = []
    for features, *labels_and_weights in batches:
        arrays = [*map(np.asarray, features if isinstance(features, tuple | list) else [features])]
        if arrays[0].shape[1:] != (width,):
            raise ValueError(
                f"The features must have the columns of {[*fields]}, {width}. "
                f"Received: features of shape {arrays[0].shape}"
            )
        logits = [_logits(model, arrays)]
        logits += [_logits(model, _permuted(arrays, of_field, rng)) for of_field in columns]
        parts.append((np.stack(logits, axis=1), *map(np.asarray, labels_and_weights)))
    if not parts:
        raise ValueError("The data must have at least one batch. Received: none")
    logits, labels, *weights = map(np.concatenate, zip(*parts, strict=True))
    auc, log_loss = np.transpose(
        [
            (metrics.auc(labels, z, *weights), metrics.log_loss(labels, z + logit_shift, *weights))
            for z in logits.T
        ]
    )
    return {
        name: {"auc": float(auc[0] - auc[i]), "log_loss": float(log_loss[i] - log_loss[0])}
        for i, name in enumerate(fields, start=1)
    }


def _logits(model, arrays):
    return np.ravel(model.predict_on_batch(arrays if arrays[1:] else arrays[0]))


def _permuted(arrays, columns, rng):
    """The arrays with some columns of each in another order of the rows, the same for all."""
    order = rng.permutation(len(arrays[0]))
    changed = [array.copy() for array in arrays]
    for array, some in zip(changed, columns, strict=False):
        array[:, some] = array[order, some]
    return changed
