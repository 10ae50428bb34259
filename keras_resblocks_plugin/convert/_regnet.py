"""The widths and depths of RegNet, by the parameters of its design space.

The space is that of [Radosavovic et al., 2020](https://arxiv.org/abs/2003.13678). The numbers are
computed as timm computes them.
"""

import math

import numpy as np


def regnet_stages(
    depth: int, w0: int, wa: float, wm: float, group_size: int, group_min_ratio: float = 0.0
) -> tuple[list[int], list[int]]:
    """Returns the width and the number of blocks of each stage.

    Args:
        depth: The number of all blocks.
        w0: The initial width.
        wa: The slope of the widths.
        wm: The factor between the widths of two stages.
        group_size: The channels of a group, of which each width is a multiple.
        group_min_ratio: Not zero if the widths are rounded as torchvision does.
    """
    # In float32, as timm: a width may be at the edge between two multiples.
    linear = np.arange(depth, dtype="float32") * np.float32(wa) + np.float32(w0)
    exponents = np.round(np.log(linear / np.float32(w0)) / np.float32(math.log(wm)))
    widths = np.round(w0 * np.power(np.float32(wm), exponents) / 8) * 8
    widths, depths = np.unique(widths.astype(int), return_counts=True)
    rounded = _torchvision_multiple if group_min_ratio else _nearest_multiple
    # A stage that is narrower than a group is one group.
    return [rounded(width, min(group_size, width)) for width in widths.tolist()], depths.tolist()


def _nearest_multiple(width: int, divisor: int) -> int:
    return round(width / divisor) * divisor


def _torchvision_multiple(width: int, divisor: int) -> int:
    rounded = max(1, int(width + divisor / 2) // divisor * divisor)
    # No width shrinks by more than a tenth.
    return rounded + divisor if rounded < 0.9 * width else rounded
