"""Keras layers of AIM."""

from aim_keras.layers.attention_pooling import AttentionPooling
from aim_keras.layers.bilinear_fusion import BilinearFusion
from aim_keras.layers.compressed_interaction import CompressedInteraction
from aim_keras.layers.cross_network import CrossNetwork
from aim_keras.layers.dimension_gate import DimensionGate
from aim_keras.layers.field_attention import FieldAttention
from aim_keras.layers.field_weighted_products import FieldWeightedProducts
from aim_keras.layers.function_wise_embedding import FunctionWiseEmbedding
from aim_keras.layers.gated_interaction import GatedInteraction
from aim_keras.layers.group_interaction import GroupInteraction
from aim_keras.layers.interaction_function import InteractionFunction, operands
from aim_keras.layers.interaction_functions import register_interaction_function
from aim_keras.layers.linear import Linear
from aim_keras.layers.mlp import MLP
from aim_keras.layers.param_free_batch_norm import ParamFreeBatchNorm
from aim_keras.layers.soft_dimension import SoftDimension
from aim_keras.layers.target_attention import TargetAttention

__all__ = [
    "MLP",
    "AttentionPooling",
    "BilinearFusion",
    "CompressedInteraction",
    "CrossNetwork",
    "DimensionGate",
    "FieldAttention",
    "FieldWeightedProducts",
    "FunctionWiseEmbedding",
    "GatedInteraction",
    "GroupInteraction",
    "InteractionFunction",
    "Linear",
    "ParamFreeBatchNorm",
    "SoftDimension",
    "TargetAttention",
    "operands",
    "register_interaction_function",
]
