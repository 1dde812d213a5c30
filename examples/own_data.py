"""A model of one's own clicks: from a CSV file to probabilities of raw values.

    python examples/own_data.py

Writes a file of clicks, has its schema inferred, changes one column of it as one would by hand,
trains DeepFM, exports it, and asks the SavedModel about values as the file has them.
"""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from aim_keras.callbacks import RankMetrics, rank_metrics
from aim_keras.datasets import own_data, pipeline
from aim_keras.export import export_saved_model
from aim_keras.models import DeepFM

ROWS, BATCH_SIZE, EPOCHS = 12_000, 200, 3


def write_clicks(path, seed=0):
    """Clicks on films: they depend on the film's genres and the user's device, not on the price."""
    rng = np.random.default_rng(seed)
    lines = ["clicked,user_id,device,genres,price"]
    for _ in range(ROWS):
        user, device = rng.integers(300), rng.choice(["phone", "tv", "pc"])
        genres = rng.choice(["War", "Crime", "Comedy"], rng.integers(1, 4), replace=False)
        logit = 2 * ("Comedy" in genres) + 3 * (device == "tv" and "War" in genres) - 2
        clicked = int(logit + rng.logistic() > 0)
        lines.append(f"{clicked},{user},{device},{'|'.join(genres)},{rng.lognormal():.2f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def main(folder):
    folder = pathlib.Path(folder)
    clicks, schema = write_clicks(folder / "clicks.csv"), folder / "schema.json"
    own_data.builder(clicks, schema=schema, data_dir=folder / "data")  # infers and writes it
    inferred = schema.read_text()
    schema.write_text(inferred.replace('"price": {"kind": "decimal"', '"price": {"kind": "dense"'))
    builder = own_data.builder(clicks, schema=schema, data_dir=folder / "data")
    builder.download_and_prepare()
    valid, test = (pipeline.batches(builder, split, BATCH_SIZE) for split in ("valid", "test"))

    model = DeepFM(builder.fields, hidden_units=(32,))
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.BinaryCrossentropy(from_logits=True))
    train = pipeline.batches(builder, "train", BATCH_SIZE, shuffle_seed=0)
    shift = builder.logit_shift  # 0, unless negatives are sampled down
    monitor = RankMetrics(valid, logit_shift=shift)
    model.fit(train, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[monitor])
    print("on test:", rank_metrics(model, test, logit_shift=shift))

    features, path = next(iter(valid))[0], folder / "saved_model" / "1"
    path = export_saved_model(model, builder.encoding, path, features, shift)
    ctr = tf.saved_model.load(str(path)).signatures["serving_default"](
        user_id=tf.constant(["7"]),
        device=tf.constant(["tv", "pc", "toaster"]),
        genres=tf.constant([["War", "Comedy"], ["Crime", ""], ["", ""]]),
        price=tf.constant([1.5, 0.2, float("nan")], tf.float64),
    )["ctr"]
    print("probabilities of a click:", ctr.numpy().ravel())
    return ctr.numpy().ravel()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
