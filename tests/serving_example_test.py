"""The example's client, asking a stand-in for TF Serving by TF Serving's own protocol."""

import concurrent.futures

import grpc
import numpy as np
import pytest
import tensorflow as tf

from aim_keras.export import export_saved_model
from tests.export_raw_values_test import (
    ENCODING,
    RAW,
    features,
    in_session,
    probabilities,
    randomized,
)

NEEDED = "tensorflow-serving-api is absent: no requests to a server"
predict = pytest.importorskip("tensorflow_serving.apis.predict_pb2", reason=NEEDED)
service = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc", reason=NEEDED)


class StandIn(service.PredictionServiceServicer):
    """Runs the requests to a SavedModel in a session, as TF Serving does."""

    def __init__(self, path):
        self._path = path

    def _predict(self, request, context):
        assert request.model_spec.name == "ctr"
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        ctr, _ = in_session(self._path, inputs)
        return predict.PredictResponse(outputs={"ctr": tf.make_tensor_proto(ctr)})

    Predict = _predict


def test_asks_for_candidates_of_one_user(load, tmp_path):
    model = randomized(3)
    path = export_saved_model(model, ENCODING, tmp_path / "1", features())
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    service.add_PredictionServiceServicer_to_server(StandIn(path), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        sent = {"user-id": ["u1"], "weekday": ["sun", "mon", "never"]}
        ctr = load("serving/ask").ask(f"localhost:{port}", sent)
    finally:
        server.stop(None)
    raw = {**{name: [""] * 3 for name in RAW}, "user-id": ["u1"] * 3, "weekday": sent["weekday"]}
    np.testing.assert_allclose(ctr, probabilities(model, raw), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("item=3,a", np.array(["3", "a"])),
        ("age:int=31,", np.array([31, -(2**63)])),
        ("price:float=1.5,2", np.array([1.5, 2.0])),
        ("price:float=,2", np.array([np.nan, 2.0])),
        ("tags:list=a|b,c", np.array([["a", "b"], ["c", ""]])),
        ("tags=a|b", np.array(["a|b"])),
    ],
)
def test_what_the_command_sends(load, argument, expected):
    name, values = load("serving/ask").tensor(argument)
    assert name == argument.partition("=")[0].partition(":")[0]
    np.testing.assert_array_equal(values, expected)
    assert tf.make_tensor_proto(values).dtype == tf.as_dtype(expected.dtype)
