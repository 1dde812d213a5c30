import keras
import pytest


@pytest.fixture(autouse=True)
def reproducible():
    """Every test starts from the same seeds, and none leaves its dtype policy to the next."""
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy(policy)
