"""The accuracy of a preset on a split of a dataset."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.training.data._input_mode import InputMode

if TYPE_CHECKING:
    import numpy as np

# The keys of a report that are results by themselves.
_FIGURES = ("images", "classes", "unreadable_images_left_out", "top1", "top5", "ece")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """The settings of an evaluation.

    Args:
        preset: str. A name, a folder, or `"hf://user/name"`.
        data: str. A folder or Hub id for `datasets.load_dataset`.
        out: Path. A folder for `evaluation.json`, two pictures, and a page of the images that
            the preset is most wrong about. Defaults to `None`: nothing is written.
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
    out: Path | None = None
    cache: Path | None = None
    split: str = "validation"
    image_column: str = "image"
    label_column: str = "label"
    skip_unreadable: bool = False
    input: InputMode = "auto"
    batch_size: int = 250


def evaluate(config: EvaluateConfig) -> dict[str, float]:
    """Measures the accuracy of a classifier preset on a split of a dataset.

    Classes are compared by name. The dataset may have them in another order than the preset, or
    only some of them: then the softmax is over these alone, and a line says so.

    Args:
        config: `EvaluateConfig`. The preset and the data.

    Returns:
        The accuracies `"top1"` and `"top5"`, the expected calibration error `"ece"`, the number
        of `"images"` and of compared `"classes"`, and with `skip_unreadable` the number of
        `"unreadable_images_left_out"`.

    Raises:
        ImportError: If the extra `training` is not installed.
        ValueError: If the dataset has no such split or columns, classes that the preset lacks,
            or images that cannot be read, or if names of classes are doubled.
        Diverged: If a prediction is not finite.
    """
    return figures(evaluation_report(config))


def figures(report: dict[str, Any]) -> dict[str, float]:
    """The part of a report that `evaluate` returns."""
    return {key: report[key] for key in _FIGURES if key in report}


def evaluation_report(config: EvaluateConfig) -> dict[str, Any]:
    """Measures as `evaluate` does, and returns the contents of `evaluation.json`."""
    require("training", "datasets", "PIL", "psutil", "tqdm", "sklearn", "matplotlib")
    from keras_resblocks_plugin.training.data._image_cache import cache_folder

    with cache_folder(config.cache) as cache:
        return _evaluate(dataclasses.replace(config, cache=cache))


def _evaluate(config: EvaluateConfig) -> dict[str, Any]:
    import keras
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training._accuracy import accuracies
    from keras_resblocks_plugin.training.data._classes import outputs_by_name
    from keras_resblocks_plugin.training.data._input import evaluation_batches, split_labels
    from keras_resblocks_plugin.training.data._labelled_images import open_split
    from keras_resblocks_plugin.training.data._readable_rows import usable_rows
    from keras_resblocks_plugin.training.data._resizing import Converted, normalizer
    from keras_resblocks_plugin.training.data._sources import load, mode_of
    from keras_resblocks_plugin.training.evaluation._files import write_files
    from keras_resblocks_plugin.training.evaluation._outcomes import outcomes_of
    from keras_resblocks_plugin.training.evaluation._report import describe

    model = krp.ResBlockImageClassifier.from_preset(config.preset, compile=False)
    converter = model.preprocessor.image_converter
    split = open_split(
        config.data, config.split, config.cache, config.image_column, config.label_column
    )
    what = f"The split {config.split!r} of {config.data!r}"
    owner = f"the preset {config.preset!r}"
    names = model.class_names or []
    split, outputs = outputs_by_name(split, names, what, owner)
    _say_mapping(names, outputs)
    resize = Converted(converter)
    mode = mode_of(config.input, resize, split)
    rows = usable_rows(split, config.skip_unreadable, resize, mode)
    images = load(split, resize, rows, mode)
    # The batches are converted already.
    model.preprocessor = None
    batches = evaluation_batches(
        images, np.arange(len(rows)), config.batch_size, normalizer(converter)
    )
    inputs, labels = split_labels(batches)
    predictions = keras.ops.convert_to_numpy(model.predict(inputs, verbose=0))
    if outputs is not None:
        predictions = predictions[:, outputs]
    accuracy = accuracies(predictions, labels)
    outcomes = outcomes_of(predictions, labels, split.class_names, model.output_dense.activation)
    report = {
        **{"preset": config.preset, "data": config.data, "split": config.split},
        **{"images": len(rows), "classes": len(split.class_names)},
    }
    if config.skip_unreadable:
        report["unreadable_images_left_out"] = len(split) - len(rows)
    report |= accuracy | describe(outcomes)
    if config.out is not None:
        write_files(config.out, report, outcomes, split, rows)
    return report


def _say_mapping(names: list[str], outputs: "np.ndarray | None") -> None:
    """Says which of a preset's classes count, unless it is all in their order."""
    if outputs is None:
        return
    how = f"{len(names)} classes, which the preset has in another order"
    if len(outputs) < len(names):
        how = f"{len(outputs)} of the preset's {len(names)} classes, as if there were no others"
    # Programs may read the standard output.
    print(f"Compared by name: {how}", file=sys.stderr)
