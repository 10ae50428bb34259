"""`keras-resblocks convert`."""

import hashlib
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
        license: For the card: the licence of the weights.
    """
    names = class_names and class_names.read_text(encoding="utf-8").splitlines()

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils._jsonfile import write_json

    source = _pinned(source)
    model = krp.convert.from_timm(source, names, image_size, mean and list(mean), std and list(std))
    model.save_to_preset(str(out))
    record = {"license": license, "start": {"converted from": _described(source)}}
    if data:
        record["data"] = {"name": data}
    write_json(out / "training.json", record)
    krp.hub.model_card(out).save(out / "README.md")
    kind = "ImageClassifier" if isinstance(model, krp.ResBlockImageClassifier) else "Backbone"
    print(f"Saved {out}: {model.count_params():,} parameters.")
    print(f'Load it with: keras_hub.models.{kind}.from_preset("{out}")')


def _pinned(source: str) -> str:
    """A Hub handle with its current commit; files as they are."""
    from keras_resblocks_plugin._hub_client import Handle, NotCachedError, look_up

    if Path(source).exists() or "/" not in source:
        return source
    handle = Handle.parse(source if source.startswith("hf://") else f"hf://{source}")
    try:
        commit, _ = look_up(handle)
    except NotCachedError:
        # Without a network, what was downloaded before is used.
        return str(handle)
    return str(handle._replace(revision=commit))


def _described(source: str) -> str:
    """The source, in words that identify it even when the file is gone."""
    file = Path(source)
    if not file.is_file():
        return file.resolve().name if file.is_dir() else source
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"{file.name}, SHA-256 {digest}"
