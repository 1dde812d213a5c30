"""Training steps: ours beside plain Keras, the machine's limits, and the peers."""

import gc

from experiments.benchmarks import limits, ours, plain, reference
from experiments.benchmarks.peer_process import Peer, PeerError
from experiments.benchmarks.timing import fitting, interleaved, medians

BFLOAT16_TOLERANCE = 0.05


def versus_keras(bench, kind, policy="float32"):
    """Our training step beside that of plain Keras, with XLA (its default) and without.

    Args:
        bench: `registry.Bench`.
        kind: `"fm"`, `"deepfm"` or `"ipnn"`.
        policy: The dtype policy of our side; plain Keras has float32.
    """
    check_equal(bench.shape, kind, policy)
    times = interleaved(
        {"ours": _ours(bench, kind, policy), **_keras_sides(bench, kind)}, bench.repetitions
    )
    return {**_result(medians(times)), "work": _work(bench.shape, kind)}


def versus_peers(bench, kind):
    """Our training step beside that of each peer in turn, and of plain Keras.

    The ratio is that of the best one; a peer that is not installed, or fails, is left out, and
    `skipped` says why.
    """
    check_equal(bench.shape, kind)
    side = _ours(bench, kind)
    keras_sides = _keras_sides(bench, kind)
    all_medians = [medians(interleaved({"ours": side, **keras_sides}, bench.repetitions))]
    del keras_sides
    gc.collect()  # With ten million rows they hold gigabytes.
    skipped, versions = dict(bench.peers_left_out), {}
    for name, command in bench.peers.items():
        try:
            _check_peer(bench, kind, name, command)
            with Peer(name, command, bench.shape, kind, bench.steps) as peer:
                _check_size(bench.shape, kind, name, peer)
                versions[name] = peer.facts["version"]
                times = interleaved({"ours": side, name: peer.repetition}, bench.repetitions)
        except (PeerError, ValueError) as error:
            skipped[name] = str(error)
        else:
            all_medians.append(medians(times))
    others = {name: ms for of in all_medians for name, ms in of.items() if name != "ours"}
    ratios = {name: of[name] / of["ours"] for of in all_medians for name in of if name != "ours"}
    best = min(ratios, key=ratios.get)
    return {
        "ratio": ratios[best],
        "ours_ms": next(of["ours"] for of in all_medians if best in of),
        "other_ms": others,
        "best": best,
        "ratios": ratios,
        "skipped": skipped,
        "peer_versions": versions,
        "work": _work(bench.shape, kind),
    }


def versus_limit(bench, kind):
    """How near our training step is to what the machine's arithmetic and memory allow."""
    check_equal(bench.shape, kind)
    of = medians(interleaved({"ours": _ours(bench, kind), **limits.sides()}, bench.repetitions))
    work, rates = _work(bench.shape, kind), limits.rates(of)
    return {
        "ratio": limits.least_milliseconds(work, rates) / of["ours"],
        "ours_ms": of["ours"],
        "other_ms": {},
        "work": work,
        "rates": rates,
    }


def _work(shape, kind):
    ids, _ = shape.batches()
    linear = kind != "ipnn"
    return limits.work(shape, ids, shape.embedding_dim + linear, reference.mlp_widths(shape, kind))


def check_equal(shape, kind, policy="float32"):
    """Compares our and the plain model to the definition, on a few ids.

    Raises:
        ValueError: if the outputs differ.
    """
    small = shape.small()
    weights = reference.random_weights(small, kind)
    ids = small.batches(1)[0][0]
    expected = reference.probabilities(weights, ids)
    tolerance = reference.TOLERANCE if policy == "float32" else BFLOAT16_TOLERANCE
    mine, other = _built(small, kind, policy), plain_model(small, kind)
    for name, model, module, allowed in (
        ("ours", mine, ours, tolerance),
        ("keras", other, plain, reference.TOLERANCE),
    ):
        module.set_weights(model, weights)
        outputs = reference.sigmoid(model(ids, training=False))
        reference.check_outputs(name, outputs, expected, allowed)


def plain_model(shape, kind):
    return {"fm": plain.fm, "deepfm": plain.deepfm, "ipnn": plain.ipnn}[kind](shape)


def _built(shape, kind, policy="float32"):
    with ours.policy(policy):
        return {"fm": ours.fm, "deepfm": ours.deepfm, "ipnn": ours.ipnn}[kind](shape)


def _ours(bench, kind, policy="float32"):
    model = _built(bench.shape, kind, policy)
    _check_count("ours", model, bench.shape, kind)
    return fitting(ours.compiled(model), bench.shape.batches(), bench.steps)


def _keras_sides(bench, kind):
    sides = {}
    for name, jit_compile in (("keras", "auto"), ("keras_no_xla", False)):
        model = plain_model(bench.shape, kind)
        _check_count(name, model, bench.shape, kind)
        compiled = plain.compiled(model, jit_compile=jit_compile)
        sides[name] = fitting(compiled, bench.shape.batches(), bench.steps)
    return sides


def _check_count(name, model, shape, kind):
    expected = reference.parameter_count(shape, kind)
    reference.check_parameters(name, model.count_params(), expected)


def _result(of):
    others = {name: ms for name, ms in of.items() if name != "ours"}
    best = min(others, key=others.get)
    return {
        "ratio": others[best] / of["ours"],
        "ours_ms": of["ours"],
        "other_ms": others,
        "best": best,
    }


def _check_peer(bench, kind, name, command):
    small = bench.shape.small()
    weights = reference.random_weights(small, kind)
    with Peer(name, command, small, kind, 1, weights) as peer:
        if not peer.facts["has_linear"]:
            for i in range(len(small.sizes)):
                weights[f"linear_{i}"][:] = 0
        expected = reference.probabilities(weights, small.batches()[0][0])
        reference.check_outputs(name, peer.facts["probabilities"], expected)


def _check_size(shape, kind, name, peer):
    reference.check_parameters(
        name,
        peer.facts["parameters"],
        reference.parameter_count(shape, kind),
        reference.PARAMETER_TOLERANCE,
    )
