"""The metadata of an adapter: the backbone it is for, and the weights it was trained on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import keras
import numpy as np

from keras_resblocks_plugin._utils._json import parse_json
from keras_resblocks_plugin._utils._safetensors import StoredFile
from keras_resblocks_plugin.lora._layers import base_weights

ADAPTER_FILE = "adapter.safetensors"
_FORMAT = "keras_resblocks_plugin adapter"
# The name of a backbone, its frozen weights and its precision do not make it another
# architecture. (`build_config` has its LoRA.)
_NO_ARCHITECTURE = frozenset(
    "name trainable frozen freeze_batch_norm build_config dtype image_shape data_format".split()
)


class AdapterMetadata(TypedDict):
    """The metadata of an adapter, parsed."""

    rank: int
    alpha: float
    architecture: dict[str, Any]
    base: str
    class_names: list[str] | None


def new_adapter_metadata(
    backbone: keras.Model, rank: int, alpha: float, class_names: Sequence[str] | None
) -> dict[str, str]:
    """Returns the metadata of a new adapter, as safetensors files hold it."""
    return {
        "format": _FORMAT,
        "rank": str(rank),
        "alpha": str(alpha),
        "architecture": json.dumps(_architecture(backbone)),
        "base": base_digest(backbone),
        "class_names": json.dumps(list(class_names) if class_names else None),
    }


def read_adapter_metadata(file: Path, header: StoredFile) -> AdapterMetadata:
    """Reads the metadata of an adapter.

    Args:
        file: Path of the file, for the error.
        header: The header of the file.

    Raises:
        ValueError: If the file is not an adapter of this package.
    """
    metadata = header.metadata
    try:
        rank, alpha = int(metadata["rank"]), float(metadata["alpha"])
        names = parse_json(metadata["class_names"].encode(), file, (list, type(None)))
        known = AdapterMetadata(
            rank=rank,
            alpha=alpha,
            architecture=parse_json(metadata["architecture"].encode(), file),
            base=metadata["base"],
            class_names=names if names is None else [str(name) for name in names],
        )
        valid = metadata["format"] == _FORMAT and rank > 0 and np.isfinite(alpha)
    except (AttributeError, KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(
            f"`{file}` is not an adapter: save one with `save_lora_weights()` of this package. "
            f"Received: metadata={metadata!r:.200}"
        )
    return known


def check_architecture(theirs: dict[str, Any], backbone: keras.Model, file: Path) -> None:
    """Checks that a backbone has the architecture that an adapter is for.

    Raises:
        ValueError: If it has another; the error lists all arguments that differ.
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
    """Computes a digest of the weights that LoRA is added to, by which to compare them."""
    digest = hashlib.sha256()
    for weight in sorted(base_weights(backbone), key=lambda weight: weight.path):
        values = keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))
        digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()


def _architecture(backbone: keras.Model) -> dict[str, Any]:
    """Returns the arguments of a backbone that an adapter depends on, as JSON has them."""
    config = {k: v for k, v in backbone.get_config().items() if k not in _NO_ARCHITECTURE}
    return json.loads(json.dumps(keras.saving.serialize_keras_object(config)))
