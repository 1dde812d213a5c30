"""AIM's layers in a subclassed Keras model: its gates are found and read like any other's.

python examples/subclassed_model.py
"""

import keras
from clicks import FIELDS, VOCABULARY_SIZES, generate_clicks

from aim_keras import read_gates
from aim_keras.layers import FunctionWiseEmbedding, GatedInteraction
from aim_keras.metrics import BinnedAUC
from aim_keras.optimizers import GRDA, with_gates

BATCH_SIZE, EPOCHS = 200, 3


class ClickModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = FunctionWiseEmbedding(VOCABULARY_SIZES.values(), 8, linear=True)
        self.interactions = GatedInteraction(fields=FIELDS, summed=True)
        self.hidden = keras.layers.Dense(16, "relu")
        self.deep = keras.layers.Dense(1)

    def call(self, ids, training=False):
        embeddings, linear = self.embedding(ids)  # (batch, 1, fields, dim), (batch, 1)
        flat = keras.ops.reshape(embeddings, (-1, len(FIELDS) * 8))
        interactions = self.interactions(embeddings, training=training)
        return linear + interactions + self.deep(self.hidden(flat))


def main():
    keras.utils.set_random_seed(0)
    ids, labels = generate_clicks()
    model = ClickModel()
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
