"""CTR models: functional Keras models from field ids to logits."""

from aim_keras.models.autoint import AutoInt
from aim_keras.models.deepfm import DeepFM
from aim_keras.models.fignn import FiGNN
from aim_keras.models.fm import FM
from aim_keras.models.ipnn import IPNN
from aim_keras.models.lr import LR
from aim_keras.models.opnn import OPNN
from aim_keras.models.pin import PIN
from aim_keras.models.xdeepfm import XDeepFM

__all__ = ["FM", "IPNN", "LR", "OPNN", "PIN", "AutoInt", "DeepFM", "FiGNN", "XDeepFM"]
