"""`keras-resblocks explain`."""

import dataclasses
from pathlib import Path

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.cli._options import options_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExplainConfig:
    """The image to explain, and the classifier.

    Args:
        image: Path. An image file, resized as the preset's converter does. Where the converter
            has no size, or one that is not square, the middle square of the image is used.
        preset: str. A name, a folder, or `hf://user/name`. Defaults to `"resblock_bn_small"`.
        out: Path. The PNG file to write. Defaults to `explain.png`.
    """

    image: Path
    preset: str = "resblock_bn_small"
    out: Path = Path("explain.png")


def run(config: ExplainConfig) -> None:
    """Draw what a classifier sees in an image, and where.

    One picture: the image, the most likely classes, a class activation map for each of the first
    three, and for every block the norm of its residual branch relative to its shortcut. It needs
    the extra `training`.
    """
    require("training", "PIL", "matplotlib")

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.diagnostics._explain import explain
    from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image

    try:
        image = read_image(config.image)
    except UnreadableImage as error:
        raise ValueError(f"The image {config.image}: {error}") from None
    classifier = krp.ResBlockImageClassifier.from_preset(config.preset)
    for name, probability in explain(classifier, image, config.out):
        print(f"{probability:6.1%}  {name}")
    print(f"Saved {config.out}")


explain = options_of(ExplainConfig, run, "preset", "image")
