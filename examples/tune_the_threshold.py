"""A KerasTuner search over GRDA's target: how far may gates be closed before the AUC falls?

    pip install keras-tuner && python examples/tune_the_threshold.py

A larger `target_threshold` keeps fewer interactions. Each trial trains on the first rows and is
scored on the others; the table shows what each kept.
"""

import tempfile

import keras
import keras_tuner
from clicks import VOCABULARY_SIZES, generate_clicks

from aim_keras import read_gates
from aim_keras.metrics import BinnedAUC
from aim_keras.models import FM
from aim_keras.optimizers import GRDA, with_gates

TRAIN_ROWS, BATCH_SIZE, EPOCHS = 15_000, 200, 3
THRESHOLDS = [0.1, 0.8, 10.0]


class Search(keras_tuner.HyperModel):
    def build(self, hp):
        model = FM(VOCABULARY_SIZES, search="interactions", embedding_dim=8)
        gates = GRDA(
            0.1,
            mu=0.6,
            target_threshold=hp.Choice("target_threshold", THRESHOLDS),
            total_steps=EPOCHS * TRAIN_ROWS // BATCH_SIZE,
        )
        model.compile(
            with_gates(weights=keras.optimizers.Adam(0.01), gates=gates),
            keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[BinnedAUC(from_logits=True)],
        )
        return model

    def fit(self, hp, model, *args, **kwargs):
        history = model.fit(*args, **kwargs).history
        kept = len(read_gates(model).units(2))
        return {"val_auc": history["val_auc"][-1], "kept": kept}


def main():
    ids, labels = generate_clicks()
    tuner = keras_tuner.GridSearch(
        Search(),
        objective=keras_tuner.Objective("val_auc", "max"),
        directory=tempfile.mkdtemp(),
        seed=0,
    )
    tuner.search(
        ids[:TRAIN_ROWS],
        labels[:TRAIN_ROWS],
        validation_data=(ids[TRAIN_ROWS:], labels[TRAIN_ROWS:]),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        verbose=0,
    )
    found = {}
    for trial in tuner.oracle.get_best_trials(len(THRESHOLDS)):
        threshold = trial.hyperparameters.get("target_threshold")
        auc, kept = (trial.metrics.get_best_value(name) for name in ("val_auc", "kept"))
        found[threshold] = (auc, int(kept))
        print(f"target_threshold={threshold}: {found[threshold][1]} pairs, AUC {auc:.4f}")
    return found


if __name__ == "__main__":
    main()
