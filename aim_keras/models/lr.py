"""Logistic regression."""

from collections.abc import Mapping

import keras

from aim_keras.fields import Field
from aim_keras.layers import Linear
from aim_keras.models.config import CTRModel
from aim_keras.models.inputs import field_inputs


@keras.saving.register_keras_serializable("aim_keras")
class LR(CTRModel):
    """Logistic regression: one weight a feature.

        logits = <w, x> + b

    Args:
        vocabulary_sizes: `{field: number of ids, or Field}`, in the order of the features.
        regularizer: of the weights.

    Input shape: `(batch, fields)`, integers; with multi-valued or dense fields see
    `field_inputs`. Output shape: `(batch, 1)`, logits.

    Example:

    ```pycon
    >>> model = LR({"user": 1000, "item": 50, "hour": 24})
    >>> model(np.array([[999, 0, 23]])).shape
    (1, 1)
    >>> model.count_params()  # a weight for each id, and the bias
    1075
    ```

    Reference: Richardson et al., Predicting Clicks, WWW 2007.
    """

    def __init__(
        self,
        vocabulary_sizes: Mapping[str, int | Field],
        regularizer: keras.regularizers.Regularizer | str | None = None,
        name: str = "lr",
    ) -> None:
        # === Layers ===
        features = field_inputs(vocabulary_sizes)
        exact = keras.config.dtype_policy().variable_dtype
        linear = Linear(vocabulary_sizes, regularizer=regularizer, dtype=exact, name="linear")

        # === Functional model ===
        logits = linear(features)

        super().__init__(
            features,
            logits,
            name,
            vocabulary_sizes=vocabulary_sizes,
            regularizer=regularizer,
        )
