"""The code that segmentation and detection share: KerasHub's task on a backbone, in float32."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

import keras_resblocks_plugin as krp


def check_batch_size(args: argparse.Namespace, count: int) -> None:
    """Checks that there are training images for a batch.

    Raises:
        ValueError: If there are not.
    """
    if count < args.batch_size:
        raise ValueError(
            f"--batch-size must be at most the number of training images, {count}. "
            f"Received: {args.batch_size}"
        )


def check_levels(encoder: krp.ResBlockBackbone, levels: Sequence[str], task: str) -> None:
    """Checks that a backbone has the levels of the pyramid that a task is built on.

    Raises:
        ValueError: If it lacks one.
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
    """The preset's scaling of pixels, for whole images, of another size where one is given.

    Raises:
        ValueError: If the preset does not say how its images were scaled.
    """
    if image_size is not None:
        kwargs["image_size"] = image_size
    try:
        # Nothing may be cut off: what the model says is about the whole image.
        return krp.ResBlockImageConverter.from_preset(preset, crop_to_aspect_ratio=False, **kwargs)
    except FileNotFoundError as error:
        raise ValueError(
            f"The preset {preset!r} must have an image_converter.json, which says how pixels "
            f"were scaled in its training. {error}"
        ) from None


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """KerasHub's tasks take the precision of some of their layers from no argument but this."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def in_float32(
    model: keras.Model,
    encoder: krp.ResBlockBackbone,
    build: Callable[[krp.ResBlockBackbone], keras.Model],
    folder: Path,
) -> keras.Model:
    """A trained task once more, in float32, as it is to be saved: with LoRA merged.

    Args:
        model: The trained task.
        encoder: The backbone inside it.
        build: From a backbone in float32 to the same task.
        folder: Where the backbone may be saved on the way.
    """
    encoder.save_to_preset(str(folder))
    merged = krp.ResBlockBackbone.from_preset(str(folder), dtype="float32")
    copy = build(merged)
    pairs = zip(_without(model, encoder), _without(copy, merged), strict=True)
    for trained, fresh in pairs:
        fresh.assign(keras.ops.convert_to_numpy(trained))
    return copy


def data_record(splits: dict, class_names: list[str]) -> dict:
    """What the record says of the data: classes, images used and images left out."""
    record = {"class_names": ", ".join(class_names)}
    for split, images in splits.items():
        record[f"{split}_images"] = images.images.count
        for fault, count in images.skipped.items():
            record[f"{split}_rows_left_out,_with_{fault}".replace(" ", "_")] = count
    return record


def sample_rows(count: int, samples: int) -> np.ndarray:
    """The rows to show, spread evenly over all, so that nobody chose them."""
    return np.unique(np.linspace(0, count - 1, samples).astype(int))


def _without(model: keras.Model, encoder: keras.Model) -> list[keras.Variable]:
    inner = {id(weight) for weight in encoder.weights}
    return [weight for weight in model.weights if id(weight) not in inner]
