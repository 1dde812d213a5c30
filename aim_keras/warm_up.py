"""Requests that TF Serving sends to a model before it takes any: the first would be slow."""

import logging
import pathlib

import tensorflow as tf

try:
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
except ImportError:
    PredictionLog = None

FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
ROWS = (1, 100)  # of a request


def write(path: pathlib.Path, requests) -> None:
    """Writes warm-up requests into a SavedModel's folder, where tensorflow-serving-api is there.

    Args:
        path: Folder of the SavedModel.
        requests: `{signature: {input: array (rows, ...)}}`; of each its first row, and its first
            100 rows, are a request.
    """
    if PredictionLog is None:
        logging.getLogger(__name__).warning(
            "No warm-up requests for TF Serving: they need tensorflow-serving-api, "
            'pip install "aim_keras[serving]"'
        )
        return
    (path / FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(path / FILE)) as writer:
        for signature, inputs in requests.items():
            for rows in ROWS:
                log = PredictionLog()
                request = log.predict_log.request
                request.model_spec.signature_name = signature
                for name, array in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(array[:rows]))
                writer.write(log.SerializeToString())
