"""Conversion of MLPerf Tiny's ResNet-8."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin.convert._mlperf_tiny import (
    MLPerfTinyLayout,
    check_model,
    find_layers,
    not_a_resnet8,
    read_file,
)
from keras_resblocks_plugin.convert._transfer import LoadedTensor, Tensor, assign, check_tensors
from keras_resblocks_plugin.lora._merging import merged_weights
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter

_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck".split()


def from_mlperf_tiny(
    source: keras.Model | str | Path, class_names: Sequence[str] | None = None
) -> ResBlockImageClassifier:
    """Converts MLPerf Tiny's reference model for image classification, a ResNet-8, to a classifier.

    The result computes the same probabilities. It has no biases: those of the convolutions are in
    the moving means of the norms that follow, and those of the shortcuts in the shifts of the norms
    that they are added to. Pixels are not rescaled, as in the reference.

    Args:
        source: A model, or the path of an h5 file such as `pretrainedResnet.h5` of
            `mlcommons/tiny`. A model is not changed. Only the weights of a file are read, and no
            code in it is run.
        class_names: list of strings. The class names in the order of the labels. Defaults to those
            of CIFAR-10 for a head with ten classes, and to none for others.

    Returns:
        A `krp.ResBlockImageClassifier`.

    Raises:
        ValueError: If the source is another network, or damaged. Missing, unexpected and
            misshaped weights are all listed.

    Example:

    ```python
    classifier = krp.convert.from_mlperf_tiny("pretrainedResnet.h5")
    classifier.save_to_preset("resblock_mlperf_tiny")
    ```
    """
    activation = "softmax"
    if isinstance(source, keras.Model):
        activation = check_model(source)
        name = source.name
        tensors = {path: LoadedTensor(array) for path, array in merged_weights(source).items()}
    elif isinstance(source, str | Path) and Path(source).expanduser().is_file():
        name, tensors = str(source), read_file(Path(source).expanduser())
    else:
        raise not_a_resnet8(f"source={source!r}")
    tensors, layout, arguments, num_classes = find_layers(tensors, name)
    if class_names is None and num_classes == len(_CIFAR10):
        class_names = _CIFAR10
    classifier = ResBlockImageClassifier(
        ResBlockBackbone(**arguments),
        num_classes=num_classes,
        class_names=class_names and list(class_names),
        preprocessor=ResBlockImageClassifierPreprocessor(
            ResBlockImageConverter(image_size=(32, 32), data_format="channels_last")
        ),
        activation=activation,
    )
    shapes = {weight.path: tuple(weight.shape) for weight in classifier.weights}
    # All of its convolutions have biases.
    kernels = {path: shape for path, shape in shapes.items() if path.endswith("/kernel")}
    shapes |= {f"{path.removesuffix('kernel')}bias": shape[-1:] for path, shape in kernels.items()}
    check_tensors(shapes, tensors, layout, name)
    return assign(classifier, _without_biases(tensors, layout, kernels), layout, name)


def _without_biases(
    tensors: Mapping[str, Tensor], layout: MLPerfTinyLayout, kernels: Mapping[str, tuple]
) -> dict[str, Tensor]:
    tensors = dict(tensors)
    for path in kernels:
        layer = path.removesuffix("/kernel")
        if layer == "predictions":
            continue
        bias = tensors.pop(layout.name(f"{layer}/bias")).read().astype("float64")
        if layer.endswith("/shortcut_conv"):
            # It is added to what the last norm adds.
            target, sign = f"{layer.removesuffix('shortcut_conv')}norm2/beta", 1
        else:
            target, sign = f"{layer.replace('conv', 'norm')}/moving_mean", -1
        target = layout.name(target)
        total = tensors[target].read() + sign * bias
        tensors[target] = LoadedTensor(total.astype(np.float32))
    return tensors
