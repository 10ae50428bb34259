"""Small variants of timm's networks."""

import keras_resblocks_plugin as krp
from tests.helpers import fill
from tests.tiny import tiny_classifier

# timm's name → the arguments of a `ResBlockBackbone` of this architecture.
BACKBONES = {
    "resnet18": {"block_type": "bn"},
    "resnet50": {"block_type": "bottleneck"},
    "resnet50d": {
        "block_type": "bottleneck",
        "block_kwargs": {"shortcut": "avg_pool"},
        "input_conv_filters": [32, 32, 64],
        "input_conv_kernel_sizes": [3, 3, 3],
        "input_conv_strides": [2, 1, 1],
    },
    "resnetv2_50": {"block_type": "preact_bottleneck"},
}
PREPROCESSING = {
    "image_size": (40, 40),
    "scale": [1 / (255 * 0.25), 1 / (255 * 0.2), 1 / (255 * 0.125)],
    "offset": [-2.0, -2.5, -4.0],
    "interpolation": "bicubic",
    "antialias": True,
    "crop_fraction": 0.875,
    "crop_order": "resize_then_crop",
}


def backbone(name: str, **kwargs) -> krp.ResBlockBackbone:
    """A backbone with two blocks in the first stack and one in each of the others."""
    arguments = {
        "stackwise_num_filters": [8, 16, 8, 16],
        "stackwise_num_blocks": [2, 1, 1, 1],
        "stackwise_num_strides": [1, 2, 2, 2],
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "input_conv_strides": [2],
        "input_pooling": "max",
    }
    return fill(krp.ResBlockBackbone(**{**arguments, **BACKBONES[name], **kwargs}))


def classifier(name: str, **kwargs) -> krp.ResBlockImageClassifier:
    """A classifier of three classes on such a backbone, with preprocessing."""
    converter = krp.ResBlockImageConverter(**PREPROCESSING)
    options = {"preprocessor": krp.ResBlockImageClassifierPreprocessor(converter)}
    return tiny_classifier(backbone(name), **(options | kwargs))
