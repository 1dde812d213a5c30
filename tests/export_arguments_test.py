import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical
from aim_keras.export import export_saved_model
from aim_keras.fields import Field
from aim_keras.models import FM, LR

SIZES = {"a": 10, "b": 5}
KINDS = {"a": 10, "list": Field(6, 3, combiner="mean"), "number": Field(1, weighted=True)}
TURNED = Encoding({"b": Categorical(tuple("wxyz")), "a": Categorical(tuple("abcdefghi"))})
IDS = np.array([[1, 2], [9, 4]])
OF_KINDS = np.array([[1, 5, -1, -1, 0]]), np.array([[0.5]])


def contents(folder):
    return {str(p.relative_to(folder)): p.is_file() and p.read_bytes() for p in folder.rglob("*")}


def file(path):
    path.write_text("mine")


def folder(path):
    path.mkdir()
    (path / "notes.txt").write_text("mine")


def versions(path):
    for version in ("1", "2"):
        (path / version).mkdir(parents=True)
        (path / version / "saved_model.pb").write_text("of before")


def dangling_link(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [file, folder, versions, dangling_link])
def test_nothing_but_a_saved_model_is_replaced(make, tmp_path):
    path = tmp_path / "ctr"
    make(path)
    before = contents(tmp_path)
    received = f"path must be .*Received: path='{path}', which is a f"
    with pytest.raises(FileExistsError, match=received):
        export_saved_model(None, SIZES, path, IDS)
    assert contents(tmp_path) == before


def test_an_empty_folder_is_replaced(tmp_path):
    (tmp_path / "1").mkdir()
    export_saved_model(LR(SIZES), SIZES, tmp_path / "1", IDS)
    assert (tmp_path / "1" / "saved_model.pb").exists()


@pytest.mark.parametrize(
    ("fields", "received"),
    [
        ({"b": 5, "a": 10}, "[('b', 5), ('a', 10)] for a model of [('a', 10), ('b', 5)]"),
        ({"a": 10, "b": 6}, "[('a', 10), ('b', 6)] for a model of [('a', 10), ('b', 5)]"),
        ({"a": 10, "c": 5}, "[('a', 10), ('c', 5)] for a model of [('a', 10), ('b', 5)]"),
        ({"a": Field(10, 2)}, "[('a', {'size': 10, 'length': 2, "),
        (TURNED, "[('b', 5), ('a', 10)] for a model of"),
        (("b", "a"), "['b', 'a'] for a model of ['a', 'b']"),
    ],
)
def test_fields_are_the_models(fields, received, tmp_path):
    message = f"fields must be those of the model.*fields={re.escape(received)}"
    with pytest.raises(ValueError, match=message):
        export_saved_model(FM(SIZES), fields, tmp_path / "1", IDS)
    assert not list(tmp_path.iterdir())


def test_combiners_are_the_models_own_affair(tmp_path):
    fields = KINDS | {"list": Field(6, 3, combiner="sqrtn")}
    export_saved_model(LR(KINDS), fields, tmp_path / "1", OF_KINDS)


def test_fields_of_a_loaded_model(tmp_path):
    LR(KINDS).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    export_saved_model(loaded, KINDS, tmp_path / "1", OF_KINDS)
    with pytest.raises(ValueError, match="fields must be those of the model"):
        export_saved_model(loaded, KINDS | {"a": 9}, tmp_path / "2", OF_KINDS)


def of_own(outputs):
    """A model that is none of `aim_keras`."""
    features = keras.Input((2,), dtype="int32")
    return keras.Model(features, outputs(keras.ops.cast(features, "float32")))


def test_a_model_without_fields_takes_any(tmp_path):
    model = of_own(keras.layers.Dense(1))
    path = export_saved_model(model, {"x": 99, "y": 99}, tmp_path / "1", IDS)
    serve = tf.saved_model.load(path).signatures["serving_default"]
    ctr = serve(x=tf.constant(IDS[:, 0], "int32"), y=tf.constant(IDS[:, 1], "int32"))["ctr"]
    np.testing.assert_allclose(ctr, tf.sigmoid(model(IDS)), atol=1e-6)


@pytest.mark.parametrize(
    ("outputs", "shape"),
    [
        (keras.layers.Dense(3), r"\(2, 3\)"),
        (lambda numbers: numbers[:, 0], r"\(2,\)"),
        (lambda numbers: [numbers[:, :1], numbers[:, 1:]], r"\(2, 2, 1\)"),
    ],
)
def test_a_model_gives_one_logit(outputs, shape, tmp_path):
    with pytest.raises(ValueError, match=rf"model must give logits \(batch, 1\).*shape {shape}"):
        export_saved_model(of_own(outputs), SIZES, tmp_path / "1", IDS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (IDS[:0], r"features must have rows. Received: shape \(0, 2\)"),
        (IDS * [1, 1.125], r"features must hold ids, .*Received: .*2\.25"),
        (IDS * [1, np.nan], r"features must hold ids, .*Received: .*nan"),
        (IDS + 2**32, r"features must hold ids, .*Received: .*4294967297"),
    ],
)
def test_features_are_ids(features, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_saved_model(LR(SIZES), SIZES, tmp_path / "1", features)
    assert not list(tmp_path.iterdir())


def test_whole_numbers_are_ids(tmp_path):
    export_saved_model(LR(SIZES), SIZES, tmp_path / "1", IDS.astype("float64"))


@pytest.mark.parametrize("shift", [float("inf"), np.float32("-inf"), float("nan"), None, "0.1"])
def test_the_shift_is_finite(shift, tmp_path):
    with pytest.raises(ValueError, match=f"logit_shift must be a finite.*=.*{shift}"):
        export_saved_model(LR(SIZES), SIZES, tmp_path / "1", IDS, shift)
    assert not list(tmp_path.iterdir())
