"""The accuracy of a preset on a split of a dataset."""

import dataclasses
from pathlib import Path

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.training.data._input_mode import InputMode


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """The settings of an evaluation.

    Args:
        preset: str. A name, a folder, or `"hf://user/name"`.
        data: str. A folder or Hub id for `datasets.load_dataset`.
        cache: Path. A folder for decoded images, which are then decoded once. Defaults to
            `None`: a temporary folder.
        split: str. The split to measure on. Defaults to `"validation"`.
        image_column: str. The column of images. Defaults to `"image"`.
        label_column: str. The column of integer labels. Defaults to `"label"`.
        skip_unreadable: bool. Whether to leave out images that cannot be read. Defaults to
            `False`.
        input: `"auto"`, `"stream"` or `"array"`: whether images are decoded once, to
            memory-mapped files, see `TrainConfig`. Defaults to `"auto"`.
        batch_size: int. Images a step. Defaults to `250`.
    """

    preset: str
    data: str
    cache: Path | None = None
    split: str = "validation"
    image_column: str = "image"
    label_column: str = "label"
    skip_unreadable: bool = False
    input: InputMode = "auto"
    batch_size: int = 250


def evaluate(config: EvaluateConfig) -> dict[str, float]:
    """Measures the accuracy of a classifier preset on a split of a dataset.

    Args:
        config: `EvaluateConfig`. The preset and the data.

    Returns:
        The accuracies `"top1"` and `"top5"`, the number of `"images"`, and with
        `skip_unreadable` the number of `"unreadable_images_left_out"`.

    Raises:
        ImportError: If the extra `training` is not installed.
        ValueError: If the dataset has no such split or columns, other classes than the preset,
            or images that cannot be read.
        Diverged: If a prediction is not finite.
    """
    require("training", "datasets", "PIL", "psutil", "tqdm")
    from keras_resblocks_plugin.training.data._image_cache import cache_folder

    with cache_folder(config.cache) as cache:
        return _evaluate(dataclasses.replace(config, cache=cache))


def _evaluate(config: EvaluateConfig) -> dict[str, float]:
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training._accuracy import measure
    from keras_resblocks_plugin.training.data._classes import read_by
    from keras_resblocks_plugin.training.data._input import evaluation_batches
    from keras_resblocks_plugin.training.data._labelled_images import open_split
    from keras_resblocks_plugin.training.data._readable_rows import usable_rows
    from keras_resblocks_plugin.training.data._resizing import Converted, normalizer
    from keras_resblocks_plugin.training.data._sources import load, mode_of

    model = krp.ResBlockImageClassifier.from_preset(config.preset, compile=False)
    converter = model.preprocessor.image_converter
    split = open_split(
        config.data, config.split, config.cache, config.image_column, config.label_column
    )
    what = f"The split {config.split!r} of {config.data!r}"
    owner = f"the preset {config.preset!r}"
    split = read_by(split, model.class_names or [], what, owner)
    resize = Converted(converter)
    mode = mode_of(config.input, resize, split)
    images = load(split, resize, usable_rows(split, config.skip_unreadable, resize, mode), mode)
    # The batches are converted already.
    model.preprocessor = None
    rows = np.arange(len(images.labels))
    batches = evaluation_batches(images, rows, config.batch_size, normalizer(converter))
    results = {"images": len(rows)}
    if config.skip_unreadable:
        results["unreadable_images_left_out"] = len(split) - len(rows)
    return {**results, **measure(model, batches)}
