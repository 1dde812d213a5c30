"""Batch normalization without scale and shift."""

from typing import Any

import keras
from keras import ops

from aim_keras.arguments import check_rate
from aim_keras.backend import first_row, sum_over_replicas


@keras.saving.register_keras_serializable("aim_keras")
class ParamFreeBatchNorm(keras.layers.Layer):
    """Batch normalization without scale and shift, each coordinate on its own.

        z_BN = (z - mean_B(z)) / sqrt(var_B(z) + epsilon)

    with the mean and the biased variance over the batch in training, and their moving averages
    at inference. It takes the scale out of an interaction's value, so that the gate behind it
    measures importance alone. A column that is constant over the batch gives exactly 0.

    Under a `tf.distribute` strategy the batch is that of all replicas together, of which each may
    have any part. A batch without rows leaves the moving averages alone.

    The moving averages are plain averages of the batches seen until `1 / (1 - momentum)` batches
    have been seen, so they do not lag behind in a short run. A layer that is not `trainable` is in
    inference mode also in training, as Keras's `BatchNormalization` is. All are float32, or float64
    in a layer of float64.

    Args:
        epsilon: Float > 0, added to the variance. Defaults to `1e-5`.
        momentum: Float in [0, 1), of the moving averages. Defaults to `0.9`.

    Input shape: `(batch, ...)`. Output shape: the same.

    Example:

    ```pycon
    >>> norm = ParamFreeBatchNorm()
    >>> np.array(norm(np.array([[1.0], [3.0]]), training=True)).round(2).tolist()
    [[-1.0], [1.0]]
    >>> np.array(norm(np.array([[4.0]]))).round(2).tolist()  # by the mean 2 and the variance 1
    [[2.0]]
    ```

    Reference: AIM, section 3.6, Eq. 20.
    """

    def __init__(self, epsilon: float = 1e-5, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0. Received: epsilon={epsilon}")
        check_rate("momentum", momentum)
        self.epsilon = epsilon
        self.momentum = momentum

    def build(self, input_shape: tuple) -> None:
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        options = {"trainable": False, "dtype": dtype, "autocast": False}
        shape = input_shape[1:]
        self.moving_mean = self.add_weight(shape, "zeros", name="moving_mean", **options)
        self.moving_variance = self.add_weight(shape, "ones", name="moving_variance", **options)
        self.batches_seen = self.add_weight((), "zeros", name="batches_seen", **options)

    def call(self, inputs: Any, training: bool = False) -> Any:
        centred, scale = self.centre(inputs, training)
        return ops.cast(centred * scale, self.compute_dtype)

    def centre(self, inputs: Any, training: bool = False) -> tuple:
        """`z - mean` and `1 / sqrt(var + epsilon)`, whose product is `z_BN`, both of the moving
        averages' dtype."""
        z = ops.cast(inputs, self.moving_mean.dtype)
        if training and self.trainable:
            rows = sum_over_replicas(ops.cast(ops.shape(z)[0], z.dtype))
            number = ops.maximum(rows, 1.0)
            shift = first_row(ops.stop_gradient(z))
            centred = z - shift
            mean = sum_over_replicas(ops.sum(centred, axis=0)) / number
            centred = centred - mean
            variance = sum_over_replicas(ops.sum(ops.square(centred), axis=0)) / number
            self._update_moving_averages(mean + shift, variance, rows > 0)
        else:
            centred = z - self.moving_mean
            variance = self.moving_variance
        return centred, ops.rsqrt(variance + self.epsilon)

    def _update_moving_averages(self, mean, variance, has_rows):
        seen = self.batches_seen
        decay = ops.where(has_rows, ops.minimum(self.momentum, seen / (seen + 1.0)), 1.0)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            value = ops.stop_gradient(value)
            # A constant's average is exactly that constant, unlike a sum of two shares of it.
            moving.assign(value + (moving - value) * decay)
        seen.assign_add(ops.cast(has_rows, seen.dtype))

    def compute_output_shape(self, input_shape: tuple) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon, "momentum": self.momentum}
