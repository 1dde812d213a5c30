"""How learning rates fall from epoch to epoch."""

import keras

from aim_keras.optimizers.gate_optimizer import unwrapped


def callbacks(factor, gates_factor=None):
    """The callbacks that multiply the learning rates after each epoch.

    Args:
        factor: Of all rates.
        gates_factor: Of the gates' in its place, or `None`.
    """
    if factor != 1:
        yield keras.callbacks.LearningRateScheduler(
            lambda epoch, rate: rate * factor if epoch else rate
        )
    if gates_factor not in (None, factor):
        yield _GatesDecay(gates_factor / factor)


def check_target(optimizer, decay):
    """GRDA solves c for a rate that stays: under a decay its last threshold is below the target.

    Raises:
        ValueError: if an optimizer of gates is given both.
    """
    if decay != 1 and getattr(optimizer, "target_threshold", None) is not None:
        raise ValueError(
            "A target_threshold (ALPHA_THRESHOLD, BETA_THRESHOLD) needs a rate of the gates that "
            "stays as it is: fitting.fit.gates_decay = 1.0. Received: "
            f"target_threshold={optimizer.target_threshold}, a decay of {decay} after each epoch"
        )


class _GatesDecay(keras.callbacks.Callback):
    """Multiplies the gates' learning rate after each epoch, by what all rates were not."""

    def __init__(self, factor):
        super().__init__()
        self._factor = factor

    def on_epoch_begin(self, epoch, logs=None):
        if epoch:
            gates = unwrapped(self.model).gates_optimizer
            gates.learning_rate = float(gates.learning_rate) * self._factor
