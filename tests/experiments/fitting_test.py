"""What the training of a stage is made of."""

import functools
import json
import types

import keras
import numpy as np
import pytest

from aim_keras.callbacks import GateSteps
from aim_keras.models import FM
from experiments import fitting


@pytest.fixture
def fits(monkeypatch):
    """The options of each training of an `FM`, none of which takes place."""
    fits, history = [], types.SimpleNamespace(epoch=[])
    monkeypatch.setattr(FM, "fit", lambda model, data, **options: fits.append(options) or history)
    monkeypatch.setattr(FM, "load_weights", lambda model, path: None)
    return fits


@pytest.mark.parametrize("finished_epochs", [0, 2])
def test_a_resumed_search_goes_on_with_the_gates_own_rows(finished_epochs, tmp_path, new_job, fits):
    """10 steps an epoch, so 3 of the gates, on the batches of valid in a random order."""
    job = new_job(2000, num_valid=800, batch_size=200)
    (tmp_path / "backup").mkdir()
    state = {
        "epoch": finished_epochs,
        "stopped": False,
        "weights": "",
        "seeds": [],
        "callbacks": [],
    }
    (tmp_path / "backup" / "state.json").write_text(json.dumps(state))
    model = FM(job.builder.fields, search="interactions")
    fitting.fit(model, tmp_path, job, searching=True, gates=fitting.adam, gates_every=3, epochs=4)
    (callbacks,) = (options["callbacks"] for options in fits)
    (gate_steps,) = (callback for callback in callbacks if isinstance(callback, GateSteps))
    assert gate_steps.every == 3
    stream = job.shuffled_batches(0, "valid").skip(3 * finished_epochs)
    for (ids, _), (expected, _) in zip(stream.take(5), gate_steps._batches, strict=False):
        np.testing.assert_array_equal(ids, expected)
    assert model.optimizer.joint is False


@pytest.mark.usefixtures("fits")
def test_any_loss_of_logits_is_trained_by(tmp_path, new_job):
    job = new_job(200)
    focal = functools.partial(keras.losses.BinaryFocalCrossentropy, gamma=3.0)
    model = FM(job.builder.fields)
    fitting.fit(model, tmp_path, job, searching=False, loss=focal)
    assert model.loss.get_config().items() >= {"gamma": 3.0, "from_logits": True}.items()
    with pytest.raises(ValueError, match=r"MeanSquaredError must have values that it takes"):
        fitting.fit(model, tmp_path, job, searching=False, loss=keras.losses.MeanSquaredError)


@pytest.mark.parametrize(("least", "waits"), [({}, (1, 2)), ({"patience_steps": 9}, (3, 6))])
def test_patience_counts_as_many_short_epochs_as_make_its_steps(
    least, waits, tmp_path, new_job, fits
):
    job = new_job(400)
    fitting.fit(FM(job.builder.fields), tmp_path, job, searching=False, patience=2, **least)
    kinds = keras.callbacks.ReduceLROnPlateau, keras.callbacks.EarlyStopping
    (callbacks,) = (options["callbacks"] for options in fits)
    assert tuple(c.patience for kind in kinds for c in callbacks if isinstance(c, kind)) == waits


def test_gates_stay_equal_in_the_pretraining():
    gate = keras.Variable([0.0, 0.0])
    optimizer = fitting.adam(total_steps=10, learning_rate=0.1, pretraining=0.3)
    for _ in range(4):  # The boundary itself is still of the pretraining.
        optimizer.apply([np.array([1.0, -1.0], "float32")], [gate])
        values = gate.numpy()
    assert values.tolist() == [0.0, 0.0]
    optimizer.apply([np.array([1.0, -1.0], "float32")], [gate])
    np.testing.assert_allclose(gate, [-0.1, 0.1], rtol=1e-4)  # Adam has its epsilon.
    assert fitting.adam(total_steps=10, learning_rate=0.1).learning_rate == 0.1
