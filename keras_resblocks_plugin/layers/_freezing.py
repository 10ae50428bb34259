"""Freezing of weights at any depth of a layer, and its place in configs."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras

from keras_resblocks_plugin._utils._kerashub import (
    flatten_layers,
    learnable_weights,
    set_trainable,
    set_trainable_flag,
)
from keras_resblocks_plugin.lora._config import lora_settings, restore_lora


def frozen_paths(layer: keras.Layer) -> list[str]:
    """Returns the sorted paths of the frozen weights in a layer.

    They include the moving statistics of each batch norm whose own `trainable` is `False`.
    """
    return sorted(path for path, learns in _learning(layer) if not learns)


def set_frozen(layer: keras.Layer, paths: Collection[str]) -> None:
    """Freezes exactly the weights at `paths`, which `frozen_paths` then returns.

    The flag `trainable` of a layer inside becomes `False` where all weights below it are frozen.

    Args:
        layer: A built layer.
        paths: The paths of weights and of the moving statistics of batch norms.

    Raises:
        ValueError: If the layer has no such weights.
    """
    known = {path for path, _ in _learning(layer)}
    for path in sorted(set(paths) - known):
        close = difflib.get_close_matches(path, known, n=1)
        raise ValueError(
            "`frozen` must hold paths of weights that can learn. Received: "
            f"{path!r}" + (f". Did you mean {close[0]!r}?" if close else f" in `{layer.name}`")
        )
    # Inner layers first, since the flag of a layer depends on them.
    for inner in reversed((layer, *flatten_layers(layer))):
        learnable, statistics = learnable_weights(inner), _statistics(inner)
        for weight in learnable:
            weight.trainable = weight.path not in paths
        if statistics:
            set_trainable_flag(inner, not {x.path for x in statistics} <= set(paths))
        elif below := dict(_learning(inner)):
            set_trainable_flag(inner, any(below.values()))


def learns(layer: keras.Layer) -> bool:
    """Returns whether any weight in a layer learns, whatever the layer's own flag says."""
    return any(w.trainable for x in (layer, *flatten_layers(layer)) for w in learnable_weights(x))


def _learning(layer: keras.Layer) -> Iterator[tuple[str, bool]]:
    for inner in (layer, *flatten_layers(layer)):
        yield from ((weight.path, weight.trainable) for weight in learnable_weights(inner))
        yield from ((weight.path, inner.trainable) for weight in _statistics(inner))


def _statistics(layer: keras.Layer) -> list[keras.Variable]:
    if not isinstance(layer, keras.layers.BatchNormalization):
        return []
    # They are `None` before it is built.
    return [x for x in (layer.moving_mean, layer.moving_variance) if x is not None]


def frozen_statistics(layer: keras.Layer) -> list[str]:
    """Returns the sorted paths of the batch norms in a layer that have `freeze_statistics`."""
    norms = [x for x in flatten_layers(layer) if getattr(x, "freeze_statistics", False)]
    return sorted(norm.path for norm in norms)


class Thawable:
    """Mixed into layers: setting `trainable` sets it for every weight inside, on all backends."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "trainable":
            set_trainable(self, bool(value))
        else:
            super().__setattr__(name, value)


# The keys of a config, present only where they say something. Paths are relative to the layer.
_STATE = ("freeze_batch_norm", "frozen", "lora")


class Freezable(Thawable):
    """Mixed into composite layers: configs hold the frozen weights inside, and LoRA.

    A config of Keras holds only the layer's own flag, so that `.keras` files and clones lose what
    was set on the layers and weights inside.
    """

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Freezable":
        config = dict(config)
        state = {name: config.pop(name) for name in _STATE if name in config}
        layer = super().from_config(config)
        layer._state_to_build = state
        return layer

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        super().build_from_config(config)
        # Early files have one answer here for all norms of a block.
        if config.get("freeze_batch_norm"):
            for norm in flatten_layers(self):
                if hasattr(norm, "freeze_statistics"):
                    norm.freeze_statistics = True

    def restore_state(self) -> None:
        """Freezes the weights that the config lists; to be called at the end of `build()`."""
        state = getattr(self, "_state_to_build", {})
        for norm in flatten_layers(self):
            # Layers that are never built have no path.
            if (norm.path or "").removeprefix(f"{self.path}/") in state.get(
                "freeze_batch_norm", ()
            ):
                norm.freeze_statistics = True
        lora = state.get("lora", {})
        restore_lora(self, {f"{self.path}/{name}": entry for name, entry in lora.items()})
        if not self.trainable:
            # For the layers that `build()` created.
            self.trainable = False
        elif "frozen" in state:
            set_frozen(self, {f"{self.path}/{path}" for path in state["frozen"]})

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.built:
            return {**config, **getattr(self, "_state_to_build", {})}
        start = len(self.path) + 1
        if norms := [path[start:] for path in frozen_statistics(self)]:
            config["freeze_batch_norm"] = norms
        if lora := {path[start:]: entry for path, entry in lora_settings(self).items()}:
            config["lora"] = lora
        frozen = [path[start:] for path in frozen_paths(self)]
        config["trainable"] = self.trainable or learns(self)
        if frozen and config["trainable"]:
            config["frozen"] = frozen
        return config
