"""ResNets for images of 32×32 pixels: ResNet-20 to 110, and wider ones with projections."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_resblocks_plugin.blocks._block_type import resolve_block_type
from keras_resblocks_plugin.convert._family import Family
from keras_resblocks_plugin.convert._layouts import CIFAR, CIFAR_STAGES, Layout
from keras_resblocks_plugin.convert._transfer import LoadedTensor, Tensor

ZERO_CHANNELS = ("split", "appended")


def cifar_family(tensors: Mapping[str, Tensor]) -> Family:
    """Returns the family of these weights.

    Their head is named `fc` or `linear`, and their projections `downsample` or `shortcut`. Without
    projections, the shortcuts add zero channels (option A).
    """
    if "conv_1_3x3.weight" in tensors:
        layout, stem, projection = CIFAR_STAGES, "conv_1_3x3", "stage_2.0.downsample.conv.weight"
    else:
        head = "fc" if "fc.weight" in tensors else "linear"
        start = "shortcut" if "layer2.0.shortcut.0.weight" in tensors else "downsample"
        layout = CIFAR._replace(
            layers={**CIFAR.layers, "predictions": head},
            inside={
                **CIFAR.inside,
                "shortcut_conv": f"{start}.0",
                "shortcut_norm": f"{start}.1",
            },
        )
        stem, projection = "conv1", f"layer2.0.{start}.0.weight"
    return Family(
        layout,
        stem=(stem,),
        shortcut=None if projection in tensors else "pad",
        stem_strides=1,
        input_pooling=None,
    )


def split_zero_channels(
    tensors: Mapping[str, Tensor],
    arguments: Mapping[str, Any],
    layout: Layout,
    zero_channels: str | None,
    source: str,
) -> Mapping[str, Tensor]:
    """Returns the weights of a network whose shortcuts add zeros half before and half after.

    A network that appends them all is equal to one that splits them, but for the order of the
    channels in each stack.

    Args:
        tensors: The weights.
        arguments: The arguments of the backbone.
        layout: The names of the weights.
        zero_channels: `"split"`, `"appended"`, or `None` for what is usual with these names.
        source: The source, for the warning.

    Raises:
        ValueError: If `zero_channels` is invalid, or if no shortcut adds zeros.
    """
    adds_zeros = (arguments["block_kwargs"] or {}).get("shortcut") == "pad"
    if zero_channels not in ((None, *ZERO_CHANNELS) if adds_zeros else (None,)):
        rule = 'be "split" or "appended"' if adds_zeros else "not be passed: no shortcut adds zeros"
        raise ValueError(f"`zero_channels` must {rule}. Received: zero_channels={zero_channels!r}")
    if not adds_zeros:
        return tensors
    if zero_channels is None:
        zero_channels = "appended" if layout is CIFAR_STAGES else "split"
        warnings.warn(
            f"The weights of `{source}` do not show where the shortcuts add zero channels. "
            f"Assuming `zero_channels={zero_channels!r}`, as is usual with such names. Pass it "
            f"to confirm, or {' or '.join(repr(z) for z in ZERO_CHANNELS if z != zero_channels)}.",
            stacklevel=2,
        )
    return tensors if zero_channels == "split" else _reordered(tensors, arguments, layout)


def _reordered(
    tensors: Mapping[str, Tensor], arguments: Mapping[str, Any], layout: Layout
) -> Mapping[str, Tensor]:
    tensors = dict(tensors)
    _, block_cls = resolve_block_type(arguments["block_type"])
    last = 3 if block_cls.expansion > 1 else 2

    def reorder(path: str, axis: int, order: np.ndarray) -> None:
        tensor = tensors.get(layout.name(path))
        # What is missing or misshaped is reported with all other differences.
        if tensor is not None and tuple(tensor.shape)[axis : axis + 1] == (len(order),):
            tensors[layout.name(path)] = LoadedTensor(tensor.read().take(order, axis))

    order = np.arange(arguments["input_conv_filters"][-1])
    for stack, (filters, num_blocks) in enumerate(
        zip(arguments["stackwise_num_filters"], arguments["stackwise_num_blocks"], strict=True)
    ):
        inputs = order
        zeros = np.arange(len(inputs), filters * block_cls.expansion)
        order = np.concatenate([zeros[: len(zeros) // 2], inputs, zeros[len(zeros) // 2 :]])
        for block in range(num_blocks):
            start = f"stack{stack}_block{block}"
            reorder(f"{start}/conv1/kernel", 1, order if block else inputs)
            reorder(f"{start}/conv{last}/kernel", 0, order)
            for weight in ("gamma", "beta", "moving_mean", "moving_variance"):
                reorder(f"{start}/norm{last}/{weight}", 0, order)
    reorder("predictions/kernel", 1, order)
    return tensors
