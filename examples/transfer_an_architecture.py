"""An architecture found with one model, put into others by its file.

    python examples/transfer_an_architecture.py

A factorization machine is fast to search. What it found is a JSON file of field names, from which
`DeepFM` of this package is built, and one layer of a Keras model of your own.
"""

import pathlib
import tempfile

import keras
from clicks import FIELDS, VOCABULARY_SIZES, generate_clicks

import aim_keras
from aim_keras.layers import GatedInteraction
from aim_keras.metrics import BinnedAUC
from aim_keras.models import FM, DeepFM
from aim_keras.optimizers import GRDA, with_gates

BATCH_SIZE, EPOCHS = 200, 3


def fit(model, data, search=None):
    optimizer = keras.optimizers.Adam(0.01)
    if search:
        steps = EPOCHS * len(data[0]) // BATCH_SIZE
        gates = GRDA(0.1, mu=0.6, target_threshold=0.8, total_steps=steps)
        optimizer = with_gates(weights=optimizer, gates=gates)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=[BinnedAUC(from_logits=True)])
    history = model.fit(*data, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0).history
    return history["auc"][-1]


def own_model(path):
    """Embeddings and a `Dense` layer of Keras, with the kept interactions between them."""
    ids = keras.Input((len(FIELDS),), dtype="int32")
    embeddings = [
        keras.layers.Embedding(size, 8)(ids[:, i])
        for i, size in enumerate(VOCABULARY_SIZES.values())
    ]
    kept = GatedInteraction.from_architecture(path)(keras.ops.stack(embeddings, axis=1))
    return keras.Model(ids, keras.layers.Dense(1)(keras.layers.Concatenate()([*embeddings, kept])))


def main():
    keras.utils.set_random_seed(0)
    data = generate_clicks()
    searched = FM(VOCABULARY_SIZES, search="interactions", embedding_dim=8)
    aucs = {"FM, searched": fit(searched, data, "interactions")}
    path = pathlib.Path(tempfile.mkdtemp()) / "architecture.json"
    aim_keras.read_gates(searched).save(path)

    aucs["DeepFM"] = fit(DeepFM(VOCABULARY_SIZES, path, hidden_units=(16,)), data)
    aucs["a model of your own"] = fit(own_model(path), data)
    architecture = aim_keras.Architecture.load(path)
    print(f"{path} keeps {architecture.units(2)}")
    for name, auc in aucs.items():
        print(f"{name}: AUC {auc:.4f} in the last epoch")
    return architecture, aucs


if __name__ == "__main__":
    main()
