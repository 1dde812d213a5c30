"""The slow definition that every side is compared to before it is timed: FM and DeepFM in NumPy."""

import itertools

import numpy as np

TOLERANCE = 1e-4
PARAMETER_TOLERANCE = 0.1  # of a peer, which may lack the linear weights or add batch norms


def random_weights(shape, hidden_units=(), seed=0):
    """Weights of an FM and, with hidden units, of a DeepFM, as flat `{name: array}`."""
    rng = np.random.default_rng(seed)
    weights = {"bias": rng.normal(size=1)}
    for i, size in enumerate(shape.sizes):
        weights[f"table_{i}"] = 0.3 * rng.normal(size=(size, shape.embedding_dim))
        weights[f"linear_{i}"] = 0.1 * rng.normal(size=(size, 1))
    widths = [len(shape.sizes) * shape.embedding_dim, *hidden_units, 1] if hidden_units else []
    for k, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        weights[f"dense_{k}"] = rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)
        last = k == len(widths) - 2  # a peer's last layer may have no bias
        weights[f"dense_bias_{k}"] = 0.1 * rng.normal(size=outputs) * (not last)
    return {name: value.astype("float32") for name, value in weights.items()}


def parameter_count(shape, hidden_units=()):
    """Number of parameters of an FM and, with hidden units, of a DeepFM."""
    width = len(shape.sizes) * shape.embedding_dim
    widths = [width, *hidden_units, 1] if hidden_units else []
    dense = sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(widths))
    return sum(shape.sizes) * (shape.embedding_dim + 1) + 1 + dense


def numbered(weights, name):
    """The weights of that name, in the order of their numbers."""
    number = sum(key.rpartition("_")[0] == name for key in weights)
    return [weights[f"{name}_{i}"] for i in range(number)]


def probabilities(weights, ids):
    """`(rows,)`, for ids `(rows, fields)`."""
    tables, linear = numbered(weights, "table"), numbered(weights, "linear")
    columns = list(ids.T)
    embeddings = [table[column] for table, column in zip(tables, columns, strict=True)]
    logits = weights["bias"] + sum(
        table[column, 0] for table, column in zip(linear, columns, strict=True)
    )
    for left, right in itertools.combinations(embeddings, 2):
        logits = logits + np.sum(left * right, axis=1)
    if dense := numbered(weights, "dense"):
        inputs = np.concatenate(embeddings, axis=1)
        for kernel, bias in zip(dense, numbered(weights, "dense_bias"), strict=True):
            outputs = inputs @ kernel + bias
            inputs = np.maximum(outputs, 0)
        logits = logits + outputs[:, 0]
    return sigmoid(logits)


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


def check_outputs(name, outputs, expected, tolerance=TOLERANCE):
    """Raises `ValueError` where a side's outputs are not the expected ones."""
    outputs, expected = np.ravel(outputs), np.ravel(expected)
    same = outputs.shape == expected.shape
    difference = float(np.max(np.abs(outputs - expected))) if same else None
    if not same or not difference <= tolerance:
        raise ValueError(
            f"{name} must give the outputs of the definition to {tolerance}. "
            f"Received: a difference of {difference} in {outputs.shape} outputs"
        )


def check_parameters(name, parameters, expected, tolerance=0.0):
    """Raises `ValueError` where a side has another number of parameters."""
    if abs(parameters - expected) > tolerance * expected:
        raise ValueError(
            f"{name} must have {expected:,} parameters"
            f"{f', to {tolerance:.0%}' if tolerance else ''}. Received: {parameters:,}"
        )
