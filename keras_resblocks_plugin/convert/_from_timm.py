"""Conversion of weights from timm, torchvision and CIFAR repositories."""

from collections.abc import Sequence
from pathlib import Path

from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.convert import _timm_config
from keras_resblocks_plugin.convert._architecture import read_architecture
from keras_resblocks_plugin.convert._checkpoint import CONFIG_FILE, find_checkpoint, read_tensors
from keras_resblocks_plugin.convert._timm_preprocessing import new_converter
from keras_resblocks_plugin.convert._transfer import assign
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)

# The sizes of a network that timm saved without its arguments.
_SHOWN_BY_WEIGHTS = ("stackwise_num_filters", "stackwise_num_blocks", "image_shape")


def from_timm(
    source: str | Path,
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Converts a ResNet's weights, as timm or torchvision saves them, to a classifier.

    Supported are timm's ResNets (also deep-stemmed, wide, anti-aliased, with squeeze and
    excitation or efficient channel attention, ResNeXt and ResNet-RS), pre-activation ResNets,
    BiT, RegNetX and RegNetY, torchvision's networks of the same layout, and ResNet-20 to 110 for
    CIFAR with padded shortcuts (option A), whose weights are named as in
    `akamaster/pytorch_resnet_cifar10`. The preprocessing and the class names are read from
    `config.json`. Without one, the usual normalization of ImageNet is assumed.

    Args:
        source: string or path. A Hub handle (`"hf://timm/resnet18.a1_in1k"`, optionally with
            `@revision`; `hf://` may be omitted), a folder that timm saved, a safetensors file or
            a PyTorch checkpoint. A checkpoint needs PyTorch, and is read without running any code
            in it.
        class_names: list of strings. The class names in the order of the labels. Defaults to the
            source's, if it has any.
        image_size: int. The side of the images. Defaults to the source's.
        mean: list of floats. The mean of each channel, for pixels in `[0, 1]`. Defaults to the
            source's.
        std: list of floats. The standard deviation of each channel, for pixels in `[0, 1]`.
            Defaults to the source's.

    Returns:
        A `krp.ResBlockImageClassifier`, or a `krp.ResBlockBackbone` if the weights have no head.

    Raises:
        ValueError: If the source is damaged, or if its network is not supported. Missing,
            unexpected and misshaped weights are all listed.
        ImportError: If the source is a PyTorch checkpoint and PyTorch is not installed.
        krp.hub.HubError: If the source cannot be downloaded.

    Example:

    ```python
    classifier = krp.convert.from_timm("timm/resnet50.a1_in1k")
    classifier.save_to_preset("resblock_50")
    ```
    """
    file = find_checkpoint(source)
    given = {"mean": mean, "std": std}
    # `to_timm` may save to the same folder at the same time.
    return one_save(file.parent, lambda: _read(file, str(source), class_names, image_size, given))


def _read(
    file: Path,
    source: str,
    class_names: Sequence[str] | None,
    image_size: int | None,
    given: dict[str, Sequence[float] | None],
) -> ResBlockBackbone | ResBlockImageClassifier:
    config = _timm_config.read_config(file.parent / CONFIG_FILE)
    tensors = read_tensors(file)
    architecture, layout = read_architecture(tensors, source)
    if config:
        # What the weights do not show, such as strides and anti-aliasing, is the network's.
        sizes = {name: architecture[name] for name in _SHOWN_BY_WEIGHTS}
        architecture = _timm_config.backbone_arguments(config) | sizes
        layout = _timm_config.layout(config)
    backbone = ResBlockBackbone(**architecture)
    head = f"{layout.layers['predictions']}.weight"
    if head not in tensors:
        return assign(backbone, tensors, layout, source)
    input_size = image_size and (backbone.image_shape[-1], image_size, image_size)
    given = {**given, "input_size": input_size}
    preprocessing = _timm_config.preprocessing(config) | {k: v for k, v in given.items() if v}
    converter = new_converter(
        preprocessing, backbone.image_shape[-1], for_cifar=backbone.input_pooling is None
    )
    num_classes = tensors[head].shape[0]
    classifier = ResBlockImageClassifier(
        backbone,
        num_classes=num_classes,
        class_names=class_names or _timm_config.class_names(config, num_classes),
        preprocessor=ResBlockImageClassifierPreprocessor(converter),
        pooling=_timm_config.pooling(config),
    )
    return assign(classifier, tensors, layout, source)
