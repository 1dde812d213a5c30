import keras
import pytest

from aim_keras.metrics import BinnedAUC
from aim_keras.models import FM
from tests.models.models_table import IDS, LABELS, SIZES

OF_LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


class SigmoidF1(keras.metrics.F1Score):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, keras.ops.sigmoid(y_pred), sample_weight)


@pytest.mark.parametrize(
    "loss",
    [
        *("binary_crossentropy", "crossentropy", keras.losses.BinaryCrossentropy()),
        keras.losses.binary_focal_crossentropy,
    ],
)
def test_a_loss_of_probabilities_is_refused(loss):
    model = FM(SIZES)
    model.compile("adam", loss)
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="FM gives logits, so its loss must take them"):
            use(IDS, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("metric", "received"),
    [
        ("AUC", r"AUC\(from_logits=False\)"),
        ("bce", r"BinaryCrossentropy\(from_logits=False\)"),
        (keras.metrics.AUC(curve="PR"), r"AUC\(from_logits=False\)"),
        (BinnedAUC(), r"BinnedAUC\(from_logits=False\)"),
        ("accuracy", r"BinaryAccuracy\(threshold=0.5\)"),
        (keras.metrics.binary_accuracy, "binary_accuracy"),
        (keras.metrics.binary_crossentropy, "binary_crossentropy"),
        (keras.metrics.Precision(), r"Precision\(thresholds=\[0.5\]\)"),
        (keras.metrics.F1Score(threshold=0.5), r"F1Score\(threshold=0.5\)"),
        (keras.metrics.RecallAtPrecision(0.5), r"RecallAtPrecision\(thresholds=\["),
    ],
)
@pytest.mark.parametrize("where", ["metrics", "weighted_metrics"])
def test_a_metric_of_probabilities_is_refused(metric, received, where):
    model = FM(SIZES)
    model.compile("adam", OF_LOGITS, **{where: [metric]})
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=f"FM gives logits, so its metrics.*{received}"):
            use(IDS, LABELS, verbose=0)


@pytest.mark.parametrize(
    "metric",
    [
        keras.metrics.AUC(from_logits=True),
        keras.metrics.Precision(thresholds=0),
        keras.metrics.Precision(top_k=1),
        keras.metrics.BinaryAccuracy(threshold=0),
        keras.metrics.MeanSquaredError(),
        SigmoidF1(threshold=0.5),
    ],
)
def test_a_metric_of_logits_is_taken(metric):
    model = FM(SIZES)
    model.compile("adam", OF_LOGITS, metrics=[metric])
    assert metric.name in model.fit(IDS, LABELS, verbose=0).history
