"""ResNets of timm, torchvision and CIFAR repositories as backbones and classifiers."""

from collections.abc import Sequence
from pathlib import Path

from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.convert import _timm_config
from keras_resblocks_plugin.convert._architecture import read_architecture
from keras_resblocks_plugin.convert._checkpoint import CONFIG_FILE, find_checkpoint, read_tensors
from keras_resblocks_plugin.convert._transfer import assign
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)


def from_timm(
    source: str | Path,
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Makes a classifier of a ResNet's weights as timm or torchvision saves them.

    Known are timm's `resnet18`, `34`, `50`, `101`, `152`, `resnet50d` and `resnetv2_50`,
    torchvision's of the same layout, and ResNet-20 to 110 for CIFAR with padded shortcuts
    (option A), as `akamaster/pytorch_resnet_cifar10` names their weights. Their `config.json`
    gives the preprocessing and the names of the classes. A file without one is taken to be
    trained on images normalized as ImageNet's usually are.

    Args:
        source: A Hub handle (`"hf://timm/resnet18.a1_in1k"`, with `@revision` where wanted, or
            without `hf://`), a folder that timm saved, a safetensors file or a PyTorch checkpoint.
            A checkpoint needs PyTorch, and is read without running code of its own.
        class_names: list of strings, in the order of the labels, in place of the source's.
        image_size: int. The side of the images, in place of the source's.
        mean: list of floats. The mean of each channel of the training images, whose pixels
            are from 0 to 1, in place of the source's.
        std: list of floats. Their standard deviations.

    Returns:
        A `krp.ResBlockImageClassifier`; a `krp.ResBlockBackbone` where there is no head.

    Raises:
        ValueError: If the source is damaged, or of a network that residual blocks do not make
            up. Weights that are missing, unexpected or of another shape are all listed.
        ImportError: If it is a PyTorch checkpoint, and there is no PyTorch.
        HubError: If it cannot be downloaded.

    Example:

    ```python
    classifier = krp.convert.from_timm("timm/resnet50.a1_in1k")
    classifier.save_to_preset("resblock_50")
    ```
    """
    file = find_checkpoint(source)
    given = {"mean": mean, "std": std}
    # `to_timm` may save over the folder meanwhile.
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
    backbone = ResBlockBackbone(**architecture)
    head = f"{layout.layers['predictions']}.weight"
    if head not in tensors:
        return assign(backbone, tensors, layout, source)
    input_size = image_size and (backbone.image_shape[-1], image_size, image_size)
    given = {**given, "input_size": input_size}
    preprocessing = _timm_config.preprocessing(config) | {k: v for k, v in given.items() if v}
    converter = _timm_config.new_converter(
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
