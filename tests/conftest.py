import gc
import importlib.util
import os
import pathlib
from unittest import mock

import keras
import pytest
import tensorflow as tf

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"

os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # compiled in half the time
# A process of pytest-xdist has one core; those that tests start have all of them.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)


def pytest_collection_finish():
    gc.freeze()  # what TensorFlow and Keras made at import is never garbage


@pytest.fixture(autouse=True)
def reproducible():
    """Every test starts from the same seeds, and none leaves its dtype policy to the next."""
    policy = keras.config.dtype_policy()
    # TensorFlow would forget its kernels too: making them anew is a sixth of the time.
    with mock.patch("tensorflow.python.eager.context.pywrap_tfe.TFE_ContextClearCaches"):
        keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def load(monkeypatch):
    """Imports an example as Python runs it, with its folder on the path."""
    monkeypatch.syspath_prepend(EXAMPLES)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
