"""Requests that TF Serving sends to a model before it takes any: the first would be slow."""

import logging
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

try:
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
except ImportError:
    PredictionLog = None

FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
ROWS = (1, 100)  # of a request
NEEDS = 'tensorflow-serving-api: pip install "aim_keras[serving]"'


def write(path: str | os.PathLike, requests: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Writes warm-up requests into a SavedModel's folder; only logs where that is not installed.

    Args:
        path: Folder of the SavedModel.
        requests: `{signature: {input: array (rows, ...)}}`; of each its first row is a request, and
            its first 100 rows are.
    """
    if PredictionLog is None:
        logging.getLogger(__name__).warning("No warm-up requests for TF Serving: needs %s", NEEDS)
        return
    file = pathlib.Path(path) / FILE
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature, inputs in requests.items():
            for rows in ROWS:
                log = PredictionLog()
                request = log.predict_log.request
                request.model_spec.signature_name = signature
                for name, array in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(array[:rows]))
                writer.write(log.SerializeToString())


def read(path: str | os.PathLike) -> list[tuple[str, dict[str, np.ndarray]]]:
    """The warm-up requests in a SavedModel's folder: `(signature, {input: array (rows, ...)})`.

    Raises:
        FileNotFoundError: if it has none.
        ValueError: if their file is cut off or damaged.
        ImportError: if tensorflow-serving-api is not installed.
    """
    if PredictionLog is None:
        raise ImportError(f"Reading warm-up requests needs {NEEDS}")
    file = pathlib.Path(path) / FILE
    if not file.exists():
        raise FileNotFoundError(f"The SavedModel must have warm-up requests. Received: no {file}")
    try:
        records = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
        requests = [PredictionLog.FromString(record).predict_log.request for record in records]
    except (tf.errors.DataLossError, DecodeError) as error:
        raise ValueError(f"{file} must hold warm-up requests, as written: {error}") from error
    return [
        (
            request.model_spec.signature_name,
            {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()},
        )
        for request in requests
    ]
