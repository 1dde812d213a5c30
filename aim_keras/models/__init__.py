"""CTR models: functional Keras models from field ids to logits."""

from aim_keras.models.auto_feature import AutoFeature
from aim_keras.models.auto_group import AutoGroup
from aim_keras.models.deepfm import DeepFM
from aim_keras.models.fm import FM
from aim_keras.models.ipnn import IPNN
from aim_keras.models.lr import LR

__all__ = ["FM", "IPNN", "LR", "AutoFeature", "AutoGroup", "DeepFM"]
