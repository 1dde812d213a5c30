import numpy as np
import pytest

from aim_keras import metrics
from aim_keras.field_importance import permutation_importance
from aim_keras.models import FM
from tests.models.models_table import COLUMNS, IDS, KINDS, LABELS, SIZES, WEIGHTS, randomized

ROW_WEIGHTS = np.linspace(0.5, 2, len(LABELS))
OF_FIELDS = {"a": ([0], []), "b": ([1, 2, 3], []), "c": ([4, 5], [0, 1]), "d": ([6], [2])}


def slow_importance(model, starts, shift, *weights):
    """The definition, row by row: every field in turn takes another row's values."""
    rng = np.random.default_rng(3)
    tables = {name: [] for name in (None, *OF_FIELDS)}
    for start, stop in zip(starts, [*starts[1:], len(LABELS)], strict=True):
        for name, rows in tables.items():
            order = range(stop - start) if name is None else rng.permutation(stop - start)
            columns, numbers = OF_FIELDS.get(name, ([], []))
            for row, other in enumerate(order):
                ids, values = COLUMNS[start + row].copy(), WEIGHTS[start + row].copy()
                ids[columns] = COLUMNS[start + other, columns]
                values[numbers] = WEIGHTS[start + other, numbers]
                rows.append((ids, values))
    scores = {}
    for name, rows in tables.items():
        logits = np.asarray(model([np.array(part) for part in zip(*rows, strict=True)]))
        scores[name] = (
            metrics.auc(LABELS, logits, *weights),
            metrics.log_loss(LABELS, logits + shift, *weights),
        )
    auc, log_loss = scores.pop(None)
    return {name: (auc - a, loss - log_loss) for name, (a, loss) in scores.items()}


@pytest.mark.parametrize("weights", [(), (ROW_WEIGHTS,)], ids=["rows", "weighted"])
@pytest.mark.parametrize("starts", [[0], [0, 40]], ids=["one_batch", "two"])
def test_equals_the_definition(starts, weights):
    model = randomized(FM(KINDS))
    arrays = COLUMNS, WEIGHTS, LABELS, *weights
    batches = [
        ((ids, numbers), *others)
        for ids, numbers, *others in zip(*(np.split(a, starts[1:]) for a in arrays), strict=True)
    ]
    found = permutation_importance(model, batches, KINDS, logit_shift=0.3, seed=3)
    for name, expected in slow_importance(model, starts, 0.3, *weights).items():
        np.testing.assert_allclose([*found[name].values()], expected, rtol=1e-5, atol=1e-6)


def test_a_field_that_the_model_does_not_read_has_none():
    model = randomized(FM(SIZES))
    for table in model.get_layer("embedding_2").tables:  # The rows of `a` come first.
        table.assign(np.concatenate([np.zeros_like(table[:8]), table[8:]]))
    ids = IDS.copy()
    found = permutation_importance(model, [(IDS, LABELS)], SIZES)
    assert list(found) == list(SIZES)
    assert found["a"] == {"auc": 0, "log_loss": 0}
    assert all(abs(found[name]["auc"]) > 0.01 for name in "bcd")
    np.testing.assert_array_equal(IDS, ids)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "at least one batch. Received: none"),
        ([(IDS[:, 1:], LABELS)], r"columns of \['a', 'b', 'c', 'd'\], 4. Received: .*\(64, 3\)"),
    ],
)
def test_errors(batches, message):
    with pytest.raises(ValueError, match=message):
        permutation_importance(FM(SIZES), batches, SIZES)
