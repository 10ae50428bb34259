"""`keras-resblocks convert`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

# Options for properties that the source lacks, or gives wrongly.
_SOURCE = Parameter(group=Group("Missing from the source, or wrong there"))


def convert(
    source: str,
    /,
    *,
    out: Path,
    class_names: Annotated[Path | None, _SOURCE, Parameter(metavar="FILE")] = None,
    image_size: Annotated[int | None, _SOURCE] = None,
    mean: Annotated[tuple[float, ...] | None, _SOURCE] = None,
    std: Annotated[tuple[float, ...] | None, _SOURCE] = None,
    data: Annotated[str | None, _SOURCE] = None,
    license: Annotated[str, _SOURCE] = "other",
) -> None:
    """Convert a ResNet of timm, torchvision or a CIFAR repository to a preset.

    The preset has the head, the preprocessing, the class names and a card that says where the
    weights come from. A PyTorch checkpoint needs PyTorch; a safetensors file does not.

    Args:
        source: A Hub handle, a folder that timm saved, or a `.safetensors` or `.pth` file.
        out: The folder of the preset.
        class_names: A file with one class a line, in the order of the labels.
        image_size: The side of the images, in pixels.
        mean: The mean of each channel, from 0 to 1.
        std: The standard deviation of each channel, from 0 to 1.
        data: For the card: the data that the weights were trained on.
        license: For the card: the license of the weights.
    """
    names = class_names and class_names.read_text(encoding="utf-8").splitlines()

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.saving._source import Source

    origin = Source.of(source, license, data)
    model = krp.convert.from_timm(
        str(origin), names, image_size, mean and list(mean), std and list(std)
    )
    model.save_to_preset(str(out))
    origin.record().save(out)
    krp.hub.model_card(out).save(out / "README.md")
    kind = "ImageClassifier" if isinstance(model, krp.ResBlockImageClassifier) else "Backbone"
    print(f"Saved {out}: {model.count_params():,} parameters.")
    print(f'Load it with: keras_hub.models.{kind}.from_preset("{out}")')
