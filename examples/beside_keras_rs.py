"""Gates beside the layers of keras-rs: which of a DLRM's dot products does the data need?

    pip install keras-rs && python examples/beside_keras_rs.py

One model has keras-rs's `DotInteraction`, every dot product of two embeddings; the other has these
behind gates. Both have a `FeatureCross` (DCNv2) of all embeddings.
"""

import keras
import keras_rs
from clicks import FIELDS, VOCABULARY_SIZES, generate_clicks

from aim_keras import read_gates
from aim_keras.layers import GatedInteraction
from aim_keras.metrics import BinnedAUC
from aim_keras.optimizers import GRDA, with_gates

BATCH_SIZE, EPOCHS = 200, 3


def build_model(gated):
    inputs = keras.Input((len(FIELDS),), dtype="int32")
    embeddings = [
        keras.layers.Embedding(size, 8)(inputs[:, i])
        for i, size in enumerate(VOCABULARY_SIZES.values())
    ]  # each (batch, dim)
    if gated:
        products = GatedInteraction(fields=FIELDS)(keras.ops.stack(embeddings, axis=1))
    else:
        products = keras_rs.layers.DotInteraction()(embeddings)  # (batch, pairs)
    crossed = keras.layers.Concatenate()(embeddings)
    crossed = keras_rs.layers.FeatureCross(projection_dim=4)(crossed, crossed)
    hidden = keras.layers.Dense(16, "relu")(keras.layers.Concatenate()([crossed, products]))
    return keras.Model(inputs, keras.layers.Dense(1)(hidden))


def main():
    keras.utils.set_random_seed(0)
    ids, labels = generate_clicks()
    gates = GRDA(0.1, mu=0.6, target_threshold=1.2, total_steps=EPOCHS * len(ids) // BATCH_SIZE)
    adam = keras.optimizers.Adam
    optimizers = {"keras-rs": adam(0.01), "gated": with_gates(weights=adam(0.01), gates=gates)}
    aucs = {}
    for name, optimizer in optimizers.items():
        model = build_model(gated=name == "gated")
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=[BinnedAUC(from_logits=True)])
        history = model.fit(ids, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0).history
        aucs[name] = history["auc"][-1]
        print(f"{name}: AUC {aucs[name]:.4f} in the last epoch")
    architecture = read_gates(model)
    print(f"kept: {architecture.units(2)} of {len(FIELDS) * (len(FIELDS) - 1) // 2} pairs")
    return architecture, aucs


if __name__ == "__main__":
    main()
