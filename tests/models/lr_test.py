import numpy as np

from aim_keras.models import LR

SIZES = {"a": 5, "b": 4, "c": 3}


def test_equals_its_formula():
    model = LR(SIZES)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(size, 1)) for size in SIZES.values()]
    layer = model.get_layer("linear")
    layer.weights_by_feature.set_embeddings([weights])
    layer.bias.assign([0.5])
    ids = rng.integers(0, list(SIZES.values()), (10, 3))
    expected = [[0.5 + sum(w[i, 0] for w, i in zip(weights, row, strict=True))] for row in ids]
    np.testing.assert_allclose(model(ids), expected, rtol=1e-5)
