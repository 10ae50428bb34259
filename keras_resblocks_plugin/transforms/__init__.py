"""Functions that freeze a built model, or fold its batch norm."""

from keras_resblocks_plugin.transforms._fold import fold_batch_norm
from keras_resblocks_plugin.transforms._freeze import STRATEGIES, freeze

__all__ = ["STRATEGIES", "fold_batch_norm", "freeze"]
