"""Generated clicks for the examples: every field counts by itself, and one pair of fields together.

The pair is what a search should find.
"""

import numpy as np

VOCABULARY_SIZES = {"user": 40, "item": 30, "hour": 24, "device": 5}
FIELDS = tuple(VOCABULARY_SIZES)
PLANTED = ("user", "item")


def generate_clicks(rows=20_000, seed=0):
    """Ids `(rows, fields)` and labels `(rows, 1)`."""
    rng = np.random.default_rng(seed)
    ids = {field: rng.integers(0, size, rows) for field, size in VOCABULARY_SIZES.items()}
    logits = sum(rng.normal(0, 0.5, size)[ids[f]] for f, size in VOCABULARY_SIZES.items())
    first, second = (rng.normal(size=(VOCABULARY_SIZES[f], 2))[ids[f]] for f in PLANTED)
    logits = logits + (first * second).sum(axis=1)
    labels = (logits + rng.logistic(size=rows) > 0).astype("float32")
    return np.stack(list(ids.values()), axis=1).astype("int32"), labels[:, None]
