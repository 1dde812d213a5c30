"""AIM's search step: beside the same search written plainly, and beside re-training."""

import numpy as np

from experiments.benchmarks import limits, ours, plain, reference
from experiments.benchmarks.timing import fitting, interleaved, medians

KEPT_IN_RETRAINING = 0.22  # of the pairs (Criteo, second order)


def versus_plain(bench):
    """Our search step beside the same search with Keras layers, gathers and Adam.

    The ratio is that of the whole plain search; `ratios` also has that of the layer alone, which
    is plain interactions over our embedding with our optimizer.
    """
    check_equal(bench.shape)
    whole = plain.compiled(plain.aim_search(bench.shape), searching=True, jit_compile=False)
    layer = ours.compiled(plain.aim_search_over_our_embedding(bench.shape), searching=True)
    models = {"ours": _search(bench.shape), "plain": whole, "plain_layer": layer}
    of = _steps(bench, models)
    return {
        "ratio": of["plain"] / of["ours"],
        "ours_ms": of["ours"],
        "other_ms": {name: of[name] for name in ("plain", "plain_layer")},
        "ratios": {name: of[name] / of["ours"] for name in ("plain", "plain_layer")},
        "work": _work(bench.shape),
    }


def versus_retraining(bench):
    """Our search step beside the later stages': the search of dimensions, and re-training.

    Both have a random 22 % of the pairs; re-training has an MLP, and a third of the dimensions. The
    ratio is to re-training; `ratios` also has that to re-training with all dimensions.
    """
    shape, share = bench.shape, KEPT_IN_RETRAINING
    models = {
        "ours": _search(shape),
        "search_dimensions": ours.compiled(ours.aim_dimensions(shape, share), searching=True),
        "retrain": ours.compiled(ours.aim_retrained(shape, share)),
        "retrain_all_dimensions": ours.compiled(ours.aim_retrained(shape, share, 1)),
    }
    of = _steps(bench, models)
    others = {name: ms for name, ms in of.items() if name != "ours"}
    return {
        "ratio": of["ours"] / of["retrain"],
        "ours_ms": of["ours"],
        "other_ms": others,
        "ratios": {name: of["ours"] / ms for name, ms in others.items()},
        "parameters": {name: model.count_params() for name, model in models.items()},
        "work": _work(shape),
    }


def check_equal(shape):
    """Compares our search and both plain ones, on a few ids, in training and at inference.

    Raises:
        ValueError: if they differ in outputs or in the number of trained parameters.
    """
    small = shape.small()
    mine = ours.aim_search(small)
    rng = np.random.default_rng(0)
    for variable in mine.trainable_variables:
        variable.assign(0.3 * rng.normal(size=variable.shape))
    ids = small.batches(1)[0][0]
    for name, build in (
        ("plain", plain.aim_search),
        ("plain_layer", plain.aim_search_over_our_embedding),
    ):
        other = build(small)
        plain.set_weights_of_search(other, mine)
        reference.check_parameters(name, _trained(other), _trained(mine))
        for training in (False, True):
            expected, received = (np.array(m(ids, training=training)) for m in (mine, other))
            reference.check_outputs(name, received, expected)
        norm = mine.get_layer("interaction_2").batch_norm  # as at first, for the next one
        norm.moving_mean.assign(np.zeros(norm.moving_mean.shape))
        norm.moving_variance.assign(np.ones(norm.moving_variance.shape))


def _work(shape):
    """What a search step cannot do without; a value takes a product and a sum a dimension."""
    functions, dim, fields = len(ours.FUNCTIONS), shape.embedding_dim, len(shape.sizes)
    values = functions * fields * (fields - 1) // 2
    ids, _ = shape.batches()
    return limits.work(shape, ids, functions * dim + 1, values=values, value_flops=2 * dim * values)


def _search(shape):
    return ours.compiled(ours.aim_search(shape), searching=True)


def _trained(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def _steps(bench, models):
    """Median milliseconds of each model's training step, in turn on the same batches."""
    batches = bench.shape.batches()
    steps = {name: fitting(model, batches, bench.steps) for name, model in models.items()}
    return medians(interleaved(steps, bench.repetitions))
