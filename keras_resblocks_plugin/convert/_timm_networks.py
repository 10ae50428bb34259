"""The networks of timm and torchvision that this package can build, by timm's names."""

from typing import NamedTuple

from keras_resblocks_plugin.convert._family import Family
from keras_resblocks_plugin.convert._layouts import RESNET, RESNET_D, RESNET_V2

# Torchvision's networks are of this family too.
RESNET_FAMILY = Family(RESNET, stem=("conv1",))
RESNET_D_FAMILY = Family(RESNET_D, stem=("conv1.0", "conv1.3", "conv1.6"), shortcut="avg_pool")
RESNET_V2_FAMILY = Family(
    RESNET_V2,
    stem=("stem.conv",),
    shortcut="projection",
    block_types=("preact_bottleneck", "preact_bottleneck"),
)


class Network(NamedTuple):
    """A network of timm.

    Args:
        family: Its family.
        block_type: The `block_type` of the backbone that computes the same.
        blocks: The number of blocks in each stack.
    """

    family: Family
    block_type: str
    blocks: tuple[int, ...]


# The first network of each family and block type also stands for other depths.
NETWORKS = {
    "resnet18": Network(RESNET_FAMILY, "bn", (2, 2, 2, 2)),
    "resnet34": Network(RESNET_FAMILY, "bn", (3, 4, 6, 3)),
    "resnet50": Network(RESNET_FAMILY, "bottleneck", (3, 4, 6, 3)),
    "resnet101": Network(RESNET_FAMILY, "bottleneck", (3, 4, 23, 3)),
    "resnet152": Network(RESNET_FAMILY, "bottleneck", (3, 8, 36, 3)),
    "resnet50d": Network(RESNET_D_FAMILY, "bottleneck", (3, 4, 6, 3)),
    "resnetv2_50": Network(RESNET_V2_FAMILY, "preact_bottleneck", (3, 4, 6, 3)),
}
KNOWN_NAMES = ", ".join(NETWORKS)
