"""The functions that read what is not a preset of this package, for errors of `from_preset`."""

import re
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._kerashub import builtin_preset_names
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE

_OF_TORCH = frozenset(".bin .ckpt .pt .pth .safetensors .tar".split())
_OF_KERAS_2 = frozenset((".h5", ".hdf5"))


def which_function_reads(folder: Path, config: dict[str, Any]) -> str | None:
    """Describes a folder, with the function that reads it; `None` if nothing is known of it.

    Args:
        folder: The folder.
        config: The content of its `config.json`; empty without one.
    """
    if "model_type" in config or "architectures" in config:
        return (
            "a model of the library `transformers`, which this package does not read. Many of its "
            "ResNets are timm's: load those from `hf://timm/...`."
        )
    if config:
        return None
    if (folder / ADAPTER_FILE).is_file():
        return "an adapter. Load its base preset, and then call `load_lora_weights()` with it."
    hints = map(which_function_reads_file, sorted(folder.iterdir()))
    return next(
        (f"a folder of weights without a `config.json`; one is {hint}" for hint in hints if hint),
        None,
    )


def which_function_reads_file(file: Path) -> str | None:
    """Describes a file by its name, with the function that reads it; `None` if it is unknown."""
    suffix = file.suffix.lower()
    if suffix in _OF_TORCH:
        return f"a weights file. Convert it with `krp.convert.from_timm({str(file)!r})`."
    if suffix in _OF_KERAS_2:
        return (
            "a Keras weights file. If it is a ResNet of `keras.applications`, convert it with "
            f"`krp.convert.from_keras_applications({str(file)!r})`."
        )
    if suffix == ".keras":
        return f"a saved Keras model. Load it with `keras.saving.load_model({str(file)!r})`."
    return None


def which_function_loads_name(name: str) -> str | None:
    """Describes a name that is neither a preset nor a path; `None` if it is unknown."""
    if name in builtin_preset_names():
        return (
            f"a preset of KerasHub. Load it with `keras_hub.models.Backbone.from_preset({name!r})` "
            "or its task; a ResNet can then be converted with `krp.convert.from_keras_hub()`."
        )
    if re.fullmatch(r"[\w.-]+/[\w.-]+(@\S+)?", name) and not which_function_reads_file(Path(name)):
        return f"no folder. If it is a repository on the Hub, load `hf://{name}`."
    return None
