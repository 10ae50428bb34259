"""The networks of timm that this package can build: names, timm's arguments and this package's."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert._timm_classes import BIT, REGNET, RESNET, RESNET_V2, TimmClass
from keras_resblocks_plugin.convert._timm_names import (
    BASIC,
    BLOCKS,
    REGNETS,
    RESNETS,
    RESNETS_V2,
)


class Network(NamedTuple):
    """A network of timm.

    Args:
        timm_class: timm's class, which says what its arguments stand for.
        arguments: The arguments of that class that the network's name stands for.
    """

    timm_class: TimmClass
    arguments: Mapping[str, Any]

    def backbone(self, **changes: Any) -> dict[str, Any]:
        """Returns the arguments of the `ResBlockBackbone`.

        Args:
            **changes: timm's arguments other than those that the name stands for.

        Raises:
            ValueError: If no `ResBlockBackbone` is equal to the changed network.
        """
        return self.timm_class.backbone(**{**self.arguments, **changes})

    def sizes(self, backbone: Mapping[str, Any]) -> dict[str, list[int]]:
        """Returns timm's arguments that give the network the sizes of a backbone.

        Args:
            backbone: The arguments of the backbone.
        """
        # timm's v2 counts the channels at a block's output, before it multiplies them.
        times = 1 if self.timm_class is RESNET or self.arguments.get("basic") else 4
        factor = self.arguments.get("width_factor", 1)
        channels = [filters * times // factor for filters in backbone["stackwise_num_filters"]]
        return {"channels": channels, "layers": list(backbone["stackwise_num_blocks"])}


# The letter behind the number of a name → the stem and the shortcuts.
_STEMS = {
    None: {},
    "c": {"stem_type": "deep", "stem_width": 32},
    "s": {"stem_type": "deep", "stem_width": 64},
    "d": {"stem_type": "deep", "stem_width": 32, "avg_down": True},
    "t": {"stem_type": "deep_tiered", "stem_width": 32, "avg_down": True},
}
# The letters between "resnet" and the number.
_KINDS = {
    None: {},
    "aa": {"aa_layer": "avg"},
    "blur": {"aa_layer": "blur"},
    "rs": {**_STEMS["d"], "replace_stem_pool": True, "attn_layer": "se", "rd_ratio": 0.25},
}
_RESNET_NAME = re.compile(
    r"(?P<attention>se|eca)?(?:wide_)?resne(?:t|xt)(?P<kind>aa|blur|rs)?(?P<depth>\d+)"
    r"(?P<stem>[cdst])?"
    r"(?:_(?P<groups>\d+)x(?P<width>\d+)d|_(?P<times>2)|_(?P<group_norm>gn))?"
).fullmatch
_RESNET_V2_NAME = re.compile(
    r"resnetv2_(?P<depth>\d+)(?P<stem>[dt])?(?:_(?P<group_norm>gn)|x(?P<times>\d)_(?P<bit>bit))?"
).fullmatch


def _resnet(name: str) -> Network:
    parts = _RESNET_NAME(name).groupdict()
    depth = int(parts["depth"])
    arguments = {
        "block": "basic" if depth in BASIC else "bottleneck",
        "layers": BLOCKS[depth],
        "attn_layer": parts["attention"],
        **_KINDS[parts["kind"]],
        **_STEMS[parts["stem"]],
    }
    if parts["groups"]:
        arguments |= {"cardinality": int(parts["groups"]), "base_width": int(parts["width"])}
    if parts["times"]:
        arguments["base_width"] = 64 * int(parts["times"])
    if parts["group_norm"]:
        arguments["norm_layer"] = "groupnorm"
    if depth == 201:
        arguments["stem_width"] = 64
    return Network(RESNET, arguments)


def _resnet_v2(name: str) -> Network:
    parts = _RESNET_V2_NAME(name).groupdict()
    depth = int(parts["depth"])
    arguments = {"layers": BLOCKS[depth], **_STEMS[parts["stem"]]}
    # The width of its stem does not depend on its form.
    arguments.pop("stem_width", None)
    if depth in BASIC:
        arguments |= {"basic": True, "channels": (64, 128, 256, 512)}
    if parts["bit"]:
        return Network(BIT, {**arguments, "width_factor": int(parts["times"])})
    if parts["group_norm"]:
        arguments["norm_layer"] = "groupnorm"
    return Network(RESNET_V2, arguments)


def _regnet(name: str) -> Network:
    arguments = dict(zip(("depth", "w0", "wa", "wm", "group_size"), REGNETS[name], strict=True))
    if name.startswith("regnety"):
        arguments["se_ratio"] = 0.25
    if name.endswith("_tv"):
        arguments["group_min_ratio"] = 0.9
    return Network(REGNET, arguments)


NETWORKS = {
    **{name: _resnet(name) for name in RESNETS},
    # A depth and a combination of stem and shortcut that no other name has.
    "ecaresnetlight": Network(
        RESNET,
        {"block": "bottleneck", "layers": (1, 1, 11, 3), "avg_down": True, "attn_layer": "eca"},
    ),
    **{name: _resnet_v2(name) for name in RESNETS_V2},
    **{name: _regnet(name) for name in REGNETS},
}
KNOWN_NAMES = (
    "timm's resnet, resnetaa, resnetblur, resnetrs, resnext, wide_resnet, seresnet, seresnext, "
    "ecaresnet, resnetv2, resnetv2_…_bit, regnetx and regnety"
)
