"""`keras-resblocks convert`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from keras_resblocks_plugin.cli._errors import line

if TYPE_CHECKING:
    import keras

    from keras_resblocks_plugin.saving import Source

# Options for properties that the source lacks, or gives wrongly.
_SOURCE = Parameter(group=Group("Missing from the source, or wrong there"))


def convert(
    source: str,
    /,
    *more: str,
    out: Path,
    class_names: Annotated[Path | None, _SOURCE, Parameter(metavar="FILE")] = None,
    image_size: Annotated[int | None, _SOURCE] = None,
    mean: Annotated[tuple[float, ...] | None, _SOURCE] = None,
    std: Annotated[tuple[float, ...] | None, _SOURCE] = None,
    weights: Annotated[Literal["V1", "V2"] | None, _SOURCE] = None,
    zero_channels: Annotated[Literal["split", "appended"] | None, _SOURCE] = None,
    data: Annotated[str | None, _SOURCE] = None,
    license: Annotated[str | None, _SOURCE] = None,
) -> None:
    """Convert a ResNet of timm, torchvision, keras.applications or a CIFAR repository to a preset.

    The preset has the head, the preprocessing, the class names and a card that says where the
    weights come from. A PyTorch checkpoint needs PyTorch; a safetensors file does not. Each source
    takes one line of the output.

    Args:
        source: A Hub handle, a folder that timm saved, or a `.safetensors`, `.pth` or `.h5` file.
        more: Further sources. Those that cannot be converted are reported and left out.
        out: The folder of the preset; of several sources, the folder of their presets.
        class_names: A file with one class a line, in the order of the labels.
        image_size: The side of the images, in pixels.
        mean: The mean of each channel, from 0 to 1.
        std: The standard deviation of each channel, from 0 to 1.
        weights: The version of torchvision's weights, if the file's name does not show it.
        zero_channels: Where the shortcuts of a CIFAR network without projections add zeros.
        data: For the card: the data that the weights were trained on.
        license: For the card: the license of the weights. Defaults to the one in the source.
    """
    names = class_names and class_names.read_text(encoding="utf-8").splitlines()

    from keras_resblocks_plugin.convert._any import convert_any
    from keras_resblocks_plugin.hub._converted import save_converted
    from keras_resblocks_plugin.saving import Source

    def convert_one(source: str, folder: Path) -> None:
        origin = Source.of(source, license, data)
        model = convert_any(
            str(origin),
            names,
            image_size,
            mean=mean and list(mean),
            std=std and list(std),
            weights=weights,
            zero_channels=zero_channels,
        )
        save_converted(model, origin, folder)
        print(f"{source}: {_described(model, origin, folder)}")

    if not more:
        convert_one(source, out)
        return
    sources = [source, *more]
    failed = 0
    for each, name in zip(sources, _names(sources), strict=True):
        try:
            convert_one(each, out / name)
        except (ValueError, OSError) as error:
            failed += 1
            print(f"{each}: {line(error)}", file=sys.stderr)
    if failed:
        raise ValueError(f"{failed} of {len(sources)} sources were not converted.")


def _names(sources: Sequence[str]) -> list[str]:
    """The names of the presets: those of the files, folders and repositories."""
    names = []
    for source in sources:
        path = Path(source)
        names.append(path.stem if path.is_file() else path.name.split("@")[0])
    if len(set(names)) < len(names):
        raise ValueError(
            "`source` and the further sources must have different names, which become the names of "
            f"the presets. Received: {', '.join(names)}"
        )
    return names


def _described(model: "keras.Model", origin: "Source", folder: Path) -> str:
    import keras_resblocks_plugin as krp

    kind, classes = "Backbone", ""
    if isinstance(model, krp.ResBlockImageClassifier):
        kind, classes = "ImageClassifier", f", {model.num_classes:,} classes"
    return (
        f"{model.count_params():,} parameters{classes}, license {origin.license}. "
        f'Load it with: keras_hub.models.{kind}.from_preset("{folder}")'
    )
