"""An embedding table that no device holds as a whole.

    KERAS_BACKEND=jax python examples/shard_a_table.py

Keras's `ModelParallel`, of its JAX backend, gives each device a part of the rows of the table and
of its two Adam moments. On a machine without several devices, two of its cores are shown as such by
`XLA_FLAGS=--xla_force_host_platform_device_count=2`. The result is that of one device.
"""

import keras
import numpy as np

from aim_keras.models import FM

VOCABULARY_SIZES = {"user": 5000, "item": 2990, "hour": 10}  # 8000 rows: a multiple of the devices
ROWS, BATCH_SIZE, EPOCHS = 4000, 200, 2


def generate_clicks(seed=0):
    """Ids `(rows, fields)` and labels `(rows, 1)`."""
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(0, n, ROWS) for n in VOCABULARY_SIZES.values()], axis=1)
    weights = [rng.normal(size=n) for n in VOCABULARY_SIZES.values()]
    logits = sum(of_field[ids[:, i]] for i, of_field in enumerate(weights))
    return ids.astype("int32"), (logits > 0).astype("float32")[:, None]


def shard_tables():
    """Lets every model that is built from now on have its tables' rows on different devices."""
    devices = keras.distribution.list_devices()
    mesh = keras.distribution.DeviceMesh((1, len(devices)), ["batch", "rows"], devices)
    layout = keras.distribution.LayoutMap(mesh)
    layout[r".*/table_\d+"] = ("rows", None)
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")
    )


def train():
    """A factorization machine, trained."""
    keras.utils.set_random_seed(0)
    model = FM(VOCABULARY_SIZES, embedding_dim=7)
    model.compile(
        keras.optimizers.Adam(0.01), loss=keras.losses.BinaryCrossentropy(from_logits=True)
    )
    model.fit(*generate_clicks(), BATCH_SIZE, EPOCHS, shuffle=False, verbose=0)
    return model


def main():
    whole = train()
    shard_tables()
    sharded = train()
    for variable in [*sharded.variables, *sharded.optimizer.variables]:
        parts = [part.data.shape for part in variable.value.addressable_shards]
        print(f"{variable.path}: {tuple(variable.shape)}, on each device {parts[0]}")
    weights = zip(whole.get_weights(), sharded.get_weights(), strict=True)
    print(f"largest difference of a weight: {max(abs(a - b).max() for a, b in weights):.1e}")


if __name__ == "__main__":
    if keras.backend.backend() != "jax":
        raise SystemExit("ModelParallel needs Keras's JAX backend: KERAS_BACKEND=jax")
    main()
