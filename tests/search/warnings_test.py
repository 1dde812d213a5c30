"""What `read_gates` says of a search that cannot have worked."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.layers import FunctionWiseEmbedding, GatedInteraction
from aim_keras.models import FM, AutoGroup
from aim_keras.optimizers import GRDA, with_gates
from aim_keras.search import read_gates

SIZES = {"a": 6, "b": 5, "c": 4}
RNG = np.random.default_rng(0)
IDS = np.stack([RNG.integers(0, size, 96) for size in SIZES.values()], axis=1).astype("int32")
LABELS = (IDS[:, :1] % 2 == IDS[:, 1:2] % 2).astype("float32")


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = FunctionWiseEmbedding(SIZES.values(), 3)
        self.interactions = GatedInteraction(fields=tuple(SIZES), summed=True)

    def call(self, ids):
        return self.interactions(self.embedding(ids))


class OwnInTraining(Own):
    def call(self, ids, training=False):
        return self.interactions(self.embedding(ids), training=training)


def said(model, optimizer, caplog, threshold=0.0):
    if optimizer is not None:
        model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
        model.fit(IDS, LABELS, 16, 2, verbose=0)
    else:
        model(IDS)
    caplog.clear()
    read_gates(model, threshold)
    return [record.getMessage() for record in caplog.records]


def training():
    return with_gates(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01))


def pruning(target, total_steps=12):
    gates = GRDA(0.3, mu=0.6, target_threshold=target, total_steps=total_steps)
    return with_gates(keras.optimizers.Adam(0.01), gates)


@pytest.mark.parametrize("model", [Own, OwnInTraining, lambda: FM(SIZES, search="interactions")])
def test_nothing_of_a_model_that_was_not_trained(model, caplog):
    assert said(model(), None, caplog) == []


@pytest.mark.parametrize("model", [OwnInTraining, lambda: FM(SIZES, search="interactions")])
def test_nothing_of_a_search_that_pruned(model, caplog):
    assert said(model(), pruning(0.9), caplog) == []


def test_an_optimizer_that_prunes_nothing(caplog):
    (message,) = said(FM(SIZES, search="interactions"), "adam", caplog)
    assert "No gate is zero" in message
    assert message.endswith("Received: optimizer=Adam, threshold=None")


def test_nothing_where_the_reader_prunes(caplog):
    assert said(FM(SIZES, search="interactions"), "adam", caplog, threshold=0.5) == []


def test_a_search_that_was_stopped_early(caplog):
    (message,) = said(FM(SIZES, search="interactions"), pruning(0.9, total_steps=10_000), caplog)
    assert "optimizer=GateOptimizer, threshold=0.0" in message


def test_a_model_that_does_not_say_when_it_is_trained(caplog):
    messages = said(Own(), pruning(0.9), caplog)
    assert "`call` of a model of one's own needs an argument `training`" in messages[0]
    assert "gated_interaction" in messages[0]


def test_a_model_without_gates(caplog):
    model = FM(SIZES)
    assert said(model, "adam", caplog) == []


def test_a_model_of_a_strategy(caplog):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = FM(SIZES, search="interactions")
        assert said(model, pruning(0.9), caplog) == []


@pytest.mark.parametrize("times", [0, 1])
def test_candidate_dimensions_that_grda_cannot_search(times, caplog):
    model = FM(SIZES, search="dimensions", embedding_dim=4, candidate_dimensions=(2, 4))
    messages = said(model, pruning(0.9) if times else training(), caplog)
    assert sum("Train them by another optimizer" in message for message in messages) == times


@pytest.mark.parametrize("times", [0, 1])
def test_groups_that_grda_cannot_search(times, caplog):
    model = AutoGroup(
        SIZES, search="groups", num_groups=(0, 2), embedding_dims=(3, 3), hidden_units=(4,)
    )
    model.compile(pruning(0.9) if times else training(), "mse")
    model.fit(IDS, LABELS, 16, 2, verbose=0)
    caplog.clear()
    model.read_groups()
    assert sum("no field is in a group" in message for message in caplog.messages) == times


def test_a_search_that_pruned_everything(caplog):
    messages = said(FM(SIZES, search="interactions"), pruning(30.0), caplog)
    assert ["Every interaction was pruned" in message for message in messages] == [True]
