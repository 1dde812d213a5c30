"""CTR models: functional Keras models from field ids to logits."""

from aim_keras.models.afm import AFM
from aim_keras.models.autoemb import AutoEmb
from aim_keras.models.autofeature import AutoFeature
from aim_keras.models.autogroup import AutoGroup
from aim_keras.models.autoint import AutoInt
from aim_keras.models.dcnv2 import DCNv2
from aim_keras.models.deepfm import DeepFM
from aim_keras.models.din import DIN
from aim_keras.models.dnn import DNN
from aim_keras.models.ffm import FFM
from aim_keras.models.fignn import FiGNN
from aim_keras.models.finalmlp import FinalMLP
from aim_keras.models.fm import FM
from aim_keras.models.fwfm import FwFM
from aim_keras.models.hofm import HOFM
from aim_keras.models.ipnn import IPNN
from aim_keras.models.lr import LR
from aim_keras.models.nfm import NFM
from aim_keras.models.opnn import OPNN
from aim_keras.models.pin import PIN
from aim_keras.models.wide_deep import WideDeep
from aim_keras.models.xdeepfm import XDeepFM

__all__ = [
    "AFM",
    "DIN",
    "DNN",
    "FFM",
    "FM",
    "HOFM",
    "IPNN",
    "LR",
    "NFM",
    "OPNN",
    "PIN",
    "AutoEmb",
    "AutoFeature",
    "AutoGroup",
    "AutoInt",
    "DCNv2",
    "DeepFM",
    "FiGNN",
    "FinalMLP",
    "FwFM",
    "WideDeep",
    "XDeepFM",
]
