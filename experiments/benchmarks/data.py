"""The shapes that are measured, and rows for them."""

import dataclasses
import tempfile

import numpy as np

from aim_keras.datasets import frappe
from aim_keras.datasets import pipeline as data

ZIPF_EXPONENT = 1.1
BATCHES = 20  # distinct batches in memory, gone through again and again
SMALL_SIZE = 8  # ids of a field where the sides are compared


@dataclasses.dataclass(frozen=True)
class Shape:
    """The sizes of a data set and of the models over it.

    Args:
        name: String, as `--shape` and the JSON have it.
        sizes: Number of ids of each field.
        embedding_dim: The embedding dimension.
        hidden_units: Widths of the MLP's hidden layers.
        batch_size: Rows of a training batch.
        rows: `(ids, labels)` of real rows, or `None` for synthetic ones.
    """

    name: str
    sizes: tuple[int, ...]
    embedding_dim: int = 20
    hidden_units: tuple[int, ...] = (700,) * 5
    batch_size: int = 2000
    rows: tuple | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def vocabulary_sizes(self):
        return {f"f{i}": size for i, size in enumerate(self.sizes)}

    def small(self):
        """The same shape with a few ids a field and a small batch, to compare outputs on."""
        sizes = tuple(min(size, SMALL_SIZE) for size in self.sizes)
        return dataclasses.replace(self, sizes=sizes, batch_size=64, rows=None)

    def batches(self, number=BATCHES):
        """Ids, int32 `(number, batch, fields)`, and labels, float32 `(number, batch, 1)`.

        Ids are Zipf-distributed within each field, and which ids are the frequent ones is random,
        or real rows, repeated where there are too few.
        """
        rng = np.random.default_rng(0)
        rows = number * self.batch_size
        if self.rows is None:
            ids = np.stack([zipf(rng, size, rows) for size in self.sizes], axis=1)
            labels = rng.integers(0, 2, rows)
        else:
            ids, labels = (array[np.arange(rows) % len(array)] for array in self.rows)
        shape = (number, self.batch_size)
        return (
            ids.astype("int32").reshape(*shape, len(self.sizes)),
            labels.astype("float32").reshape(*shape, 1),
        )


def zipf(rng, size, rows):
    """`rows` ids below `size`, the r-th most frequent of them with a probability as `r^-1.1`."""
    power = 1 - ZIPF_EXPONENT
    uniform = rng.random(rows)
    rank = ((size + 1) ** power * uniform + (1 - uniform)) ** (1 / power)
    return rng.permutation(size)[np.minimum(rank.astype("int64") - 1, size - 1)]


def uneven(total, fields):
    """Sizes of `fields` fields that fall as `1 / k` and sum to `total`."""
    shares = 1 / np.arange(1, fields + 1)
    sizes = (total * shares / shares.sum()).astype(int)
    sizes[0] += total - sizes.sum()
    return tuple(sizes.tolist())


def criteo_sizes(total):
    """39 fields: 13 numbers of 50 buckets each, and 26 categories that share the rest."""
    return (50,) * 13 + uneven(total - 13 * 50, 26)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("criteo", criteo_sizes(1_000_000)),
        Shape("criteo_10m", criteo_sizes(10_000_000)),
        Shape("avazu", uneven(645_195, 24), embedding_dim=40),
        Shape("tiny", (12, 9, 7, 30, 5), embedding_dim=4, hidden_units=(8, 8), batch_size=16),
    )
}


def shape(name, frappe_dir=None):
    """The shape of that name; `frappe` is of the real rows in a folder.

    Raises:
        ValueError: on an unknown name, or frappe without its folder.
    """
    if name == "frappe" and frappe_dir is not None:
        return _frappe(frappe_dir)
    if name not in SHAPES:
        raise ValueError(
            f"shape must be one of {', '.join(SHAPES)}, or frappe with --frappe=FOLDER. "
            f"Received: shape={name}, frappe={frappe_dir}"
        )
    return SHAPES[name]


def _frappe(folder):
    with tempfile.TemporaryDirectory() as prepared:
        builder = frappe.builder(folder, prepared)
        builder.download_and_prepare()
        sizes = tuple(builder.vocabulary_sizes.values())
        batches = data.batches(builder, "train", 2000, shuffle_seed=0)
        ids, labels = zip(*batches.as_numpy_iterator(), strict=True)
    rows = np.concatenate(ids), np.concatenate(labels)[:, 0]
    return Shape("frappe", sizes, embedding_dim=10, hidden_units=(400,) * 3, rows=rows)
