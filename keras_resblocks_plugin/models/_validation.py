"""Checks of the arguments of backbones and classifiers."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.blocks._attention import serialize_attention

# The arguments of a block that a backbone sets itself.
BACKBONES_OWN = frozenset({"filters", "strides", "data_format", "dtype", "name"})


def zip_lists(**lists: Sequence[int]) -> list[tuple[int, ...]]:
    """Checks the lists of a backbone, and returns their entries as one tuple for each index."""
    received = ", ".join(f"{name}={value!r}" for name, value in lists.items())
    checked = {name: [] for name in lists}
    for name, values in lists.items():
        if not isinstance(values, Sequence) or isinstance(values, str) or not len(values):
            raise ValueError(f"`{name}` must be a list of integers. Received: {received}")
        for value in values:
            value = check_positive_int(f"{name} entries", value, name.endswith("kernel_sizes"))
            checked[name].append(value)
            if name.endswith("strides") and value.bit_count() != 1:
                raise ValueError(
                    f"`{name}` must hold powers of two, by which the pyramid levels are "
                    f"named. Received: {received}"
                )
    if len({len(values) for values in lists.values()}) > 1:
        names = ", ".join(f"`{name}`" for name in lists)
        raise ValueError(f"{names} must have the same length. Received: {received}")
    return list(zip(*checked.values(), strict=True))


def check_block_kwargs(block_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns a copy of the `block_kwargs` of a backbone if they are valid."""
    if not isinstance(block_kwargs, Mapping | None):
        raise ValueError(
            "`block_kwargs` must be a dict of arguments for the blocks. "
            f"Received: block_kwargs={block_kwargs!r}"
        )
    block_kwargs = dict(block_kwargs or {})
    own = BACKBONES_OWN & block_kwargs.keys()
    if own:
        raise ValueError(
            "`block_kwargs` must leave to the backbone what it sets itself: "
            f"{', '.join(sorted(own))}. Received: block_kwargs={block_kwargs}"
        )
    if isinstance(block_kwargs.get("attention"), keras.Layer):
        # Each block creates a layer of its own.
        block_kwargs["attention"] = serialize_attention(block_kwargs["attention"])
    return block_kwargs


def check_image_shape(image_shape: Sequence[int | None], data_format: str) -> tuple:
    """Returns the `image_shape` of a backbone in the order of `data_format`."""
    shape = tuple(image_shape) if isinstance(image_shape, Sequence) else ()
    if data_format == "channels_first" and shape == (None, None, 3):
        shape = (3, None, None)
    channels = shape[-1 if data_format == "channels_last" else 0] if shape else None
    sizes_are_ints = all(isinstance(size, int | None) for size in shape)
    if len(shape) != 3 or not channels or not sizes_are_ints:
        order = "(height, width, channels)"
        if data_format == "channels_first":
            order = "(channels, height, width)"
        raise ValueError(
            f"`image_shape` must be {order} of integers, the channels known, since "
            f"`data_format` is {data_format!r}. Received: image_shape={image_shape!r}"
        )
    return shape


def check_image_batch(images: Any, image_shape: Sequence[int | None]) -> None:
    """Checks that `images`, the inputs of a model, are a batch of images of this shape."""
    fits = len(images.shape) == 4 and all(
        None in (size, expected) or size == expected
        for size, expected in zip(images.shape[1:], image_shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"`inputs` must be a batch of images of shape {tuple(image_shape)}; `image[None]` "
            f"makes a batch of one. Received: shape={tuple(images.shape)}"
        )


def check_num_classes(num_classes: int | None, class_names: Sequence[str] | None) -> int:
    """Returns the number of classes of a head, which `class_names` must agree with."""
    if class_names is None and num_classes is None:
        raise ValueError("`num_classes` or `class_names` must be given. Received: num_classes=None")
    if class_names is not None and num_classes not in (None, len(class_names)):
        raise ValueError(
            "`class_names` must have `num_classes` entries, or leave `num_classes` out. "
            f"Received: num_classes={num_classes}, {len(class_names)} class_names"
        )
    return num_classes if class_names is None else len(class_names)
