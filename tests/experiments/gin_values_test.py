"""What a user's gin file sets wrongly ends in words; a mistake of ours keeps its traceback."""

import inspect

import gin
import keras
import pytest

from aim_keras import models, optimizers, search
from aim_keras.datasets import avazu, criteo_display, frappe, movielens100k, own_data, planted
from experiments import autofeature, fitting, gin_values, pipeline, request, stage
from experiments.configuration import gin_path, parse
from experiments.tabulating.plan import Plan
from tests.experiments.main_job import SMALL, error_of, refused_here

ITEM = "item 1 must be a valid integer"
NO_LIST = "'str' instances are not allowed as a Sequence value"
BEFORE_ANYTHING = [
    ('BATCH_SIZE = "many"', "pipeline.run.batch_size (BATCH_SIZE): must be a valid integer"),
    ("BATCH_SIZE = 0", "pipeline.run.batch_size (BATCH_SIZE): must be greater than 0"),
    ("BATCH_SIZE = %BATCH_SIZE", "(BATCH_SIZE) must not be set to itself"),
    ("SEED = -1", "pipeline.run.seed (SEED): must be greater than or equal to 0"),
    ("DTYPE_POLICY = 32", "pipeline.run.dtype_policy (DTYPE_POLICY): must be a valid string"),
    ("pipeline.run.stages = 'retrain'", f"pipeline.run.stages: {NO_LIST}"),
    ("pipeline.run.model = 'DeepFM'", "pipeline.run.model: must be callable"),
    ("pipeline.run.model = @models.DeepFM()", "pipeline.run must have values that it takes"),
    ("retrain/fitting.fit.epochs = None", "retrain/experiments.fitting.fit.epochs: must be a val"),
    ("fitting.fit.epochs_per_pass = '5'", "fitting.fit.epochs_per_pass: must be a valid number"),
    ("fitting.fit.gates_every = 0", "fitting.fit.gates_every: must be greater than 0"),
    ("fitting.fit.patience = True", "fitting.fit.patience: must be a valid integer"),
    ("stage.search.seeds = ()", "stage.search.seeds: Value should have at least 1 item"),
    ("stage.search.consensus_share = 2.0", "must be less than or equal to 1. Received: 2.0"),
    ("search.grow.top_k = 'x'", "aim_keras.search.grow.top_k: must be a valid integer"),
    ("EMBEDDING_DIM = '8'", "models.DeepFM.embedding_dim (EMBEDDING_DIM): must be a valid integer"),
    ("HIDDEN_UNITS = 64", "models.DeepFM.hidden_units (HIDDEN_UNITS): must be an instance of Sequ"),
    ("HIDDEN_UNITS = (64, 'x')", f"{ITEM}. Received: (64, 'x')"),
    ("HIDDEN_UNITS = (64, %ORDER, %MLP_NORM)", "item 2 must be a valid integer"),
    ("MLP_INPUTS = 3", "models.DeepFM.mlp_inputs (MLP_INPUTS): must be an instance of Sequence"),
    ("FUNCTIONS = 'inner'", f"models.DeepFM.functions (FUNCTIONS): {NO_LIST}"),
    ("models.DeepFM.embedding_regularizer = @keras.regularizers.L2", "must be an instance of Reg"),
    ("ALPHA_MU = None", "search_interactions/aim_keras.optimizers.GRDA.mu (ALPHA_MU): must be a"),
    ("LEARNING_RATE = (1,)", "keras.optimizers.Adam.learning_rate (LEARNING_RATE): must be a val"),
    ("keras.optimizers.Adam.use_ema = 1", "Adam.use_ema: must be a valid boolean. Received: 1"),
    ("EMBEDDING_L2 = 1e999", "L2.l2 (EMBEDDING_L2): must be a finite number. Received: inf"),
    ("planted.builder.num_train = 2.5", "planted.builder.num_train: must be a valid integer"),
    ("planted.builder.vocabulary = 12", "planted.builder.vocabulary: must be an instance of Seq"),
    (
        "HIDEN_UNITS = (9,)",
        "one that the configuration has. Received: HIDEN_UNITS; is it HIDDEN",
    ),
    ("retrain/LEARNING_RATE = 0.5", "Received: retrain/LEARNING_RATE"),
    ("retrian/fitting.fit.epochs = 7", "or a reference's. Received: retrian; is it retrain?"),
    ("LEARNING_RATE/fitting.fit.epochs = 7", "Received: LEARNING_RATE"),
    ("order3/fitting.fit.epochs = 7", "Received: order3; is it order_3?"),
    ("ORDER = 11", "order must be from 2 to the number of fields, 10. Received: order=11"),
    ("planted.builder.num_test = 0", "num_test must be an integer >= 1. Received: num_test=0"),
]
MADE = [
    (
        "search_interactions/models.DeepFM.hidden_units = (-3,)",
        "hidden_units must be integers >= 1",
    ),
    (
        "fitting.fit.epoch_decay = 0.5",
        "a rate of the gates that stays as it is: fitting.fit.gat",
    ),
    ("models.DeepFM.embeding_dim = 9", "unexpected keyword argument 'embeding_dim'"),
    ("FUNCTIONS = ('iner',)", "An interaction function is one of inner, outer"),
    ("keras.optimizers.Adam.clipnorm = 'x'", "Adam must have values that it takes. Received: {'le"),
    ("keras.optimizers.Adam.weight_decay = 'x'", "'weight_decay': 'x'}, of which came"),
    ("fitting.fit.weights = @keras.optimizers.Adam()", "'Adam' object is not callable"),
    ("fitting.fit.gates = @keras.regularizers.L2", "no attribute 'apply'"),
    ("optimizers.GRDA.clipvalue = 'x'", "GRDA must have values that it takes"),
    ("ALPHA_LEARNING_RATE = 'fast'", "`learning_rate` should be float"),
]


