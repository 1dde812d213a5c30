"""A client that is no Python: C, and the C library that comes with TensorFlow."""

import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from aim_keras.datasets.encoding import Encoding
from aim_keras.datasets.field_encodings import Categorical
from aim_keras.datasets.number_encodings import Dense, Numerical
from aim_keras.export import export_saved_model
from aim_keras.models import DeepFM

SOURCE = pathlib.Path(__file__).with_name("c_client.c")
LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
ENCODING = Encoding(
    {
        "user": Categorical(("u1", "", "ü")),
        "app-1": Categorical(("mail", "maps")),
        "hour": Numerical((6, 12)),
        "price": Dense(10.0, 4.0),
    }
)
SENT = {"user": ["u1", "ü", "", "never seen"], "app-1": ["maps", "mail", "game", "maps"]}
RAW = {**SENT, "hour": [""] * 4, "price": [""] * 4}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The compiled client."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    folder = pathlib.Path(tf.sysconfig.get_lib())
    if compiler is None:
        pytest.skip("the C client cannot be built: cc, gcc and clang are absent")
    if missing := [name for name in LIBRARIES if not (folder / name).exists()]:
        pytest.skip(f"nothing to link the C client to: TensorFlow lacks {' and '.join(missing)}")
    program = tmp_path_factory.mktemp("client") / "c_client"
    command = [compiler, "-Wall", "-Werror", str(SOURCE), "-o", str(program)]
    command += ["-I", tf.sysconfig.get_include(), "-L", str(folder), f"-Wl,-rpath,{folder}"]
    run = subprocess.run(
        [*command, *(f"-l:{name}" for name in LIBRARIES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return program


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = DeepFM(ENCODING.model_fields, hidden_units=(8,), embedding_dim=4)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(-0.3, 0.7, w.shape) for w in model.weights])
    features = ENCODING.encode(RAW), ENCODING.weights(RAW)
    path = tmp_path_factory.mktemp("served") / "1"
    return model.predict(features, verbose=0), export_saved_model(model, ENCODING, path, features)


def test_gets_the_probabilities_of_raw_strings(client, exported):
    logits, path = exported
    content = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    signature = content.meta_graphs[0].signature_def["serving_default"]
    arguments = [str(path), signature.outputs["ctr"].name, "4"]
    for name, values in SENT.items():
        arguments += [signature.inputs[name].name, *values]
    run = subprocess.run([client, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    ctr = np.array(run.stdout.split(), "float32")[:, None]
    assert len(set(run.stdout.split())) == 4
    np.testing.assert_allclose(ctr, tf.sigmoid(logits), rtol=0, atol=1e-6)


def test_says_what_it_could_not_load(client, tmp_path):
    run = subprocess.run(
        [client, str(tmp_path), "ctr", "1"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "load: Could not find SavedModel" in run.stderr
