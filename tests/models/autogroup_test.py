import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.callbacks import Resume
from aim_keras.feature_groups import FeatureGroups
from aim_keras.models import AutoGroup
from aim_keras.optimizers import with_gates

FIELDS = ("a", "b", "c", "d")
SIZES = dict(zip(FIELDS, (5, 4, 3, 6), strict=True))
DIMS = (3, 2, 4)
GROUPS = FeatureGroups(FIELDS, {1: [["b"], ["a", "d"]], 3: [["a", "b", "c"], ["c", "d"]]})
SMALL = {"num_groups": (2, 3, 1), "embedding_dims": DIMS, "hidden_units": (7,)}
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 10) for size in SIZES.values()], axis=1).astype("int32")
EPSILON = 1e-3


def randomized(model):
    rng = np.random.default_rng(1)
    for w in model.trainable_variables:
        w.assign(rng.normal(size=w.shape))
    for w in model.non_trainable_variables:
        if w.name in ("moving_mean", "moving_variance"):
            w.assign(rng.uniform(0.5, 2, w.shape))
    return model


def by_formula(model, groups):
    """Logits, one row, order and group after the other."""
    tables, w = model.get_layer("embedding"), {v.path: v.numpy() for v in model.weights}
    embeddings, linear = tables.get_embeddings(), tables.get_linear()
    logits = []
    for row in IDS:
        vectors, scalars = [], []
        for k, (order, of_order) in enumerate(groups.items()):
            path, dim = f"interaction_{order}", DIMS[order - 1]
            e = []
            for i, x in enumerate(row):
                mean, variance = (
                    w[f"{path}/batch_norm/moving_{name}"][i] for name in ("mean", "variance")
                )
                e.append((embeddings[k][i][x][:dim] - mean) / np.sqrt(variance + EPSILON))
            for j, group in enumerate(of_order):
                parts = [w[f"{path}/weight"][i, j] * e[i] for i in group]
                total = sum(parts, np.zeros(dim))
                if order == 1:
                    vectors.append(total)
                else:
                    scalars.append(sum(total**order) - sum(sum(part**order) for part in parts))
        a = [vector[d] for d in range(DIMS[0]) for vector in vectors] + scalars
        a = np.maximum(a @ w["mlp/dense_0/kernel"] + w["mlp/dense_0/bias"], 0)
        mlp = a @ w["mlp/logit/kernel"] + w["mlp/logit/bias"]
        logits.append(sum(linear[i][x] for i, x in enumerate(row)) + w["embedding/bias"] + mlp)
    return np.array(logits)


def test_equals_its_formula():
    model = randomized(AutoGroup(SIZES, GROUPS, epsilon=EPSILON, **SMALL))
    expected = by_formula(model, {1: [[1], [0, 3]], 3: [[0, 1, 2], [2, 3]]})
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)


def test_without_groups_given_all_fields_are_in_every_one():
    model = randomized(AutoGroup(SIZES, epsilon=EPSILON, **SMALL))
    everything = range(4)
    expected = by_formula(model, {1: [everything] * 2, 2: [everything] * 3, 3: [everything]})
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-4, atol=1e-4)
    assert model.read_groups() == FeatureGroups.full(FIELDS, (2, 3, 1))


def test_a_search_is_read_as_it_predicts():
    model = randomized(AutoGroup(SIZES, search="groups", epsilon=EPSILON, **SMALL))
    chosen = {
        order: [np.flatnonzero(of_group > 0).tolist() for of_group in alpha.T]
        for order in (1, 2, 3)
        for alpha in [model.get_layer(f"interaction_{order}").alpha.numpy()]
    }
    assert any(len(group) < 2 for group in chosen[2])  # or what follows could not tell
    np.testing.assert_allclose(model(IDS), by_formula(model, chosen), rtol=1e-4, atol=1e-4)
    assert model.read_groups() == FeatureGroups(
        FIELDS,
        {
            order: [[FIELDS[i] for i in group] for group in of if len(group) > (order > 1)]
            for order, of in chosen.items()
        },
    )


def test_groups_start_as_random_halves():
    alpha = AutoGroup({str(i): 2 for i in range(40)}, search="groups", **SMALL)
    alpha = alpha.get_layer("interaction_2").alpha.numpy()
    assert 0.0009 < np.abs(alpha).max() <= 0.001
    assert 0.3 < (alpha > 0).mean() < 0.7


def test_a_search_within_groups_adds_no_field():
    model = AutoGroup(SIZES, GROUPS, "groups", **SMALL)
    for order in GROUPS.orders:
        model.get_layer(f"interaction_{order}").alpha.assign(np.ones((4, 2)))
    assert model.read_groups() == GROUPS


