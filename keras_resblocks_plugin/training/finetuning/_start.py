"""The start of a run: its folder, its backbone and the weights that learn."""

from typing import Any

import keras

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import _runs
from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig


def claim_folder(config: FinetuneConfig, data: dict[str, Any]) -> None:
    """Records what the run depends on in its folder, so that no other run continues in it.

    Args:
        config: The arguments of the run.
        data: By split, the settings that identify its images and labels.

    Raises:
        ValueError: If the folder has a run with other settings.
    """
    start = _runs.start_settings(config.preset, weights=not config.from_scratch)
    _runs.claim(config.out, {**config.settings(), "start": start, "data": data})


def load_backbone(config: FinetuneConfig, **kwargs: Any) -> krp.ResBlockBackbone:
    """Loads the preset's backbone: pretrained with frozen statistics, or with random weights."""
    return krp.ResBlockBackbone.from_preset(
        config.preset,
        load_weights=not config.from_scratch,
        freeze_batch_norm=not (config.from_scratch or config.update_batch_norm),
        dtype=config.dtype,
        **kwargs,
    )


def freeze(task: keras.Model, config: FinetuneConfig) -> None:
    """Freezes weights by the strategy, in place. From scratch, every weight learns."""
    if not config.from_scratch:
        krp.freeze(
            task,
            config.strategy,
            rank=config.rank,
            freeze_batch_norm=not config.update_batch_norm,
        )
