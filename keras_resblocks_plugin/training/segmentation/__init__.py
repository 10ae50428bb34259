"""Fine-tuning for segmentation."""

from keras_resblocks_plugin.training.segmentation._config import SegmentationConfig

__all__ = ["SegmentationConfig"]
