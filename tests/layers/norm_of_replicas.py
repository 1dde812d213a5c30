"""A batch norm of unequal parts on two devices, for `param_free_batch_norm_test.py`.

`python -m tests.layers.norm_of_replicas FILE` writes what it gives beside that of one device.
"""

import sys

import numpy as np
import tensorflow as tf

from aim_keras.layers import ParamFreeBatchNorm

PARTS = [(4, 4), (5, 2), (0, 3), (1, 0), (0, 0)]
OFFSET = 1e4  # whose square leaves no decimal of a variance in float32


def batches():
    rng = np.random.default_rng(0)
    for parts in PARTS:
        batch = OFFSET + rng.normal(2, 3, size=(sum(parts), 3))
        batch[:, 2] = 0.1  # constant
        yield np.split(batch.astype("float32"), parts[:1])


def step(layer, z):
    with tf.GradientTape() as tape:
        tape.watch(z)
        outputs = layer(z, training=True)
        loss = tf.reduce_sum(tf.sin(outputs))
    return outputs, tape.gradient(loss, z)


def by_one(parts, layer):
    return step(layer, tf.constant(np.concatenate(parts)))


def by_two(parts, layer, strategy):
    @tf.function
    def run():
        z = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )
        results = strategy.run(lambda z: step(layer, z), (z,))
        return [tf.concat(strategy.experimental_local_results(x), axis=0) for x in results]

    return run()


def main(file):
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one = ParamFreeBatchNorm()
    with strategy.scope():
        several = ParamFreeBatchNorm()
        several.build((None, 3))
    arrays = {}
    for i, parts in enumerate(batches()):
        for name, layer, results in (
            ("one", one, by_one(parts, one)),
            ("two", several, by_two(parts, several, strategy)),
        ):
            arrays |= {f"{name}/{i}/{j}": x for j, x in enumerate([*results, *layer.get_weights()])}
    np.savez(file, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
