"""The slow definition that every side is compared to before it is timed: the models in NumPy."""

import itertools

import numpy as np

TOLERANCE = 1e-4
PARAMETER_TOLERANCE = 0.1  # of a peer, which may lack the linear weights or add batch norms


def mlp_widths(shape, kind):
    """Widths of a model's MLP from its input to its last hidden layer; none for no MLP.

    Args:
        shape: `Shape`.
        kind: `"fm"`, `"deepfm"` or `"ipnn"`.
    """
    fields = len(shape.sizes)
    pairs = fields * (fields - 1) // 2 if kind == "ipnn" else 0
    if kind == "fm":
        return ()
    return (fields * shape.embedding_dim + pairs, *shape.hidden_units)


def random_weights(shape, kind):
    """Weights of a model as flat `{name: array}`; an IPNN has no linear ones."""
    rng = np.random.default_rng(0)
    weights = {} if kind == "ipnn" else {"bias": rng.normal(size=1)}
    for i, size in enumerate(shape.sizes):
        weights[f"table_{i}"] = 0.3 * rng.normal(size=(size, shape.embedding_dim))
        if kind != "ipnn":
            weights[f"linear_{i}"] = 0.1 * rng.normal(size=(size, 1))
    widths = [*mlp_widths(shape, kind), 1]
    for k, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        weights[f"dense_{k}"] = rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)
        last = k == len(widths) - 2  # a peer's last layer may have no bias
        weights[f"dense_bias_{k}"] = 0.1 * rng.normal(size=outputs) * (not last)
    return {name: value.astype("float32") for name, value in weights.items()}


def parameter_count(shape, kind):
    """Number of parameters of a model."""
    widths = [*mlp_widths(shape, kind), 1]
    dense = sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(widths))
    linear = 0 if kind == "ipnn" else sum(shape.sizes) + 1
    return sum(shape.sizes) * shape.embedding_dim + linear + dense


def numbered(weights, name):
    """The weights of that name, in the order of their numbers."""
    number = sum(key.rpartition("_")[0] == name for key in weights)
    return [weights[f"{name}_{i}"] for i in range(number)]


def probabilities(weights, ids):
    """`(rows,)`, for ids `(rows, fields)`; without linear weights those of an IPNN."""
    tables, linear = numbered(weights, "table"), numbered(weights, "linear")
    columns = list(ids.T)
    embeddings = [table[column] for table, column in zip(tables, columns, strict=True)]
    pairs = [np.sum(left * right, axis=1) for left, right in itertools.combinations(embeddings, 2)]
    inputs, logits = np.concatenate(embeddings, axis=1), 0
    if linear:
        first = sum(table[column, 0] for table, column in zip(linear, columns, strict=True))
        logits = weights["bias"] + first + sum(pairs)
    else:
        inputs = np.column_stack([inputs, *pairs])
    if dense := numbered(weights, "dense"):
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