def refused(data_dir, tmp_path, bindings):
    """What the real binary says, in this process."""
    error = refused_here("quickstart.gin", tmp_path / "run", data_dir, *SMALL, bindings)
    assert error.startswith("Error: ")
    return error


@pytest.mark.parametrize(("bindings", "message"), BEFORE_ANYTHING)
def test_a_wrong_value_is_named_before_anything_is_written(bindings, message, data_dir, tmp_path):
    assert message in refused(data_dir, tmp_path, bindings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("bindings", "message"), MADE)
def test_what_cannot_be_made_of_its_values_is_named(bindings, message, data_dir, tmp_path):
    assert message in refused(data_dir, tmp_path, bindings)
    assert not list(tmp_path.rglob("metrics.json"))


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        ("retrain/keras.optimizers.Adam.learning_rat = 0.1", "learning_rat"),
        (
            "search_dimensions/optimizers.GRDA.clipvalue = 'x'",
            "GRDA must have values that it takes",
        ),
        ("MLP_NORM = 'lyer'", "lyer"),
    ],
)
def test_a_mistake_in_a_later_stage_is_named_before_the_first(
    bindings, message, data_dir, tmp_path
):
    assert message in refused(data_dir, tmp_path, bindings)
    assert not (tmp_path / "run").exists()


def test_a_mistake_of_ours_keeps_its_traceback(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting.Job, "shuffled_batches", lambda job, first_step: 1 + "x")
    error = refused_here("quickstart.gin", tmp_path / "run", data_dir, *SMALL)
    assert error.startswith("unsupported operand type(s)")


def test_a_configuration_without_what_a_run_needs_is_refused(tmp_path):
    path = tmp_path / "empty.gin"
    path.write_text("from __gin__ import dynamic_registration\nfrom experiments import pipeline\n")
    error = error_of(gin_file=str(path), gin_bindings=["pipeline.run.order = 3"])
    assert "must give dataset, model, fit of experiments.pipeline.run. Received: order" in error


def parsed(*bindings):
    gin.clear_config()
    parse(gin_path("quickstart.gin"), bindings)


def test_values_that_a_parameter_takes_are_taken():
    parsed(
        "LEARNING_RATE = 1",
        "HIDDEN_UNITS = [%ORDER, 3]",
        "keras.optimizers.Adam.learning_rate = @keras.optimizers.Adam()",
        "models.DeepFM.embedding_regularizer = 'l2'",
        "models.DeepFM.candidate_dimensions = None",
        "keras.optimizers.Adam.clipnorm = 'looked at when it is made'",
        "pipeline.run.draw = @search.grow",
    )


def test_values_of_a_model_that_another_takes_the_place_of_are_left_alone():
    parsed("include 'gin/models/lr.gin'")  # which has no EMBEDDING_DIM
    with pytest.raises(ValueError, match=r"LR\.regularizer: must be"):
        parsed("include 'gin/models/lr.gin'", "models.LR.regularizer = 3")


def test_only_a_number_a_string_or_a_boolean_says_what_a_class_of_keras_takes():
    hints = gin_values._hints(keras.losses.BinaryCrossentropy)
    assert hints["reduction"] == str | None
    assert (hints["from_logits"], hints["axis"], hints["label_smoothing"]) == (bool, float, float)
    assert "clipnorm" not in gin_values._hints(keras.optimizers.Adam)
    assert gin_values._hints(inspect.signature) == {}


CONFIGURED = (
    *(pipeline.run, fitting.fit, fitting.adam, stage.search, autofeature.search, Plan),
    *(module.builder for module in (avazu, criteo_display, frappe, movielens100k, own_data)),
    *(planted.builder, search.grow, search.random_architecture),
    *(optimizers.GRDA, optimizers.LazyAdam),
    *(getattr(models, name) for name in models.__all__),
)


@pytest.mark.parametrize("configured", CONFIGURED, ids=lambda c: f"{c.__module__}.{c.__name__}")
def test_the_default_of_a_parameter_is_of_its_type(configured):
    hints = gin_values._hints(configured)
    parameters = inspect.signature(configured).parameters.values()
    left_out = inspect.Parameter.empty, gin.REQUIRED
    checked = [p for p in parameters if p.name in hints and p.default not in left_out]
    assert checked or configured is search.random_architecture
    for parameter in checked:
        gin_values._check(parameter.name, parameter.default, hints[parameter.name])


def test_options_of_a_model_are_checked_by_their_types():
    hints = gin_values._hints(models.FM)
    assert hints["epsilon"] is float
    assert "interaction_options" not in hints


def test_a_macro_and_a_scope_that_a_binding_brings_along(tmp_path):
    gin.clear_config()
    bindings = ["RATE = 0.3", "DROPOUT = %RATE", "DROPOUT = 0.2", "mine/planted.builder.seed = 4"]
    block = "retrain/fitting.fit:\n  epochs = 3\n  patience = 2\n"
    parse(gin_path("quickstart.gin"), [*bindings, block, "DATASET = @mine/planted.builder"])
    gin_values.check_scopes(request.SCOPES)
    gin.clear_config()


def test_a_seed_for_a_file_that_has_none_of_its_own(tmp_path):
    (tmp_path / "own.gin").write_text("BATCH_SIZE = 4\n")
    gin.clear_config()
    parse(tmp_path / "own.gin", [], seed=3)
    assert gin_values.macros() == {"BATCH_SIZE"}
    gin.clear_config()
    parse(gin_path("quickstart.gin"), ["SEED = 5"], seed=3)
    assert gin.query_parameter("%SEED") == 5
    gin.clear_config()
