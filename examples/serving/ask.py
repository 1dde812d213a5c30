"""Asks TF Serving for click probabilities by gRPC: what the client has, as the client has it.

    pip install "aim_keras[serving]"
    python examples/serving/ask.py localhost:8500 item=1581,16,42 user=654 country=Germany

scores three candidates for one user; the fields that are not named are missing values.
"""

import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


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


if __name__ == "__main__":
    address, *fields = sys.argv[1:]
    inputs = {name: values.split(",") for name, values in (field.split("=", 1) for field in fields)}
    for (probability,) in ask(address, inputs):
        print(f"{probability:.4f}")
