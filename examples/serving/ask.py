"""Asks TF Serving for click probabilities by gRPC: what the client has, as the client has it.

    pip install "aim_keras[serving]"
    python examples/serving/ask.py localhost:8500 item=1581,16,42 user=654 country=Germany

scores three candidates for one user; the fields that are not named are missing values. Behind the
name of a field that is not categorical stands what it has, int, float or list:

    python examples/serving/ask.py localhost:8500 age:int=31 price:float=1.5,2 'tags:list=a|b,a'
"""

import sys

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

MISSING = np.iinfo("int64").min
KINDS = ("", "int", "float", "list")


def ask(address, inputs, model="ctr", timeout=5.0):
    """Probabilities, `(batch, 1)`, of raw inputs.

    Args:
        address: "host:port" of TF Serving's gRPC.
        inputs: `{field: values}`; one value stands for all rows.
        model: Name under which the model is served.
        timeout: Seconds.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    with grpc.insecure_channel(address) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = service.Predict(request, timeout)
    return tf.make_ndarray(response.outputs["ctr"])


def tensor(argument):
    """The field and the values, `(rows,)` or of lists `(rows, items)`, of `field[:kind]=values`."""
    place, values = argument.split("=", 1)
    name, _, kind = place.partition(":")
    rows = values.split(",")
    if kind not in KINDS:
        sys.exit(f"{argument}: must be of a kind out of {KINDS[1:]}. Received: {kind}")
    if kind == "list":
        lists = [row.split("|") for row in rows]
        longest = max(map(len, lists))
        return name, np.array([items + [""] * (longest - len(items)) for items in lists])
    if kind == "int":
        return name, np.array([int(row) if row else MISSING for row in rows])
    if kind == "float":
        return name, np.array([float(row or "nan") for row in rows])
    return name, np.array(rows)


if __name__ == "__main__":
    address, *arguments = sys.argv[1:]
    for (probability,) in ask(address, dict(map(tensor, arguments))):
        print(f"{probability:.4f}")
