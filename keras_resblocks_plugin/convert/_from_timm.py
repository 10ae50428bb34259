"""Conversion of weights from timm, torchvision and CIFAR repositories."""

from collections.abc import Sequence
from pathlib import Path

from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.convert._bare_weights import BareOptions
from keras_resblocks_plugin.convert._timm_files import find_checkpoint
from keras_resblocks_plugin.convert._timm_preset import TimmPreset
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.saving._loading import load_model


def from_timm(
    source: str | Path,
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    weights: str | None = None,
    zero_channels: str | None = None,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Converts a ResNet's weights, as timm or torchvision saves them, to a classifier.

    Supported are timm's ResNets (also deep-stemmed, wide, anti-aliased, with squeeze and
    excitation or efficient channel attention, ResNeXt and ResNet-RS), pre-activation ResNets,
    BiT, RegNetX and RegNetY; torchvision's ResNets, ResNeXts and wide ResNets; and ResNets for
    CIFAR with padded or projected shortcuts, whose weights are named as in
    `akamaster/pytorch_resnet_cifar10`, `kuangliu/pytorch-cifar` or `D-X-Y/ResNeXt-DenseNet`. The
    preprocessing and the class names are read from `config.json`. Without one, the usual
    normalization of ImageNet is assumed.

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
        weights: string. The version of torchvision's weights, `"V1"` or `"V2"`, which determines
            the size that images are resized to before they are cropped. Defaults to the version of
            a file with torchvision's name (`resnet50-11ad3fa6.pth`), else to V1 with a warning.
        zero_channels: string. Where the shortcuts of a CIFAR network without projections add zero
            channels: `"split"`, half before and half after, or `"appended"`. Defaults to what is
            usual with the names of the weights, with a warning.

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
    settings = {"mean": mean, "std": std, "input_size": image_size and (3, image_size, image_size)}

    def read() -> ResBlockBackbone | ResBlockImageClassifier:
        preset = TimmPreset(
            file.parent,
            str(source),
            file,
            settings={name: value for name, value in settings.items() if value},
            class_names=class_names,
            options=BareOptions(weights, zero_channels),
        )
        preset.check(of_task=True)
        return load_model(preset)

    # `to_timm` may save to the same folder at the same time.
    return one_save(file.parent, read)
