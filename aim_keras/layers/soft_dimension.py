"""A softmax over candidate embedding dimensions (AutoDim)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aim_keras.arguments import checked_increasing
from aim_keras.layers.dimension_gate import DimensionGate
from aim_keras.layers.gates import GATE_ALPHA

LEAST_TEMPERATURE = 0.01


@keras.saving.register_keras_serializable("aim_keras")
class SoftDimension(DimensionGate):
    """A softmax over candidate embedding dimensions (AutoDim): how many each field needs.

        e'_i = sum_n p_{i,n} pad(BN(e_i[:d_n]))
        p_i = softmax((alpha_i + g_i) / tau),  g_i ~ Gumbel(0, 1) in training, 0 at inference
        tau = max(0.01, 1 - temperature_decay * steps of training)

    All candidates share one embedding, of which the n-th is the first `d_n` dimensions, filled up
    with zeros (the paper's AD-1). As each coordinate is normalized by itself, that is one gate on
    each of them, the probability that the dimension reaches it:

        e'_{i,j} = BN(e_{i,j}) sum_{n: d_n > j} p_{i,n}

    The `alpha` start at zero, where `GRDA` would keep them: they are trained by another optimizer,
    such as `Adam`. A layer that is not `trainable` is in inference mode also in training.

    So a dimension means the same here and in a model whose rows are that short, and neither needs
    a linear transformation of each candidate (the paper's AD-2, which it prefers for FM).

    Args:
        candidates: Sequence of increasing integers >= 0, the dimensions `d_n`; the last one is
            that of the input.
        temperature_decay: Float >= 0: what a step of training takes off the temperature.
        **kwargs: Keyword arguments of `DimensionGate`.

    Input shape: as of `DimensionGate`. Output shape: the same.

    Raises:
        ValueError: on an argument outside these rules, and where `DimensionGate` raises one.

    Example:

    ```pycon
    >>> embeddings = FunctionWiseEmbedding([1000, 50, 7], embedding_dim=8)(ids)
    >>> embeddings = SoftDimension([2, 4, 8], fields=["user", "item", "day"])(embeddings)
    >>> interactions = GatedInteraction(fields=["user", "item", "day"], gated=False)(embeddings)
    ```

    Reference: Zhao et al., AutoDim: Field-aware Embedding Dimension Search in Recommender Systems,
    WWW 2021.
    """

    def __init__(
        self, candidates: Sequence[int], temperature_decay: float = 5e-5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.candidates = checked_increasing("candidates", candidates, least=0)
        self.temperature_decay = temperature_decay
        if not temperature_decay >= 0:
            raise ValueError(
                "temperature_decay must be at least 0. "
                f"Received: temperature_decay={temperature_decay}"
            )
        self.seed_generator = keras.random.SeedGenerator()

    def _build_gates(self, shape, dim):
        if self.candidates[-1] != dim:
            raise ValueError(
                f"The last of the candidates must be the dimension of the input, {dim}. "
                f"Received: candidates={self.candidates}"
            )
        weights = {"initializer": "zeros", "dtype": "float32", "autocast": False}
        self.alpha = self.add_weight((*shape, len(self.candidates)), name=GATE_ALPHA, **weights)
        self.steps = self.add_weight((), name="steps", trainable=False, **weights)

    def gates(self, training: bool = False) -> Any:
        alpha = ops.convert_to_tensor(self.alpha)
        temperature = ops.maximum(LEAST_TEMPERATURE, 1 - self.temperature_decay * self.steps)
        if training and self.trainable:
            self.steps.assign_add(1.0)
            uniform = keras.random.uniform(
                alpha.shape, 1e-20, dtype="float32", seed=self.seed_generator
            )
            alpha = alpha - ops.log(-ops.log(uniform))
        p = ops.softmax(alpha / temperature, axis=-1)  # (functions or 1, fields, candidates)
        reached = np.less.outer(np.arange(self.candidates[-1]), self.candidates)
        return ops.matmul(p, ops.convert_to_tensor(reached.T, "float32"))

    def kept_dimensions(self, threshold: float = 0.0) -> dict:
        """Kept positions, `{function: {field: positions}}`: the first ones, as many as the
        candidate of the largest alpha has, whatever the threshold."""
        found = np.array(self.candidates)[ops.convert_to_numpy(self.alpha).argmax(axis=-1)]
        return self._positions(
            np.less.outer(np.arange(self.candidates[-1]), found).transpose(1, 2, 0)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "candidates": self.candidates,
            "temperature_decay": self.temperature_decay,
        }
