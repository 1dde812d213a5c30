"""The training of a stage, interrupted."""

import keras
import numpy as np
import pytest

from aim_keras.datasets import planted
from aim_keras.models import FM
from experiments import fitting


@pytest.mark.parametrize("gates_every", [None, 3])
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(gates_every, tmp_path):
    """With noise on its gates, an optimizer of theirs with a state, and rows of their own."""
    builder = planted.builder(tmp_path, num_train=2000, num_valid=500, num_test=100)
    builder.download_and_prepare()
    job = fitting.Job(builder, batch_size=200, seed=0)

    def search(folder, epochs):
        keras.utils.set_random_seed(0)
        model = FM(builder.fields, search="dimensions", candidate_dimensions=(2, 10))
        gates = {"gates": fitting.adam, "gates_every": gates_every}
        fitting.fit(model, tmp_path / folder, job, searching=True, epochs=epochs, **gates)
        return model

    straight = search("straight", 2)
    search("interrupted", 1)
    resumed = search("interrupted", 2)
    gate = straight.get_layer("dimension_gate_2").alpha.numpy()
    assert np.abs(gate).min() > 0
    np.testing.assert_array_equal(resumed.get_layer("dimension_gate_2").alpha, gate)
    iterations = straight.optimizer.gates_optimizer.iterations
    assert iterations == (20 if gates_every is None else 6)
