"""CTR models: functional Keras models from field ids to logits."""

from aim_keras.models.deepfm import DeepFM
from aim_keras.models.fm import FM
from aim_keras.models.ipnn import IPNN

__all__ = ["FM", "IPNN", "DeepFM"]