def test_straight_through_gradient():
    """The forward pass has the sampled groups, the gates the gradient of what was rounded."""
    layer = AutoGroup(SIZES, search="groups", temperature=0.7, **SMALL).get_layer("interaction_2")
    e = RNG.normal(size=(20, 4, 2)).astype("float32")
    alpha = RNG.normal(size=(4, 3)).astype("float32")
    layer.alpha.assign(alpha)
    seed = layer.seed_generator.state.numpy()
    with tf.GradientTape() as tape:
        values = layer(e, training=True)
        loss = tf.reduce_sum(values)
    gradient = tape.gradient(loss, layer.alpha.value)
    layer.seed_generator.state.assign(seed)
    u = keras.random.uniform((4, 3), minval=1e-7, seed=layer.seed_generator).numpy()
    noisy = alpha + np.log(u / (1 - u))
    y = 1 / (1 + np.exp(-noisy / 0.7))
    weight = layer.weight.numpy()
    normal = (e - e.mean(axis=0)) / np.sqrt(e.var(axis=0) + 1e-5)

    def total(z):
        value = 0.0
        for row in normal:
            for j in range(3):
                parts = [z[i, j] * weight[i, j] * row[i] for i in range(4)]
                value += (sum(parts) ** 2).sum() - sum((part**2).sum() for part in parts)
        return value

    z = (noisy > 0).astype(float)
    assert 0 < z.sum() < z.size
    np.testing.assert_allclose(loss, total(z), rtol=1e-4)
    for i, j in np.ndindex(4, 3):
        step = np.zeros((4, 3))
        step[i, j] = 1e-3
        slope = (total(z + step) - total(z - step)) / 2e-3
        expected = slope * y[i, j] * (1 - y[i, j]) / 0.7
        np.testing.assert_allclose(gradient[i, j], expected, rtol=1e-3, atol=1e-4)


PLANTED = dict.fromkeys("abcdef", 5)


def planted_clicks(rows=4000):
    """Clicks by the pairs of three fields out of six."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, (rows, 6)).astype("int32")
    b, d, e = (rng.normal(size=(5, 3))[ids[:, column]] for column in (1, 3, 4))
    logits = 2 * (b * d + b * e + d * e).sum(axis=1)
    return ids, (logits + rng.logistic(size=rows) > 0).astype("float32")[:, None]


def searched_model():
    keras.utils.set_random_seed(0)
    model = AutoGroup(
        PLANTED,
        search="groups",
        num_groups=(0, 4),
        embedding_dims=(3, 3),
        temperature=0.5,
        hidden_units=(),
    )
    optimizer = with_gates(keras.optimizers.Adam(0.03), keras.optimizers.Adam(0.05))
    model.compile(optimizer, BINARY)
    return model


def test_finds_planted_groups():
    model = searched_model()
    model.fit(*planted_clicks(), batch_size=100, epochs=4, verbose=0)
    assert model.read_groups() == FeatureGroups(tuple("abcdef"), {2: [("b", "d", "e")] * 4})


def test_a_resumed_search_equals_an_uninterrupted_one(tmp_path):
    rows, labels = planted_clicks(400)
    options = {"batch_size": 100, "shuffle": False, "verbose": 0}
    uninterrupted, first, resumed = searched_model(), searched_model(), searched_model()
    uninterrupted.fit(rows, labels, epochs=2, **options)
    first.fit(rows, labels, epochs=1, callbacks=[Resume(tmp_path)], **options)
    keras.utils.set_random_seed(9)
    resumed.fit(rows, labels, epochs=2, callbacks=[Resume(tmp_path)], **options)
    for ours, theirs in zip(resumed.weights, uninterrupted.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)
    alpha = "interaction_2/gate_alpha"
    before, after = (
        next(w.numpy() for w in model.weights if w.path == alpha) for model in (first, resumed)
    )
    assert np.all(before != after)


def test_save_and_load_of_a_search(tmp_path):
    model = randomized(AutoGroup(SIZES, GROUPS, search="groups", **SMALL))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    assert loaded.read_groups() == model.read_groups()


def test_groups_from_a_file(tmp_path):
    GROUPS.save(tmp_path / "groups.json")
    assert AutoGroup(SIZES, tmp_path / "groups.json", **SMALL).architecture == GROUPS


def test_without_any_group_there_is_the_linear_term():
    model = randomized(AutoGroup(SIZES, FeatureGroups(FIELDS, {}), **SMALL))
    table = model.get_layer("embedding")
    expected = table.bias + sum(w[x] for w, x in zip(table.get_linear(), IDS.T, strict=True))
    np.testing.assert_allclose(model(IDS), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"search": "interactions"}, "search must be one of .*Received: search='interactions'"),
        ({"num_groups": (1, -1, 2)}, r"num_groups must be integers >= 0. .*\(1, -1, 2\)"),
        ({"embedding_dims": (0, 1, 1)}, "embedding_dims must be integers >= 1"),
        ({"embedding_dims": (4, 4)}, r"an integer for each order. Received: .*=\(4, 4\)"),
        ({"temperature": 0}, "temperature must be above 0. Received: temperature=0"),
        (
            {"architecture": FeatureGroups(("a", "b"), {})},
            r"the fields of vocabulary_sizes, in their order. Received: \('a', 'b'\)",
        ),
        (
            {"architecture": FeatureGroups(FIELDS, {4: [FIELDS]})},
            r"an embedding dimension each. Received: orders \(4,\)",
        ),
    ],
)
def test_argument_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        AutoGroup(SIZES, **SMALL | arguments)
