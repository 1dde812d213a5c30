"""Losses and metrics of probabilities, which a model of logits refuses."""

import keras

from aim_keras.metrics import BinnedAUC

FUNCTIONS = (
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
    keras.metrics.binary_accuracy,
)
CROSSENTROPY = ("ce", "crossentropy")  # of one output the binary one, for Keras
METRICS_OF_EITHER = (keras.metrics.AUC, keras.metrics.BinaryCrossentropy, BinnedAUC)
METRICS_OF_DECISIONS = (  # which are made at a threshold, of a probability if it is above 0
    keras.metrics.BinaryAccuracy,
    keras.metrics.F1Score,
    keras.metrics.FBetaScore,
    keras.metrics.Precision,
    keras.metrics.Recall,
    keras.metrics.TruePositives,
    keras.metrics.TrueNegatives,
    keras.metrics.FalsePositives,
    keras.metrics.FalseNegatives,
    keras.metrics.PrecisionAtRecall,
    keras.metrics.RecallAtPrecision,
    keras.metrics.SensitivityAtSpecificity,
    keras.metrics.SpecificityAtSensitivity,
)


def refuse_loss(model, loss):
    """Raises `ValueError` if a loss, as `compile` takes it, is one of probabilities."""
    named = loss in CROSSENTROPY if isinstance(loss, str) else False
    found = None if named else keras.losses.get(loss)
    if named or found in FUNCTIONS or getattr(found, "from_logits", True) is False:
        raise ValueError(
            f"{type(model).__name__} gives logits, so its loss must take them, as "
            f"keras.losses.BinaryCrossentropy(from_logits=True). Received: loss={loss}"
        )


def refuse_metric(model, metric):
    """Raises `ValueError` if a metric is one of probabilities; a subclass may take the sigmoid."""
    if given := _of_probabilities(metric):
        raise ValueError(
            f"{type(model).__name__} gives logits, so its metrics must take them, as "
            "aim_keras.metrics.BinnedAUC(from_logits=True), or decide at 0, as "
            "keras.metrics.Precision(thresholds=0), or be of a class of yours that takes their "
            f"sigmoid in update_state. Received: {given}"
        )


def _of_probabilities(metric):
    """A metric in words if it takes probabilities, or else nothing."""
    kind = type(metric)
    function = getattr(metric, "_fn", None)
    if kind is keras.metrics.MeanMetricWrapper and function in FUNCTIONS:
        return function.__name__
    if kind in METRICS_OF_EITHER and not metric.get_config()["from_logits"]:
        return f"{kind.__name__}(from_logits=False)"
    if kind in METRICS_OF_DECISIONS:
        name = "threshold" if hasattr(metric, "threshold") else "thresholds"
        thresholds = getattr(metric, name)
        if any(t is not None and t > 0 for t in keras.tree.flatten(thresholds)):
            return f"{kind.__name__}({name}={thresholds!r:.40})"
    return ""
