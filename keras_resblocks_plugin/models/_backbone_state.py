"""The frozen weights and the LoRA of a backbone in its config."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_resblocks_plugin._utils._kerashub import FeaturePyramidBackbone
from keras_resblocks_plugin._utils._precision import saved_policy
from keras_resblocks_plugin.layers._freezing import Thawable, frozen_paths, learns, set_frozen
from keras_resblocks_plugin.lora._config import lora_settings, restore_lora

# KerasHub removes this key from presets at any depth, which is right: saving a preset merges
# LoRA into the kernels. `.keras` files and clones have it.
NOT_IN_PRESETS = "build_config"


class StatefulBackbone(Thawable, FeaturePyramidBackbone):
    """A backbone whose config lists its frozen weights."""

    def restore_frozen(self, trainable: bool, frozen: Sequence[str] | None) -> None:
        """Freezes weights as the constructor's arguments `trainable` and `frozen` say."""
        if frozen:
            set_frozen(self, frozen)
        if not trainable:
            self.trainable = False
        self._frozen_by_config = bool(frozen) or not trainable

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "StatefulBackbone":
        config = dict(config)
        state = config.pop(NOT_IN_PRESETS, {})
        backbone = super().from_config(config)
        if state:
            restore_lora(backbone, state["lora"])
            backbone.restore_frozen(state["trainable"], state["frozen"])
        return backbone

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"dtype": saved_policy(self)}
        # If some weights learn, the paths list the others.
        state = {"trainable": self.trainable or learns(self), "frozen": frozen_paths(self)}
        lora = lora_settings(self)
        if lora:
            return {**config, "trainable": True, NOT_IN_PRESETS: {**state, "lora": lora}}
        return {**config, **{name: value for name, value in state.items() if value != []}}


def thawing(load_weights: bool, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `from_preset()`, with those that thawing a frozen preset also needs."""
    kwargs = dict(kwargs)
    if not load_weights:
        # Frozen random weights are useless.
        kwargs.setdefault("frozen", None)
    if "frozen" in kwargs and not kwargs["frozen"]:
        kwargs.setdefault("trainable", True)
    elif kwargs.get("trainable"):
        kwargs.setdefault("frozen", None)
    return kwargs
