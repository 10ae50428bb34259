"""The folder of a training run: its files, and the settings that it belongs to."""

import json
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.saving._locate import locate
from keras_resblocks_plugin.training import _distribution, _provenance

HISTORY = "history.jsonl"
BACKUP = "backup"
CHECKPOINTS = "checkpoints"
_RECORD = "settings.json"
# The files of a preset that define its network, and those with its weights.
_ARCHITECTURE = ("config.json", "image_converter.json", "preprocessor.json")
_WEIGHTS = ("model.safetensors", "model.weights.h5", "task.json", "task.weights.h5")


def claim(folder: Path, settings: dict[str, Any]) -> None:
    """Records the settings in the run's folder, in which a run with others cannot resume.

    Of several processes only the first writes, and each compares its settings with the first's.

    Args:
        folder: The folder of the run.
        settings: Everything that the result depends on.

    Raises:
        ValueError: In all processes, if the folder has a run with other settings, or if the
            processes of a run have different ones.
    """
    # The numbers of processes and devices do not matter.
    settings = {**settings, "backend": keras.config.backend()}
    error = ""
    if _distribution.is_first():
        way_out = "Give the same ones to continue it, give another `out`, or remove the folder."
        try:
            _provenance.claim(folder / _RECORD, settings, _is_used(folder), way_out)
        except ValueError as problem:
            error = str(problem)
    error = _distribution.text_from_first(error)
    if error:
        raise ValueError(error)
    first = json.loads(_distribution.text_from_first(to_json(settings)))
    # Each host may have its own copy of the data.
    changed = _provenance.differences(_portable(first), _portable(settings))
    if int(_distribution.total(len(changed))):
        raise ValueError(
            "All processes of a run must have the same settings. "
            f"Received: {'; '.join(changed) or 'others in another process'}"
        )


def start_settings(preset: str | Path, weights: bool = True) -> dict[str, str]:
    """Returns the name of a preset that a run starts from, and digests of its files.

    Args:
        preset: A name, a folder, or `"hf://user/name"`.
        weights: Whether to include its weights.
    """
    folder = Path(locate(preset, ResBlockBackbone.presets))
    settings = {
        "name": folder.name if Path(preset).is_dir() else str(preset),
        "architecture": _provenance.digest(folder, _ARCHITECTURE),
    }
    if weights:
        settings["weights"] = weights_digest(folder)
    return settings


def weights_digest(folder: Path) -> str:
    """Returns a digest of the weights in a preset folder."""
    return _provenance.digest(folder, _WEIGHTS)


def _is_used(folder: Path) -> bool:
    return (folder / HISTORY).exists() or any((folder / BACKUP).glob("latest*"))


def _portable(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _portable(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name != "fingerprint"
    }
