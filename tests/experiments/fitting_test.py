"""What the training of a stage is made of."""

import dataclasses
import functools
import itertools
import json
import types

import keras
import numpy as np
import pytest

from aim_keras.callbacks import GateSteps, rank_metrics
from aim_keras.models import FM
from aim_keras.optimizers import GRDA
from experiments import distribution, fitting, rate_decay


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


@pytest.mark.parametrize(
    ("rows", "epochs_per_pass", "steps"), [(400, 1, 4), (410, 1, 5), (400, 3, 2), (400, 0.5, 8)]
)
def test_an_epoch_is_the_part_of_a_pass_that_is_asked_for(
    rows, epochs_per_pass, steps, tmp_path, new_job, fits
):
    job = new_job(rows)
    model = FM(job.builder.fields)
    fitting.fit(model, tmp_path, job, searching=False, epochs_per_pass=epochs_per_pass)
    assert [options["steps_per_epoch"] for options in fits] == [steps]


def test_rows_come_in_the_order_of_the_seed_from_any_step(new_job):
    job = new_job(350)

    def rows(job, first_step):
        stream = job.shuffled_batches(first_step)
        return np.concatenate([ids for ids, _ in itertools.islice(stream, 9 - first_step)])

    whole, resumed = rows(job, 0), rows(job, 5)
    np.testing.assert_array_equal(whole[-len(resumed) :], resumed)
    assert (rows(dataclasses.replace(job, seed=1), 0) != whole).any()


def test_a_rate_of_the_gates_that_stays_may_have_a_target(tmp_path, new_job, fits):
    job = new_job(400)
    model = FM(job.builder.fields, search="interactions")
    gates = functools.partial(GRDA, 0.4, mu=0.6, target_threshold=0.7)
    options = {"gates": gates, "epochs": 3, "epoch_decay": 0.5}
    fitting.fit(model, tmp_path, job, searching=True, gates_decay=1.0, **options)
    kinds = keras.callbacks.LearningRateScheduler, rate_decay._GatesDecay
    (callbacks,) = (of_fit["callbacks"] for of_fit in fits)
    decays = [callback for callback in callbacks if isinstance(callback, kinds)]
    for epoch, callback in itertools.product(range(3), decays):
        callback.set_model(model)
        callback.on_epoch_begin(epoch)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001 / 4)
    assert float(model.optimizer.gates_optimizer.learning_rate) == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"target_threshold=0\.7, a decay of 0\.5"):
        fitting.fit(model, tmp_path, job, searching=True, **options)


@pytest.mark.usefixtures("fits")
@pytest.mark.parametrize(("gates_every", "total"), [(None, 20), (4, 4)])
def test_gates_are_told_how_many_steps_they_have(gates_every, total, tmp_path, new_job):
    job, told = new_job(1000), []

    def gates(total_steps):
        told.append(total_steps)
        return keras.optimizers.SGD()

    model = FM(job.builder.fields, search="interactions")
    options = {"gates": gates, "gates_every": gates_every, "epochs": 2}
    fitting.fit(model, tmp_path, job, searching=True, **options)
    assert {*told} == {total}


def test_an_epoch_is_validated_on_valid_and_calibrated(tmp_path, new_job, fits, monkeypatch):
    job = new_job(400)
    monkeypatch.setattr(type(job.builder), "logit_shift", -1.5)
    model = FM(job.builder.fields)
    fitting.fit(model, tmp_path, job, searching=False)
    (callbacks,) = (options["callbacks"] for options in fits)
    (validation,) = (c for c in callbacks if isinstance(c, distribution.Validation))
    validation.set_model(model)
    validation.on_epoch_end(0, logs := {})
    expected = rank_metrics(model, job.batches("valid"), logit_shift=-1.5)
    assert logs == {f"val_{name}": pytest.approx(value) for name, value in expected.items()}


def test_the_greatest_auc_on_valid_decides(tmp_path, new_job, fits):
    job = new_job(400)
    model = FM(job.builder.fields)
    options = {"patience": 1, "patience_steps": 8, "plateau_factor": 0.25}
    fitting.fit(model, tmp_path, job, searching=False, **options)
    kinds = (
        keras.callbacks.ModelCheckpoint,
        keras.callbacks.ReduceLROnPlateau,
        keras.callbacks.EarlyStopping,
    )
    (given,) = (options["callbacks"] for options in fits)
    callbacks = keras.callbacks.CallbackList(
        [callback for callback in given if isinstance(callback, kinds)], model=model
    )
    callbacks.on_train_begin()
    rate, ends = float(model.optimizer.learning_rate), []
    for epoch, auc in enumerate((0.6, 0.8, 0.800001, 0.7)):
        model.set_weights([np.full(weight.shape, auc) for weight in model.get_weights()])
        callbacks.on_epoch_end(epoch, {"val_auc": auc})
        ends.append((float(model.optimizer.learning_rate) / rate, model.stop_training))
    assert ends == [(1, False), (1, False), (1, False), (0.25, True)]
    keras.Model.load_weights(model, fitting.best_weights(tmp_path))
    assert {float(np.max(weight)) for weight in model.get_weights()} == {np.float32(0.800001)}


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
