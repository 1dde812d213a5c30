"""CTR models: functional Keras models from field ids to logits."""

from aim_keras.models.autoemb import AutoEmb
from aim_keras.models.deepfm import DeepFM
from aim_keras.models.fm import FM
from aim_keras.models.ipnn import IPNN
from aim_keras.models.lr import LR

__all__ = ["FM", "IPNN", "LR", "AutoEmb", "DeepFM"]
