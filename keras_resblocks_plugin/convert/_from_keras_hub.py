"""Conversion of KerasHub's ResNets."""

from typing import Any

import keras_hub

from keras_resblocks_plugin.convert._layouts import keras_hub_layout
from keras_resblocks_plugin.convert._transfer import LoadedTensor, assign
from keras_resblocks_plugin.lora._merging import merged_weights
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter

# KerasHub's (`block_type`, `use_pre_activation`) → this package's `block_type` and `shortcut`.
_BLOCKS = {
    ("basic_block", False): ("bn", "auto"),
    ("basic_block", True): ("preact", "auto"),
    ("bottleneck_block", False): ("bottleneck", "projection"),
    ("bottleneck_block", True): ("preact_bottleneck", "projection"),
    ("basic_block_vd", False): ("bn", "avg_pool"),
    ("bottleneck_block_vd", False): ("bottleneck", "avg_pool"),
}


def from_keras_hub(
    model: keras_hub.models.ResNetBackbone | keras_hub.models.ImageClassifier,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Converts KerasHub's ResNet to a `ResBlockBackbone`, or to a classifier on one.

    The result computes the same outputs. A classifier keeps its head and its preprocessing.

    Args:
        model: A `keras_hub.models.ResNetBackbone` (v1, v2 or vd, with basic or bottleneck
            blocks), or an image classifier on one. It is not changed.

    Returns:
        A `krp.ResBlockBackbone`, or a `krp.ResBlockImageClassifier` if `model` is a classifier.

    Raises:
        ValueError: If `model` is another model, or if no residual blocks compute the same.

    Example:

    ```python
    classifier = keras_hub.models.ImageClassifier.from_preset("resnet_50_imagenet")
    classifier = krp.convert.from_keras_hub(classifier)
    classifier.save_to_preset("resblock_50_imagenet")
    ```
    """
    backbone = getattr(model, "backbone", model)
    is_task = isinstance(model, keras_hub.models.ImageClassifier)
    if not isinstance(backbone, keras_hub.models.ResNetBackbone) or not (
        is_task or model is backbone
    ):
        raise ValueError(
            "`model` must be a `keras_hub.models.ResNetBackbone`, or an image classifier on one. "
            f"Received: model={model!r}"
        )
    converted = _new_backbone(backbone)
    if is_task:
        converted = ResBlockImageClassifier(
            converted,
            num_classes=model.num_classes,
            preprocessor=_new_preprocessor(model.preprocessor),
            pooling=model.pooling,
            activation=model.activation,
            dropout=model.dropout,
            head_dtype=model.output_dense.dtype_policy,
        )
    tensors = {path: LoadedTensor(array) for path, array in merged_weights(model).items()}
    layout = keras_hub_layout(len(backbone.input_conv_filters), backbone.use_pre_activation)
    return assign(converted, tensors, layout, source=model.name)


def _new_backbone(resnet: keras_hub.models.ResNetBackbone) -> ResBlockBackbone:
    if resnet.use_pre_activation and resnet.block_type.endswith("_vd"):
        raise ValueError(
            "`model` must not have `use_pre_activation=True` with a vd block: its strided "
            "shortcuts are neither pooled nor strided, so that the sum has two sizes. "
            f"Received: block_type={resnet.block_type!r}"
        )
    block_type, shortcut = _BLOCKS[resnet.block_type, resnet.use_pre_activation]
    if shortcut == "avg_pool" and max(resnet.stackwise_num_strides) > 2:
        raise ValueError(
            "`model` must have strides of at most 2 with a vd block: KerasHub averages 2×2 pixels "
            "whatever the stride, and `ResBlockBackbone` all of them. "
            f"Received: stackwise_num_strides={resnet.stackwise_num_strides}"
        )
    num_convs = len(resnet.input_conv_filters)
    return ResBlockBackbone(
        block_type=block_type,
        stackwise_num_filters=list(resnet.stackwise_num_filters),
        stackwise_num_blocks=list(resnet.stackwise_num_blocks),
        stackwise_num_strides=list(resnet.stackwise_num_strides),
        input_conv_filters=list(resnet.input_conv_filters),
        input_conv_kernel_sizes=list(resnet.input_conv_kernel_sizes),
        input_conv_strides=[2] + [1] * (num_convs - 1),
        # KerasHub pads v1 with zeros and not with −∞, which is the same after a ReLU.
        input_pooling="max",
        block_kwargs=None if shortcut == "auto" else {"shortcut": shortcut},
        image_shape=tuple(resnet.image_shape),
        data_format=resnet.data_format,
        dtype=resnet.dtype_policy,
    )


def _new_preprocessor(preprocessor: Any) -> Any:
    if not isinstance(preprocessor, keras_hub.models.ImageClassifierPreprocessor):
        return preprocessor
    converter = preprocessor.image_converter
    if isinstance(converter, keras_hub.layers.ImageConverter):
        # KerasHub's config lacks the data format.
        config = {**converter.get_config(), "data_format": converter.data_format}
        converter = ResBlockImageConverter.from_config(config)
    return ResBlockImageClassifierPreprocessor(converter)
