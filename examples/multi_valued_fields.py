"""Lists of ids, weights beside them, plain numbers, and a table that two fields share.

    python examples/multi_valued_fields.py

A film has up to three genres, a user a list of films with how long each was watched, whose rows are
those of the film's own table, and a row the price. `Field` says so wherever a vocabulary size is
taken; lists of any length become columns by `lists.padded`. The clicks depend on the user and the
mean of the genres together.
"""

import keras
import numpy as np

from aim_keras import Field, read_gates
from aim_keras.datasets.lists import padded
from aim_keras.metrics import BinnedAUC
from aim_keras.models import FM
from aim_keras.optimizers import GRDA, with_gates

FIELDS = {
    "user": 40,
    "film": 30,
    "genres": Field(12, length=3, combiner="mean"),
    "watched": Field(30, length=4, weighted=True, table="film"),
    "price": Field(1, weighted=True),
}
ROWS, BATCH_SIZE, EPOCHS = 20_000, 200, 4


def generate_clicks():
    """`((ids, weights), labels)`: weights are the columns of the weighted fields alone."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, FIELDS["user"], (ROWS, 1))
    genres = [rng.choice(12, rng.integers(1, 4), replace=False) for _ in range(ROWS)]
    watched = [rng.integers(0, 30, rng.integers(0, 5)) for _ in range(ROWS)]
    hours = [rng.exponential(size=len(films)) for films in watched]
    price = rng.uniform(size=(ROWS, 1))
    of_user, of_genre = rng.normal(0, 2, (40, 2)), rng.normal(size=(12, 2))
    liked = np.array([of_genre[listed].mean(axis=0) for listed in genres])
    logits = (of_user[users[:, 0]] * liked).sum(axis=1, keepdims=True) - price
    labels = (logits + rng.logistic(size=logits.shape) > 0).astype("float32")
    films, zeros = rng.integers(0, FIELDS["film"], (ROWS, 1)), np.zeros_like(users)
    ids = np.hstack([users, films, padded(genres, 3), padded(watched, 4), zeros]).astype("int32")
    weights = np.hstack([padded(hours, 4, 0, "float32"), price]).astype("float32")
    return (ids, weights), labels


def main():
    keras.utils.set_random_seed(0)
    features, labels = generate_clicks()
    model = FM(FIELDS, search="interactions", embedding_dim=8)
    steps = EPOCHS * ROWS // BATCH_SIZE
    model.compile(
        with_gates(
            weights=keras.optimizers.Adam(0.01),
            gates=GRDA(0.1, mu=0.6, target_threshold=0.8, total_steps=steps),
        ),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[BinnedAUC(from_logits=True)],
    )
    history = model.fit(features, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0).history
    architecture = read_gates(model)
    print(f"AUC {history['auc'][-1]:.4f} in the last epoch, kept: {architecture.units(2)}")
    return architecture, history["auc"][-1]


if __name__ == "__main__":
    main()
