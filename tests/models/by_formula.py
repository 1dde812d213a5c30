"""A model beside its formula, which is written out over the weights as arrays."""

import numpy as np

SIZES = {"a": 5, "b": 4, "c": 3}


def with_random_weights(model, seed=0, scale=1.0):
    """The model itself; its weights are normal, but variances positive."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, scale, w.shape) for w in model.get_weights()])
    for w in model.weights:
        if w.name == "moving_variance":
            w.assign(rng.uniform(0.5, 2, w.shape))
    return model


def by_path(model):
    return {w.path: w.numpy().astype("float64") for w in model.weights}


def assert_equals_formula(model, formula, rtol=1e-4, atol=1e-4):
    """The logits of random rows under random weights.

    `formula(w, rows)` is one example's: `w` has the weights by their paths, `rows` its ids counted
    over all fields, as the rows of a table are.
    """
    w = by_path(with_random_weights(model))
    sizes = [field.size for field in model.fields.values()]
    ids = np.random.default_rng(1).integers(0, sizes, (10, len(sizes)))
    first_rows = np.cumsum([0, *sizes[:-1]])
    expected = np.reshape([formula(w, rows) for rows in ids + first_rows], (10, 1))
    np.testing.assert_allclose(model(ids), expected, rtol=rtol, atol=atol)


def dense(w, layer, x):
    return x @ w[f"{layer}/kernel"] + w[f"{layer}/bias"]


def mlp(w, x, hidden_layers=1):
    """The MLP's logit of one example's inputs, or of a batch of them."""
    for i in range(hidden_layers):
        x = np.maximum(dense(w, f"mlp/dense_{i}", x), 0)
    return dense(w, "mlp/logit", x)


def penalty_of_ones(model, but=()):
    """What the regularizers add to the loss once all weights, `but` those of these names, are 1."""
    for w in model.weights:
        if w.name not in but:
            w.assign(np.ones(w.shape))
    return float(sum(model.losses))
