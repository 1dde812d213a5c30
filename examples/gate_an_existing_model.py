"""Gates put into an existing Keras model: which of its interactions does the data need?

    python examples/gate_an_existing_model.py

An ordinary factorization machine beside an MLP, of `keras.layers` only, and the same model with
its dot products behind gates. The clicks are generated: they depend on every field by itself, and
on one pair of fields together. A gate that the loss does not hold open ends at exactly zero.
"""

import itertools

import keras
import numpy as np

from aim_keras import metrics, read_gates
from aim_keras.layers import GatedInteraction
from aim_keras.optimizers import GRDA, with_gates

VOCABULARY_SIZES = {"user": 40, "item": 30, "hour": 24, "device": 5}
PLANTED = ("user", "item")
ROWS, BATCH_SIZE, EPOCHS = 30_000, 200, 3


def generate_clicks(seed=0):
    """Ids `{field: (rows, 1)}` and labels `(rows, 1)`."""
    rng = np.random.default_rng(seed)
    ids = {field: rng.integers(0, n, (ROWS, 1)) for field, n in VOCABULARY_SIZES.items()}
    logits = sum(rng.normal(0, 0.5, n)[ids[field]] for field, n in VOCABULARY_SIZES.items())
    first, second = (rng.normal(size=(VOCABULARY_SIZES[field], 2))[ids[field]] for field in PLANTED)
    logits = logits + (first * second).sum(axis=-1)
    return ids, (logits + rng.logistic(size=logits.shape) > 0).astype("float32")


def build_model(gated):
    inputs = {field: keras.Input((1,), dtype="int32", name=field) for field in VOCABULARY_SIZES}
    linear, embeddings = [], []
    for field, size in VOCABULARY_SIZES.items():
        linear.append(keras.layers.Flatten()(keras.layers.Embedding(size, 1)(inputs[field])))
        embeddings.append(keras.layers.Embedding(size, 8)(inputs[field]))  # (batch, 1, dim)
    stacked = keras.layers.Concatenate(axis=1)(embeddings)  # (batch, fields, dim)

    if gated:
        units = GatedInteraction(fields=list(VOCABULARY_SIZES))(stacked)  # (batch, pairs)
        interactions = keras.ops.sum(units, axis=1, keepdims=True)
    else:
        pairs = itertools.combinations(embeddings, 2)
        dots = [keras.layers.Dot(axes=2)([a, b]) for a, b in pairs]  # each (batch, 1, 1)
        interactions = keras.layers.Flatten()(keras.layers.Add()(dots))

    hidden = keras.layers.Dense(16, "relu")(keras.layers.Flatten()(stacked))
    deep = keras.layers.Dense(1)(hidden)
    return keras.Model(inputs, keras.layers.Add()([*linear, interactions, deep]))


def main():
    keras.utils.set_random_seed(0)
    ids, labels = generate_clicks()
    steps = EPOCHS * ROWS // BATCH_SIZE
    models = {"ordinary": build_model(gated=False), "gated": build_model(gated=True)}
    optimizers = {
        "ordinary": keras.optimizers.Adam(0.01),
        "gated": with_gates(
            weights=keras.optimizers.Adam(0.01),
            gates=GRDA(0.1, mu=0.6, target_threshold=0.8, total_steps=steps),
        ),
    }
    for name, model in models.items():
        model.compile(optimizers[name], keras.losses.BinaryCrossentropy(from_logits=True))
        model.fit(ids, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
        logits = model.predict(ids, batch_size=ROWS, verbose=0)
        print(f"{name}: AUC {metrics.auc(labels, logits):.4f} on the rows it was trained on")

    architecture = read_gates(models["gated"])
    print(f"kept: {architecture.units(2)}, {architecture.interaction_ratio(2):.0%} of all pairs")
    return architecture


if __name__ == "__main__":
    main()
