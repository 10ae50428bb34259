"""The parts that segmentation and detection share: KerasHub's tasks for dense predictions."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

import keras_resblocks_plugin as krp


def check_levels(encoder: krp.ResBlockBackbone, levels: Sequence[str], task: str) -> None:
    """Checks that a backbone has the pyramid levels that a task needs.

    Args:
        encoder: The backbone.
        levels: The names of the levels, such as `"P3"`.
        task: The name of the task, for the error.

    Raises:
        ValueError: If a level is missing.
    """
    missing = [level for level in levels if level not in encoder.pyramid_outputs]
    if missing:
        raise ValueError(
            f"The preset must have the pyramid levels {', '.join(levels)} for {task}: "
            "P2 is 4 times smaller than the image, P3 8 times, and so on. "
            f"Received: a preset with {', '.join(encoder.pyramid_outputs)}"
        )


def load_converter(
    preset: str, image_size: tuple[int, int] | None, **kwargs
) -> krp.ResBlockImageConverter:
    """Loads the preset's image converter, for whole images.

    Args:
        preset: A name, a folder, or `"hf://user/name"`.
        image_size: The height and width to resize images to, if not the preset's.
        **kwargs: Other arguments of the converter.

    Raises:
        ValueError: If the preset has no image converter.
    """
    if image_size is not None:
        kwargs["image_size"] = image_size
    try:
        # A cropped image would leave a part of the image without predictions.
        return krp.ResBlockImageConverter.from_preset(
            preset, crop_to_aspect_ratio=False, crop_fraction=1.0, **kwargs
        )
    except FileNotFoundError as error:
        raise ValueError(
            f"The preset {preset!r} must have an image_converter.json, which says how pixels "
            f"were scaled in its training. {error}"
        ) from None


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets the global dtype policy: some layers of KerasHub's tasks take no `dtype` argument."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def data_record(splits: dict, class_names: list[str]) -> dict:
    """Returns the record's entries of the data: classes, images used and images left out."""
    record = {"class_names": ", ".join(class_names)}
    for split, images in splits.items():
        record[f"{split}_images"] = images.images.count
        for fault, count in images.skipped.items():
            record[f"{split}_rows_left_out,_with_{fault}".replace(" ", "_")] = count
    return record


def sample_rows(count: int, samples: int) -> np.ndarray:
    """Returns rows to draw, spread evenly over a split, so that none is picked by hand."""
    return np.unique(np.linspace(0, count - 1, samples).astype(int))
