import keras
import numpy as np
import pytest

from aim_keras.fields import Field
from aim_keras.models import AutoEmb

SIZES = {"a": 5, "b": 4, "c": 3}
COUNTS = {"a": [0, 90, 9, 1, 0], "b": [4, 3, 2, 1], "c": [0, 0, 0]}
CANDIDATES = (1, 3)
DIM = CANDIDATES[-1]
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 10) for size in SIZES.values()], axis=1).astype("int32")


def build(sizes=SIZES, counts=COUNTS, **options):
    options = {"candidate_dimensions": CANDIDATES, "controller_units": 2, **options}
    return AutoEmb(sizes, counts, hidden_units=(4,), **options)


def randomized(model):
    rng = np.random.default_rng(1)
    for w in model.weights:
        if not w.path.startswith("popularity/"):
            w.assign(rng.normal(size=w.shape))
        if w.name == "moving_variance":
            w.assign(rng.uniform(0.5, 2, w.shape))
    return model


def test_equals_its_formula():
    model = randomized(build())
    w = {v.path: v.numpy().astype("float64") for v in model.weights}
    rows = {d: model.get_layer(f"embedding_{d}").get_embeddings()[0] for d in CANDIDATES}
    expected = []
    for row in IDS:
        e = np.zeros((len(SIZES), DIM))
        for i, (field, x) in enumerate(zip(SIZES, row, strict=True)):
            most = max(COUNTS[field])
            popularity = np.log(1 + COUNTS[field][x]) / np.log(1 + most) if most else 0.0
            hidden = [
                max(0, popularity * w["controller_hidden/kernel"][i, 0, u] + bias)
                for u, bias in enumerate(w["controller_hidden/bias"][i])
            ]
            scores = [
                sum(h * w["controller_weights/kernel"][i, u, n] for u, h in enumerate(hidden))
                + w["controller_weights/bias"][i, n]
                for n in range(len(CANDIDATES))
            ]
            for n, d in enumerate(CANDIDATES):
                p = np.exp(scores[n]) / sum(map(np.exp, scores))
                for j in range(DIM):
                    value = w[f"transformation_{d}/bias"][i, j] + sum(
                        rows[d][i][x, k] * w[f"transformation_{d}/kernel"][i, k, j]
                        for k in range(d)
                    )
                    mean, variance = (
                        w[f"norm_{d}/moving_{name}"][i, j] for name in ("mean", "variance")
                    )
                    e[i, j] += p * np.tanh((value - mean) / np.sqrt(variance + 1e-10))
        a = np.maximum(e.ravel() @ w["mlp/dense_0/kernel"] + w["mlp/dense_0/bias"], 0)
        expected.append(a @ w["mlp/logit/kernel"] + w["mlp/logit/bias"])
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-5)


def test_small_embeddings_are_normalized_as_large_ones():
    norm = build().get_layer("norm_3")
    z = RNG.normal(size=(1000, len(SIZES), DIM))
    small, large = (norm(scale * z, training=True).numpy() for scale in (1e-4, 1.0))
    np.testing.assert_allclose(small, large, rtol=0.01, atol=1e-6)


def test_sizes_follow_popularity():
    """Ids of equal counts have equal weights, those of other counts other ones."""
    model = randomized(build())
    weights = keras.Model(model.input, model.get_layer("controller_weights").output)
    by_id = weights(np.array([[x, 0, 0] for x in range(5)], "int32"))[:, 0].numpy()
    np.testing.assert_allclose(by_id.sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_array_equal(by_id[0], by_id[4])
    assert len(np.unique(by_id[:4, 0].round(4))) == 4


def test_popularity_is_not_trained():
    model = build()
    assert not any("popularity" in w.path for w in model.trainable_variables)
    model.compile(keras.optimizers.Adam(0.1), keras.losses.BinaryCrossentropy(from_logits=True))
    before = model.get_layer("popularity").get_embeddings()[0]
    model.fit(IDS, np.arange(10)[:, None] % 2, verbose=0)
    for now, then in zip(model.get_layer("popularity").get_embeddings()[0], before, strict=True):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_allclose(before[0][:, 0], np.log([1, 91, 10, 2, 1]) / np.log(91), rtol=1e-6)


def test_popularity_is_not_trained_after_a_freeze():
    model, plain = build(), build()
    model.trainable = False
    model.trainable = True
    assert [w.path for w in model.trainable_variables] == [
        w.path for w in plain.trainable_variables
    ]
    assert not any("popularity" in w.path for w in model.trainable_variables)
    assert "frozen" not in model.get_config()


def test_a_list_has_the_mean_popularity_and_a_number_that_of_its_only_id():
    sizes = {"a": Field(5, 2, True, "sqrtn"), "b": Field(1, weighted=True)}
    model = build(sizes, {"a": COUNTS["a"], "b": [7]})
    ids = np.array([[1, 2, 0], [3, -1, 0]], "int32")
    outputs = keras.Model(model.inputs, model.get_layer("popularity").output)(
        [ids, np.full((2, 3), 9, "float32")]
    )
    logs = np.log([91, 10, 2]) / np.log(91)
    expected = [[logs[:2].mean(), 1], [logs[2], 1]]
    np.testing.assert_allclose(outputs[:, 0, :, 0], expected, rtol=1e-6)


def test_a_loaded_model_has_its_counts(tmp_path):
    model = randomized(build())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    (values,) = loaded.get_layer("popularity").get_embeddings()
    assert values[0][1] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidate_dimensions": ()}, r"increasing. Received: candidate_dimensions=\(\)"),
        ({"candidate_dimensions": (4, 2)}, r"Received: candidate_dimensions=\(4, 2\)"),
        ({"candidate_dimensions": (0, 2)}, r"Received: candidate_dimensions=\(0, 2\)"),
        ({"counts": {"a": [1] * 5}}, r"each of the fields \('a', 'b', 'c'\). Received: counts={"),
        ({"counts": COUNTS | {"d": [1]}}, r"each of the fields"),
        ({"counts": COUNTS | {"b": [1] * 5}}, r"counts\['b'\] must .* 4 ids. Received: shape \(5,"),
        ({"counts": COUNTS | {"c": [1, -1, 0]}}, r"counts\['c'\] must hold a number >= 0"),
        ({"counts": COUNTS | {"c": [1, np.nan, 0]}}, r"counts\['c'\] must hold a number >= 0"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)
