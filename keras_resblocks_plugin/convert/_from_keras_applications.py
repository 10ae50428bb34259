"""Conversion of the ResNets of `keras.applications`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._kerashub import flatten_layers
from keras_resblocks_plugin.convert._keras_applications_layout import (
    KerasApplicationsLayout,
    read_architecture,
)
from keras_resblocks_plugin.convert._keras_applications_network import (
    EPSILON,
    Network,
    not_a_resnet,
    read_file,
    read_model,
)
from keras_resblocks_plugin.convert._timm_labels import imagenet_class_names
from keras_resblocks_plugin.convert._transfer import LoadedTensor, Tensor, assign, check_tensors
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter

# The "caffe" preprocessing of v1 subtracts these, for RGB.
_MEAN = (123.68, 116.779, 103.939)


def from_keras_applications(
    source: keras.Model | str | Path,
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Converts a ResNet of `keras.applications` to a classifier, or to a backbone.

    Supported are ResNet50, ResNet101, ResNet152, ResNet50V2, ResNet101V2 and ResNet152V2: models
    with any head, input shape and number of classes, and the published weight files, those of
    `keras_applications` and its first ResNet50 included. The result computes the same outputs.

    The preprocessing becomes the result's. Like `keras.utils.load_img(path, target_size=…)` in the
    documentation of `keras.applications`, it resizes to the size of the network without keeping the
    aspect ratio, and takes the nearest pixels. Images are RGB: the BGR order of v1 is in the stem's
    kernel. The biases in front of v1's norms are in the moving means.

    Args:
        source: A model, or the path of an h5 file of weights. A model is not changed. A file shows
            no activation of the head; softmax is assumed, as in the published networks.
        class_names: list of strings. The class names in the order of the labels. Defaults to those
            of ImageNet for a head with 1,000 classes, and to none for others.
        image_size: int. The side of the images. Defaults to the model's, or to 224.

    Returns:
        A `krp.ResBlockImageClassifier`, or a `krp.ResBlockBackbone` if the source has no head
        (`include_top=False`). A global pooling without a head is dropped.

    Raises:
        ValueError: If the source is another network, or damaged. Missing, unexpected and
            misshaped weights are all listed.

    Example:

    ```python
    classifier = krp.convert.from_keras_applications(keras.applications.ResNet50())
    classifier.save_to_preset("resblock_50")
    ```
    """
    if isinstance(source, keras.Model):
        network, name = read_model(source), source.name
    elif isinstance(source, str | Path) and Path(source).expanduser().is_file():
        network, name = read_file(Path(source).expanduser()), str(source)
    else:
        raise not_a_resnet(f"source={source!r}")
    arguments, layout = read_architecture(network, name)
    backbone = converted = ResBlockBackbone(**arguments)
    if isinstance(source, keras.Model):
        _check_strides(backbone, source, layout)
    if "predictions/kernel" in network.tensors:
        num_classes = network.tensors["predictions/kernel"].shape[-1]
        if class_names is None and num_classes == len(imagenet_class_names()):
            class_names = imagenet_class_names()
        converted = ResBlockImageClassifier(
            backbone,
            num_classes=num_classes,
            class_names=class_names and list(class_names),
            preprocessor=ResBlockImageClassifierPreprocessor(
                _new_converter(network, layout, image_size)
            ),
            **network.head,
        )
    shapes = {weight.path: tuple(weight.shape) for weight in converted.weights}
    if not layout.is_v2:
        # All of its convolutions have biases.
        kernels = {path: shape for path, shape in shapes.items() if path.endswith("/kernel")}
        shapes |= {f"{path[:-6]}bias": shape[-1:] for path, shape in kernels.items()}
    check_tensors(shapes, network.tensors, layout, name)
    return assign(converted, _folded(network, layout), layout, name)


def _check_strides(
    backbone: ResBlockBackbone, source: keras.Model, layout: KerasApplicationsLayout
) -> None:
    """Refuses a model whose strides, which leave no trace in weights, are others."""
    names = {layer.name for layer in source.layers}
    for conv in flatten_layers(backbone):
        if isinstance(conv, keras.layers.Conv2D):
            name = layout.name(conv.kernel.path).removesuffix("/kernel")
            if name in names and source.get_layer(name).strides != conv.strides:
                theirs = source.get_layer(name).strides
                raise not_a_resnet(f"`{name}` with strides {theirs} in place of {conv.strides}")


def _new_converter(
    network: Network, layout: KerasApplicationsLayout, image_size: int | None
) -> ResBlockImageConverter:
    scale, offset = 1 / 127.5, -1.0
    if not layout.is_v2:
        # keras.applications has no preprocessing for other images than RGB.
        is_rgb = network.tensors["conv1_conv/kernel"].shape[2] == len(_MEAN)
        scale, offset = None, [-mean for mean in _MEAN] if is_rgb else None
    return ResBlockImageConverter(
        image_size=(image_size, image_size) if image_size else network.image_size,
        scale=scale,
        offset=offset,
        crop_to_aspect_ratio=False,
        interpolation="nearest",
        data_format=network.data_format,
    )


def _folded(network: Network, layout: KerasApplicationsLayout) -> Mapping[str, Tensor]:
    """Returns the weights for norms of this package's epsilon, and v1's for RGB without biases."""
    tensors = dict(network.tensors)

    def add(name: str, value: np.ndarray | float) -> None:
        total = tensors[name].read().astype("float64") + value
        tensors[name] = LoadedTensor(total.astype("float32"))

    if network.epsilon != EPSILON:
        for name in network.tensors:
            if name.endswith("/moving_variance"):
                add(name, network.epsilon - EPSILON)
    if layout.is_v2:
        return tensors
    for name in network.tensors:
        if name.endswith("_conv/bias"):
            add(name.replace("_conv/bias", "_bn/moving_mean"), -tensors.pop(name).read())
    kernel = tensors["conv1_conv/kernel"].read()
    if kernel.shape[2] == len(_MEAN):
        tensors["conv1_conv/kernel"] = LoadedTensor(kernel[:, :, ::-1])
    return tensors
