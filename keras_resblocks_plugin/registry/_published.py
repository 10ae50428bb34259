"""The published weights that load by their handle, as `scripts/docs/published.py` listed them."""

import copy
import functools
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._json import read_json

FILE = Path(__file__).with_name("published.json")


def published_presets() -> dict[str, dict[str, Any]]:
    """Returns the published weights by their handle; see `list_presets`."""
    return {
        handle: {
            "source": "timm",
            "handle": handle,
            **entry,
            "image_size": tuple(entry["image_size"]),
        }
        for handle, entry in copy.deepcopy(_table()).items()
    }


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    return read_json(FILE)["presets"]
