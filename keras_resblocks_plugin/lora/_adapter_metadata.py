"""The metadata of an adapter's file: the backbone it is for, and the weights it was trained on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._utils._json import parse_json
from keras_resblocks_plugin._utils._safetensors import StoredFile
from keras_resblocks_plugin.lora._lora import base_weights

ADAPTER_FILE = "adapter.safetensors"
_FORMAT = "keras_resblocks_plugin adapter"
# What a backbone is called, what of it learns and how precisely it computes makes it no other
# architecture. (`build_config` has its LoRA.)
_NO_ARCHITECTURE = frozenset(
    "name trainable frozen freeze_batch_norm build_config dtype image_shape data_format".split()
)


def new_adapter_metadata(
    backbone: keras.Model, rank: int, alpha: float, class_names: Sequence[str] | None
) -> dict[str, str]:
    """What `read_adapter_metadata` reads."""
    return {
        "format": _FORMAT,
        "rank": str(rank),
        "alpha": str(alpha),
        "architecture": json.dumps(_architecture(backbone)),
        "base": base_digest(backbone),
        "class_names": json.dumps(list(class_names) if class_names else None),
    }


def read_adapter_metadata(file: Path, header: StoredFile) -> dict[str, Any]:
    """Reads the metadata of a file that `save_adapter` wrote.

    Args:
        file: Path of the file, for the error.
        header: Its header.

    Raises:
        ValueError: If `save_adapter` did not write it.
    """
    metadata = header.metadata
    try:
        rank, alpha = int(metadata["rank"]), float(metadata["alpha"])
        names = parse_json(metadata["class_names"].encode(), file, (list, type(None)))
        known = {
            "rank": rank,
            "alpha": alpha,
            "architecture": parse_json(metadata["architecture"].encode(), file),
            "base": metadata["base"],
            "class_names": names if names is None else [str(name) for name in names],
        }
        valid = metadata["format"] == _FORMAT and rank > 0 and np.isfinite(alpha)
    except (AttributeError, KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(
            f"`{file}` is not an adapter: save one with `save_lora_weights()` of this package. "
            f"Received: metadata={metadata!r:.200}"
        )
    return known


def check_architecture(theirs: dict, backbone: keras.Model, file: Path) -> None:
    """Checks that a backbone is what an adapter is for.

    Raises:
        ValueError: If it is not; all that differs is listed.
    """
    ours = _architecture(backbone)
    differing = [
        f"{name}={theirs.get(name)!r}, not {ours.get(name)!r}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]
    if differing:
        raise ValueError(
            f"`{file}` is for another architecture than this model has. Nothing was loaded. "
            f"It is for {'; '.join(differing)}"
        )


def base_digest(backbone: keras.Model) -> str:
    """Tells whether the weights that LoRA adds to are the same."""
    digest = hashlib.sha256()
    for weight in sorted(base_weights(backbone), key=lambda weight: weight.path):
        values = keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))
        digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()


def _architecture(backbone: keras.Model) -> dict[str, Any]:
    """The arguments of a backbone that an adapter depends on, as JSON has them."""
    config = {k: v for k, v in backbone.get_config().items() if k not in _NO_ARCHITECTURE}
    return json.loads(json.dumps(keras.saving.serialize_keras_object(config)))
