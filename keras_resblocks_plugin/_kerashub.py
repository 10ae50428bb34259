"""All that this package needs of KerasHub's private modules, in one place."""

from keras_hub.src.models.feature_pyramid_backbone import FeaturePyramidBackbone

__all__ = ["FeaturePyramidBackbone"]
