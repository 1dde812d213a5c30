"""AIM's layers in a plain functional Keras model: interactions and functions are searched at once.

    python examples/functional_model.py

`FunctionWiseEmbedding` has an embedding for each interaction function and, with `linear=True`, a
weight for each id; `GatedInteraction` puts every pair of fields with each function behind a gate.
"""

import keras
from clicks import FIELDS, VOCABULARY_SIZES, generate_clicks

from aim_keras import read_gates
from aim_keras.layers import MLP, FunctionWiseEmbedding, GatedInteraction
from aim_keras.metrics import BinnedAUC
from aim_keras.optimizers import GRDA, with_gates

FUNCTIONS = ("inner", "outer")
BATCH_SIZE, EPOCHS = 200, 3


def build_model():
    ids = keras.Input((len(FIELDS),), dtype="int32")
    embedding = FunctionWiseEmbedding(
        VOCABULARY_SIZES.values(), 8, num_functions=len(FUNCTIONS), linear=True
    )
    embeddings, linear = embedding(ids)  # (batch, functions, fields, dim), (batch, 1)
    units = GatedInteraction(FUNCTIONS, fields=FIELDS)(embeddings)  # (batch, units)
    interactions = keras.ops.sum(units, axis=1, keepdims=True)
    deep = MLP([16])(keras.layers.Flatten()(embeddings))
    return keras.Model(ids, linear + interactions + deep)


def main():
    keras.utils.set_random_seed(0)
    ids, labels = generate_clicks()
    model = build_model()
    steps = EPOCHS * len(ids) // BATCH_SIZE
    model.compile(
        with_gates(
            weights=keras.optimizers.Adam(0.01),
            gates=GRDA(0.1, mu=0.6, target_threshold=0.8, total_steps=steps),
        ),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[BinnedAUC(from_logits=True)],
    )
    history = model.fit(ids, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0).history
    architecture = read_gates(model)
    print(f"AUC {history['auc'][-1]:.4f} in the last epoch, kept: {architecture.units(2)}")
    return architecture, history["auc"][-1]


if __name__ == "__main__":
    main()
